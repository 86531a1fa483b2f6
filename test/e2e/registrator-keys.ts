import type { Consul, Etcd } from "../helpers/servers/index.ts";

/** A store as any program sees it, without fairlead's own records. */
export interface Keys {
  /** Of Registrator's command line. */
  readonly uri: string;
  put(key: string, value: string): Promise<void>;
  all(): Promise<ReadonlyMap<string, Kept>>;
}

interface Kept {
  readonly value: string;
  readonly revision: string;
  /** etcd only: it has been there ever since. */
  readonly created?: string;
}

interface RawKv {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: string;
  readonly create_revision: string;
}

export function etcdKeys(etcd: Etcd): Keys {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const text = (encoded = ""): string => Buffer.from(encoded, "base64").toString();
  return {
    uri: `etcd://${etcd.endpoint}/services`,
    put: async (key, value) => void (await etcd.put(`/${key}`, value)),
    async all() {
      const answer = await etcd.call("/v3/kv/range", { key: base64("/"), range_end: base64("0") });
      const { kvs = [] } = answer as { readonly kvs?: readonly RawKv[] };
      return readable(
        kvs.map((kv) => [
          text(kv.key).slice(1),
          { value: text(kv.value), revision: kv.mod_revision, created: kv.create_revision },
        ]),
      );
    },
  };
}

interface RawPair {
  readonly Key: string;
  readonly Value: string | null;
  readonly ModifyIndex: number;
}

export function consulKeys(consul: Consul): Keys {
  return {
    uri: `consulkv://127.0.0.1:${consul.port}/services`,
    put: (key, value) => consul.put(key, value),
    async all() {
      const pairs = (await consul.json("/v1/kv/?recurse")) as readonly RawPair[];
      return readable(
        pairs.map(({ Key, Value, ModifyIndex }) => [
          Key,
          { value: Buffer.from(Value ?? "", "base64").toString(), revision: String(ModifyIndex) },
        ]),
      );
    },
  };
}

function readable(entries: readonly (readonly [string, Kept])[]): ReadonlyMap<string, Kept> {
  return new Map(entries.filter(([key]) => !key.startsWith("fairlead/")));
}
