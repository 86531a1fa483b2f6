import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { followHints } from "../core/hints.ts";
import { FairleadError, messageOf, systemCode } from "../model/errors.ts";
import type { Instance } from "../model/instance.ts";
import type { Log, Source } from "../ports.ts";
import { parseServicesFile } from "./static-file.ts";
import { watchFile } from "./watch-file.ts";

export interface StaticSourceOptions {
  /** YAML; its folder is watched. */
  readonly file: string;
  /** The owner; the first part of ids that are not given. */
  readonly node: string;
  readonly log: Log;
}

/**
 * Services that a person wrote down. A file that is missing or wrong makes `list` reject, so that what was registered stays as it is
 * until the file is right again.
 */
export function createStaticSource(options: StaticSourceOptions): Source {
  const { node, log } = options;
  const file = resolve(options.file);

  async function list(signal: AbortSignal): Promise<readonly Instance[]> {
    let text: string;
    try {
      text = await readFile(file, { encoding: "utf8", signal });
    } catch (error) {
      signal.throwIfAborted();
      throw unreadable(file, error);
    }
    return parseServicesFile(text, { file, node });
  }

  function changes(signal: AbortSignal): AsyncGenerator<void> {
    return followHints(signal, (onChange, inner) => watchFile({ file, log, onChange }, inner));
  }

  return { name: "static", list, changes };
}

function unreadable(file: string, error: unknown): FairleadError {
  const code = systemCode(error);
  const why = code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "permission denied" : messageOf(error);
  const hint = code === "ENOENT" ? "create it; it is read as soon as it is there" : undefined;
  return new FairleadError("SOURCE_UNAVAILABLE", `cannot read the services file "${file}": ${why}`, {
    retryable: true,
    cause: error,
    location: { file },
    ...(hint !== undefined && { hint }),
  });
}
