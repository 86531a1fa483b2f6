import type { IKeyValue, IRangeRequest, IRangeResponse } from "etcd3";
import { FairleadError, hasCode } from "../../model/errors.ts";
import type { EtcdClient } from "./client.ts";
import type { KeyRange } from "./ranges.ts";

const FIRST_PAGE = 100;
const MAX_PAGE = 8192;
const PAGE_BYTES = 2 ** 20;
/** A page may be this much larger than the one before: what is known of the values' sizes may not hold for the next ones. */
const MAX_GROWTH = 16;
const FIRST_PAGE_MS = 10_000;
/** A large page over a slow line. A dead connection is found sooner, by gRPC's own pings. */
const PAGE_MS = 30_000;
const MAX_STARTS = 5;

/** Everything in some ranges, at one revision. */
export interface Listing<T> {
  readonly clusterId: string;
  readonly revision: number;
  readonly items: readonly T[];
}

export interface ListOptions<T> {
  readonly ranges: readonly KeyRange[];
  readonly signal: AbortSignal;
  /** What becomes of each key; called as the pages come, so that the work is spread over them. */
  readonly decode: (kv: IKeyValue) => readonly T[];
  /** For tests: the most keys in a page. */
  readonly maxPage?: number;
}

/**
 * Reads all pages of all ranges at one revision. When etcd forgets that revision in between, or is another one all of a sudden, it starts
 * again: nothing is ever made of a part.
 * @throws FairleadError `REGISTRY_INCOMPLETE` when that does not succeed
 */
export async function listRanges<T>(client: EtcdClient, options: ListOptions<T>): Promise<Listing<T>> {
  for (let start = 1; ; start += 1) {
    try {
      return await listOnce(client, options);
    } catch (error) {
      if (!hasCode(error, "REGISTRY_INCOMPLETE") || start === MAX_STARTS) {
        throw error;
      }
    }
  }
}

async function listOnce<T>(client: EtcdClient, options: ListOptions<T>): Promise<Listing<T>> {
  const items: T[] = [];
  let at: { readonly clusterId: string; readonly revision: number } | undefined;
  let limit = Math.min(FIRST_PAGE, options.maxPage ?? MAX_PAGE);
  for (const { start, end, text } of options.ranges) {
    const what = `cannot read etcd range "${text}"`;
    let key: Buffer | undefined = start;
    while (key !== undefined) {
      const request: IRangeRequest = { key, range_end: end, limit, ...(at !== undefined && { revision: at.revision }) };
      const ms = at === undefined ? FIRST_PAGE_MS : PAGE_MS;
      const page: IRangeResponse = await client.call({ what, signal: options.signal, ms, isRepeatable: true }, ({ kv }, call) =>
        kv.range(request, call),
      );
      const { cluster_id: clusterId } = page.header;
      const revision = Number(page.header.revision);
      at ??= { clusterId, revision };
      if (clusterId !== at.clusterId || revision < at.revision) {
        throw new FairleadError("REGISTRY_INCOMPLETE", `${what}: the pages came from different stores (${client.endpoint})`, {
          retryable: true,
          hint: "do all endpoints belong to one etcd cluster?",
        });
      }
      let bytes = 0;
      for (const kv of page.kvs) {
        bytes += kv.key.length + kv.value.length;
        items.push(...options.decode(kv));
      }
      key = page.more ? afterKey(page.kvs.at(-1)?.key) : undefined;
      limit = Math.min(nextLimit(limit, page.kvs.length, bytes), options.maxPage ?? MAX_PAGE);
    }
  }
  return { clusterId: at?.clusterId ?? "", revision: at?.revision ?? 0, items };
}

/** How many keys of the last page's mean size make a good page. */
function nextLimit(limit: number, count: number, bytes: number): number {
  const wanted = count === 0 ? limit : Math.ceil(PAGE_BYTES / Math.max(1, bytes / count));
  return Math.max(1, Math.min(wanted, limit * MAX_GROWTH, MAX_PAGE));
}

/** The smallest key after this one. */
function afterKey(key: Buffer | undefined): Buffer | undefined {
  return key === undefined ? undefined : Buffer.concat([key, Buffer.of(0)]);
}
