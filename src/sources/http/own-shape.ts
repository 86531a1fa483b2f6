import { isRecord } from "../../core/json.ts";
import { isHalfText } from "../names.ts";
import { readServices } from "../static-values.ts";
import type { ItemMapper, MappedItem } from "./mapping.ts";
import { cleanMeta } from "./meta.ts";

/**
 * Without a `map`, items are instances as fairlead itself writes them: those of a services file with a `service` of their own, or the
 * services that `fairlead services --json` prints, each with its instances.
 */
export function createOwnShapeMapper(options: { readonly node: string }): ItemMapper {
  return (item) => {
    if (isRecord(item) && Array.isArray(item["instances"])) {
      const service = item["name"];
      const mapped = item["instances"].map((inner: unknown) => readOne(isRecord(inner) ? { service, ...inner } : inner, options));
      return {
        ...(typeof service === "string" && { id: service }),
        instances: mapped.flatMap((one) => one.instances),
        skipped: mapped.flatMap((one) => one.skipped),
      };
    }
    return readOne(item, options);
  };
}

function readOne(item: unknown, { node }: { readonly node: string }): MappedItem {
  if (!isRecord(item)) {
    return { instances: [], skipped: [{ kind: "problem", reason: "it is no object" }] };
  }
  // Who registered it elsewhere is no part of it here: this process is the owner of what it writes.
  const { service, node: _, ...rest } = item;
  const id = typeof rest["id"] === "string" ? { id: rest["id"] } : {};
  if (typeof service !== "string") {
    return { ...id, instances: [], skipped: [{ kind: "problem", reason: "it has no `service`, which is a text" }] };
  }
  const { instances, mistakes } = readServices({ services: { [service]: [rest] } }, node);
  const problems = mistakes.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`));
  if (instances.some(({ tags }) => tags.some(isHalfText))) {
    problems.push("`tags` holds what is no Unicode text");
  }
  // One with a key that nobody knows may mean something else than what is read.
  const cleaned = (problems.length > 0 ? [] : instances).map((instance) => ({
    ...instance,
    meta: cleanMeta(Object.entries(instance.meta), problems),
  }));
  return { ...id, instances: cleaned, skipped: problems.map((reason) => ({ kind: "problem", reason })) };
}
