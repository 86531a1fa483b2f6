/** Which owners hold a session: one key each, which their session locks and takes along when it ends. */
import { monotonicMs } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import type { SnapshotBuilder } from "../../model/snapshot.ts";
import { encodeOwner, livingOwnerAt } from "../owner-record.ts";
import type { KeyLayout } from "../store.ts";
import type { Client } from "./client.ts";
import type { KvSink } from "./kv-tree.ts";
import { askablePart, listPairs } from "./read-requests.ts";
import { runTransaction, type TxnOperation } from "./write-requests.ts";

/**
 * Brings the records into a snapshot builder. After the store's index went back there are none for a while: what an older state of the
 * store lacks, no owner took away.
 */
export function createLivingSink(layout: KeyLayout, builder: SnapshotBuilder, returnMs: number): Required<KvSink> {
  const owners = new Map<string, string>();
  let doubtedUntilMs = Number.NEGATIVE_INFINITY;
  return {
    set({ key, value, session }) {
      const owner = livingOwnerAt(key.slice(layout.livingPrefix.length), value, session !== undefined);
      if (owner === undefined) {
        owners.delete(key);
      } else {
        owners.set(key, owner);
      }
    },
    delete(key) {
      owners.delete(key);
    },
    done(wentBack) {
      if (wentBack) {
        doubtedUntilMs = monotonicMs() + returnMs;
      }
      builder.setOwners(new Set(monotonicMs() < doubtedUntilMs ? [] : owners.values()));
    },
  };
}

/** Writes the record of an owner, once for each session. */
export class KvLiving {
  readonly #client: Client;
  readonly #layout: KeyLayout;
  /** The session under which each owner is shown. */
  readonly #shown = new Map<string, string>();

  constructor(client: Client, layout: KeyLayout) {
    this.#client = client;
    this.#layout = layout;
  }

  /** A store that refuses it costs nobody his session: readers then hold back for a while what this owner removes. */
  async show(owner: string, session: string, signal: AbortSignal): Promise<void> {
    if (this.#shown.get(owner) === session) {
      return;
    }
    try {
      const key = this.#layout.livingKey(owner);
      const { data } = await listPairs(this.#client, askablePart(key), "consistent", signal);
      if (data.find((pair) => pair.key === key)?.session !== session) {
        await this.#write(key, owner, session, signal);
      }
      this.#shown.set(owner, session);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FairleadError)) {
        throw error;
      }
    }
  }

  async #write(key: string, owner: string, session: string, signal: AbortSignal): Promise<void> {
    const Value = Buffer.from(encodeOwner(owner), "utf8").toString("base64");
    const operations: readonly TxnOperation[] = [
      { Verb: "delete", Key: key }, // the session of before may hold it still
      { Verb: "lock", Key: key, Value, Session: session },
    ];
    if ((await runTransaction(this.#client, "show an owner as living in Consul", operations, signal)) !== "done") {
      throw new FairleadError("REGISTRY_UNAVAILABLE", "Consul refused the record of a living owner", { retryable: true });
    }
  }
}
