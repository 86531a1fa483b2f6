/** What files have held, each content under its hash, beside the history: for the judge, and for whoever has to find out what was wrong with one. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "./history.ts";
import { hashText, servicesIn } from "./state.ts";

export interface Contents {
  /** At once, so that the time that it is stamped with is after nothing but the read. Undefined: no such file. */
  look(path: string): Content | undefined;
  text(sha: string): string;
}

export function createContents(folder: string): Contents {
  const kept = new Set<string>();
  mkdirSync(folder);
  return {
    look(path) {
      let bytes: Buffer;
      try {
        bytes = readFileSync(path);
      } catch {
        return undefined; // not there
      }
      const content = describe(bytes);
      if (!kept.has(content.sha)) {
        kept.add(content.sha);
        writeFileSync(join(folder, content.sha), bytes);
      }
      return content;
    },
    text: (sha) => readFileSync(join(folder, sha), "utf8"),
  };
}

function describe(bytes: Buffer): Content {
  const text = bytes.toString();
  const [served, generation = ""] = /return 200 "(\w+) \$serial/.exec(text) ?? [];
  const plain = hashText(served === undefined ? text : text.replace(served, () => 'return 200 "GENERATION $serial'));
  const serial = Number(/(?:default |# serial )(\d+)/.exec(text)?.[1] ?? 0);
  const services = servicesIn(text);
  return { sha: hashText(bytes), plain, serial, generation, ...(services !== undefined && { services }) };
}
