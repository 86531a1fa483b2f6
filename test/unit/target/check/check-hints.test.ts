import { expect, it } from "vitest";
import { hintAtSandbox } from "../../../../src/target/check/check-hints.ts";
import type { CheckLevel } from "../../../../src/target/check/sandbox.ts";

const NGINX = ["/usr/sbin/nginx", "-t"];
const NO_HOST = 'nginx: [emerg] host not found in upstream "db.internal" in /etc/nginx/conf.d/app.conf:3';

const CASES: readonly {
  readonly what: string;
  readonly argv?: readonly string[];
  readonly output: string;
  readonly level?: CheckLevel;
  readonly hint?: string;
}[] = [
  { what: "nginx knows no host", output: NO_HOST, hint: "sandbox: network" },
  { what: "haproxy knows no host", output: "server s1: could not resolve address 'db'", hint: "sandbox: network" },
  {
    what: "Python knows no host",
    output: "socket.gaierror: [Errno -3] Temporary failure in name resolution",
    hint: "sandbox: network",
  },
  { what: "Node knows no host", output: "Error: getaddrinfo ENOTFOUND db", hint: "sandbox: network" },
  { what: "there is no network", output: "connect: Network is unreachable", hint: "sandbox: network" },
  { what: "no host is known with the network", output: NO_HOST, level: "network" },
  { what: "no host is known outside of a sandbox", output: NO_HOST, level: "swap" },
  {
    what: "docker cannot be reached",
    argv: ["docker", "exec", "web", "nginx", "-t"],
    output: "Cannot connect to the Docker daemon",
    hint: "sandbox: off",
  },
  { what: "sudo is refused", argv: ["/usr/bin/sudo", "nginx", "-t"], output: "sudo: …", level: "network", hint: "sandbox: off" },
  { what: "docker fails outside of a sandbox", argv: ["docker", "exec"], output: "", level: "swap" },
  { what: "memory is full", output: "open() failed (28: No space left on device)", hint: "256 MB" },
  { what: "root is asked for", output: "chown: Operation not permitted", hint: "sandbox: off" },
  { what: "the configuration is simply wrong", output: 'nginx: [emerg] unknown directive "event"' },
];

it.each(CASES)("a check's hint when $what", ({ argv = NGINX, output, level = "full", hint }) => {
  const given = hintAtSandbox(argv, output, level);
  expect(given).toEqual(hint === undefined ? undefined : expect.stringContaining(hint));
});
