/** Looking at the world all the time: what the destinations hold, what nginx answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "../helpers/servers/index.ts";
import type { Contents } from "./contents.ts";
import { type Content, FILES, type FileName, type History } from "./history.ts";

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

export interface ObserveOptions {
  readonly history: History;
  readonly contents: Contents;
  readonly files: Readonly<Record<FileName, string>>;
  readonly sitePort: number;
}

export function observe({ history, contents, files, sitePort }: ObserveOptions): Observer {
  const present = new Map<FileName, Content | undefined>();
  let served: Served | undefined;
  let requests = 0;
  let isOver = false;

  async function watch(): Promise<void> {
    for (; !isOver; await sleep(WATCH_MS)) {
      for (const file of FILES) {
        const content = contents.look(files[file]);
        if (!present.has(file) || present.get(file)?.sha !== content?.sha) {
          present.set(file, content);
          history.add({ kind: "seen", file, ...content });
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
    seen: (file) => present.get(file),
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
