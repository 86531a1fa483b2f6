/** What changes something in Consul, each as one call. */
import { FairleadError } from "../../../model/errors.ts";
import { askedCheckId, checkRequest } from "../catalog/checks.ts";
import { aliveCheckId, healthCheckId, healthCheckOf, versionOf } from "../catalog/form.ts";
import type { Answer, Client } from "./client.ts";
import type { ConsulMethods, MethodOptions } from "./library.ts";
import {
  type Check,
  type CheckStatus,
  checked,
  type Registration,
  readAgentChecks,
  readAgentServices,
  readChecks,
  readSessionId,
  readSessions,
  readTxnRefusals,
  type Session,
  type TxnRefusal,
} from "./shapes.ts";

/** Consul does not reap sooner. */
const MIN_REAP_MS = 60_000;
/** For a check whose status only we change: it never runs out by itself. */
const FOR_EVER = "87600h";

export async function listAgentServices(client: Client, signal: AbortSignal): Promise<readonly Registration[]> {
  const what = "list the services of Consul's agent";
  const answer = await call(client, signal, "read", what, (consul, options) => consul.agent.services(options));
  return checked({ what, url: answer.url }, answer.body, readAgentServices);
}

export async function listAgentChecks(client: Client, signal: AbortSignal): Promise<readonly Check[]> {
  const what = "list the checks of Consul's agent";
  const answer = await call(client, signal, "read", what, (consul, options) => consul.agent.checks(options));
  return checked({ what, url: answer.url }, answer.body, readAgentChecks);
}

/** What the catalogue, not the agent, has of a node. `consistent`: nothing that is known to anybody is missing. */
export async function listNodeChecks(
  client: Client,
  node: string,
  mode: "default" | "consistent",
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const what = `list the checks of node ${JSON.stringify(node)} in Consul`;
  const answer = await call(client, signal, "read", what, (consul, options) =>
    consul.health.node({ ...options, ...(mode === "consistent" && { consistent: true }), node }),
  );
  return checked({ what, url: answer.url }, answer.body, readChecks);
}

export interface Statuses {
  /** Of the health check. */
  readonly status: CheckStatus;
  /** Of the check that Consul is asked to run, when there is one. */
  readonly asked: CheckStatus;
  readonly ttlMs: number;
}

/**
 * Registers a service with its checks, or replaces it. A check that is there keeps its status whatever is said here, and goes on when it is
 * not named; a new one is passing, or as said, from its first moment.
 */
export async function registerService(
  client: Client,
  registration: Registration,
  { status, asked, ttlMs }: Statuses,
  signal: AbortSignal,
): Promise<void> {
  const { id, name, address, port, tags, meta, weight } = registration;
  const notes = versionOf(registration);
  const healthCheck = healthCheckOf(registration);
  const checks = [
    {
      checkid: aliveCheckId(id),
      name: "fairlead: the owner is alive",
      notes,
      ttl: `${ttlMs}ms`,
      status: "passing",
      deregistercriticalserviceafter: `${Math.max(MIN_REAP_MS, 2 * ttlMs)}ms`,
    },
    { checkid: healthCheckId(id), name: "fairlead: the instance is healthy", notes, ttl: FOR_EVER, status },
    ...(healthCheck === undefined
      ? []
      : [{ checkid: askedCheckId(id), notes, ...checkRequest(healthCheck, registration, asked) }]),
  ];
  const what = `register the service ${JSON.stringify(name)} with Consul's agent`;
  const answer = await client.call(
    {
      what,
      kind: "write",
      ms: client.timing.callMs,
      run: (consul, options) => consul.agent.service.register({ ...options, id, name, address, port, tags, meta, checks }),
      // The library's method knows no weights.
      body: (body) => Object.assign({}, body, { Weights: { Passing: weight, Warning: weight } }),
      accept: [400],
    },
    signal,
  );
  if (answer.status === 400) {
    throw new FairleadError("USAGE", `cannot ${what}: Consul takes no service like this (${answer.url})`); // it would quote values
  }
}

export async function deregisterService(client: Client, id: string, signal: AbortSignal): Promise<void> {
  const what = `deregister ${JSON.stringify(id)} from Consul's agent`;
  await call(client, signal, "write", what, (consul, options) => consul.agent.service.deregister({ ...options, id }), [404]);
}

