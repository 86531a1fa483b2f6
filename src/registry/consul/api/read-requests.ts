/** The questions to Consul's catalogue and key-value store, each as one call with a checked answer. */
import type { Answer, Client } from "./client.ts";
import { denied, incomplete } from "./failures.ts";
import type { MethodOptions } from "./library.ts";
import {
  type CatalogItem,
  type Check,
  checked,
  type KvPair,
  readCatalogItems,
  readChecks,
  readKvPairs,
  readServiceNames,
  readTexts,
  readTxnPairs,
} from "./shapes.ts";
import { blockingMs } from "./timing.ts";

/** Operations in one transaction. */
const MAX_TREES = 64;

/** An answer with the index that blocking queries go on from. */
export interface Indexed<T> {
  readonly data: T;
  readonly index: number;
  readonly isFiltered: boolean;
  readonly url: string;
}

/** `default`: by the leader; `consistent`: by a leader that has made sure that it still is one; `after`: blocks until the index differs. */
export type Mode = "default" | "consistent" | { readonly after: number };

export function listServices(client: Client, mode: Mode, signal: AbortSignal): Promise<Indexed<ReadonlyMap<string, string>>> {
  return ask(client, signal, {
    what: "list Consul's services",
    mode,
    ms: client.timing.callMs,
    run: (consul, options) => consul.catalog.services(options),
    read: readServiceNames,
  });
}

export function listChecks(
  client: Client,
  mode: Mode,
  filter: string | undefined,
  signal: AbortSignal,
): Promise<Indexed<readonly Check[]>> {
  return ask(client, signal, {
    what: "list Consul's health checks",
    mode,
    ms: client.timing.bulkMs,
    run: (consul, options) => consul.health.state({ ...options, state: "any", ...(filter !== undefined && { filter }) }),
    read: readChecks,
  });
}

/** Undefined: a name that Consul's HTTP API cannot be asked for, such as `../x`; other programs may have registered one. */
export function listInstances(
  client: Client,
  name: string,
  mode: Mode,
  signal: AbortSignal,
): Promise<Indexed<readonly CatalogItem[] | undefined>> {
  return ask(client, signal, {
    what: `read the service ${JSON.stringify(name)} from Consul`,
    mode,
    ms: client.timing.bulkMs,
    run: (consul, options) => consul.health.service({ ...options, service: name }),
    read: (body, status) => (status >= 300 ? undefined : readCatalogItems(body)),
    accept: [301, 307, 308, 400],
  });
}

/** Everything that begins with a prefix; none is an answer too. The prefix has to be `askable`. */
export function listPairs(client: Client, prefix: string, mode: Mode, signal: AbortSignal): Promise<Indexed<readonly KvPair[]>> {
  return ask(client, signal, {
    what: `read the keys below ${JSON.stringify(prefix)} from Consul`,
    mode,
    ms: client.timing.bulkMs,
    run: (consul, options) => consul.kv.get({ ...options, key: prefix, recurse: true, buffer: true }),
    read: (body, status) => (status === 404 ? [] : readKvPairs(body)),
    accept: [404],
  });
}

/** Everything below several prefixes, at one moment; the prefixes may be any text. */
export async function listTrees(
  client: Client,
  prefixes: readonly string[],
  mode: "default" | "consistent",
  signal: AbortSignal,
): Promise<readonly KvPair[]> {
  const what = `read the keys below ${prefixes.map((prefix) => JSON.stringify(prefix)).join(", ")} from Consul`;
  const pairs: KvPair[] = [];
  for (let start = 0; start < prefixes.length; start += MAX_TREES) {
    const operations = prefixes.slice(start, start + MAX_TREES).map((Key) => ({ KV: { Verb: "get-tree", Key } }));
    const answer = await client.call(
      {
        what,
        kind: "read",
        ms: client.timing.bulkMs,
        run: (consul, options) => consul.transaction.create(operations, { ...options, ...modeOptions(client, mode) }),
      },
      signal,
    );
    if (answer.isFiltered) {
      throw denied(
        { what, url: answer.url },
        "the token may not see all of them",
        "give its policies key_prefix read for what is used",
      );
    }
    pairs.push(...checked({ what, url: answer.url }, answer.body, readTxnPairs));
  }
  return pairs;
}

/** The names of what lies directly below a prefix; its index moves with everything below. */
export function listKeys(client: Client, prefix: string, mode: Mode, signal: AbortSignal): Promise<Indexed<readonly string[]>> {
  return ask(client, signal, {
    what: `list the keys below ${JSON.stringify(prefix)} in Consul`,
    mode,
    ms: client.timing.bulkMs,
    run: (consul, options) => consul.kv.keys({ ...options, key: prefix, separator: "/" }),
    read: (body, status) => (status === 404 ? [] : readTexts(body)),
    accept: [404],
  });
}

/**
 * Rejects with `REGISTRY_DENIED` when the token may not read this key, there or not. Lists are no proof: Consul leaves out of them what
 * may not be seen.
 */
export async function requireReadable(client: Client, key: string, signal: AbortSignal): Promise<void> {
  await ask(client, signal, {
    what: `read the key ${JSON.stringify(key)} from Consul`,
    mode: "default",
    ms: client.timing.callMs,
    run: (consul, options) => consul.kv.get({ ...options, key, buffer: true }),
    read: () => undefined,
    accept: [404],
  });
}

/** Whether Consul's HTTP API takes this text as it is in a path: it cleans paths (`//`, `..`) and refuses what cannot be printed. */
export function isAskable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) && !/^\/|\/\/|(^|\/)\.{1,2}(\/|$)/.test(text);
}

/** The longest beginning of a text that can be asked for. */
export function askablePart(text: string): string {
  let length = text.length;
  while (!isAskable(text.slice(0, length))) {
    length -= 1;
  }
  return text.slice(0, length);
}

interface Question<T> {
  readonly what: string;
  readonly mode: Mode;
  readonly ms: number;
  readonly run: (consul: Parameters<Parameters<Client["call"]>[0]["run"]>[0], options: MethodOptions) => Promise<unknown>;
  readonly read: (body: unknown, status: number) => T;
  readonly accept?: readonly number[];
}

async function ask<T>(client: Client, signal: AbortSignal, question: Question<T>): Promise<Indexed<T>> {
  const { what, mode, read, run, accept } = question;
  const isLong = typeof mode === "object";
  const answer: Answer = await client.call(
    {
      what,
      kind: isLong ? "long" : "read",
      ms: isLong ? blockingMs(client.timing) : question.ms,
      run: (consul, options) => run(consul, { ...options, ...modeOptions(client, mode) }),
      ...(accept !== undefined && { accept }),
    },
    signal,
  );
  const source = { what, url: answer.url };
  const data = checked(source, answer.body, (body) => read(body, answer.status));
  if (answer.index === undefined && data !== undefined) {
    throw incomplete(source, "the answer has no X-Consul-Index: it is not Consul's");
  }
  return { data, index: answer.index ?? 1, isFiltered: answer.isFiltered, url: answer.url };
}

function modeOptions(client: Client, mode: Mode): MethodOptions {
  if (mode === "default") {
    return {};
  }
  return mode === "consistent" ? { consistent: true } : { index: String(mode.after), wait: `${client.timing.waitMs}ms` };
}
