import type { ITxnRequest, ITxnResponse } from "etcd3";
import { describe, expect, test } from "vitest";
import { FairleadError } from "../../../../src/model/errors.ts";
import { EtcdClient, type Task } from "../../../../src/registry/etcd/client.ts";
import type { Rpc, Work } from "../../../../src/registry/etcd/connection.ts";
import { commit, type Step } from "../../../../src/registry/etcd/txn.ts";

const { signal } = new AbortController();

type Serve = (request: ITxnRequest) => ITxnResponse;

/** Hands every transaction to the test. */
class TxnClient extends EtcdClient {
  readonly requests: ITxnRequest[] = [];
  readonly #serve: Serve;

  constructor(serve: Serve) {
    super({ name: "test", endpoints: ["127.0.0.1:2379"], prefix: "fairlead", kvPrefix: "", layout: "json" });
    this.#serve = serve;
  }

  override async call<T>(_task: Task, work: Work<T>): Promise<T> {
    const txn = async (request: ITxnRequest): Promise<ITxnResponse> => {
      this.requests.push(request);
      return this.#serve(request);
    };
    return await work({ kv: { txn } } as unknown as Rpc, {});
  }
}

function answer(succeeded: boolean, responses: readonly unknown[] = []): ITxnResponse {
  return { header: {}, succeeded, responses } as unknown as ITxnResponse;
}

function held(...revisions: readonly (string | undefined)[]): readonly unknown[] {
  return revisions.map((revision) => ({ response_range: { kvs: revision === undefined ? [] : [{ mod_revision: revision }] } }));
}

function step(key: string, more: Partial<Step> = {}): Step {
  return { keys: [key], guard: "0", values: ["v"], ...more };
}

function sizes(client: TxnClient): readonly (readonly [number, number, number])[] {
  return client.requests.map(({ compare, success, failure }) => [
    compare?.length ?? 0,
    success?.length ?? 0,
    failure?.length ?? 0,
  ]);
}

async function kinds(client: TxnClient, steps: readonly Step[]): Promise<readonly string[]> {
  const outcomes = await commit(client, steps, { signal, lease: "7" });
  return steps.map((item) => outcomes.get(item).kind);
}

describe("commit()", () => {
  test("no transaction has more operations than etcd takes", async () => {
    const client = new TxnClient(() => answer(true));
    const steps = Array.from({ length: 300 }, (_, i) => step(`k${i}`));
    expect(new Set(await kinds(client, steps))).toEqual(new Set(["done"]));
    expect(sizes(client)).toEqual([
      [128, 128, 128],
      [128, 128, 128],
      [44, 44, 44],
    ]);
  });

  test("a step is never split over two transactions", async () => {
    const client = new TxnClient(() => answer(true));
    const steps = Array.from({ length: 65 }, (_, i) => ({
      keys: [`a${i}`, `b${i}`, `c${i}`],
      guard: "0",
      values: ["1", "2", undefined],
    }));
    await kinds(client, steps);
    expect(sizes(client)).toEqual([
      [42, 126, 126],
      [23, 69, 69],
    ]);
  });

  test("nor more bytes, nor a key twice", async () => {
    const client = new TxnClient(() => answer(true));
    const large = "x".repeat(600_000);
    await kinds(client, [step("a", { values: [large] }), step("b", { values: [large] }), step("c"), step("c")]);
    expect(sizes(client).map(([compares]) => compares)).toEqual([1, 2, 1]);
  });

  test("puts hang on the lease, guards are revisions, nothing is a deletion", async () => {
    const client = new TxnClient(() => answer(true));
    await kinds(client, [{ keys: ["a", "b"], guard: "5", values: ["v", undefined] }]);
    expect(client.requests).toEqual([
      {
        compare: [{ key: Buffer.from("/a"), target: "Mod", result: "Equal", mod_revision: "5" }],
        success: [
          { request_put: { key: Buffer.from("/a"), value: Buffer.from("v"), lease: "7" } },
          { request_delete_range: { key: Buffer.from("/b") } },
        ],
        failure: [{ request_range: { key: Buffer.from("/a") } }, { request_range: { key: Buffer.from("/b") } }],
      },
    ]);
  });

  test("a guard that does not hold takes out its own step, the others are made in one more transaction", async () => {
    const client = new TxnClient(({ compare }) =>
      compare?.length === 4 ? answer(false, held("1", undefined, "9", "4")) : answer(true),
    );
    const steps = [step("a", { guard: "1" }), step("b", { guard: "2" }), step("c", { guard: "3" }), step("d", { guard: "4" })];
    expect(await kinds(client, steps)).toEqual(["done", "refused", "refused", "done"]);
    expect(sizes(client).map(([compares]) => compares)).toEqual([4, 2]);
  });

  test("what etcd refuses hurts only itself", async () => {
    const client = new TxnClient(({ success = [] }) => {
      if (success.some(({ request_put: put }) => put?.key?.toString() === "/k5")) {
        throw new FairleadError("REGISTRY_DENIED", "permission denied");
      }
      return answer(true);
    });
    const steps = Array.from({ length: 8 }, (_, i) => step(`k${i}`));
    expect(await kinds(client, steps)).toEqual(["done", "done", "done", "done", "done", "failed", "done", "done"]);
    expect(client.requests).toHaveLength(7);
  });

  test("after an outage nothing more is tried", async () => {
    let calls = 0;
    const client = new TxnClient(() => {
      calls += 1;
      if (calls === 2) {
        throw new FairleadError("REGISTRY_UNAVAILABLE", "connection lost", { retryable: true });
      }
      return answer(true);
    });
    const steps = Array.from({ length: 400 }, (_, i) => step(`k${i}`));
    const result = await kinds(client, steps);
    expect([result[127], result[128], result[399], calls]).toEqual(["done", "failed", "failed", 2]);
  });

  test("a bug is no outcome", async () => {
    const client = new TxnClient(() => {
      throw new TypeError("oops");
    });
    await expect(kinds(client, [step("a")])).rejects.toThrow("oops");
  });
});
