import { createHash } from "node:crypto";
import type { RenderedFile } from "../ports.ts";

/** The same files are the same generation, on every machine and in every run. */
export function generationOf(files: readonly Pick<RenderedFile, "dest" | "text">[]): string {
  const hash = createHash("sha256");
  for (const file of [...files].sort((a, b) => (a.dest < b.dest ? -1 : 1))) {
    hash.update(JSON.stringify([file.dest, file.text]));
  }
  return hash.digest("hex").slice(0, 16);
}
