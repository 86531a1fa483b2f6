/** What a path in the folder means. Paths are relative to it, with `/` between segments; `""` is the folder itself. */
import { FairleadError } from "../../model/errors.ts";
import type { Instance } from "../../model/instance.ts";
import { decodeSegment, encodeSegment } from "../codec.ts";

/** What most file systems take for one name. */
const NAME_LIMIT_BYTES = 255;
const JSON_SUFFIX = ".json";

export type Role =
  | { readonly kind: "root" | "services" | "owners" }
  | { readonly kind: "service"; readonly service: string }
  | { readonly kind: "entry"; readonly service: string; readonly id: string }
  | { readonly kind: "lease"; readonly owner: string }
  /** A key, or the folder of keys below it: only the disk knows. `""` is the folder of all keys. */
  | { readonly kind: "key"; readonly key: string }
  /** It would mean something under its right name, which is `wanted`. */
  | { readonly kind: "misnamed"; readonly of: "entry" | "lease" | "key"; readonly wanted: string };

/** Undefined: it is none of ours, such as a staged file, an editor's backup or a note that somebody left. */
export function roleOf(path: string): Role | undefined {
  if (path === "") {
    return { kind: "root" };
  }
  const [top, ...rest] = path.split("/");
  if (rest.some(isForeignName)) {
    return undefined;
  }
  switch (top) {
    case "services":
      return roleOfService(rest);
    case "owners":
      return roleOfOwner(rest);
    case "kv":
      return roleOfKey(rest);
    default:
      return undefined;
  }
}

export function servicePath(service: string): string {
  return `services/${fileSegment(service)}`;
}

/** @throws FairleadError `USAGE` when a name is empty or too long for a file */
export function entryPath({ service, id }: Pick<Instance, "service" | "id">): string {
  return `${servicePath(service)}/${fileSegment(id, JSON_SUFFIX)}`;
}

/** @throws FairleadError `USAGE` when the name is empty or too long for a file */
export function leasePath(owner: string): string {
  return `owners/${fileSegment(owner, JSON_SUFFIX)}`;
}

/** @throws FairleadError `USAGE` when a segment is empty or too long for a file */
export function keyPath(key: string): string {
  const segments = key.split("/");
  if (segments.includes("")) {
    throw new FairleadError(
      "USAGE",
      `a file registry cannot hold the key ${JSON.stringify(key)}: a part between slashes is empty`,
    );
  }
  return ["kv", ...segments.map((segment) => fileSegment(segment))].join("/");
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function childOf(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Names that begin with a dot are staged files; those of editors are never made by `fileSegment`. */
export function isForeignName(name: string): boolean {
  return name === "" || name.startsWith(".") || name.startsWith("#") || name.endsWith("~");
}

function fileSegment(name: string, suffix = ""): string {
  const segment = encodeSegment(name).replace(/^\./, "%2E") + suffix;
  if (segment.length > NAME_LIMIT_BYTES) {
    const text = `a file registry cannot hold a name of ${segment.length} bytes, at most ${NAME_LIMIT_BYTES}: ${name.slice(0, 40)}…`;
    throw new FairleadError("USAGE", text);
  }
  return segment;
}

function roleOfService([first, second, ...rest]: readonly string[]): Role | undefined {
  if (first === undefined) {
    return { kind: "services" };
  }
  const service = decodeSegment(first);
  if (second === undefined) {
    return service === undefined ? undefined : { kind: "service", service };
  }
  const id = second.endsWith(JSON_SUFFIX) ? decodeSegment(second.slice(0, -JSON_SUFFIX.length)) : undefined;
  if (service === undefined || id === undefined || rest.length > 0) {
    return undefined;
  }
  return named({ kind: "entry", service, id }, `services/${first}/${second}`, () => entryPath({ service, id }));
}

function roleOfOwner([first, ...rest]: readonly string[]): Role | undefined {
  if (first === undefined) {
    return { kind: "owners" };
  }
  const owner = first.endsWith(JSON_SUFFIX) ? decodeSegment(first.slice(0, -JSON_SUFFIX.length)) : undefined;
  if (owner === undefined || rest.length > 0) {
    return undefined;
  }
  return named({ kind: "lease", owner }, `owners/${first}`, () => leasePath(owner));
}

function roleOfKey(segments: readonly string[]): Role | undefined {
  const names = segments.map(decodeSegment);
  if (names.includes(undefined)) {
    return undefined;
  }
  const key = names.join("/");
  return key === "" ? { kind: "key", key } : named({ kind: "key", key }, ["kv", ...segments].join("/"), () => keyPath(key));
}

/** A place has one path only: two files for one name would take turns. */
function named(role: Role & { readonly kind: "entry" | "lease" | "key" }, path: string, pathOf: () => string): Role {
  let wanted: string;
  try {
    wanted = pathOf();
  } catch {
    wanted = "one that can be stored"; // only names that `pathOf` refuses come here
  }
  return wanted === path ? role : { kind: "misnamed", of: role.kind, wanted };
}
