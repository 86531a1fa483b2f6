import { createHash } from "node:crypto";
import type { RenderedFile } from "../ports.ts";
import { sha256 } from "./files/stage.ts";

type Content = Pick<RenderedFile, "dest" | "text">;

/** The same files are the same generation, on every machine and in every run. */
export function generationOf(files: readonly Content[]): string {
  const hash = createHash("sha256");
  for (const file of [...files].sort((a, b) => (a.dest < b.dest ? -1 : 1))) {
    hash.update(JSON.stringify([file.dest, sha256(bytesOf(file))]));
  }
  return hash.digest("hex").slice(0, 16);
}

const known = new WeakMap<Content, Buffer>();

/** A file's bytes before the generation is known; the same ones when they are asked for again, since files can be large. */
export function bytesOf(file: Content): Buffer {
  const bytes = known.get(file) ?? Buffer.from(file.text);
  known.set(file, bytes);
  return bytes;
}
