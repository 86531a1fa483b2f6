/** Looking at the world all the time: what the destinations hold, what nginx answers. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "../helpers/servers/index.ts";
import { type Content, FILES, type FileName, type History } from "./history.ts";
import { hashText } from "./state.ts";

const WATCH_MS = 3;
const PROBE_MS = 20;
const REQUEST_MS = 10_000;

export interface Served {
  readonly generation: string;
  readonly serial: number;
}

export interface Observer {
  seen(file: FileName): Content | undefined;
  served(): Served | undefined;
  readonly requests: number;
  stop(): Promise<void>;
}

export function observe(history: History, files: Readonly<Record<FileName, string>>, sitePort: number): Observer {
  const contents = new Map<FileName, Content | undefined>();
  let served: Served | undefined;
  let requests = 0;
  let isOver = false;
  /** Beside the history, each under its hash: for whoever has to find out what was wrong with one. */
  const kept = join(dirname(history.file), "contents");
  mkdirSync(kept);

  async function watch(): Promise<void> {
    for (; !isOver; await sleep(WATCH_MS)) {
      for (const file of FILES) {
        const content = readContent(files[file]);
        if (!contents.has(file) || contents.get(file)?.sha !== content?.sha) {
          contents.set(file, content);
          history.add({ kind: "seen", file, ...content });
          keepText(join(kept, content?.sha ?? "none"), files[file]);
        }
      }
    }
  }

  async function probe(path: string, look: (text: string) => void): Promise<void> {
    let hasAnswered = false;
    for (; !isOver; await sleep(PROBE_MS)) {
      try {
        const { status, text } = await http(`http://127.0.0.1:${sitePort}${path}`, { timeoutMs: REQUEST_MS });
        requests += 1;
        if (status !== 200) {
          throw new Error(`${path} answered ${status}`);
        }
        hasAnswered = true;
        look(text);
      } catch (error) {
        // Before the first installation nobody listens.
        if (hasAnswered) {
          history.add({ kind: "request-failed", why: error instanceof Error ? error.message : String(error) });
        }
      }
    }
  }

  function lookAtGeneration(text: string): void {
    const [generation = "", serial] = text.trim().split(" ");
    if (generation !== served?.generation || Number(serial) !== served.serial) {
      served = { generation, serial: Number(serial) };
      history.add({ kind: "served", ...served });
    }
  }

  const ended = Promise.all([watch(), probe("/-/generation", lookAtGeneration), probe("/", () => undefined)]);
  return {
    seen: (file) => contents.get(file),
    served: () => served,
    get requests() {
      return requests;
    },
    async stop() {
      isOver = true;
      await ended;
    },
  };
}

function keepText(keepAs: string, file: string): void {
  try {
    writeFileSync(keepAs, readFileSync(file));
  } catch {
    // It has been replaced or removed since: the next look sees what is there now.
  }
}

/** At once, so that the time that it is stamped with is after nothing but the read. */
export function readContent(path: string): Content | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined; // not there
  }
  const text = bytes.toString();
  const [served, generation = ""] = /return 200 "(\w+) \$serial/.exec(text) ?? [];
  const plain = hashText(served === undefined ? text : text.replace(served, () => 'return 200 "GENERATION $serial'));
  const serial = Number(/(?:default |# serial )(\d+)/.exec(text)?.[1] ?? 0);
  return { sha: hashText(bytes), plain, serial, generation };
}
