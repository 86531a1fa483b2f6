import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { tryLock } from "./lock.ts";

const LOWEST = 10_000;

/**
 * A free port on 127.0.0.1, reserved for this process until it ends: no other test gets it, also not while its server is stopped.
 *
 * It lies below the ports that the kernel gives to outgoing connections. Otherwise, while a server is down, a connection could be given
 * its port (the restart then fails with EADDRINUSE), and a client that keeps dialling could even connect to itself.
 */
export async function reservePort(): Promise<number> {
  const highest = firstEphemeralPort() - 1;
  for (let tries = 0; tries < 200; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (highest - LOWEST + 1));
    const lock = await tryLock(`port-${port}`);
    if (lock === undefined) {
      continue;
    }
    if (await isFree(port)) {
      return port;
    }
    await lock.release();
  }
  throw new Error(`no free port found between ${LOWEST} and ${highest}`);
}

/** Several at once, all different. */
export async function reservePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, reservePort));
}

function firstEphemeralPort(): number {
  const [first] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/);
  return Math.max(Number(first), LOWEST + 2000);
}

/** On every address: some servers listen on all of them. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
  });
}
