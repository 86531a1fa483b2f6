import type { Container } from "../container.ts";
import { type Mapped, type MappingOptions, mapContainer } from "./mapping.ts";
import type { MappedContainer } from "./unique.ts";

interface Known {
  readonly container: string;
  readonly mapped: Mapped;
}

/**
 * Maps each container once for as long as nothing about it changes: reading the words of hundreds is most of what a pass costs, and in most
 * passes one container is another than before. It remembers those of the last pass. Of the options only the address may change.
 */
export function createMapOnce(): (containers: readonly Container[], options: MappingOptions) => readonly MappedContainer[] {
  let known = new Map<string, Known>();
  let address: string | undefined;
  return (containers, options) => {
    const before = options.address === address ? known : new Map<string, Known>();
    address = options.address;
    known = new Map();
    return containers.map((container) => {
      const text = JSON.stringify(container);
      const last = before.get(container.id);
      const mapped = last?.container === text ? last.mapped : mapContainer(container, options);
      known.set(container.id, { container: text, mapped });
      return { container, ...mapped };
    });
  };
}
