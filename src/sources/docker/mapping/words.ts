import { isPort } from "../../../registry/codec.ts";

/** What a word decides about the registration itself; every other word is metadata or part of a check. */
export type Setting = "enable" | "service" | "tags" | "port" | "weight" | "id" | "drain";

/** What a label or an environment variable says. */
export interface Word {
  /** As its author wrote it, for reports. */
  readonly key: string;
  readonly value: string;
  readonly family: FamilyName;
  readonly place: "label" | "variable";
}

/** The words that won in one scope: the whole container, or one of its ports. */
export interface Scope {
  readonly settings: ReadonlyMap<Setting, Word>;
  /** By lower-case name. */
  readonly meta: ReadonlyMap<string, Word>;
  /** What stands behind `SERVICE_CHECK_`, in lower case: `http`, `interval`, … */
  readonly checks: ReadonlyMap<string, Word>;
}

/** One word and what became of it, for people. */
export interface Reading {
  readonly word: Word;
  /** Absent: it is about the whole container. */
  readonly port?: number;
  /** `service`, `meta.host`, `check.http`, … */
  readonly subject: string;
  /** The word of the same scope that counts instead. */
  readonly beatenBy?: Word;
}

export interface Words {
  readonly general: Scope;
  readonly byPort: ReadonlyMap<number, Scope>;
  /** Words for a port that cannot be: `SERVICE_99999_NAME`. */
  readonly strays: readonly Word[];
  /** All of them, the best families first. */
  readonly readings: readonly Reading[];
}

type FamilyName = "fairlead" | "service" | "virtual";

interface Family {
  readonly name: FamilyName;
  readonly prefix: string;
  /** Between a port and its word; absent: this family has no words for one port. */
  readonly separator?: string;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly isMeta: (name: string) => boolean;
}

/** Each beats the ones below it. */
const FAMILIES: readonly Family[] = [
  {
    name: "fairlead",
    prefix: "fairlead.",
    separator: ".",
    settings: new Map<string, Setting>([
      ["enable", "enable"],
      ["service", "service"],
      ["tags", "tags"],
      ["port", "port"],
      ["weight", "weight"],
      ["id", "id"],
      ["drain", "drain"],
    ]),
    isMeta: () => true,
  },
  {
    name: "service",
    prefix: "SERVICE_",
    separator: "_",
    settings: new Map<string, Setting>([
      ["ignore", "enable"],
      ["name", "service"],
      ["tags", "tags"],
      ["id", "id"],
    ]),
    isMeta: () => true,
  },
  {
    name: "virtual",
    prefix: "VIRTUAL_",
    settings: new Map<string, Setting>([["port", "port"]]),
    isMeta: (name) => ["host", "path", "proto", "dest"].includes(name),
  },
];
const CHECK = "check_";

/**
 * Reads all words of a container. In each scope: `fairlead.*` beats `SERVICE_*` beats `VIRTUAL_*`, then a label beats an environment
 * variable, then, of keys that differ only in case, the first in byte order wins. An empty value counts as not given; only an empty
 * `fairlead.service` stays, since a name of our own that came out empty is a mistake and no wish for another name.
 */
export function readWords(labels: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>): Words {
  const general = newScope();
  const byPort = new Map<number, MutableScope>();
  const strays: Word[] = [];
  const readings: Reading[] = [];
  for (const family of FAMILIES) {
    for (const place of ["label", "variable"] as const) {
      const texts = place === "label" ? labels : env;
      for (const key of Object.keys(texts).sort()) {
        const parsed = parseKey(key, family);
        const word: Word = { key, value: texts[key] ?? "", family: family.name, place };
        if (parsed === undefined || isUnset(word, family.settings.get(parsed.name))) {
          continue;
        }
        if (parsed.isStray) {
          strays.push(word);
          continue;
        }
        const topic = topicOf(parsed.name, family);
        if (topic === undefined) {
          continue;
        }
        const { port } = parsed;
        const scope = port === undefined ? general : (byPort.get(port) ?? newScope());
        if (port !== undefined) {
          byPort.set(port, scope);
        }
        const winner = claim(scope, topic, word);
        const subject = topic.kind === "setting" ? topic.name : `${topic.kind}.${topic.name}`;
        readings.push({
          word,
          subject,
          ...(port !== undefined && { port }),
          ...(winner !== word && { beatenBy: winner }),
        });
      }
    }
  }
  return { general, byPort, strays, readings };
}

/** Whether a label or variable of that name is for us. What is not, most of all other people's secrets, is not even remembered. */
export function isOurs(key: string): boolean {
  return FAMILIES.some((family) => key.startsWith(family.prefix));
}

function isUnset(word: Word, setting: Setting | undefined): boolean {
  const isEmptyName = word.family === "fairlead" && setting === "service";
  return word.value.trim() === "" && !isEmptyName;
}

interface MutableScope extends Scope {
  readonly settings: Map<Setting, Word>;
  readonly meta: Map<string, Word>;
  readonly checks: Map<string, Word>;
}

function newScope(): MutableScope {
  return { settings: new Map(), meta: new Map(), checks: new Map() };
}

type Topic = { readonly kind: "setting"; readonly name: Setting } | { readonly kind: "meta" | "check"; readonly name: string };

/** What a word of that name is about; undefined: nothing of ours. */
function topicOf(name: string, family: Family): Topic | undefined {
  const setting = family.settings.get(name);
  if (setting !== undefined) {
    return { kind: "setting", name: setting };
  }
  if (family.name === "service" && name.startsWith(CHECK)) {
    return name === CHECK ? undefined : { kind: "check", name: name.slice(CHECK.length) };
  }
  return family.isMeta(name) ? { kind: "meta", name } : undefined;
}

/** The word that counts: the first one. */
function claim(scope: MutableScope, topic: Topic, word: Word): Word {
  switch (topic.kind) {
    case "setting":
      return setFirst(scope.settings, topic.name, word);
    case "meta":
      return setFirst(scope.meta, topic.name, word);
    case "check":
      return setFirst(scope.checks, topic.name, word);
  }
}

function setFirst<K>(map: Map<K, Word>, key: K, word: Word): Word {
  const first = map.get(key) ?? word;
  map.set(key, first);
  return first;
}

interface ParsedKey {
  readonly name: string;
  readonly port?: number;
  /** Its port is a number, but none that a port can have. */
  readonly isStray: boolean;
}

function parseKey(key: string, family: Family): ParsedKey | undefined {
  if (!key.startsWith(family.prefix)) {
    return undefined;
  }
  const name = key.slice(family.prefix.length).toLowerCase();
  const cut = family.separator === undefined ? -1 : name.indexOf(family.separator);
  const first = cut > 0 ? name.slice(0, cut) : "";
  if (!/^\d+$/.test(first)) {
    return name === "" ? undefined : { name, isStray: false };
  }
  const port = parsePort(first);
  const rest = name.slice(cut + 1);
  return rest === "" ? undefined : { name: rest, isStray: port === undefined, ...(port !== undefined && { port }) };
}

/** @example parsePort("080") === undefined */
export function parsePort(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text.trim()) ? Number(text) : undefined;
  return isPort(port) ? port : undefined;
}
