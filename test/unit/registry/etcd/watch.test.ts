import type { IEvent, IWatchRequest, IWatchResponse } from "etcd3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FairleadError } from "../../../../src/model/errors.ts";
import { type ClientStream, EtcdClient } from "../../../../src/registry/etcd/client.ts";
import { RpcError, toFairleadError } from "../../../../src/registry/etcd/errors.ts";
import { prefixRange } from "../../../../src/registry/etcd/ranges.ts";
import { Watch } from "../../../../src/registry/etcd/watch.ts";

const ENDPOINT = "127.0.0.1:2379";

/** Gives out one stream, whose server is the test. */
class StreamClient extends EtcdClient {
  readonly sent: IWatchRequest[] = [];
  isCancelled = false;
  respond: (response: IWatchResponse) => void = () => undefined;

  constructor() {
    super({ name: "test", endpoints: [ENDPOINT], prefix: "fairlead", kvPrefix: "", layout: "json" });
  }

  override async stream<Request>(
    _task: unknown,
    _open: unknown,
    handlers: { readonly onResponse: (response: never) => void },
  ): Promise<ClientStream<Request>> {
    this.respond = handlers.onResponse as (response: IWatchResponse) => void;
    return {
      send: (request) => void this.sent.push(request as IWatchRequest),
      cancel: () => {
        this.isCancelled = true;
      },
      fail: (failure) => toFairleadError('cannot watch etcd range "/a/"', new RpcError(failure, ENDPOINT)),
    };
  }
}

function response(
  more: Omit<Partial<IWatchResponse>, "header"> & { readonly revision: number; readonly cluster?: string },
): IWatchResponse {
  const { revision, cluster = "c1", ...fields } = more;
  const header = { cluster_id: cluster, member_id: "m", revision: String(revision), raft_term: "1" };
  return {
    header,
    watch_id: "1",
    created: false,
    canceled: false,
    compact_revision: "0",
    cancel_reason: "",
    fragment: false,
    events: [],
    ...fields,
  };
}

function event(key: string, revision: number): IEvent {
  return { type: "Put", kv: { key: Buffer.from(key), mod_revision: String(revision) } } as unknown as IEvent;
}

interface Setup {
  readonly client: StreamClient;
  readonly watch: Watch;
  readonly seen: string[];
  readonly ends: FairleadError[];
}

async function setup(...prefixes: readonly string[]): Promise<Setup> {
  const client = new StreamClient();
  const seen: string[] = [];
  const ends: FairleadError[] = [];
  const watch = new Watch(client, {
    ranges: prefixes.map(prefixRange),
    clusterId: "c1",
    after: 10,
    onEvents: (events) => seen.push(events.map(({ kv }) => `${kv.key.toString()}@${kv.mod_revision}`).join(" ")),
    onEnd: (error) => ends.push(error),
  });
  await vi.advanceTimersByTimeAsync(0);
  for (const [i] of prefixes.entries()) {
    client.respond(response({ revision: 10, created: true, watch_id: String(i + 1) }));
  }
  return { client, watch, seen, ends };
}

describe("Watch", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("asks for everything after the list, in fragments where it is large, and for signs of progress", async () => {
    const { client } = await setup("a/", "b/");
    expect(client.sent.map(({ create_request: request }) => request)).toMatchObject([
      {
        watch_id: 1,
        key: Buffer.from("/a/"),
        range_end: Buffer.from("/a0"),
        start_revision: 11,
        fragment: true,
        progress_notify: true,
      },
      { watch_id: 2, key: Buffer.from("/b/"), start_revision: 11 },
    ]);
  });

  test("a revision is passed on when its last fragment is there", async () => {
    const { client, seen } = await setup("a/");
    client.respond(response({ revision: 11, fragment: true, events: [event("/a/1", 11)] }));
    client.respond(response({ revision: 11, fragment: true, events: [event("/a/2", 11)] }));
    expect(seen).toEqual([]);
    client.respond(response({ revision: 11, events: [event("/a/3", 11)] }));
    client.respond(response({ revision: 12, events: [event("/a/1", 12)] }));
    expect(seen).toEqual(["/a/1@11 /a/2@11 /a/3@11", "/a/1@12"]);
  });

  test("fragments of two watches do not mix", async () => {
    const { client, seen } = await setup("a/", "b/");
    client.respond(response({ revision: 11, fragment: true, events: [event("/a/1", 11)] }));
    client.respond(response({ revision: 11, watch_id: "2", events: [event("/b/1", 11)] }));
    expect(seen).toEqual([]);
    client.respond(response({ revision: 11, events: [event("/a/2", 11)] }));
    expect(seen).toEqual(["/b/1@11 /a/1@11 /a/2@11"]);
  });

  test("what only one of two watches brings is asked about", async () => {
    const { client, seen } = await setup("a/", "b/");
    client.respond(response({ revision: 11, events: [event("/a/1", 11)] }));
    expect([client.sent.at(-1), seen]).toEqual([{ progress_request: {} }, []]);
    client.respond(response({ revision: 11, watch_id: "-1" }));
    client.respond(response({ revision: 11, watch_id: "-1" }));
    expect(seen).toEqual(["/a/1@11"]);
  });

  test.each([
    [
      "a compacted history",
      response({ revision: 50, compact_revision: "40", canceled: true }),
      "REGISTRY_INCOMPLETE",
      /compacted at revision 40/,
    ],
    ["another cluster", response({ revision: 50, cluster: "c2" }), "REGISTRY_INCOMPLETE", /another store answers/],
    ["a revision that goes back", response({ revision: 9 }), "REGISTRY_INCOMPLETE", /another store answers/],
    [
      "missing rights",
      response({ revision: 11, canceled: true, cancel_reason: "etcdserver: permission denied" }),
      "REGISTRY_DENIED",
      /permission denied/,
    ],
    [
      "a lost leader",
      response({ revision: 11, canceled: true, cancel_reason: "etcdserver: no leader" }),
      "REGISTRY_UNAVAILABLE",
      /no leader/,
    ],
    ["no reason at all", response({ revision: 11, canceled: true }), "REGISTRY_UNAVAILABLE", /etcd ended the watch/],
  ])("%s ends it", async (_, last, code, text) => {
    const { client, seen, ends } = await setup("a/");
    client.respond(response({ revision: 11, events: [event("/a/1", 11)] }));
    client.respond(last);
    client.respond(response({ revision: 60, events: [event("/a/1", 60)] }));
    expect(ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({ code, message: expect.stringMatching(text) });
    expect(ends[0]?.message).toMatch(/^cannot watch etcd range "\/a\/": .* \(127\.0\.0\.1:2379\)$/);
    expect(seen).toEqual(["/a/1@11"]);
    expect(client.isCancelled).toBe(true);
  });

  test("a watch that does not come to stand ends, one that stands may be silent for ever", async () => {
    const late = new StreamClient();
    const ends: FairleadError[] = [];
    const options = { ranges: [prefixRange("a/")], clusterId: "c1", after: 10, onEvents: () => undefined };
    const watch = new Watch(late, { ...options, onEnd: (error) => ends.push(error) });
    const standing = await setup("a/");
    await vi.advanceTimersByTimeAsync(9999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends[0]).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(standing.ends).toEqual([]);
    watch.close();
    standing.watch.close();
  });

  test("closed, it tells nothing any more", async () => {
    const { client, watch, seen, ends } = await setup("a/");
    watch.close();
    client.respond(response({ revision: 11, events: [event("/a/1", 11)] }));
    expect([seen, ends, client.isCancelled]).toEqual([[], [], true]);
  });
});
