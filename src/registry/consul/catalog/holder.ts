import { withDeadline } from "../../../core/time.ts";
import { FairleadError, hasCode } from "../../../model/errors.ts";
import type { Log } from "../../../ports.ts";
import { decodeText, encodeSegment } from "../../codec.ts";
import type { KeyLayout } from "../../store.ts";
import type { Client } from "../api/client.ts";
import { askablePart, listPairs } from "../api/read-requests.ts";
import { createSession, isPermissionDenied, renewSession, runTransaction, type TxnOperation } from "../api/write-requests.ts";

/** Consul has no shorter sessions. */
const MIN_SESSION_MS = 10_000;
/** The most of a beat's time that the record may take: without a leader there are no sessions, and entries live all the same. */
const MAX_SHARE_OF_TTL = 1 / 6;

/** A record that hangs on a living session. */
interface Standing {
  readonly holder: string;
  readonly session: string;
}

interface Session {
  readonly id: string;
  readonly ttlMs: number;
}

/**
 * Which process writes as an owner of the catalogue. The catalogue has no place for it; a key has, which a session of the process takes
 * along when it ends. Where the token may have neither, nobody is shown, and all else goes on.
 */
export class CatalogHolder {
  readonly #client: Client;
  readonly #layout: KeyLayout;
  readonly #log: Log | undefined;
  /** One for each owner, of this process alone: another one must not keep our record, nor we its. */
  readonly #sessions = new Map<string, Session>();
  /** Whom this process shows for each owner, or will with its first beat. */
  readonly #shown = new Map<string, string>();
  /** Owners that this process has beaten for. */
  readonly #beaten = new Set<string>();
  #hasWarned = false;

  constructor(client: Client, layout: KeyLayout, log: Log | undefined) {
    this.#client = client;
    this.#layout = layout;
    this.#log = log;
  }

  async get(owner: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#ifAllowed(async () => (await this.#read(owner, signal))?.holder);
  }

  /**
   * Before the first beat there is nothing yet that it could be shown on, unless somebody is shown already: of two processes that begin at
   * once, the first to beat is the holder. An empty text: nobody.
   */
  async show(owner: string, holder: string, ttlMs: number, signal: AbortSignal): Promise<void> {
    await this.#ifAllowed(async () => {
      const first = { Verb: "delete", Key: this.#keyOf(owner) } as const; // whoever was it before
      if (holder === "") {
        this.#shown.delete(owner);
        await this.#run([first], signal);
        return;
      }
      this.#shown.set(owner, holder);
      const standing = await this.#read(owner, signal);
      const known = this.#sessions.get(owner);
      const isOurs = known !== undefined && known.ttlMs === ttlMs && (await renewSession(this.#client, known.id, signal));
      const isShown = isOurs && standing?.session === known.id && standing.holder === holder;
      if (isShown || (standing === undefined && !this.#beaten.has(owner))) {
        return;
      }
      const session = isOurs ? known.id : await this.#open(owner, ttlMs, signal);
      if (!(await this.#write(owner, holder, session, first, signal))) {
        throw new FairleadError("REGISTRY_UNAVAILABLE", `cannot show who writes as ${JSON.stringify(owner)}: Consul refused it`, {
          retryable: true,
        });
      }
    });
  }

  /** With each beat. It fails for itself alone. */
  async keep(owner: string, ttlMs: number, signal: AbortSignal): Promise<void> {
    this.#beaten.add(owner);
    const holder = this.#shown.get(owner);
    if (holder === undefined) {
      return;
    }
    const late = new FairleadError("TIMEOUT", "Consul's sessions take too long", { retryable: true });
    try {
      await withDeadline({ ms: ttlMs * MAX_SHARE_OF_TTL, signal, onTimeout: () => late }, async (inner) => {
        const session = this.#sessions.get(owner);
        if (session?.ttlMs !== ttlMs || !(await renewSession(this.#client, session.id, inner))) {
          await this.#restore(owner, holder, ttlMs, inner);
        }
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FairleadError)) {
        throw error;
      }
    }
  }

  forget(owner: string): void {
    this.#shown.delete(owner);
    this.#beaten.delete(owner);
  }

  /** There is no record yet, it went with its session, or it has to hang on another one. Who has shown himself meanwhile stays. */
  async #restore(owner: string, holder: string, ttlMs: number, signal: AbortSignal): Promise<void> {
    const standing = await this.#read(owner, signal);
    if (standing !== undefined && standing.holder !== holder) {
      this.#shown.delete(owner);
      return;
    }
    const session = await this.#open(owner, ttlMs, signal);
    const Key = this.#keyOf(owner);
    await this.#write(owner, holder, session, { Verb: standing === undefined ? "check-not-exists" : "delete", Key }, signal);
  }

  async #read(owner: string, signal: AbortSignal): Promise<Standing | undefined> {
    const key = this.#keyOf(owner);
    const { data } = await listPairs(this.#client, askablePart(key), "consistent", signal);
    const pair = data.find((each) => each.key === key);
    const holder = pair && holderIn(pair.value);
    return pair?.session === undefined || holder === undefined ? undefined : { holder, session: pair.session };
  }

  async #open(owner: string, ttlMs: number, signal: AbortSignal): Promise<string> {
    const ttl = `${Math.ceil(Math.max(MIN_SESSION_MS, ttlMs) / 1000)}s`;
    const id = await createSession(this.#client, `fairlead writes as ${JSON.stringify(owner)}`, ttl, signal);
    this.#sessions.set(owner, { id, ttlMs });
    return id;
  }

  /** False: it was refused by what stands there, or because the session has ended. */
  async #write(owner: string, holder: string, session: string, first: TxnOperation, signal: AbortSignal): Promise<boolean> {
    const Value = Buffer.from(JSON.stringify({ v: 1, owner, holder }), "utf8").toString("base64");
    return await this.#run([first, { Verb: "lock", Key: first.Key, Value, Session: session }], signal);
  }

  async #run(operations: readonly TxnOperation[], signal: AbortSignal): Promise<boolean> {
    const what = "show who writes as an owner in Consul";
    const outcome = await runTransaction(this.#client, what, operations, signal);
    if (typeof outcome !== "string" && outcome.some(isPermissionDenied)) {
      throw new FairleadError("REGISTRY_DENIED", `cannot ${what}: permission denied`);
    }
    return outcome === "done";
  }

  async #ifAllowed<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!hasCode(error, "REGISTRY_DENIED")) {
        throw error;
      }
      if (!this.#hasWarned) {
        this.#hasWarned = true;
        this.#log?.warn("the token may not keep a record of who writes as this node: two processes would not notice each other", {
          code: error.code,
          error: error.message,
        });
      }
      return undefined;
    }
  }

  /** Below the records of owners, where no key of two segments is one of theirs. */
  #keyOf(owner: string): string {
    return `${this.#layout.livingPrefix}catalogue/${encodeSegment(owner)}`;
  }
}

function holderIn(value: Uint8Array): string | undefined {
  const text = decodeText(value);
  try {
    const record: unknown = text.ok ? JSON.parse(text.value) : undefined;
    const isRecord = typeof record === "object" && record !== null && "v" in record && record.v === 1 && "holder" in record;
    return isRecord && typeof record.holder === "string" ? record.holder : undefined;
  } catch {
    return undefined; // not JSON
  }
}
