import { unlink } from "node:fs/promises";
import { systemCode } from "../../model/errors.ts";

/** Removes a file, if it is there; `rm` looks twice before it does. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") {
      throw error;
    }
  }
}
