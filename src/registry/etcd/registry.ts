import { FairleadError } from "../../model/errors.ts";
import type { Instance } from "../../model/instance.ts";
import type { Selector } from "../../model/selector.ts";
import type { Snapshot } from "../../model/snapshot.ts";
import type { Change, Log, Owned, ReadOptions, Registry, WriteResult } from "../../ports.ts";
import { type KeyLayout, keyLayout, type StoreOptions } from "../store.ts";
import { EtcdClient } from "./client.ts";
import { storeKey } from "./ranges.ts";
import { EtcdReader } from "./reader.ts";
import { EtcdWriter } from "./writer.ts";

const WRITE_MS = 10_000;

export interface EtcdDeps {
  readonly log?: Log;
  /** For tests: the most keys in a page of a list. */
  readonly maxPage?: number;
}

/** A registry in etcd v3. Nothing is loaded and nobody is called before the first call. */
export function createEtcdRegistry(options: StoreOptions, deps: EtcdDeps = {}): Registry {
  return new EtcdRegistry(options, deps);
}

class EtcdRegistry implements Registry {
  readonly name: string;
  readonly #client: EtcdClient;
  readonly #layout: KeyLayout;
  readonly #reader: EtcdReader;
  readonly #writer: EtcdWriter;

  constructor(options: StoreOptions, { log, maxPage }: EtcdDeps) {
    this.name = options.name;
    this.#client = new EtcdClient(options);
    this.#layout = keyLayout(options);
    this.#reader = new EtcdReader({ client: this.#client, layout: this.#layout, log, maxPage });
    this.#writer = new EtcdWriter({ client: this.#client, layout: this.#layout, log });
  }

  async read(selector: Selector, options: ReadOptions): Promise<Snapshot> {
    return await this.#reader.read(selector, options);
  }

  asStored(instance: Instance): Instance | undefined {
    return this.#writer.asStored(instance);
  }

  async owned(owner: string, signal: AbortSignal): Promise<readonly Owned[]> {
    return await this.#writer.owned(owner, signal);
  }

  async write(owner: string, change: Change, signal: AbortSignal): Promise<readonly WriteResult[]> {
    return await this.#writer.write(owner, change, signal);
  }

  async keepAlive(owner: string, ttlMs: number, signal: AbortSignal): Promise<"kept" | "lost"> {
    return await this.#writer.keepAlive(owner, ttlMs, signal);
  }

  async holder(owner: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#writer.holder(owner, signal);
  }

  async showHolder(owner: string, holder: string, signal: AbortSignal): Promise<void> {
    await this.#writer.showHolder(owner, holder, signal);
  }

  async orphans(hosts: readonly string[], signal: AbortSignal): Promise<readonly Owned[]> {
    return await this.#writer.orphans(hosts, signal);
  }

  async release(owner: string, signal: AbortSignal): Promise<void> {
    await this.#writer.release(owner, signal);
  }

  async putKey(key: string, value: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const at = this.#configKey(key);
    await this.#client.call(
      { what: `cannot write etcd key "${at.toString()}"`, signal, ms: WRITE_MS, isRepeatable: true },
      ({ kv }, call) => kv.put({ key: at, value: Buffer.from(value) }, call),
    );
  }

  async removeKey(key: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const at = this.#configKey(key);
    const { deleted } = await this.#client.call(
      { what: `cannot remove etcd key "${at.toString()}"`, signal, ms: WRITE_MS, isRepeatable: false },
      ({ kv }, call) => kv.deleteRange({ key: at }, call),
    );
    return deleted !== "0";
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#writer.close();
    await this.#client.close();
  }

  /** @throws FairleadError `USAGE` for a key that etcd cannot hold or that is ours */
  #configKey(key: string): Buffer {
    const at = this.#layout.configKey(key);
    const bytes = storeKey(at);
    if (key === "") {
      throw new FairleadError("USAGE", "an empty key cannot be stored");
    }
    if (this.#layout.isOwn(at)) {
      throw new FairleadError("USAGE", `the key "/${at}" lies in fairlead's own prefix`, {
        hint: "entries are written by `fairlead run`; keep configuration keys elsewhere",
      });
    }
    if (bytes.toString() !== `/${at}`) {
      throw new FairleadError("USAGE", "a key that is no well-formed text cannot be stored");
    }
    return bytes;
  }
}
