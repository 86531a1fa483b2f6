import { FairleadError } from "../../../model/errors.ts";
import type { Client } from "../api/client.ts";
import { createExclusive, type Exclusive } from "../api/concurrency.ts";
import { createSession, listSessions, renewSession } from "../api/write-requests.ts";

/** Consul's own limits. */
const MIN_TTL_MS = 10_000;
const MAX_TTL_MS = 86_400_000;

interface Held {
  readonly id: string;
  readonly ttl: string;
}

/**
 * The session of each owner, one for all its entries. A process that starts finds the session of the one before by its name, which carries
 * the owner and the prefix.
 */
export class KvSessions {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #held = new Map<string, Held>();
  readonly #exclusive: Exclusive = createExclusive();

  constructor(client: Client, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  /** The session that we have, or one of an earlier process; it may have ended meanwhile. */
  async find(owner: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#exclusive(async () => (await this.#find(owner, signal))?.id, signal);
  }

  /** `kept`: it lives on. `lost`: there is a new one. */
  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    if (ttlMs < MIN_TTL_MS || ttlMs > MAX_TTL_MS) {
      throw new FairleadError("CONFIG_INVALID", `a ttl of ${ttlMs / 1000} s is none that Consul's sessions can have`, {
        hint: "choose between 10 s and 24 h, or use consul:// instead of consul-kv://, which has no such limit",
      });
    }
    return await this.#exclusive(async () => {
      const held = await this.#find(owner, signal);
      const ttl = ttlText(ttlMs);
      if (held?.ttl === ttl && (await renewSession(this.#client, held.id, signal))) {
        return "kept";
      }
      await this.#create(owner, ttl, signal);
      return "lost";
    }, signal);
  }

  /** Whether a session still lives; to be asked when Consul refused something without a reason that we can see. */
  async isAlive(id: string, signal: AbortSignal): Promise<boolean> {
    return await renewSession(this.#client, id, signal);
  }

  async #find(owner: string, signal: AbortSignal): Promise<Held | undefined> {
    const known = this.#held.get(owner);
    if (known !== undefined) {
      return known;
    }
    const name = this.#nameOf(owner);
    const found = (await listSessions(this.#client, signal))
      // One that leaves its keys behind when it ends, or locks them up for a while, is none that we made.
      .filter((session) => session.name === name && session.behavior === "delete" && session.lockDelay === 0)
      .toSorted((a, b) => b.createIndex - a.createIndex)[0];
    if (found !== undefined) {
      this.#held.set(owner, found);
    }
    return found;
  }

  async #create(owner: string, ttl: string, signal: AbortSignal): Promise<Held> {
    const held = { id: await createSession(this.#client, this.#nameOf(owner), ttl, signal), ttl };
    this.#held.set(owner, held);
    return held;
  }

  #nameOf(owner: string): string {
    return `fairlead ${JSON.stringify([this.#prefix, owner])}`;
  }
}

function ttlText(ms: number): string {
  return `${Math.ceil(ms / 1000)}s`;
}
