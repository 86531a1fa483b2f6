import { EVERYTHING } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Template } from "./engine.ts";
import type { Facts } from "./reads.ts";
import { createView, type KeyView, type Read } from "./view.ts";

/** What a render read, by name; what is not there is named too. Sorted. */
export interface ReadNames {
  readonly services: readonly string[];
  readonly keys: readonly string[];
}

/**
 * Renders a template from a snapshot that is whole: nothing can be read outside of it. The text holds `GENERATION_MARK` for `{{generation}}`.
 * @throws FairleadError as `Template.render` does
 */
export function renderSnapshot(
  template: Template,
  snapshot: Snapshot,
  facts: Facts,
): { readonly text: string; readonly reads: ReadNames } {
  const view = createView(snapshot, EVERYTHING);
  const text = template.render(view, facts);
  return { text, reads: namesOf(view.reads, snapshot) };
}

function namesOf(reads: readonly Read[], snapshot: Snapshot): ReadNames {
  const services = new Set<string>();
  const keys = new Set<string>();
  for (const read of reads) {
    switch (read.kind) {
      case "service":
        services.add(read.name);
        break;
      case "services":
        for (const name of snapshot.services.keys()) {
          services.add(name);
        }
        break;
      case "key":
        keys.add(read.name);
        break;
      case "keys":
        for (const { key } of read.found as readonly KeyView[]) {
          keys.add(key);
        }
        break;
    }
  }
  return { services: [...services].sort(), keys: [...keys].sort() };
}
