import type { EtcdClient, Task } from "./client.ts";

export interface LeaseState {
  readonly grantedS: number;
  /** The names of the keys that hang on it, without leading slash. */
  readonly keys: readonly string[];
}

const LEASE_MS = 5000;
/** The least that etcd grants with its usual election timeout. */
const MIN_TTL_S = 2;

/** etcd counts leases in whole seconds. */
export function ttlSeconds(ttlMs: number): number {
  return Math.max(MIN_TTL_S, Math.ceil(ttlMs / 1000));
}

export async function grantLease(client: EtcdClient, ttlS: number, signal: AbortSignal): Promise<string> {
  const answer = await client.call(task("cannot get an etcd lease", signal), ({ leaseClient }, call) =>
    leaseClient.leaseGrant({ TTL: ttlS, ID: 0 }, call),
  );
  return answer.ID;
}

/** Undefined: there is no such lease any more. */
export async function lookUpLease(client: EtcdClient, id: string, signal: AbortSignal): Promise<LeaseState | undefined> {
  const answer = await client.call(task(`cannot look up the etcd lease ${leaseName(id)}`, signal), ({ leaseClient }, call) =>
    leaseClient.leaseTimeToLive({ ID: id, keys: true }, call),
  );
  if (Number(answer.TTL) <= 0) {
    return undefined;
  }
  return { grantedS: Number(answer.grantedTTL), keys: answer.keys.map((key) => key.toString().slice(1)) };
}

/** As etcdctl prints it. */
export function leaseName(id: string): string {
  return BigInt(id).toString(16);
}

function task(what: string, signal: AbortSignal): Task {
  return { what, signal, ms: LEASE_MS, isRepeatable: true };
}
