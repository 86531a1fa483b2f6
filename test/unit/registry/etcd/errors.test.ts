import { describe, expect, test } from "vitest";
import { RpcError, STATUS, toFairleadError } from "../../../../src/registry/etcd/errors.ts";

const WHAT = 'cannot read etcd range "/fairlead/services/"';

const ROWS: readonly (readonly [code: number, details: string, reason: string, as: string, retryable: boolean])[] = [
  [
    14,
    "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:2379",
    "connection refused",
    "REGISTRY_UNAVAILABLE",
    true,
  ],
  [
    14,
    "Name resolution failed for target dns:nowhere.example:2379",
    "the host name cannot be resolved",
    "REGISTRY_UNAVAILABLE",
    true,
  ],
  [14, "read ECONNRESET", "connection lost", "REGISTRY_UNAVAILABLE", true],
  [14, "Connection dropped", "connection lost", "REGISTRY_UNAVAILABLE", true],
  [13, "Received RST_STREAM with code 0 (Call ended without gRPC status)", "connection lost", "REGISTRY_UNAVAILABLE", true],
  [14, "connect EHOSTUNREACH 10.0.0.1:2379", "no route to the host", "REGISTRY_UNAVAILABLE", true],
  [4, "Deadline exceeded after 5.000s,remote_addr=127.0.0.1:2379", "no answer in time", "REGISTRY_UNAVAILABLE", true],
  [14, "etcdserver: request timed out", "request timed out", "REGISTRY_UNAVAILABLE", true],
  [14, "etcdserver: no leader", "no leader", "REGISTRY_UNAVAILABLE", true],
  [8, "etcdserver: mvcc: database space exceeded", "mvcc: database space exceeded", "REGISTRY_UNAVAILABLE", true],
  [5, "etcdserver: requested lease not found", "requested lease not found", "REGISTRY_UNAVAILABLE", true],
  [
    14,
    "No connection established. Last error: Error: self-signed certificate in certificate chain. Resolution note: ",
    "TLS: self-signed certificate in certificate chain",
    "REGISTRY_UNAVAILABLE",
    true,
  ],
  [
    14,
    "No connection established. Last error: 805C:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/x.c:1601:SSL alert number 116 (2026-11-24T07:07:55.455Z). Resolution note: ",
    "TLS: the server refuses our certificate (certificate required)",
    "REGISTRY_DENIED",
    false,
  ],
  [
    14,
    "No connection established. Last error: Error: Client network socket disconnected before secure TLS connection was established. Resolution note: ",
    "TLS: the connection ended in the handshake",
    "REGISTRY_UNAVAILABLE",
    true,
  ],
  [
    14,
    "No connection established. Last error: Failed to connect (2026-11-24T07:07:55.525Z). Resolution note: ",
    "connection lost",
    "REGISTRY_UNAVAILABLE",
    true,
  ],
  [14, "unable to verify the first certificate", "TLS: unable to verify the first certificate", "REGISTRY_UNAVAILABLE", true],
  [
    14,
    "Hostname/IP does not match certificate's altnames: IP: 10.0.0.9 is not in the cert's list: 127.0.0.1",
    "TLS: Hostname/IP does not match certificate's altnames: IP: 10.0.0.9 is not in the cert's list: 127.0.0.1",
    "REGISTRY_UNAVAILABLE",
    true,
  ],
  [
    3,
    "etcdserver: authentication failed, invalid user ID or password",
    "authentication failed, invalid user ID or password",
    "REGISTRY_DENIED",
    false,
  ],
  [3, "etcdserver: user name is empty", "user name is empty", "REGISTRY_DENIED", false],
  [16, "etcdserver: invalid auth token", "invalid auth token", "REGISTRY_DENIED", false],
  [7, "etcdserver: permission denied", "permission denied", "REGISTRY_DENIED", false],
  [
    11,
    "etcdserver: mvcc: required revision has been compacted",
    "mvcc: required revision has been compacted",
    "REGISTRY_INCOMPLETE",
    true,
  ],
  [
    11,
    "etcdserver: mvcc: required revision is a future revision",
    "mvcc: required revision is a future revision",
    "REGISTRY_INCOMPLETE",
    true,
  ],
  [3, "etcdserver: request is too large", "it is larger than etcd takes (1.5 MiB by default)", "USAGE", false],
  [
    8,
    "grpc: received message larger than max (3000011 vs. 2097152)",
    "it is larger than etcd takes (1.5 MiB by default)",
    "USAGE",
    false,
  ],
  [2, `a${"b".repeat(300)}\n  at line`, `a${"b".repeat(199)}…`, "REGISTRY_UNAVAILABLE", true],
];

describe("toFairleadError()", () => {
  test.each(ROWS)("%i %s", (code, details, reason, as, retryable) => {
    const error = toFairleadError(WHAT, new RpcError({ code, details }, "127.0.0.1:2379"));
    expect(error.message).toBe(`${WHAT}: ${reason} (127.0.0.1:2379)`);
    expect([error.code, error.retryable]).toEqual([as, retryable]);
  });

  test.each([
    [14, "connect ECONNREFUSED 127.0.0.1:2379", /is etcd running/],
    [14, "read ECONNRESET", /etcd\+tls/],
    [14, "unable to verify the first certificate", /tls\.ca/],
    [7, "etcdserver: permission denied", /grant-permission/],
    [3, "etcdserver: user name is empty", /ETCDCTL_USER/],
    [8, "etcdserver: mvcc: database space exceeded", /defragment/],
  ])("%i %s has a hint", (code, details, hint) => {
    expect(toFairleadError(WHAT, new RpcError({ code, details }, "h:1")).hint).toMatch(hint);
  });
});

describe("RpcError", () => {
  test("only what never left this machine may be repeated whatever it is", () => {
    const unsent = new RpcError({ code: STATUS.unavailable, details: "No connection established. Last error: …" }, "h:1");
    const lost = new RpcError({ code: STATUS.unavailable, details: "read ECONNRESET" }, "h:1");
    expect([unsent.isUnsent, lost.isUnsent]).toEqual([true, false]);
  });

  test.each([
    ["etcdserver: invalid auth token", true],
    ["etcdserver: revision of auth store is old", true],
    ["etcdserver: user name is empty", true],
    ["etcdserver: permission denied", false],
    ["etcdserver: authentication failed, invalid user ID or password", false],
  ])("%s: a fresh sign-in may help: %s", (details, helps) => {
    expect(new RpcError({ code: STATUS.unauthenticated, details }, "h:1").isStaleToken).toBe(helps);
  });
});
