import { isPort } from "../../registry/codec.ts";

/** What a word decides about the registration itself; every other word is metadata. */
type Setting = "enable" | "service" | "tags" | "port" | "weight" | "id";

/** What a label or an environment variable says. */
export interface Word {
  /** As its author wrote it, for reports. */
  readonly key: string;
  readonly value: string;
  readonly family: FamilyName;
}

/** The words that won in one scope: the whole container, or one of its ports. */
export interface Scope {
  readonly settings: ReadonlyMap<Setting, Word>;
  /** By lower-case name. */
  readonly meta: ReadonlyMap<string, Word>;
}

export interface Words {
  readonly general: Scope;
  readonly byPort: ReadonlyMap<number, Scope>;
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
    // Checks are for the Consul catalogue and no metadata.
    isMeta: (name) => !name.startsWith("check_"),
  },
  {
    name: "virtual",
    prefix: "VIRTUAL_",
    settings: new Map<string, Setting>([["port", "port"]]),
    isMeta: (name) => ["host", "path", "proto", "dest"].includes(name),
  },
];

/**
 * Reads all words of a container. In each scope: `fairlead.*` beats `SERVICE_*` beats `VIRTUAL_*`, then a label beats an environment
 * variable, then, of keys that differ only in case, the first in byte order wins. An empty value counts as not given; only an empty
 * `fairlead.service` stays, since a name of our own that came out empty is a mistake and no wish for another name.
 */
export function readWords(labels: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>): Words {
  const general = newScope();
  const byPort = new Map<number, ReturnType<typeof newScope>>();
  for (const family of FAMILIES) {
    for (const texts of [labels, env]) {
      for (const key of Object.keys(texts).sort()) {
        const parsed = parseKey(key, family);
        if (parsed === undefined) {
          continue;
        }
        const word: Word = { key, value: texts[key] ?? "", family: family.name };
        const setting = family.settings.get(parsed.name);
        const isEmptyName = family.name === "fairlead" && setting === "service";
        if ((word.value.trim() === "" && !isEmptyName) || (setting === undefined && !family.isMeta(parsed.name))) {
          continue;
        }
        const scope = parsed.port === undefined ? general : (byPort.get(parsed.port) ?? newScope());
        if (parsed.port !== undefined) {
          byPort.set(parsed.port, scope);
        }
        if (setting === undefined) {
          setFirst(scope.meta, parsed.name, word);
        } else {
          setFirst(scope.settings, setting, word);
        }
      }
    }
  }
  return { general, byPort };
}

/** Whether a label or variable of that name is for us. What is not, most of all other people's secrets, is not even remembered. */
export function isOurs(key: string): boolean {
  return FAMILIES.some((family) => key.startsWith(family.prefix));
}

function newScope(): { readonly settings: Map<Setting, Word>; readonly meta: Map<string, Word> } {
  return { settings: new Map(), meta: new Map() };
}

function setFirst<K>(map: Map<K, Word>, key: K, word: Word): void {
  if (!map.has(key)) {
    map.set(key, word);
  }
}

function parseKey(key: string, family: Family): { readonly port?: number; readonly name: string } | undefined {
  if (!key.startsWith(family.prefix)) {
    return undefined;
  }
  const name = key.slice(family.prefix.length).toLowerCase();
  const cut = family.separator === undefined ? -1 : name.indexOf(family.separator);
  const port = cut > 0 ? parsePort(name.slice(0, cut)) : undefined;
  const rest = port === undefined ? name : name.slice(cut + 1);
  return rest === "" ? undefined : { name: rest, ...(port !== undefined && { port }) };
}

/** @example parsePort("080") === undefined */
export function parsePort(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text.trim()) ? Number(text) : undefined;
  return isPort(port) ? port : undefined;
}
