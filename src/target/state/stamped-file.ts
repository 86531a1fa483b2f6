/** A file of the state that other processes may replace: read again only when they did. */
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import { prepareStateFolder, stampOf, stateError, writeStateFile } from "./state-file.ts";

export interface StampedFile<T> {
  /** The same object for as long as the file is the same. Undefined: there is none, or it cannot be understood, which is said once. */
  read(): Promise<T | undefined>;
  /** Whole or not at all; a power cut may bring the one before back. */
  write(value: T): Promise<void>;
}

export function createStampedFile<T>(options: {
  readonly file: string;
  readonly log: Log;
  /** Undefined: it is torn, foreign, or of another version. */
  readonly parse: (text: string) => T | undefined | Promise<T | undefined>;
  readonly print: (value: T) => string;
}): StampedFile<T> {
  const { file, log, parse, print } = options;
  let known: { readonly stamp: string; readonly value: T | undefined } | undefined;

  async function openThere(): Promise<FileHandle | undefined> {
    try {
      return await open(file, "r");
    } catch (error) {
      if (systemCode(error) === "ENOENT") {
        return undefined;
      }
      throw stateError(file, error);
    }
  }

  async function read(): Promise<T | undefined> {
    const handle = await openThere();
    if (handle === undefined) {
      known = undefined;
      return undefined;
    }
    try {
      const stamp = stampOf(await handle.stat({ bigint: true }));
      if (known?.stamp !== stamp) {
        const value = await parse(await handle.readFile("utf8"));
        if (value === undefined) {
          log.warn("a file of the state cannot be read and starts anew", { file });
        }
        known = { stamp, value };
      }
      return known.value;
    } finally {
      await handle.close();
    }
  }

  async function write(value: T): Promise<void> {
    await prepareStateFolder(dirname(file), dirname(file));
    const stamp = await writeStateFile(file, Buffer.from(print(value)), { durable: false });
    known = { stamp, value };
  }

  return { read, write };
}
