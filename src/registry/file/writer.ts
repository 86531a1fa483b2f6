import { dirname, join } from "node:path";
import { each } from "../../core/each.ts";
import { monotonicMs } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import { compareText, type Instance, withoutHealthCheck } from "../../model/instance.ts";
import type { Change, Owned, Put, RegistryWriter, WriteResult } from "../../ports.ts";
import { decodeEntry, decodeText, encodeEntry } from "../codec.ts";
import { removeEmptyFolders, removeFile, syncFolders, type TouchedFolders, writeAtomic } from "./atomic.ts";
import { fileError } from "./errors.ts";
import { encodeLease, type Lease } from "./lease.ts";
import { entryPath, leasePath } from "./paths.ts";
import { isAlive, livingLease, readLease, revisionOf, whoHolds } from "./places.ts";
import { removeOldLeases } from "./sweep.ts";
import { FolderTree } from "./tree.ts";

const WRITES_AT_ONCE = 8;

interface Writing {
  readonly touched: TouchedFolders;
  readonly signal: AbortSignal;
}

type Outcome = "written" | "removed" | { readonly holder: string };

/** Writes entries as files; each names its owner, and all of an owner's hang on one lease file. */
export class FolderWriter implements RegistryWriter {
  readonly #dir: string;
  /** Every valid entry by its path; files that did not change are not read again. */
  readonly #entries = new Map<string, Owned>();
  readonly #tree: FolderTree;
  /** Whom this process shows as each owner's holder, as soon as there is a lease. */
  readonly #holders = new Map<string, string>();
  /** The leases that this process wrote, and until when they live by the monotonic clock. */
  readonly #renewed = new Map<string, { readonly expiresAtMs: number; readonly untilMs: number }>();
  #busy: Promise<void> = Promise.resolve();
  #leasing: Promise<void> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
    this.#tree = new FolderTree({
      dir,
      wants: ({ kind }) => kind === "root" || kind === "services" || kind === "service" || kind === "entry",
      onFile: (path, role, content) => {
        const text = content.kind === "bytes" ? decodeText(content.bytes) : undefined;
        const decoded =
          role.kind === "entry" && text?.ok ? decodeEntry(text.value, { service: role.service, id: role.id }) : undefined;
        if (content.kind === "bytes" && decoded?.ok) {
          this.#entries.set(path, { entry: decoded.value, revision: revisionOf(content.bytes), unleased: false });
        } else {
          this.#entries.delete(path);
        }
      },
      onGone: (path) => void this.#entries.delete(path),
    });
  }

  asStored(instance: Instance): Instance {
    return withoutHealthCheck(instance);
  }

  async owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    const unleased = !(await this.#try(`read the lease of ${owner}`, () => isAlive(this.#dir, owner, signal)));
    const entries = await this.#list(owner, signal);
    return entries
      .map(([, owned]) => ({ ...owned, unleased }))
      .sort((a, b) => compareText(a.entry.service, b.entry.service) || compareText(a.entry.id, b.entry.id));
  }

  async write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    signal.throwIfAborted();
    const lease = await this.#try(`read the lease of ${owner}`, () => livingLease(this.#dir, owner, signal));
    if (change.put.length > 0 && lease === undefined) {
      throw new FairleadError("REGISTRY_UNAVAILABLE", `cannot write to ${this.#dir}: ${JSON.stringify(owner)} holds no lease`, {
        retryable: true,
      });
    }
    const touched: TouchedFolders = new Set();
    const limit = { limit: WRITES_AT_ONCE, signal };
    const put = await each(change.put, limit, (item, running) =>
      attempt(item.instance, () => this.#put(owner, item, { touched, signal: running })),
    );
    const removed = await each(change.remove, limit, (item, running) =>
      attempt(item.entry, () => this.#remove(owner, item, { touched, signal: running })),
    );
    const results = [...put, ...removed];
    await this.#try(`sync ${this.#dir}`, async () => {
      if (lease?.isSettled === false && !results.some(({ outcome }) => outcome === "failed")) {
        await this.#changeLease(owner, { touched, signal }, (now) => now && { ...now, isSettled: true });
      }
      await syncFolders(touched);
    });
    return results;
  }

  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    signal.throwIfAborted();
    return await this.#try(`renew the lease of ${owner}`, async () => {
      const touched: TouchedFolders = new Set();
      const kept = (await livingLease(this.#dir, owner, signal)) ?? (await this.#findOutrun(owner, signal));
      if (kept === undefined) {
        // What hung on the old lease was gone for everyone: a new one must not bring it back.
        await this.#removeAll(owner, signal, touched);
        const owners = new Set([...this.#entries.values()].map(({ entry }) => entry.owner));
        await removeOldLeases(this.#dir, owners, { touched, signal });
      }
      const [expiresAtMs, untilMs] = [Date.now() + ttlMs, monotonicMs() + ttlMs];
      const isSettled = kept !== undefined;
      await this.#changeLease(owner, { touched, signal }, (now) => {
        const { holder } = now ?? kept ?? { holder: this.#holders.get(owner) };
        return { expiresAtMs, isSettled, holder };
      });
      this.#renewed.set(owner, { expiresAtMs, untilMs });
      await syncFolders(touched);
      return kept === undefined ? "lost" : "kept";
    });
  }

  async holder(owner: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    const lease = await this.#try(`read the lease of ${owner}`, () => livingLease(this.#dir, owner, signal));
    return lease?.holder;
  }

  async showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#holders.set(owner, holder);
    await this.#try(`change the lease of ${owner}`, async () => {
      const touched: TouchedFolders = new Set();
      await this.#changeLease(owner, { touched, signal }, (now) =>
        now === undefined || (now.holder ?? "") === holder ? undefined : { ...now, holder },
      );
      await syncFolders(touched);
    });
  }

  async orphans(_hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    signal.throwIfAborted();
    return [];
  }

  async release(owner: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#try(`remove the entries of ${owner}`, async () => {
      const touched: TouchedFolders = new Set();
      await this.#removeAll(owner, signal, touched);
      await syncFolders(touched);
    });
  }

  /**
   * Our lease, when it is over by the clock on the wall alone, because that was put forward: the file says what we wrote, and by a clock that
   * nobody sets it lives, so that nothing has to be removed and written again.
   */
  async #findOutrun(owner: string, signal: AbortSignal): Promise<Lease | undefined> {
    const renewed = this.#renewed.get(owner);
    const lease = await readLease(this.#dir, owner, signal);
    const isOurs = renewed !== undefined && lease?.expiresAtMs === renewed.expiresAtMs;
    return isOurs && monotonicMs() < renewed.untilMs ? lease : undefined;
  }

  /** Gives the owner another lease, made from the one that lives; undefined leaves it as it is. One change at a time: none undoes another. */
  async #changeLease(
    owner: string,
    { touched, signal }: Writing,
    change: (lease: Lease | undefined) => Lease | undefined,
  ): Promise<void> {
    const changed = this.#leasing.then(async () => {
      const lease = change(await livingLease(this.#dir, owner, signal));
      if (lease !== undefined) {
        await writeAtomic(join(this.#dir, leasePath(owner)), Buffer.from(encodeLease(lease)), { place: "replace", touched });
      }
    });
    this.#leasing = changed.catch(() => undefined); // whoever asked is told
    await changed;
  }

  async #list(owner: string, signal: AbortSignal): Promise<readonly (readonly [string, Owned])[]> {
    const listed = this.#busy.then(() => this.#tree.visit(new Set([""]), signal));
    this.#busy = listed.catch(() => undefined); // whoever asked is told
    await listed;
    return owner === "" ? [] : [...this.#entries].filter(([, { entry }]) => entry.owner === owner);
  }

  async #removeAll(owner: string, signal: AbortSignal, touched: TouchedFolders): Promise<void> {
    const entries = await this.#list(owner, signal);
    await each(entries, { limit: WRITES_AT_ONCE, signal }, async ([path, { entry, revision }], running) => {
      const held = await whoHolds(this.#dir, entry, running);
      if (held.by === "dead-owner" ? held.revision === revision : held.by === "owner" && held.entry.owner === owner) {
        await this.#unlink(join(this.#dir, path), touched);
      }
    });
  }

  async #put(owner: string, { instance, replaces }: Put, { touched, signal }: Writing): Promise<Outcome> {
    const path = join(this.#dir, entryPath(instance));
    const bytes = Buffer.from(`${encodeEntry({ ...instance, owner })}\n`);
    for (;;) {
      const held = await whoHolds(this.#dir, instance, signal);
      switch (held.by) {
        case "stranger":
          return { holder: "" };
        case "owner":
          if (held.entry.owner !== owner) {
            return { holder: held.entry.owner };
          }
          if (held.revision !== replaces?.revision) {
            throw changed(path);
          }
          if (held.revision !== revisionOf(bytes)) {
            await writeAtomic(path, bytes, { place: "replace", touched });
          }
          return "written";
        case "dead-owner":
          await removeFile(path, touched);
          break;
        case "nobody":
          if (await writeAtomic(path, bytes, { place: "free", touched })) {
            return "written";
          }
      }
    }
  }

  async #remove(owner: string, { entry, revision }: Owned, { touched, signal }: Writing): Promise<Outcome> {
    const held = await whoHolds(this.#dir, entry, signal);
    switch (held.by) {
      case "nobody":
        return "removed";
      case "stranger":
        return { holder: "" };
      case "owner":
        if (held.entry.owner !== owner) {
          return { holder: held.entry.owner };
        }
        if (held.revision !== revision) {
          throw changed(entryPath(entry));
        }
        break;
      case "dead-owner":
        if (held.revision !== revision) {
          return "removed"; // for everyone it is gone, and whose it was does not matter
        }
    }
    await this.#unlink(join(this.#dir, entryPath(entry)), touched);
    return "removed";
  }

  async #unlink(path: string, touched: TouchedFolders): Promise<void> {
    await removeFile(path, touched);
    await removeEmptyFolders(dirname(path), join(this.#dir, "services"), touched);
  }

  async #try<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, doing);
    }
  }
}

function changed(path: string): FairleadError {
  return new FairleadError("REGISTRY_UNAVAILABLE", `${path} changed since it was read`, { retryable: true });
}

/** The result of one change, whatever becomes of it: one that fails hurts only itself. */
async function attempt({ service, id }: Pick<Instance, "service" | "id">, change: () => Promise<Outcome>): Promise<WriteResult> {
  try {
    const outcome = await change();
    return typeof outcome === "string" ? { service, id, outcome } : { service, id, outcome: "conflict", holder: outcome.holder };
  } catch (error) {
    return {
      service,
      id,
      outcome: "failed",
      error: fileError(error, `write ${JSON.stringify(id)} of ${JSON.stringify(service)}`),
    };
  }
}
