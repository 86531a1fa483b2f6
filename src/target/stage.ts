/** Putting bytes into files so that nobody ever sees half of them. */
import { createHash, randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FairleadError, messageOf, systemCode } from "../model/errors.ts";

const PART_BYTES = 256 * 1024;

export interface FileContent {
  readonly bytes: Buffer;
  readonly mode: number;
  /** Absent: the process's own. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Bytes are never changed here once they are made, so each lot of them is hashed once. */
const hashes = new WeakMap<Uint8Array, string>();

export function sha256(bytes: Uint8Array): string {
  const hash = hashes.get(bytes) ?? createHash("sha256").update(bytes).digest("hex");
  hashes.set(bytes, hash);
  return hash;
}

/** A name beside `path` that no `*.conf` pattern matches, and that a sweep recognises as ours. */
function stagedName(path: string): string {
  return join(dirname(path), `.${basename(path)}.fairlead-${randomBytes(6).toString("hex")}`);
}

/**
 * What is at a destination. A symbolic link is refused: replacing it would take the link away, following it would write elsewhere.
 * @throws FairleadError `DEST_REFUSED`
 */
export async function readDestination(path: string): Promise<FileContent | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      await requireFolder(path);
      return undefined;
    }
    throw refused(path, error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) {
      throw new FairleadError("DEST_REFUSED", `cannot write "${path}": it is not a regular file`);
    }
    return { bytes: await handle.readFile(), mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  } finally {
    await handle.close();
  }
}

async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const stat: Stats | undefined = await lstat(join(folder, ".")).catch(() => undefined);
  if (stat?.isDirectory() !== true) {
    throw new FairleadError("DEST_REFUSED", `cannot write "${path}": the folder "${folder}" does not exist`, {
      hint: `create it: mkdir -p ${folder}`,
    });
  }
}

/**
 * Writes a new file, never an existing one: 0600 from the first byte, then owner and mode, flushed to the disk and read back.
 * @throws FairleadError `DEST_REFUSED`; nothing is left behind
 */
export async function stageFile(dest: string, content: FileContent): Promise<string> {
  const staged = stagedName(dest);
  let handle: FileHandle | undefined;
  try {
    handle = await open(staged, "wx+", 0o600);
    await handle.writeFile(content.bytes);
    const { size, uid, gid } = await handle.stat();
    if (size !== content.bytes.length) {
      throw new Error(`only ${size} of ${content.bytes.length} bytes could be written`);
    }
    if ((content.uid ?? uid) !== uid || (content.gid ?? gid) !== gid) {
      await handle.chown(content.uid ?? uid, content.gid ?? gid);
    }
    await handle.chmod(content.mode);
    await handle.sync();
    await requireBytes(handle, content.bytes);
    await handle.close();
    return staged;
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(staged, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw refused(dest, error);
  }
}

/** Reads a file back, a part at a time: it may be large. */
async function requireBytes(handle: FileHandle, bytes: Buffer): Promise<void> {
  const part = Buffer.alloc(Math.min(bytes.length, PART_BYTES));
  for (let at = 0; at < bytes.length; at += part.length) {
    const wanted = bytes.subarray(at, at + part.length);
    const { bytesRead } = await handle.read(part, 0, wanted.length, at);
    if (bytesRead !== wanted.length || !part.subarray(0, bytesRead).equals(wanted)) {
      throw new Error("what was read back is not what was written");
    }
  }
}

/** Renames a staged file over its destination. @throws FairleadError `DEST_REFUSED` */
export async function installFile(staged: string, dest: string): Promise<void> {
  try {
    await rename(staged, dest);
  } catch (error) {
    throw refused(dest, error);
  }
}

/** Makes renames in these files' folders survive a power cut. */
export async function syncFolders(paths: readonly string[]): Promise<void> {
  for (const folder of new Set(paths.map(dirname))) {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function refused(path: string, error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  const { reason, hint } = explain(systemCode(error), path) ?? { reason: messageOf(error), hint: undefined };
  return new FairleadError("DEST_REFUSED", `cannot write "${path}": ${reason}`, {
    cause: error,
    retryable: true,
    ...(hint !== undefined && { hint }),
  });
}

function explain(code: string | undefined, path: string): { readonly reason: string; readonly hint: string } | undefined {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return { reason: "the disk is full", hint: "the old file is untouched; free some space, it is tried again" };
    case "EACCES":
    case "EPERM":
      return { reason: "permission denied", hint: `let this user write to the folder "${dirname(path)}"` };
    case "EROFS":
      return { reason: "the file system is read-only", hint: "mount it writable, or choose another destination" };
    case "ENOTDIR":
      return { reason: `"${dirname(path)}" is not a folder`, hint: "choose another destination" };
    case "EBUSY":
      return { reason: "it is a mount point of its own", hint: `mount the folder "${dirname(path)}" instead of the single file` };
    case "ELOOP":
      return { reason: "it is a symbolic link", hint: "name the file that it points to" };
    default:
      return undefined;
  }
}
