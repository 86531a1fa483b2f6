import { createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Lock {
  /** Idempotent. */
  release(): Promise<void>;
}

export interface LockOptions {
  readonly timeoutMs: number;
  /** What is waited for, for the message when the time is over. */
  readonly what: string;
}

/**
 * A lock for all processes of this machine, as a socket in Linux's abstract name space: the kernel frees it with the process that
 * holds it, so there are no stale lock files. It reaches as far as the network name space does, as docker0 and iptables do.
 *
 * @returns undefined when another holds it, also when that other is this very process
 */
export async function tryLock(name: string): Promise<Lock | undefined> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.unref();
    socket.on("error", () => socket.destroy());
    socket.on("close", () => waiting.delete(socket));
    socket.write(String(process.pid));
  });
  const taken = await new Promise<boolean>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(true) : reject(error)));
    server.listen(address(name), () => resolve(false));
  });
  if (taken) {
    return undefined;
  }
  server.unref();
  return {
    async release() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of waiting) {
        socket.destroy();
      }
      await closed;
    },
  };
}

/**
 * Waits for the lock. Nobody is first in line: whoever comes in time gets it.
 *
 * @throws when `timeoutMs` have passed; the message names the process that holds the lock
 */
export async function takeLock(name: string, options: LockOptions): Promise<Lock> {
  const end = performance.now() + options.timeoutMs;
  let holder = "";
  for (;;) {
    const lock = await tryLock(name);
    if (lock !== undefined) {
      return lock;
    }
    const leftMs = end - performance.now();
    if (leftMs <= 0) {
      throw new Error(`waited ${options.timeoutMs} ms for ${options.what}: held by process ${holder || "unknown"}`);
    }
    holder = (await untilReleased(name, leftMs)) || holder;
    // Between the end of the holder and our turn another may have come; a pause keeps many waiters from spinning.
    await sleep(20);
  }
}

/** Resolves when the holder lets go or dies, or after `timeoutMs`, with the holder's process id. */
function untilReleased(name: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    let holder = "";
    const socket = connect(address(name));
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.on("data", (chunk) => {
      holder += chunk.toString();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(holder);
    });
  });
}

/** The kernel takes at most 107 bytes. */
function address(name: string): string {
  const short = name.length <= 60 ? name : createHash("sha256").update(name).digest("hex");
  return `\0fairlead-test-${short}`;
}
