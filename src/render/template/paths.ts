/** Reads what stands at a path, and tells a typo from data that may be absent. */
import { nearest } from "../../core/nearest.ts";
import { FairleadError } from "../../model/errors.ts";
import { createRecord, isRecord, kindOf } from "../helpers/values.ts";
import { hasKnownFields, withKnownFields } from "./fields.ts";
import { READ_HELPERS } from "./reads.ts";
import type { Site } from "./sites.ts";

/** The outermost context: nothing is known in it, everything is read. */
export const ROOT: object = withKnownFields({});

/**
 * What stands at the site's path below the base. The fields of services, instances and keys have known names: an absent one is a typo,
 * wherever it stands. Everything else is data (`meta`, `tree`, parsed texts, groups): what is absent there is absent where the site only
 * asks, and an error elsewhere.
 * @throws FairleadError `TEMPLATE_FAILED` at the path itself
 */
export function readPath(base: unknown, site: Site): unknown {
  if (base === undefined && site.kind === "variable") {
    throw absent(site, "it exists only inside {{#each}}");
  }
  let value = base;
  for (const part of site.parts) {
    const next = isObject(value) && Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined;
    if (next === undefined) {
      return missing(value, part, site);
    }
    value = next;
  }
  return value;
}

/** As `readPath` for one name that is known only while rendering. */
export function lookUp(value: unknown, name: unknown, site: Pick<Site, "location">): unknown {
  if (typeof name !== "string" && typeof name !== "number") {
    throw new FairleadError("TEMPLATE_FAILED", `"lookup" needs a name or a number, not ${kindOf(name)}`, {
      location: site.location,
    });
  }
  if (value === undefined || value === null) {
    return undefined;
  }
  const part = String(name);
  const advice = "lookup takes an object or a list, and a name or a number";
  return readPath(value, {
    source: "lookup",
    parts: [part],
    kind: "path",
    isOptional: true,
    advice,
    location: site.location,
  });
}

/** A partial's context with what its call gives besides. */
export function joinContext(context: unknown, more: Readonly<Record<string, unknown>>): object {
  if (!isRecord(context)) {
    return withKnownFields({ ...more });
  }
  return hasKnownFields(context) ? withKnownFields({ ...context, ...more }) : Object.assign(createRecord(), context, more);
}

function missing(parent: unknown, part: string, site: Site): undefined {
  if (Array.isArray(parent) && !/^\d+$/.test(part)) {
    throw absent(site, `there is a list in front of "${part}": use {{#each …}}, (first …) or [0]`);
  }
  if (isObject(parent) && hasKnownFields(parent)) {
    throw absent(site, knownFieldsHint(parent, part));
  }
  if (!isObject(parent) && parent !== undefined && parent !== null) {
    throw absent(site, `there is ${kindOf(parent)} in front of "${part}", which has no fields`);
  }
  if (site.isOptional) {
    return undefined;
  }
  const near = isRecord(parent) ? nearest(part, Object.keys(parent)) : undefined;
  throw absent(site, near === undefined ? site.advice : `did you mean "${near}"? ${site.advice}`);
}

function knownFieldsHint(parent: object, part: string): string {
  const fields = Object.keys(parent);
  if (fields.length > 0) {
    const near = nearest(part, fields);
    return near === undefined ? `known here are ${fields.join(", ")}` : `did you mean "${near}"?`;
  }
  const near = nearest(
    part,
    READ_HELPERS.map((helper) => helper.name),
  );
  return near === undefined
    ? 'outside of {{#each}} and {{#with}} nothing has fields: read with (service "…"), (key "…") and the like'
    : `did you mean "${near}"?`;
}

function absent(site: Site, hint: string): FairleadError {
  return new FairleadError("TEMPLATE_FAILED", `"${site.source}" is not there`, { location: site.location, hint });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
