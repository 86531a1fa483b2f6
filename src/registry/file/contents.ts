import type { Entry } from "../../model/instance.ts";
import { type Selector, selectsKeys, selectsService } from "../../model/selector.ts";
import { type Snapshot, SnapshotBuilder } from "../../model/snapshot.ts";
import { type Decoded, decodeEntry, decodeText } from "../codec.ts";
import { decodeLease, type Lease } from "./lease.ts";
import { leasePath, type Role } from "./paths.ts";
import type { Content } from "./tree.ts";

/** What the selected files say: entries, the leases that they hang on, and keys. */
export class Contents {
  readonly #selector: Selector;
  readonly #builder = new SnapshotBuilder();
  readonly #entries = new Map<string, Entry>();
  readonly #pathsByOwner = new Map<string, Set<string>>();
  readonly #leases = new Map<string, Lease>();
  /** Owners whose entries are published. */
  readonly #alive = new Set<string>();
  readonly #touched = new Set<string>();
  /** Owners of entries that have gone, whose leases have not been looked at since. */
  readonly #bereft = new Set<string>();
  #revision = 0;

  constructor(selector: Selector) {
    this.#selector = selector;
  }

  wants(role: Role): boolean {
    const { services, keys } = this.#selector;
    const wantsServices = services === "all" || services.length > 0;
    switch (role.kind) {
      case "root":
        return true;
      case "services":
      case "owners":
      case "lease":
        return wantsServices;
      case "service":
      case "entry":
        return selectsService(this.#selector, role.service);
      case "key":
        // A folder also when what is selected lies below it.
        return role.key === ""
          ? keys.length > 0
          : selectsKeys(this.#selector, role.key) || keys.some((k) => k.startsWith(`${role.key}/`));
      case "misnamed":
        return role.of === "key" ? keys.length > 0 : wantsServices;
    }
  }

  take(path: string, role: Role, content: Content): void {
    switch (role.kind) {
      case "key":
        this.#takeKey(role.key, content);
        return;
      case "entry":
        this.#takeEntry(path, role, content);
        return;
      case "lease":
        this.#takeLease(path, role.owner, content);
        return;
      default:
        if (content.kind === "unreadable") {
          this.#builder.setInvalidEntry(path, content.reason); // misnamed
        }
    }
  }

  drop(path: string, role: Role): void {
    this.#dropEntry(path);
    this.#builder.deleteEntry(path);
    if (role.kind === "lease") {
      this.#leases.delete(role.owner);
    } else if (role.kind === "key") {
      this.#builder.deleteKey(role.key);
    }
  }

  /** Lease files that have to be read once more: what they said is over, though their owners' entries are still published. */
  overdue(): readonly string[] {
    const now = Date.now();
    return [...this.#alive].filter((owner) => this.#expiryOf(owner) <= now).map(leasePath);
  }

  /** Lease files that have to be read once more before anything is shown: entries of their owners are gone or others. */
  takeBereft(): ReadonlySet<string> {
    const paths = new Set([...this.#bereft].map(leasePath));
    this.#bereft.clear();
    return paths;
  }

  /** When the next published owner's lease is over, in ms since 1970; `Infinity` for never. */
  nextExpiry(): number {
    return Math.min(...[...this.#alive].map((owner) => this.#expiryOf(owner)));
  }

  snapshot(): Snapshot {
    this.#publish();
    if (this.#builder.isDirty || this.#revision === 0) {
      this.#revision += 1;
    }
    return this.#builder.snapshot(String(this.#revision));
  }

  /** An entry is shown as long as its owner's lease lasts, without owner for ever. */
  #publish(): void {
    const now = Date.now();
    const living = [...this.#leases].filter(([, { expiresAtMs, isSettled }]) => isSettled && expiresAtMs > now);
    this.#builder.setOwners(new Set(living.map(([owner]) => owner)));
    for (const [owner, paths] of this.#pathsByOwner) {
      const isAlive = this.#expiryOf(owner) > now;
      if (isAlive !== this.#alive.has(owner)) {
        this.#alive[isAlive ? "add" : "delete"](owner);
        paths.forEach((path) => this.#touched.add(path));
      }
    }
    for (const path of this.#touched) {
      const entry = this.#entries.get(path);
      if (entry !== undefined && this.#alive.has(entry.owner)) {
        this.#builder.setEntry(path, entry);
      } else if (entry !== undefined) {
        this.#builder.deleteEntry(path);
      }
    }
    this.#touched.clear();
  }

  #takeKey(key: string, content: Content): void {
    if (!selectsKeys(this.#selector, key)) {
      return; // a file, where only a folder would lead to something selected
    }
    const text = textOf(content);
    if (text.ok) {
      this.#builder.setKey(key, text.value);
    } else {
      this.#builder.setInvalidKey(key, text.reason);
    }
  }

  #takeEntry(path: string, place: { readonly service: string; readonly id: string }, content: Content): void {
    this.#dropEntry(path);
    const text = textOf(content);
    const decoded = text.ok ? decodeEntry(text.value, { service: place.service, id: place.id }) : text;
    if (!decoded.ok) {
      this.#builder.setInvalidEntry(path, decoded.reason);
      return;
    }
    const { owner } = decoded.value;
    this.#entries.set(path, decoded.value);
    this.#pathsByOwner.set(owner, (this.#pathsByOwner.get(owner) ?? new Set()).add(path));
    this.#touched.add(path);
  }

  #dropEntry(path: string): void {
    const entry = this.#entries.get(path);
    if (entry !== undefined) {
      this.#entries.delete(path);
      if (entry.owner !== "") {
        this.#bereft.add(entry.owner);
      }
      const paths = this.#pathsByOwner.get(entry.owner);
      paths?.delete(path);
      if (paths?.size === 0) {
        this.#pathsByOwner.delete(entry.owner);
        this.#alive.delete(entry.owner);
      }
    }
  }

  #takeLease(path: string, owner: string, content: Content): void {
    const lease = content.kind === "bytes" ? decodeLease(content.bytes) : notOk(content.reason);
    if (lease.ok) {
      this.#leases.set(owner, lease.value);
      this.#builder.deleteEntry(path); // it is named no more
    } else {
      this.#leases.delete(owner);
      this.#builder.setInvalidEntry(path, lease.reason);
    }
  }

  #expiryOf(owner: string): number {
    return owner === "" ? Number.POSITIVE_INFINITY : (this.#leases.get(owner)?.expiresAtMs ?? Number.NEGATIVE_INFINITY);
  }
}

function textOf(content: Content): Decoded<string> {
  return content.kind === "bytes" ? decodeText(content.bytes) : notOk(content.reason);
}

function notOk(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
