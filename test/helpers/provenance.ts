import type { Provenance } from "../../src/model/provenance.ts";

/** For files that a test writes itself: they were made from nothing. */
export function noProvenance(): Provenance {
  return { files: [], services: new Map(), keys: new Map(), holds: [], setAside: [] };
}
