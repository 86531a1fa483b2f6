import type { Instance } from "./instance.ts";

/** The hosts that an instance asks for, in `meta.host` with commas: in small letters, since a host is the same in any. */
export function hostsOf({ meta }: Pick<Instance, "meta">): readonly string[] {
  const text = Object.hasOwn(meta, "host") ? (meta["host"] ?? "") : "";
  return text
    .toLowerCase()
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");
}
