/** What happened in a fault run, one JSON object a line. Nothing in it is ever changed. */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { State } from "./state.ts";

/** The rendered files by short name. */
export const FILES = ["upstreams", "site"] as const;
export type FileName = (typeof FILES)[number];

/** Usable ports by service. */
export interface Services {
  readonly api: readonly number[];
  readonly web: readonly number[];
}

export type Event = { readonly at: number } & (
  | { readonly kind: "round-start"; readonly round: number; readonly faults: readonly string[] }
  /** The round's faults are over, and as much time has passed as the newest data needed, or was allowed. */
  | { readonly kind: "round-end"; readonly round: number; readonly faultsEndedAt: number }
  /**
   * The registry has taken a whole state; serial 0 is the empty one. `expected`: each file's text without its generation, hashed. `held`:
   * of the site, where instances are held that the registry lacks. `state`: present once it is known that the registry has taken it.
   */
  | {
      readonly kind: "write";
      readonly serial: number;
      readonly expected: Readonly<Record<FileName, string>>;
      readonly held?: string;
      readonly services?: Services;
      readonly state?: State;
    }
  /** A destination has another content than before. */
  | ({ readonly kind: "seen"; readonly file: FileName } & Partial<Content>)
  /** A person put this content there. */
  | { readonly kind: "edit"; readonly file: FileName; readonly sha?: string }
  /** The check's judgement of the tree that it saw; an empty hash: no such file. */
  | ({ readonly kind: "check"; readonly passed: boolean } & Readonly<Record<FileName, string>>)
  /** What nginx says, asked apart from everything about what has been seen; an empty hash: beside a file made by hand. */
  | ({ readonly kind: "judged"; readonly accepted: boolean } & Readonly<Record<FileName, string>>)
  /** `by`: the process that started it. With the hashes of the files that nginx is to read. */
  | ({ readonly kind: "reload-start"; readonly by: number } & Readonly<Record<FileName, string>>)
  | { readonly kind: "reload-end"; readonly by: number; readonly code: number }
  /** nginx answers with another generation than before. */
  | { readonly kind: "served"; readonly generation: string; readonly serial: number }
  | { readonly kind: "request-failed"; readonly why: string }
  /** As its log says: everything that an apply has to do is done. */
  | { readonly kind: "live"; readonly generation: string }
  | { readonly kind: "fault-start" | "fault-end"; readonly fault: string; readonly what?: string }
  | { readonly kind: "start"; readonly pid: number }
  /** `asked`: the run, or a hook that it told to, has killed it. */
  | { readonly kind: "death"; readonly pid: number; readonly asked: boolean; readonly why?: string }
);

export interface Content {
  readonly sha: string;
  /** Hash of the text with its generation taken out. */
  readonly plain: string;
  readonly serial: number;
  /** As far as the file holds it. */
  readonly generation: string;
  /** Of a whole file of upstreams. */
  readonly services?: Services;
}

/** An event that is not in the history yet. */
export type News = Event extends infer One ? (One extends { readonly at: number } ? Omit<One, "at"> : never) : never;

export interface History {
  readonly file: string;
  /** Events of this process, stamped now unless they say when. */
  add(news: News, at?: number): void;
  /** What was added since the last call, in the order of time. */
  take(): readonly Event[];
  close(): void;
}

/** At one moment causes come before effects: clocks count milliseconds, and a pass may take less. */
const ORDER: readonly Event["kind"][] = ["judged", "round-start", "start", "fault-start", "write", "edit", "check"];

export function openHistory(file: string): History {
  const out = openSync(file, "a");
  const input = openSync(file, "r");
  let rest = "";
  return {
    file,
    add(news, at = Date.now()) {
      writeSync(out, `${JSON.stringify({ at, ...news })}\n`);
    },
    take() {
      const buffer = Buffer.alloc(1 << 20);
      for (let size = readSync(input, buffer); size > 0; size = readSync(input, buffer)) {
        rest += buffer.toString("latin1", 0, size); // events are ASCII
      }
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      return inOrder(lines.map((line) => JSON.parse(line) as Event));
    },
    close() {
      closeSync(out);
      closeSync(input);
    },
  };
}

export function inOrder(events: readonly Event[]): readonly Event[] {
  const rank = (event: Event): number => {
    const at = ORDER.indexOf(event.kind);
    return at < 0 ? ORDER.length : at;
  };
  return [...events].sort((a, b) => a.at - b.at || rank(a) - rank(b));
}
