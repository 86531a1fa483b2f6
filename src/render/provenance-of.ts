import type { Entry } from "../model/instance.ts";
import type { FileProvenance, Provenance } from "../model/provenance.ts";
import type { Service, Snapshot } from "../model/snapshot.ts";
import { withoutEntries } from "./aside.ts";
import type { Rendered } from "./file-render.ts";
import type { KeyView, Read } from "./template/view.ts";

/** What a target's files were made from. */
export function provenanceOf(outputs: readonly Rendered[], snapshot: Snapshot): Provenance {
  const services = new Map<string, Service>();
  const keys = new Map<string, string>();
  const aside = new Set<Entry>(outputs.flatMap(({ asideEntries }) => [...asideEntries]));
  const touched = new Set([...aside].map((entry) => entry.service));
  const files = outputs.map(({ dest, template, reads }): FileProvenance => {
    const names = { services: new Set<string>(), keys: new Set<string>() };
    for (const read of reads) {
      for (const name of servicesOf(read, snapshot)) {
        names.services.add(name);
      }
      for (const key of keysOf(read)) {
        names.keys.add(key);
      }
    }
    for (const name of names.services) {
      const service = snapshot.services.get(name);
      if (service !== undefined) {
        services.set(name, touched.has(name) ? withoutEntries(service, aside) : service);
      }
    }
    for (const key of names.keys) {
      const value = snapshot.keys.get(key);
      if (value !== undefined) {
        keys.set(key, value);
      }
    }
    return { dest, template: template.file, services: [...names.services].sort(), keys: [...names.keys].sort() };
  });
  return { files, services, keys, holds: [], setAside: outputs.flatMap(({ setAside }) => setAside) };
}

function servicesOf(read: Read, snapshot: Snapshot): Iterable<string> {
  return read.kind === "services" ? snapshot.services.keys() : read.kind === "service" ? [read.name] : [];
}

function keysOf(read: Read): readonly string[] {
  return read.kind === "key" ? [read.name] : read.kind === "keys" ? (read.found as readonly KeyView[]).map(({ key }) => key) : [];
}
