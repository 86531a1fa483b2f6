import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from "etcd3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FairleadError } from "../../../../src/model/errors.ts";
import { type ClientStream, EtcdClient } from "../../../../src/registry/etcd/client.ts";
import { RpcError, toFairleadError } from "../../../../src/registry/etcd/errors.ts";
import { Heart } from "../../../../src/registry/etcd/heart.ts";

const ENDPOINT = "127.0.0.1:2379";
const LOST = new FairleadError("REGISTRY_UNAVAILABLE", "connection lost", { retryable: true });

interface Opened {
  readonly beats: string[];
  isCancelled: boolean;
  answer(id: string, ttl: string): void;
  end(error: FairleadError): void;
}

/** Gives out streams whose server is the test. */
class LeaseClient extends EtcdClient {
  readonly streams: Opened[] = [];
  /** What a stream does when it is beaten on. */
  react: (stream: Opened, id: string) => void = () => undefined;

  constructor() {
    super({ name: "test", endpoints: [ENDPOINT], prefix: "fairlead", kvPrefix: "", layout: "json" });
  }

  override async stream<Request>(
    _task: unknown,
    _open: unknown,
    handlers: { readonly onResponse: (response: never) => void; readonly onEnd: (error: FairleadError) => void },
  ): Promise<ClientStream<Request>> {
    const respond = handlers.onResponse as (response: ILeaseKeepAliveResponse) => void;
    const opened: Opened = {
      beats: [],
      isCancelled: false,
      answer: (id, ttl) => respond({ ID: id, TTL: ttl } as unknown as ILeaseKeepAliveResponse),
      end: handlers.onEnd,
    };
    this.streams.push(opened);
    return {
      send: (request) => {
        const id = String((request as ILeaseKeepAliveRequest).ID);
        opened.beats.push(id);
        this.react(opened, id);
      },
      cancel: () => {
        opened.isCancelled = true;
      },
      fail: (failure) => toFairleadError("cannot keep alive", new RpcError(failure, ENDPOINT)),
    };
  }
}

const { signal } = new AbortController();

describe("Heart", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("beats of all leases share one stream, and the answer says whether the lease is there", async () => {
    const client = new LeaseClient();
    client.react = (stream, id) => stream.answer(id, id === "1" ? "30" : "0");
    const heart = new Heart(client);
    expect(await Promise.all([heart.beat("1", { ms: 1000, signal }), heart.beat("2", { ms: 1000, signal })])).toEqual([
      true,
      false,
    ]);
    expect(await heart.beat("1", { ms: 1000, signal })).toBe(true);
    expect(client.streams.map(({ beats }) => beats)).toEqual([["1", "2", "1"]]);
    heart.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(client.streams[0]?.isCancelled).toBe(true);
  });

  test("a stream that died is replaced within the same beat", async () => {
    const client = new LeaseClient();
    client.react = (stream, id) => (client.streams.length === 1 ? stream.end(LOST) : stream.answer(id, "30"));
    expect(await new Heart(client).beat("1", { ms: 1000, signal })).toBe(true);
    expect(client.streams).toHaveLength(2);
  });

  test("the end of an idle stream is no failure: the next beat opens another", async () => {
    const client = new LeaseClient();
    client.react = (stream, id) => stream.answer(id, "30");
    const heart = new Heart(client);
    await heart.beat("1", { ms: 1000, signal });
    client.streams[0]?.end(LOST);
    expect(await heart.beat("1", { ms: 1000, signal })).toBe(true);
    expect(client.streams).toHaveLength(2);
  });

  test("silence fails after two tries, each over a stream of its own", async () => {
    const client = new LeaseClient();
    const beating = new Heart(client).beat("1", { ms: 1000, signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.streams.map(({ isCancelled }) => isCancelled)).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await beating).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
    expect(client.streams.map(({ isCancelled }) => isCancelled)).toEqual([true, true]);
  });

  test("an abort rejects with its reason, and a late answer is not taken for one to the next beat", async () => {
    const client = new LeaseClient();
    const heart = new Heart(client);
    const abort = new AbortController();
    const beating = heart.beat("1", { ms: 1000, signal: abort.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10);
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await beating).toBe(reason);
    const next = heart.beat("1", { ms: 1000, signal });
    await vi.advanceTimersByTimeAsync(10);
    expect(client.streams).toHaveLength(2);
    client.streams[1]?.answer("1", "0");
    expect(await next).toBe(false);
  });
});
