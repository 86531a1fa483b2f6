import { locateRegistry, type RegistrySettings } from "../config/registry.ts";
import type { Secrets } from "../observe/secrets.ts";
import type { Registry } from "../ports.ts";
import type { StoreOptions } from "../registry/store.ts";
import type { Deps } from "./deps.ts";

/** Clients are loaded when they are used: a one-shot render from a file loads no gRPC. */
export async function openRegistry(settings: RegistrySettings, deps: Deps): Promise<Registry> {
  const location = locateRegistry(settings, deps.env);
  const { log } = deps;
  switch (location.type) {
    case "memory":
      return (await import("../registry/memory.ts")).createMemoryRegistry();
    case "file":
      return (await import("../registry/file/registry.ts")).createFileRegistry({ dir: location.dir, log });
    case "etcd":
      return (await import("../registry/etcd/registry.ts")).createEtcdRegistry(learning(location.store, deps.secrets), { log });
    case "consul":
      return (await import("../registry/consul/registry.ts")).createConsulRegistry(learning(location.store, deps.secrets), {
        log,
      });
    case "consul-kv":
      return (await import("../registry/consul/registry.ts")).createConsulKvRegistry(learning(location.store, deps.secrets), {
        log,
      });
  }
}

/** Every secret that is read is known to the log from then on. */
function learning(store: StoreOptions, secrets: Secrets): StoreOptions {
  const { token, login } = store;
  const learn = (value: string): string => {
    secrets.add(value);
    return value;
  };
  return {
    ...store,
    ...(token !== undefined && { token: async () => learn((await token()) ?? "") }),
    ...(login !== undefined && { login: { ...login, password: async () => learn(await login.password()) } }),
  };
}
