import type { BigIntStats } from "node:fs";
import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { sleep } from "../../core/time.ts";
import { systemCode } from "../../model/errors.ts";

/** A file beyond this is no entry and no key. */
const SIZE_LIMIT_BYTES = 16 * 1024 * 1024;
/** A file that was touched within this time may still be in the middle of being written. */
const QUIET_MS = 50;
/** How long a file that is touched again and again is waited for. */
const PATIENCE_MS = 250;

/** What a file looked like when it was read. */
export interface Stamp {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Its times are well before the read: an equal stamp means an equal file, since the clock of the disk has moved on. */
  readonly isSafe: boolean;
}

export type Loaded =
  | { readonly kind: "absent" | "same" | "folder" }
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly stamp: Stamp }
  /** It is there and cannot be understood; the others live on. */
  | { readonly kind: "unreadable"; readonly reason: string };

/**
 * Reads a file, unless it is the one of `known`. One that was just truncated or changed in place gets a moment to become whole; atomic
 * writes, ours too, are believed at once. It never blocks on a pipe or device.
 */
export async function loadFile(
  path: string,
  { known, signal }: { readonly known: Stamp | undefined; readonly signal: AbortSignal },
): Promise<Loaded> {
  if (known?.isSafe === true && (await isUnchanged(path, known))) {
    return { kind: "same" };
  }
  for (let waitedMs = 0; ; waitedMs += QUIET_MS) {
    let file: FileHandle;
    try {
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      return whyNotOpen(error);
    }
    try {
      const stats = await file.stat({ bigint: true });
      if (stats.isDirectory()) {
        return { kind: "folder" };
      }
      if (!stats.isFile()) {
        return { kind: "unreadable", reason: "it is no regular file" };
      }
      if (stats.size > SIZE_LIMIT_BYTES) {
        return { kind: "unreadable", reason: `it is larger than ${SIZE_LIMIT_BYTES} bytes` };
      }
      if (waitedMs >= PATIENCE_MS || !mayBeUnfinished(stats, known)) {
        return { kind: "bytes", bytes: await readWhole(file, Number(stats.size)), stamp: stampOf(stats) };
      }
    } finally {
      await file.close();
    }
    await sleep(QUIET_MS, signal);
  }
}

function whyNotOpen(error: unknown): Loaded {
  switch (systemCode(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return { kind: "absent" };
    case "EACCES":
    case "EPERM":
      return { kind: "unreadable", reason: "there is no right to read it" };
    case "ELOOP":
    case "ENXIO":
    case "ENODEV":
      return { kind: "unreadable", reason: "it is no regular file" };
    default:
      throw error;
  }
}

/** One read where that is enough: `readFile` makes three calls of it. */
async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size + 1), 0, size + 1, 0);
  return bytesRead === size ? buffer.subarray(0, size) : await file.readFile();
}

async function isUnchanged(path: string, known: Stamp): Promise<boolean> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return known.ino === ino && known.size === size && known.mtimeNs === mtimeNs && known.ctimeNs === ctimeNs;
  } catch {
    return false; // opening it tells why
  }
}

function stampOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): Stamp {
  const newestMs = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
  return { ino, size, mtimeNs, ctimeNs, isSafe: newestMs < Date.now() - QUIET_MS };
}

function mayBeUnfinished(stats: BigIntStats, known: Stamp | undefined): boolean {
  const ageMs = Date.now() - Number(stats.mtimeNs / 1_000_000n);
  return Math.abs(ageMs) < QUIET_MS && (stats.size === 0n || stats.ino === known?.ino);
}
