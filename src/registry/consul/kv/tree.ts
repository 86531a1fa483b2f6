import { BlockingQuery } from "../api/blocking.ts";
import type { Client } from "../api/client.ts";
import { mapLimited } from "../api/concurrency.ts";
import { denied } from "../api/failures.ts";
import {
  askablePart,
  type Indexed,
  isAskable,
  listKeys,
  listPairs,
  listTrees,
  type Mode,
  requireReadable,
} from "../api/read-requests.ts";
import type { KvPair } from "../api/shapes.ts";
import type { Part } from "../part.ts";
import { isSuspicious } from "../shrink.ts";

const MAX_PROBES = 3;

/** Where a tree's index stands; with one prefix, its pairs too. */
type Hint = Indexed<readonly KvPair[] | undefined>;

/** Gets what changed; each pair and each lost key once. */
export interface KvSink {
  set(pair: KvPair): void;
  delete(key: string): void;
  /** A whole answer was taken in. `wentBack`: its index is lower than the one before, as after a store was restored. */
  done?(wentBack: boolean): void;
}

/**
 * Everything below some prefixes of the key-value store, followed by one blocking query: with one prefix it brings the pairs themselves,
 * with several it is a hint on what they have in common, and the prefixes are read again.
 */
export class KvTree {
  readonly #client: Client;
  readonly #prefixes: readonly string[];
  readonly #sink: KvSink;
  /** The versions of what is known, by prefix and key. */
  readonly #known: Map<string, Map<string, number>>;
  readonly #hintPrefix: string;
  readonly query: BlockingQuery<readonly KvPair[] | undefined>;
  #index = 1;

  constructor(client: Client, prefixes: readonly string[], sink: KvSink) {
    this.#client = client;
    this.#prefixes = prefixes;
    this.#sink = sink;
    this.#known = new Map(prefixes.map((prefix) => [prefix, new Map()]));
    this.#hintPrefix = askablePart(commonPart(prefixes));
    this.query = new BlockingQuery(client.timing, (after, signal) => this.#ask({ after }, signal));
  }

  /** Consul's index of the last answer. */
  get index(): number {
    return this.#index;
  }

  /** Reads everything afresh; equal versions are not trusted, since a store may have been replaced. */
  async load(signal: AbortSignal): Promise<void> {
    await this.#readAll(await this.#ask("consistent", signal), "consistent", signal);
  }

  /** Asks whether anything changed since the last answer, and takes it in. Returns whether it did. */
  async refresh(signal: AbortSignal): Promise<boolean> {
    const { index } = await listKeys(this.#client, this.#hintPrefix, "default", signal);
    if (index === this.#index) {
      return false;
    }
    await this.#readAll(await this.#ask("default", signal), "default", signal);
    return true;
  }

  /** Takes in what the blocking query brought. Returns whether it brought anything that could be new. */
  async update(signal: AbortSignal): Promise<boolean> {
    const news = this.query.take();
    if (news === undefined || (!news.moved && news.answer.data === undefined)) {
      return false;
    }
    if (news.wentBack) {
      await this.load(signal);
    } else {
      await this.#readAll(news.answer, "default", signal);
    }
    return true;
  }

  async #ask(mode: Mode, signal: AbortSignal): Promise<Hint> {
    if (this.#prefixes.length === 1) {
      return await listPairs(this.#client, this.#hintPrefix, mode, signal);
    }
    const { index, isFiltered, url } = await listKeys(this.#client, this.#hintPrefix, mode, signal);
    return { index, isFiltered, url, data: undefined };
  }

  async #readAll(hint: Hint, mode: "default" | "consistent", signal: AbortSignal): Promise<void> {
    const isDoubtful = (pairs: readonly KvPair[]): boolean =>
      this.#prefixes.some((prefix) => isSuspicious(this.#knownBelow(prefix).size, below(prefix, pairs).length));
    let pairs = hint.data ?? (await this.#list(mode, signal));
    if (isDoubtful(pairs)) {
      pairs = await this.#list("consistent", signal);
    }
    if (hint.isFiltered && hint.data !== undefined) {
      const place = { what: `read the keys below ${JSON.stringify(this.#hintPrefix)} from Consul`, url: hint.url };
      throw denied(place, "the token may not see all of them", "give its policies key_prefix read for what is used");
    }
    await mapLimited(this.#prefixes, MAX_PROBES, (prefix) =>
      this.#requireRight(prefix, below(prefix, pairs), mode === "consistent", signal),
    );
    for (const prefix of this.#prefixes) {
      this.#apply(prefix, below(prefix, pairs), mode === "consistent");
    }
    this.#sink.done?.(hint.index < this.#index);
    this.#index = hint.index;
    this.query.rebase(hint.index);
  }

  async #list(mode: "default" | "consistent", signal: AbortSignal): Promise<readonly KvPair[]> {
    return this.#prefixes.length === 1
      ? (await listPairs(this.#client, this.#hintPrefix, mode, signal)).data
      : await listTrees(this.#client, this.#prefixes, mode, signal);
  }

  /** Consul leaves out of a list what a token may not see. When nothing is left, or much less, we ask for one key: that it would refuse. */
  async #requireRight(prefix: string, pairs: readonly KvPair[], isFresh: boolean, signal: AbortSignal): Promise<void> {
    const known = this.#knownBelow(prefix);
    if ((isFresh && pairs.length === 0) || isSuspicious(known.size, pairs.length)) {
      const present = new Set(pairs.map(({ key }) => key));
      const probe = [...known.keys()].find((key) => isAskable(key) && !present.has(key)) ?? prefix;
      if (probe !== "" && isAskable(probe)) {
        await requireReadable(this.#client, probe, signal);
      }
    }
  }

  #knownBelow(prefix: string): ReadonlyMap<string, number> {
    return this.#known.get(prefix) ?? new Map();
  }

  #apply(prefix: string, pairs: readonly KvPair[], isFresh: boolean): void {
    const before = this.#knownBelow(prefix);
    const after = new Map<string, number>();
    for (const pair of pairs) {
      after.set(pair.key, pair.modifyIndex);
      if (isFresh || before.get(pair.key) !== pair.modifyIndex) {
        this.#sink.set(pair);
      }
    }
    for (const key of before.keys()) {
      if (!after.has(key)) {
        this.#sink.delete(key);
      }
    }
    this.#known.set(prefix, after);
  }
}

function below(prefix: string, pairs: readonly KvPair[]): readonly KvPair[] {
  return pairs.filter(({ key }) => key.startsWith(prefix));
}

/** What all texts begin with. */
export function commonPart(texts: readonly string[]): string {
  const [first = "", ...others] = texts;
  let length = first.length;
  for (const text of others) {
    while (!text.startsWith(first.slice(0, length))) {
      length -= 1;
    }
  }
  return first.slice(0, length);
}

/** A tree as a part of a reader: nothing else is due to it. */
export function partOf(tree: KvTree): Part {
  return {
    queries: [tree.query],
    load: (signal) => tree.load(signal),
    refresh: (signal) => tree.refresh(signal),
    async update(signal) {
      await tree.update(signal);
    },
    dueMs: Number.POSITIVE_INFINITY,
  };
}
