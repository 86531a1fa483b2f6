/** Which owners hold a session: one key each, which their session locks and takes along when it ends. */
import { monotonicMs } from "../../../core/time.ts";
import { FairleadError } from "../../../model/errors.ts";
import type { SnapshotBuilder } from "../../../model/snapshot.ts";
import { decodeLiving, encodeLiving, type LivingRecord, livingOwnerAt } from "../../owner-record.ts";
import type { KeyLayout } from "../../store.ts";
import type { Client } from "../api/client.ts";
import { askablePart, listPairs } from "../api/read-requests.ts";
import { runTransaction, type TxnOperation } from "../api/write-requests.ts";
import type { KvSink } from "./tree.ts";

/** A change of the record between reading and writing it is rare. */
const MAX_TRIES = 5;

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

/** A record as it stands. */
interface Standing extends LivingRecord {
  readonly session: string;
  readonly index: number;
}

/** Writes the record of an owner, once for each session, and again when another process shows itself as its holder. */
export class KvLiving {
  readonly #client: Client;
  readonly #layout: KeyLayout;
  /** The session under which each owner is shown. */
  readonly #shown = new Map<string, string>();
  /** The process that each owner's record shows, as far as anybody asked for it. */
  readonly #holders = new Map<string, string>();

  constructor(client: Client, layout: KeyLayout) {
    this.#client = client;
    this.#layout = layout;
  }

  /**
   * Shows the owner as living. A beat leaves a record alone that hangs on another session: what was written under that one still counts. A
   * store that refuses it costs nobody his session: readers then hold back for a while what this owner removes.
   */
  async show(owner: string, session: string, after: "written" | "beaten", signal: AbortSignal): Promise<void> {
    if (this.#shown.get(owner) === session) {
      return;
    }
    await this.#attempt(signal, async () => {
      const standing = await this.find(owner, signal);
      const isElsewhere = standing !== undefined && standing.session !== session;
      if (after === "beaten" && isElsewhere) {
        return;
      }
      if (isElsewhere || standing?.isSettled !== true) {
        const record = { owner, holder: this.#holders.get(owner), isSettled: true };
        if (!(await this.#write(record, session, [], signal))) {
          throw new FairleadError("REGISTRY_UNAVAILABLE", "Consul refused the record of a living owner", { retryable: true });
        }
      }
      this.#shown.set(owner, session);
    });
  }

  /** Shows the holder under a new session. Of two processes that begin as one owner at the same moment, one gets the record. */
  async claim(owner: string, session: string, signal: AbortSignal): Promise<void> {
    const holder = this.#holders.get(owner);
    if (holder !== undefined) {
      await this.#attempt(signal, async () => {
        const guard = { Verb: "check-not-exists", Key: this.#layout.livingKey(owner) } as const;
        await this.#write({ owner, holder, isSettled: false }, session, [guard], signal);
      });
    }
  }

  /**
   * Shows a process as the holder. The record stays on the session that it hangs on, unless it was ours and somebody else moved it; without a
   * record and a session there is nothing that it could be shown on.
   */
  async showHolder(
    owner: string,
    holder: string,
    { session, isAlive }: { readonly session: string | undefined; readonly isAlive: (session: string) => Promise<boolean> },
    signal: AbortSignal,
  ): Promise<void> {
    this.#holders.set(owner, holder);
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const standing = await this.find(owner, signal);
      const isShown = session !== undefined && this.#shown.get(owner) === session;
      const place = standing === undefined || isShown ? session : standing.session;
      if (place === undefined || (standing !== undefined && (standing.holder ?? "") === holder)) {
        return;
      }
      const record = { owner, holder, isSettled: standing?.isSettled ?? isShown };
      const Key = this.#layout.livingKey(owner);
      const guard: TxnOperation =
        standing === undefined ? { Verb: "check-not-exists", Key } : { Verb: "check-index", Key, Index: standing.index };
      if ((await this.#write(record, place, [guard], signal)) || (standing === undefined && !(await isAlive(place)))) {
        return; // without its session it is shown with the next one
      }
    }
    const text = `cannot show who registers as ${JSON.stringify(owner)}: others change it all the time, or Consul refuses it`;
    throw new FairleadError("REGISTRY_UNAVAILABLE", text, { retryable: true });
  }

  /** The owner's record, if it hangs on a session: one that does not proves nothing. */
  async find(owner: string, signal: AbortSignal): Promise<Standing | undefined> {
    const key = this.#layout.livingKey(owner);
    const { data } = await listPairs(this.#client, askablePart(key), "consistent", signal);
    const pair = data.find((each) => each.key === key);
    const record = pair?.session === undefined ? undefined : decodeLiving(pair.value);
    return pair?.session === undefined || record === undefined
      ? undefined
      : { ...record, session: pair.session, index: pair.modifyIndex };
  }

  /** Whether Consul did it: the guards held. */
  async #write(record: LivingRecord, session: string, guards: readonly TxnOperation[], signal: AbortSignal): Promise<boolean> {
    const Key = this.#layout.livingKey(record.owner);
    const Value = Buffer.from(encodeLiving(record), "utf8").toString("base64");
    const operations: readonly TxnOperation[] = [
      ...guards,
      { Verb: "delete", Key }, // the session of before may hold it still
      { Verb: "lock", Key, Value, Session: session },
    ];
    return (await runTransaction(this.#client, "show an owner as living in Consul", operations, signal)) === "done";
  }

  async #attempt(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FairleadError)) {
        throw error;
      }
    }
  }
}
