/** The record that says which owners hold a lease, and which process writes as one of them: a key that hangs on the lease. */
import { FairleadError } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import { decodeLiving, encodeLiving, type LivingRecord } from "../owner-record.ts";
import type { KeyLayout } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import { lookUpLease } from "./lease.ts";
import { storeKey } from "./ranges.ts";
import { getKeys } from "./txn.ts";

const WRITE_MS = 5000;
/** A change of the record between reading and writing it is rare. */
const MAX_TRIES = 5;

export interface LivingOptions {
  readonly client: EtcdClient;
  readonly layout: KeyLayout;
  readonly log?: Log | undefined;
}

/** A record as it stands. */
export interface Standing extends LivingRecord {
  readonly lease: string;
  readonly revision: string;
}

export interface OwnLease {
  readonly id: string;
  /** The settled record hangs on it. */
  readonly isShown: boolean;
}

interface Writing {
  readonly lease: string;
  readonly signal: AbortSignal;
  /** The revision that the record must have; "0": there is none. Absent: whatever is there. */
  readonly guard?: string;
}

export class LivingRecords {
  readonly #options: LivingOptions;
  #hasWarned = false;

  constructor(options: LivingOptions) {
    this.#options = options;
  }

  keyOf(owner: string): string {
    return this.#options.layout.livingKey(owner);
  }

  /** The owner's record, if it hangs on a lease: one that does not proves nothing. */
  async find(owner: string, signal: AbortSignal): Promise<Standing | undefined> {
    const [place] = await getKeys(this.#options.client, [[this.keyOf(owner)]], signal);
    const kv = place?.[0];
    const record = kv && kv.lease !== "0" ? decodeLiving(kv.value) : undefined;
    return kv && record && { ...record, lease: kv.lease, revision: kv.mod_revision };
  }

  /**
   * Shows a process as the holder. The record stays on the lease that it hangs on, unless it was ours and somebody else moved it; without a
   * record and a lease there is nothing that it could be shown on.
   */
  async showHolder(owner: string, holder: string, ours: OwnLease | undefined, signal: AbortSignal): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const standing = await this.find(owner, signal);
      const lease = standing === undefined || ours?.isShown === true ? ours?.id : standing.lease;
      if (lease === undefined || (standing !== undefined && (standing.holder ?? "") === holder)) {
        return;
      }
      if (standing === undefined && (await lookUpLease(this.#options.client, lease, signal)) === undefined) {
        return; // it has ended, as the next beat will tell
      }
      const record = { owner, holder, isSettled: standing?.isSettled ?? ours?.isShown ?? false };
      if (await this.#write(record, { lease, guard: standing?.revision ?? "0", signal })) {
        return;
      }
    }
    const text = `cannot show who registers as ${JSON.stringify(owner)}: others change it all the time`;
    throw new FairleadError("REGISTRY_UNAVAILABLE", text, { retryable: true });
  }

  async #write(record: LivingRecord, { lease, guard, signal }: Writing): Promise<boolean> {
    const name = this.keyOf(record.owner);
    const key = storeKey(name);
    const request = {
      compare: guard === undefined ? [] : [{ key, target: "Mod" as const, result: "Equal" as const, mod_revision: guard }],
      success: [{ request_put: { key, value: Buffer.from(encodeLiving(record)), lease } }],
      failure: [],
    };
    const what = `cannot write etcd key "/${name}"`;
    const { succeeded } = await this.#options.client.call({ what, signal, ms: WRITE_MS, isRepeatable: true }, ({ kv }, call) =>
      kv.txn(request, call),
    );
    return succeeded;
  }

  /** Shows the holder under a new lease. Of two processes that begin as one owner at the same moment, one gets the record. */
  async claim(owner: string, holder: string | undefined, { lease, signal }: Omit<Writing, "guard">): Promise<void> {
    if (holder !== undefined) {
      await this.#attempt(owner, signal, () => this.#write({ owner, holder, isSettled: false }, { lease, guard: "0", signal }));
    }
  }

  /**
   * Shows the owner as living under a lease; whether that is so now. A beat leaves a record alone that hangs on another lease: what was
   * written under that one still counts.
   */
  async settle(
    owner: string,
    holder: string | undefined,
    { lease, after, signal }: Omit<Writing, "guard"> & { readonly after: "written" | "beaten" },
  ): Promise<boolean> {
    return await this.#attempt(owner, signal, async () => {
      const standing = after === "beaten" ? await this.find(owner, signal) : undefined;
      const mayWrite = standing === undefined || standing.lease === lease;
      return mayWrite && (await this.#write({ owner, holder, isSettled: true }, { lease, signal }));
    });
  }

  /**
   * Whether something was done with a record. A store that refuses it costs nobody his lease: readers then hold back for a while
   * what this owner removes.
   */
  async #attempt(owner: string, signal: AbortSignal, work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      if (!this.#hasWarned) {
        this.#hasWarned = true;
        this.#options.log?.warn("cannot show others that this owner is alive, so they may hold back what it removes", {
          owner,
          code: error.code,
          error: error.message,
        });
      }
      return false;
    }
  }
}
