/** Every write that etcd has seen below the services: what a snapshot at the end of a spell cannot tell. */
import { request } from "node:http";

export interface Writes {
  /** Of this owner's entries, deletions too. */
  readonly count: number;
  /** Entries that were written with the value that they had, on the lease that they had. */
  readonly needless: readonly string[];
}

interface Pair {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: string;
  readonly lease?: string;
}

interface Event {
  /** Absent: a put. */
  readonly type?: "DELETE";
  readonly kv: Pair;
  readonly prev_kv?: Pair;
}

const HISTORY_MS = 30_000;

/** The events of all keys from `key` up to `end`, from the first revision until a write of `last`. */
export async function readEvents(
  url: string,
  range: { readonly key: string; readonly end: string; readonly last: string },
): Promise<readonly Event[]> {
  const create = { key: encode(range.key), range_end: encode(range.end), start_revision: "1", prev_kv: true };
  const events: Event[] = [];
  await new Promise<void>((resolve, reject) => {
    const asking = request(
      `${url}/v3/watch`,
      { method: "POST", agent: false, signal: AbortSignal.timeout(HISTORY_MS) },
      (answer) => {
        let rest = "";
        answer.on("error", reject);
        answer.on("data", (chunk: Buffer) => {
          const lines = (rest + chunk.toString()).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            const { result } = JSON.parse(line) as { readonly result?: { readonly events?: readonly Event[] } };
            events.push(...(result?.events ?? []));
          }
          if (events.some(({ kv }) => kv.key === encode(range.last))) {
            asking.destroy();
            resolve();
          }
        });
      },
    );
    asking.on("error", reject);
    asking.end(JSON.stringify({ create_request: create }));
  });
  return events;
}

/** What of it `owner` wrote. */
export function judgeWrites(events: readonly Event[], owner: string): Writes {
  let count = 0;
  const needless: string[] = [];
  for (const { type, kv, prev_kv: before } of events) {
    const value = type === "DELETE" ? before?.value : kv.value;
    if (value === undefined || ownerIn(value) !== owner) {
      continue;
    }
    count += 1;
    if (type !== "DELETE" && before?.value === kv.value && before?.lease === kv.lease) {
      needless.push(Buffer.from(kv.key, "base64").toString());
    }
  }
  return { count, needless };
}

function ownerIn(value: string): unknown {
  const text = Buffer.from(value, "base64").toString();
  return text.startsWith("{") ? (JSON.parse(text) as { readonly owner?: unknown }).owner : undefined;
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}
