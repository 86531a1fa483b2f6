/** What changed between two renders, in a line for people. Names only, never a value. */
import { sameEntry } from "../../model/instance.ts";
import type { Provenance } from "../../model/provenance.ts";
import type { Service } from "../../model/snapshot.ts";

/** So many names of a kind are told. */
const NAMES = 3;

/** Both with fingerprints for the keys' values. */
export function describeChange(before: Provenance | undefined, after: Provenance): string {
  if (before === undefined) {
    return "first";
  }
  const parts = [
    listed("", serviceChanges(before, after)),
    listed("keys ", keyChanges(before.keys, after.keys)),
    listed("templates ", templateChanges(before, after)),
    listed("", holdChanges(before, after)),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "templates or settings" : parts.join("; ");
}

/** Whether everything that is kept of both is the same. */
export function sameProvenance(a: Provenance, b: Provenance): boolean {
  const rest = ({ files, holds, setAside }: Provenance): string => JSON.stringify([files, holds, setAside]);
  return (
    a === b ||
    (sameKeys(a.services, b.services) &&
      sameKeys(a.keys, b.keys) &&
      [...a.keys].every(([key, value]) => b.keys.get(key) === value) &&
      [...a.services.values()].every((service) => isSameService(service, b.services.get(service.name))) &&
      rest(a) === rest(b))
  );
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}

export function isSameService(a: Service, b: Service | undefined): boolean {
  return a === b || (b !== undefined && countInstances(a, b) === "");
}

function serviceChanges(before: Provenance, after: Provenance): string[] {
  const changes: string[] = [];
  for (const [name, service] of after.services) {
    const old = before.services.get(name);
    const counts = old === service ? "" : countInstances(old, service);
    if (counts !== "") {
      changes.push(`${name} ${counts}`);
    }
  }
  for (const [name, service] of before.services) {
    if (!after.services.has(name)) {
      changes.push(`${name} ${countInstances(service, undefined)}`);
    }
  }
  return changes;
}

/** `+new −gone ~changed`; empty: no difference. */
function countInstances(before: Service | undefined, after: Service | undefined): string {
  const old = new Map(before?.instances.map((entry) => [entry.id, entry]));
  let added = 0;
  let changed = 0;
  for (const entry of after?.instances ?? []) {
    const known = old.get(entry.id);
    old.delete(entry.id);
    if (known === undefined) {
      added++;
    } else if (known !== entry && !sameEntry(known, entry)) {
      changed++;
    }
  }
  const counts = [added > 0 && `+${added}`, old.size > 0 && `−${old.size}`, changed > 0 && `~${changed}`];
  return counts.filter((count) => count !== false).join(" ");
}

function keyChanges(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const changes: string[] = [];
  for (const [key, value] of after) {
    const old = before.get(key);
    if (old !== value) {
      changes.push(`${key} ${old === undefined ? "added" : "changed"}`);
    }
  }
  return [...changes, ...[...before.keys()].filter((key) => !after.has(key)).map((key) => `${key} removed`)];
}

function templateChanges(before: Provenance, after: Provenance): string[] {
  const old = new Map(before.files.map(({ dest, template }) => [dest, template]));
  const now = new Map(after.files.map(({ dest, template }) => [dest, template]));
  return [
    ...[...now].filter(([dest, template]) => old.get(dest) !== template).map(([dest, template]) => `${template} for ${dest}`),
    ...[...old.keys()].filter((dest) => !now.has(dest)).map((dest) => `none for ${dest}`),
  ];
}

function holdChanges(before: Provenance, after: Provenance): string[] {
  const old = new Set(before.holds.map(({ service }) => service));
  const now = new Set(after.holds.map(({ service }) => service));
  return [
    ...[...now].filter((service) => !old.has(service)).map((service) => `${service} held`),
    ...[...old].filter((service) => !now.has(service)).map((service) => `${service} no longer held`),
  ];
}

function listed(label: string, changes: readonly string[]): string {
  const shown = changes.slice(0, NAMES).join(", ");
  const more = changes.length - NAMES;
  return changes.length === 0 ? "" : `${label}${shown}${more > 0 ? ` and ${more} more` : ""}`;
}
