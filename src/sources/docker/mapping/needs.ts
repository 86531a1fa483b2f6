import type { Container } from "../container.ts";
import { isImageId, orchestratedName } from "./names.ts";
import type { Mode } from "./placement.ts";

/** Whether the list alone does not tell enough about a container. */
export function needsInspection(
  container: Container,
  options: { readonly env: boolean; readonly mode: Mode; readonly judge?: unknown },
): boolean {
  if (container.state !== "running" && container.state !== "paused") {
    return false;
  }
  return (
    options.env ||
    // The list holds only ports of the container's own network, and of internal networks none that is just exposed.
    container.network.kind !== "own" ||
    (options.mode !== "published" && container.ports.length === 0) ||
    // Its tag has moved on to another image; the container still knows the name it was made from.
    (isImageId(container.image) && (orchestratedName(container.labels) === undefined || options.judge !== undefined))
  );
}
