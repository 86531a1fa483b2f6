/** Many entries and keys in a real etcd, written in large transactions. */
import { Etcd3 } from "etcd3";

/** etcd's own limit for the operations of a transaction. */
const BATCH = 128;

export interface Shape {
  readonly services: number;
  /** Instances of each service. */
  readonly each: number;
}

/** A place and its value, as fairlead itself would have written it. */
export function entryAt(service: number, n: number, port: number): readonly [string, string] {
  return [
    `/fairlead/services/s${service}/n:i${n}:80`,
    JSON.stringify({
      v: 1,
      id: `n:i${n}:80`,
      service: `s${service}`,
      address: `10.${service % 250}.${(n >> 8) & 255}.${n & 255}`,
      port,
      protocol: "tcp",
      tags: ["http"],
      meta: { version: "1" },
      health: "passing",
      owner: "node-1",
    }),
  ];
}

export function* entriesOf({ services, each }: Shape): Generator<readonly [string, string]> {
  for (let service = 0; service < services; service += 1) {
    for (let n = 0; n < each; n += 1) {
      yield entryAt(service, n, 80);
    }
  }
}

export async function fill(endpoint: string, pairs: Iterable<readonly [string, string]>): Promise<void> {
  const client = new Etcd3({ hosts: endpoint });
  let batch: (readonly [string, string])[] = [];
  const flush = async (): Promise<void> => {
    const success = batch.map(([key, value]) => ({ request_put: { key: Buffer.from(key), value: Buffer.from(value) } }));
    await client.kv.txn({ success });
    batch = [];
  };
  for (const pair of pairs) {
    batch.push(pair);
    if (batch.length === BATCH) {
      await flush();
    }
  }
  if (batch.length > 0) {
    await flush();
  }
  client.close();
}
