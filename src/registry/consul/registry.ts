import { FairleadError } from "../../model/errors.ts";
import type { KeyWriter, Log, Registry, RegistryWriter } from "../../ports.ts";
import { type KeyLayout, keyLayout, type StoreOptions } from "../store.ts";
import { type Client, createClient } from "./api/client.ts";
import { TIMING, type Timing } from "./api/timing.ts";
import { CatalogHolder } from "./catalog/holder.ts";
import { CatalogPart } from "./catalog/part.ts";
import { CatalogWriter } from "./catalog/writer.ts";
import { createKeyWriter } from "./key-writer.ts";
import { createKeysPart } from "./keys-part.ts";
import { createEntriesPart, RegistratorPart } from "./kv/entries-part.ts";
import { KvWriter } from "./kv/writer.ts";
import { ConsulReader, type CreateParts } from "./reader.ts";

export interface ConsulDeps {
  readonly log?: Log;
  readonly timing?: Partial<Timing>;
}

/**
 * A registry in Consul's catalogue (`consul://`): entries are services of the local agent. All services are read, whoever registered them.
 * Configuration keys are in the key-value store. `layout` has no meaning here. Nothing is loaded and nobody is called before the first call.
 */
export function createConsulRegistry(options: StoreOptions, deps: ConsulDeps = {}): Registry {
  const client = createClient(options, { ...TIMING, ...deps.timing });
  const layout = keyLayout({ ...options, layout: "json" }); // its prefix hides nothing but what a consul-kv registry may keep there
  const writer = new CatalogWriter(client, new CatalogHolder(client, layout, deps.log), deps.log);
  const createParts: CreateParts = (selector, builder) => [
    ...(selector.services.length === 0 ? [] : [new CatalogPart(client, selector, builder)]),
    ...(selector.keys.length === 0 ? [] : [createKeysPart(client, layout, selector, builder)]),
  ];
  return join(options.name, client, createParts, abortable(writer), createKeyWriter(client, layout));
}

/** A registry in Consul's key-value store (`consul-kv://`): an entry is a key, in one of two layouts, and hangs on the owner's session. */
export function createConsulKvRegistry(options: StoreOptions, deps: ConsulDeps = {}): Registry {
  const client = createClient(options, { ...TIMING, ...deps.timing });
  const layout = keyLayout(options);
  const writer = new KvWriter(client, layout);
  const createParts: CreateParts = (selector, builder) => [
    ...(selector.services.length === 0
      ? []
      : [
          hasRecords(layout)
            ? new RegistratorPart(client, layout, selector, builder)
            : createEntriesPart(client, layout, selector, builder),
        ]),
    ...(selector.keys.length === 0 ? [] : [createKeysPart(client, layout, selector, builder)]),
  ];
  return join(options.name, client, createParts, abortable(writer), createKeyWriter(client, layout));
}

function hasRecords(layout: KeyLayout): layout is KeyLayout & { readonly ownersPrefix: string } {
  return layout.ownersPrefix !== undefined;
}

/** Calls that are aborted before they begin do nothing at all. */
function abortable(writer: RegistryWriter): RegistryWriter {
  return {
    asStored: (instance) => writer.asStored(instance),
    async owned(owner, signal) {
      signal.throwIfAborted();
      return await writer.owned(owner, signal);
    },
    async write(owner, change, signal) {
      signal.throwIfAborted();
      return await writer.write(owner, change, signal);
    },
    async keepAlive(owner, ttlMs, signal) {
      signal.throwIfAborted();
      return await writer.keepAlive(owner, ttlMs, signal);
    },
    async holder(owner, signal) {
      signal.throwIfAborted();
      return await writer.holder(owner, signal);
    },
    async showHolder(owner, holder, signal) {
      signal.throwIfAborted();
      await writer.showHolder(owner, holder, signal);
    },
    async orphans(hosts, signal) {
      signal.throwIfAborted();
      return await writer.orphans(hosts, signal);
    },
    async release(owner, signal) {
      signal.throwIfAborted();
      await writer.release(owner, signal);
    },
  };
}

function join(name: string, client: Client, createParts: CreateParts, writer: RegistryWriter, keys: KeyWriter): Registry {
  const reader = new ConsulReader(createParts);
  let isClosed = false;
  return {
    name,
    ...writer,
    ...keys,
    async read(selector, options) {
      if (isClosed) {
        throw new FairleadError("REGISTRY_UNAVAILABLE", `the registry ${name} was closed`);
      }
      return await reader.read(selector, options);
    },
    async close() {
      isClosed = true;
      await reader.close();
      client.close();
    },
  };
}
