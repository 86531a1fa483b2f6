/** Bytes that may be needed again, each once, named by their hash. */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FairleadError } from "../../model/errors.ts";
import { sha256 } from "../files/stage.ts";
import { prepareStateFolder, stateError, writeStateFile } from "./state-file.ts";

export interface KeptBytes {
  /** Keeps bytes, so that a journal may name them by the hash that it returns. */
  keep(bytes: Buffer, options: { readonly durable: boolean }): Promise<string>;
  /** @throws FairleadError `DEST_REFUSED` when they are not there, or damaged */
  read(sha: string): Promise<Buffer>;
  /** Forgets all others. */
  retain(shas: ReadonlySet<string>): Promise<void>;
}

export function createKeptBytes(dir: string): KeptBytes {
  const folder = join(dir, "files");
  /** Those whose content this process has seen to be right: after that their size is enough. */
  const seen = new Set<string>();

  async function isThere(path: string, sha: string, bytes: Buffer): Promise<boolean> {
    if (seen.has(sha)) {
      return await stat(path).then(
        ({ size }) => size === bytes.length,
        () => false,
      );
    }
    return (await readFile(path).catch(() => undefined))?.equals(bytes) === true;
  }

  async function keep(bytes: Buffer, options: { readonly durable: boolean }): Promise<string> {
    await prepareStateFolder(dir, folder);
    const sha = sha256(bytes);
    const path = join(folder, sha);
    if (!(await isThere(path, sha, bytes))) {
      await writeStateFile(path, bytes, options);
    }
    seen.add(sha);
    return sha;
  }

  async function read(sha: string): Promise<Buffer> {
    const path = join(folder, sha);
    const bytes = await readFile(path).catch((error: unknown) => {
      throw stateError(path, error);
    });
    if (sha256(bytes) !== sha) {
      throw new FairleadError("DEST_REFUSED", `a kept file is damaged: "${path}"`);
    }
    return bytes;
  }

  async function retain(shas: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(folder).catch(() => [])) {
      if (!shas.has(name)) {
        await rm(join(folder, name), { force: true });
      }
    }
  }

  return { keep, read, retain };
}
