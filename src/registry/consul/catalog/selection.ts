import { hasCode } from "../../../model/errors.ts";
import type { Selector } from "../../../model/selector.ts";
import { encodeSegment } from "../../codec.ts";
import { foldCase } from "../api/shapes.ts";

/** With more services than that, a filter would be longer than what it spares. */
const MAX_FILTERED = 16;

/** Under which folded names the selected services stand in Consul: their own, or the encoded one when fairlead wrote them. */
export function namesInConsul(selector: Selector, existing: ReadonlyMap<string, string>): readonly string[] {
  if (selector.services === "all") {
    return [...existing.keys()];
  }
  return [...new Set(selector.services.flatMap(spellings).map(foldCase))].filter((name) => existing.has(name));
}

/**
 * Keeps the checks of services that nobody asked for out of the answers; those of nodes stay. Undefined: no filter. Consul's filter
 * language knows no escapes in texts, so only plain names are put into it.
 */
export function checkFilter(selector: Selector): string | undefined {
  if (selector.services === "all") {
    return undefined;
  }
  const names = [...new Set(selector.services.flatMap(spellings))];
  const isPlain = names.every((name) => /^[A-Za-z0-9._:%-]+$/.test(name));
  return isPlain && names.length <= MAX_FILTERED
    ? ["", ...names].map((name) => `ServiceName == "${name}"`).join(" or ")
    : undefined;
}

function spellings(service: string): readonly string[] {
  try {
    return [service, encodeSegment(service)];
  } catch (error) {
    if (hasCode(error, "USAGE")) {
      return []; // a name that no store can hold
    }
    throw error;
  }
}
