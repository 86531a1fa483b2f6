/** Changes as operations of transactions. Pure. */
import type { Owned, Put } from "../../../ports.ts";
import type { TxnOperation } from "../api/write-requests.ts";
import type { KvForm, Place } from "./form.ts";

/** Consul's limits for one transaction; the bytes are those of the request. */
const MAX_OPERATIONS = 64;
const MAX_BYTES = 400_000;

/** What one put or remove does, all of it or nothing. */
export interface Step {
  /** Its place among the results. */
  readonly index: number;
  readonly kind: "put" | "remove";
  readonly place: Place;
  /** The version that it takes to stand there; undefined: nothing may. */
  readonly expected: string | undefined;
  readonly operations: readonly TxnOperation[];
}

export function putStep(form: KvForm, owner: string, { instance, replaces }: Put, session: string): Omit<Step, "index"> {
  const keys = form.keysOf(instance);
  const values = form.valuesOf({ ...instance, owner });
  const guard: TxnOperation =
    replaces === undefined
      ? { Verb: "check-not-exists", Key: keys[0] }
      : { Verb: "check-index", Key: keys[0], Index: Number(replaces.revision) };
  const isSame = replaces !== undefined && !replaces.unleased && sameTexts(values, form.valuesOf(replaces.entry));
  const writes = keys.flatMap((Key, i): readonly TxnOperation[] => {
    const value = values[i];
    // A key that hangs on another session cannot be taken over, but deleted; in one transaction nobody sees it gone. The other keys must get
    // the first one's version, and a key that is written with the same value would keep its old one.
    const mustGo = value === undefined || replaces?.unleased === true || i > 0;
    const isThere = i > 0 || replaces !== undefined;
    return [
      ...(mustGo && isThere ? [{ Verb: "delete", Key } satisfies TxnOperation] : []),
      ...(value === undefined ? [] : [{ Verb: "lock", Key, Value: base64(value), Session: session } satisfies TxnOperation]),
    ];
  });
  return { kind: "put", place: instance, expected: replaces?.revision, operations: isSame ? [guard] : [guard, ...writes] };
}

/** Deleting what is not there is no failure for Consul, nor for us. */
export function removeStep(form: KvForm, { entry, revision }: Owned): Omit<Step, "index"> {
  const [first, ...others] = form.keysOf(entry);
  const operations: TxnOperation[] = [
    { Verb: "delete-cas", Key: first, Index: Number(revision) },
    ...others.map((Key): TxnOperation => ({ Verb: "delete", Key })),
  ];
  return { kind: "remove", place: entry, expected: revision, operations };
}

/** As many steps in one transaction as Consul takes; a step is never split. */
export function batchesOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const batches: Step[][] = [];
  let operations = 0;
  let bytes = 0;
  for (const step of steps) {
    const size = JSON.stringify(step.operations).length + step.operations.length * 10;
    const last = batches.at(-1);
    if (last === undefined || operations + step.operations.length > MAX_OPERATIONS || bytes + size > MAX_BYTES) {
      batches.push([step]);
      operations = step.operations.length;
      bytes = size;
    } else {
      last.push(step);
      operations += step.operations.length;
      bytes += size;
    }
  }
  return batches;
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

function sameTexts(a: readonly (string | undefined)[], b: readonly (string | undefined)[]): boolean {
  return a.every((text, i) => text === b[i]);
}
