/** Changes the registry all the time, each change a whole state in one transaction, and goes on until the registry has taken it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Etcd } from "../helpers/servers/index.ts";
import type { History, News } from "./history.ts";
import type { Dice } from "./random.ts";
import { EMPTY, entriesOf, expectedHashes, hashText, keysOf, nextState, portsOf, type State, textsOf } from "./state.ts";

const RETRY_MS = 50;
const LEASE_S = 3600;

export interface Writer {
  readonly state: State;
  readonly writes: number;
  readonly sitePort: number;
  /** Writes a new state; `more` is what to say differently in it. */
  change(more?: Partial<State>): Promise<void>;
  /** Changes until the signal aborts. */
  churn(signal: AbortSignal, ms: readonly [number, number]): Promise<void>;
  /** Empties the registry by `wipe`, waits, and writes everything anew. Nothing else is written meanwhile. */
  wipe(wipe: () => Promise<void>, emptyMs: number): Promise<void>;
  /** Everything that is written hangs on it. */
  beat(): Promise<void>;
}

export interface WriterOptions {
  readonly etcd: Etcd;
  readonly history: History;
  readonly ports: readonly number[];
  readonly sitePort: number;
  readonly dice: Dice;
  /** Whether readers hold what vanishes. */
  readonly guard: boolean;
}

export function createWriter({ etcd, history, ports, sitePort, dice, guard }: WriterOptions): Writer {
  let state = EMPTY;
  let written: ReadonlyMap<string, string> = new Map();
  let lease: string | undefined;
  let last: Promise<void> = Promise.resolve();
  let writes = 0;
  let highest = 0;

  function inTurn(work: () => Promise<void>): Promise<void> {
    last = last.then(work);
    return last;
  }

  async function write(next: State): Promise<void> {
    const wanted = new Map([...entriesOf(next), ...keysOf(next)]);
    // It may be taken although the answer is lost: then it is seen before it is known, so the history has it from the start.
    history.add(newsOf(next));
    for (;;) {
      try {
        lease ??= String((await etcd.call("/v3/lease/grant", { TTL: LEASE_S }))["ID"]);
        await etcd.call("/v3/kv/txn", { success: requests(wanted, lease) });
        break;
      } catch (error) {
        lease = String(error).includes("lease not found") ? undefined : lease;
        await sleep(RETRY_MS);
      }
    }
    written = wanted;
    state = next;
    writes += 1;
    history.add({ ...newsOf(next), state: next });
  }

  function newsOf(next: State): Extract<News, { kind: "write" }> {
    return { kind: "write", serial: next.serial, expected: expectedHashes(next, sitePort), services: portsOf(next) };
  }

  function requests(wanted: ReadonlyMap<string, string>, id: string): readonly unknown[] {
    const puts = [...wanted].map(([key, value]) => ({
      request_put: { key: encode(key), value: encode(value), ...(key.startsWith("/fairlead/") && { lease: id }) },
    }));
    const gone = [...written.keys()].filter((key) => !wanted.has(key));
    return [...puts, ...gone.map((key) => ({ request_delete_range: { key: encode(key) } }))];
  }

  async function change(more: Partial<State> = {}): Promise<void> {
    await inTurn(() => {
      highest += 1;
      return write({ ...nextState(state, ports, dice), ...more, serial: highest });
    });
  }

  return {
    get state() {
      return state;
    },
    get writes() {
      return writes;
    },
    sitePort,
    change,
    async churn(signal, [low, high]) {
      while (!signal.aborted) {
        await change();
        await sleep(dice.between(low, high));
      }
    },
    async wipe(wipe, emptyMs) {
      await inTurn(async () => {
        history.add({ ...newsOf(EMPTY), held: hashText(textsOf({ ...EMPTY, web: state.web }, sitePort).site) });
        await wipe();
        written = new Map();
        lease = undefined;
        await sleep(emptyMs);
        highest += 1;
        const next = nextState(state, ports, dice);
        // What comes back otherwise than it went is held for some time longer.
        const isSame = guard && dice.next() < 0.5;
        await write({ ...next, ...(isSame && { web: state.web, api: state.api }), serial: highest });
      });
    },
    async beat() {
      await inTurn(async () => {
        if (lease !== undefined) {
          await etcd.call("/v3/lease/keepalive", { ID: lease });
        }
      });
    },
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}
