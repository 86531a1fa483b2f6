/** Putting bytes into files so that nobody ever sees half of them. */
import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { FairleadError, systemCode } from "../../model/errors.ts";
import type { Place } from "./folder.ts";
import { refused } from "./refusal.ts";

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

/** Whether a file on the disk is what is wanted; attributes that nobody asked for do not count. */
export function sameContent(wanted: FileContent, current: FileContent): boolean {
  return sameAttributes(wanted, current) && wanted.bytes.equals(current.bytes);
}

function sameAttributes(wanted: FileContent, current: Omit<FileContent, "bytes">): boolean {
  return (
    wanted.mode === current.mode && (wanted.uid ?? current.uid) === current.uid && (wanted.gid ?? current.gid) === current.gid
  );
}

/** What every staged name of a destination begins with. No `*.conf` pattern matches it, and a sweep recognises it as ours. */
export function stagedPrefix(name: string): string {
  return `.${name}.fairlead-`;
}

/**
 * What is at a destination. A symbolic link is refused: replacing it would take the link away, following it would write elsewhere.
 * @throws FairleadError `DEST_REFUSED`
 */
export async function readDestination(place: Place): Promise<FileContent | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(place.at(place.name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return undefined;
    }
    throw refused(place.dest, error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) {
      throw new FairleadError("DEST_REFUSED", `cannot write "${place.dest}": it is not a regular file`);
    }
    return { bytes: await handle.readFile(), mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  } finally {
    await handle.close();
  }
}

/**
 * Writes a new file, never an existing one: 0600 from the first byte, then owner and mode, flushed to the disk and read back.
 * Returns its name beside the destination.
 * @throws FairleadError `DEST_REFUSED`; nothing is left behind
 */
export async function stageFile(place: Place, content: FileContent): Promise<string> {
  const name = `${stagedPrefix(place.name)}${randomBytes(6).toString("hex")}`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(place.at(name), "wx+", 0o600);
    await fill(handle, content);
    await requireBytes(handle, content.bytes);
    await handle.close();
    return name;
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(place.at(name), { force: true }).catch(() => undefined); // the first error is the one to tell
    throw refused(place.dest, error);
  }
}

async function fill(handle: FileHandle, content: FileContent): Promise<void> {
  await handle.writeFile(content.bytes);
  const { size, ...now } = await handle.stat();
  if (size !== content.bytes.length) {
    throw new Error(`only ${size} of ${content.bytes.length} bytes could be written`);
  }
  await setAttributes(handle, content, { ...now, mode: now.mode & 0o7777 });
  await handle.sync();
}

/** The owner first: changing it takes some bits of the mode away. */
async function setAttributes(
  handle: FileHandle,
  { mode, uid, gid }: FileContent,
  now: { readonly mode: number; readonly uid: number; readonly gid: number },
): Promise<void> {
  const isOther = (uid ?? now.uid) !== now.uid || (gid ?? now.gid) !== now.gid;
  if (isOther) {
    await handle.chown(uid ?? now.uid, gid ?? now.gid);
  }
  if (isOther || mode !== now.mode) {
    await handle.chmod(mode);
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
export async function installFile(place: Place, staged: string): Promise<void> {
  try {
    await rename(place.at(staged), place.at(place.name));
  } catch (error) {
    throw refused(place.dest, error);
  }
}

/** Whether nothing can be renamed over the destination because it is mounted by itself; it can be written in place. */
export function isMountPoint(error: unknown): boolean {
  const code = error instanceof FairleadError ? systemCode(error.cause) : undefined;
  return code === "EBUSY" || code === "EXDEV";
}

/**
 * Writes into the file that is there, for one that is mounted by itself. Others may see half of it, and a process that is killed leaves
 * half of it: the journal has to know the bytes before. Content and attributes that are right already are not touched.
 * @throws FairleadError `DEST_REFUSED`
 */
export async function writeInPlace(place: Place, content: FileContent): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(place.at(place.name), constants.O_RDWR | constants.O_NOFOLLOW);
    const current = await handle.readFile();
    const { mode, uid, gid } = await handle.stat();
    if (!current.equals(content.bytes)) {
      let offset = 0;
      while (offset < content.bytes.length) {
        offset += (await handle.write(content.bytes, offset, content.bytes.length - offset, offset)).bytesWritten;
      }
      await handle.truncate(content.bytes.length);
    }
    await setAttributes(handle, content, { mode: mode & 0o7777, uid, gid });
    await handle.sync();
  } catch (error) {
    throw refused(place.dest, error);
  } finally {
    await handle?.close();
  }
}