/** One that is not there is as good as gone. */
export async function deregisterCheck(client: Client, id: string, signal: AbortSignal): Promise<void> {
  const what = `deregister the check ${JSON.stringify(id)} from Consul's agent`;
  await call(client, signal, "write", what, (consul, options) => consul.agent.check.deregister({ ...options, id }), [404]);
}

/** False: the agent has no such check (or says so: other failures on its side look the same). */
export async function setCheck(client: Client, id: string, status: CheckStatus, signal: AbortSignal): Promise<boolean> {
  const methods = { passing: "pass", warning: "warn", critical: "fail" } as const;
  const run = (consul: ConsulMethods, options: MethodOptions): Promise<unknown> =>
    consul.agent.check[methods[status]]({ ...options, id }); // without a note: an output that stays the same moves no index
  const answer = await call(client, signal, "write", `set the check ${JSON.stringify(id)} of Consul's agent`, run, [404, 500]);
  return answer.status < 300;
}

/** By a leader that has made sure that it knows everything: just elected, one may not know of a session yet. */
export async function listSessions(client: Client, signal: AbortSignal): Promise<readonly Session[]> {
  const what = "list Consul's sessions";
  const answer = await call(client, signal, "read", what, (consul, options) =>
    consul.session.list({ ...options, consistent: true }),
  );
  return checked({ what, url: answer.url }, answer.body, readSessions);
}

/** It lives by its time alone, not by the node's health, and its end deletes what hangs on it. */
export async function createSession(client: Client, name: string, ttl: string, signal: AbortSignal): Promise<string> {
  const what = "create a session in Consul";
  const session = { name, ttl, behavior: "delete", lockdelay: "0s", checks: [] };
  const answer = await call(client, signal, "write", what, (consul, options) =>
    consul.session.create({ ...options, ...session }),
  );
  return checked({ what, url: answer.url }, answer.body, readSessionId);
}

/** False: it has ended. */
export async function renewSession(client: Client, id: string, signal: AbortSignal): Promise<boolean> {
  const run = (consul: ConsulMethods, options: MethodOptions): Promise<unknown> => consul.session.renew({ ...options, id });
  const renew = async (): Promise<boolean> =>
    (await call(client, signal, "read", "renew a session in Consul", run, [404])).status < 300;
  if (await renew()) {
    return true;
  }
  const isThere = (await listSessions(client, signal)).some((session) => session.id === id);
  return isThere && (await renew());
}

/** An operation of a transaction, as Consul spells it. */
export interface TxnOperation {
  readonly Verb: "set" | "lock" | "get" | "delete" | "delete-cas" | "check-index" | "check-not-exists";
  readonly Key: string;
  readonly Value?: string;
  readonly Index?: number;
  readonly Session?: string;
}

export type TxnOutcome = "done" | "too-large" | readonly TxnRefusal[];

/** All of it or nothing; refused: which operations were the reason. */
export async function runTransaction(
  client: Client,
  what: string,
  operations: readonly TxnOperation[],
  signal: AbortSignal,
): Promise<TxnOutcome> {
  const all = operations.map((KV) => ({ KV }));
  const run = (consul: ConsulMethods, options: MethodOptions): Promise<unknown> => consul.transaction.create(all, options);
  const answer = await call(client, signal, "write", what, run, [409, 413]);
  if (answer.status === 409) {
    return checked({ what, url: answer.url }, answer.body, readTxnRefusals);
  }
  return answer.status === 413 ? "too-large" : "done";
}

/** Consul has no code for it: in a transaction it is a sentence like the others. */
export function isPermissionDenied({ what }: TxnRefusal): boolean {
  return /permission denied/i.test(what);
}

export async function setKey(client: Client, key: string, value: string, signal: AbortSignal): Promise<"done" | "too-large"> {
  const what = `write the key ${JSON.stringify(key)} in Consul`;
  const answer = await call(client, signal, "write", what, (consul, options) => consul.kv.set({ ...options, key, value }), [413]);
  return answer.status === 413 ? "too-large" : "done";
}

async function call(
  client: Client,
  signal: AbortSignal,
  kind: "read" | "write",
  what: string,
  run: (consul: ConsulMethods, options: MethodOptions) => Promise<unknown>,
  accept: readonly number[] = [],
): Promise<Answer> {
  return await client.call({ what, kind, ms: client.timing.callMs, run, accept }, signal);
}
