import { FairleadError } from "../model/errors.ts";
import type { SetAside } from "../model/provenance.ts";
import { EVERYTHING } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { type Order, renderFile } from "./file-render.ts";
import { provenanceOf } from "./provenance-of.ts";

export interface SnapshotRender {
  /** With `GENERATION_MARK` for `{{generation}}`. */
  readonly text: string;
  /** What was read, by name; what is not there is named too. Sorted. */
  readonly reads: { readonly services: readonly string[]; readonly keys: readonly string[] };
  readonly setAside: readonly SetAside[];
}

/**
 * Renders a file from a snapshot that is whole: nothing can be read outside of it.
 * @throws FairleadError as the template does; `USAGE` when the service that the file is of is not there, `TEMPLATE_UNSAFE` when it was set
 * aside as a whole
 */
export function renderSnapshot(order: Order, snapshot: Snapshot): SnapshotRender {
  const { service } = order;
  if (service !== undefined && !snapshot.services.has(service)) {
    throw new FairleadError("USAGE", `there is no service "${service}"`, { hint: "a file of a service needs an instance of it" });
  }
  const rendered = renderFile(order, { snapshot, selector: EVERYTHING });
  if ("outside" in rendered) {
    throw new Error("something was read outside of a snapshot that is whole");
  }
  const { text, setAside } = rendered;
  if (text === undefined) {
    const [first] = setAside;
    throw new FairleadError("TEMPLATE_UNSAFE", `service "${service}" has no file: ${first?.reason}`, {
      ...(first?.location !== undefined && { location: first.location }),
    });
  }
  const [file] = provenanceOf([rendered], snapshot).files;
  return { text, reads: { services: file?.services ?? [], keys: file?.keys ?? [] }, setAside };
}
