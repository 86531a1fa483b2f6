/** The record that says which owners hold a lease: a key that hangs on it, written once for each lease. */
import { FairleadError } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import { encodeOwner } from "../owner-record.ts";
import type { KeyLayout } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import { storeKey } from "./ranges.ts";
import { getKeys } from "./txn.ts";

const WRITE_MS = 5000;

export interface LivingOptions {
  readonly client: EtcdClient;
  readonly layout: KeyLayout;
  readonly log?: Log | undefined;
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

  /** The lease that the owner's record hangs on; undefined: there is no record. */
  async leaseOf(owner: string, signal: AbortSignal): Promise<string | undefined> {
    const [place] = await getKeys(this.#options.client, [[this.keyOf(owner)]], signal);
    const lease = place?.[0]?.lease;
    return lease === "0" ? undefined : lease;
  }

  /**
   * Shows the owner as living; whether that succeeded. A store that refuses it costs nobody his lease: readers then hold back for a while
   * what this owner removes.
   */
  async write(owner: string, lease: string, signal: AbortSignal): Promise<boolean> {
    const { client, log } = this.#options;
    const key = this.keyOf(owner);
    const request = { key: storeKey(key), value: Buffer.from(encodeOwner(owner)), lease };
    try {
      await client.call({ what: `cannot write etcd key "/${key}"`, signal, ms: WRITE_MS, isRepeatable: true }, ({ kv }, call) =>
        kv.put(request, call),
      );
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FairleadError)) {
        throw error;
      }
      if (!this.#hasWarned) {
        this.#hasWarned = true;
        log?.warn("cannot show others that this owner is alive, so they may hold back what it removes", {
          owner,
          code: error.code,
          error: error.message,
        });
      }
      return false;
    }
  }
}
