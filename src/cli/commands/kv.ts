import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { withDeadline } from "../../core/time.ts";
import { FairleadError, messageOf } from "../../model/errors.ts";
import type { Registry } from "../../ports.ts";
import { type Context, printJson, printLine, usage } from "../context.ts";
import { readOnce } from "../read-once.ts";
import { type RegistryOptions, timeoutOf, withRegistry } from "../settings.ts";

interface Options extends RegistryOptions {
  readonly json?: boolean;
  readonly timeout?: string;
}

export async function get(context: Context, [path = ""]: readonly string[], options: Options): Promise<void> {
  const key = keyOf(path);
  const keys = await readKeys(context, options, key);
  const value = keys.get(key);
  if (value === undefined) {
    throw missing(key);
  }
  if (options.json === true) {
    printJson(context, { key, value });
  } else {
    context.stdout.write(value.endsWith("\n") ? value : `${value}\n`);
  }
}

export async function ls(context: Context, [prefix = ""]: readonly string[], options: Options): Promise<void> {
  const keys = await readKeys(context, options, prefix.replace(/^\/+/, ""));
  if (options.json === true) {
    printJson(
      context,
      [...keys].map(([key, value]) => ({ key, value })),
    );
    return;
  }
  for (const key of keys.keys()) {
    printLine(context, key);
  }
}

export async function put(context: Context, [path = "", text = ""]: readonly string[], options: Options): Promise<void> {
  const key = keyOf(path);
  const value = text === "-" ? await readStdin(context) : text;
  await write(context, options, (registry, signal) => registry.putKey(key, value, signal));
}

export async function rm(context: Context, [path = ""]: readonly string[], options: Options): Promise<void> {
  const key = keyOf(path);
  if (!(await write(context, options, (registry, signal) => registry.removeKey(key, signal)))) {
    throw missing(key);
  }
}

export async function importKeys(context: Context, [file = ""]: readonly string[], options: Options): Promise<void> {
  const text = file === "-" ? await readStdin(context) : await readText(resolve(context.cwd, file));
  const pairs = await parseKeys(text, file);
  await withRegistry(context, options, async (registry) => {
    for (const [key, value] of pairs) {
      await within(context, options, (signal) => registry.putKey(key, value, signal));
    }
  });
  if (options.json === true) {
    printJson(context, { imported: pairs.size });
  } else {
    context.stderr.write(`${pairs.size} keys written\n`);
  }
}

/** `[{key, value}]`, or nested YAML whose path is the key; texts, numbers and booleans are values. */
export async function parseKeys(text: string, file: string): Promise<ReadonlyMap<string, string>> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new FairleadError("USAGE", `cannot import "${file}": ${problem.message.split("\n")[0]}`, {
      location: { file, line: problem.linePos?.[0].line ?? 1, column: problem.linePos?.[0].col ?? 1 },
    });
  }
  const pairs = new Map<string, string>();
  const raw: unknown = document.toJS();
  if (Array.isArray(raw)) {
    for (const [index, item] of raw.entries()) {
      if (typeof item !== "object" || item === null || typeof item.key !== "string") {
        throw usage(`cannot import "${file}": item ${index + 1} is no {key, value}`);
      }
      pairs.set(keyOf(item.key), scalarText(item.value, item.key, file));
    }
  } else {
    collect(raw, "", pairs, file);
  }
  return pairs;
}

function collect(node: unknown, path: string, pairs: Map<string, string>, file: string): void {
  if (typeof node === "object" && node !== null && !Array.isArray(node)) {
    for (const [name, child] of Object.entries(node)) {
      collect(child, path === "" ? name : `${path}/${name}`, pairs, file);
    }
    return;
  }
  pairs.set(keyOf(path), scalarText(node, path, file));
}

function scalarText(value: unknown, key: string, file: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  const kind = Array.isArray(value) ? "a list" : value === null || value === undefined ? "empty" : "an object";
  throw usage(
    `cannot import "${file}": the value of "${key}" is ${kind}`,
    'a value is one text; quote it, or write "" for an empty one',
  );
}

function keyOf(path: string): string {
  const key = path.replace(/^\/+/, "");
  if (key === "" || key.endsWith("/") || key.includes("//")) {
    throw usage(`"${path}" is no key`, "a key is a path such as app/db/host");
  }
  return key;
}

function missing(key: string): FairleadError {
  return new FairleadError("KEY_MISSING", `key "${key}" is not in the registry`);
}

async function readKeys(context: Context, options: Options, prefix: string): Promise<ReadonlyMap<string, string>> {
  const timeoutMs = timeoutOf(options);
  return await withRegistry(context, options, async (registry) => {
    const snapshot = await readOnce(registry, { services: [], keys: [prefix] }, { timeoutMs, signal: context.signal });
    const invalid = snapshot.invalid.find((item) => item.key === prefix);
    if (invalid !== undefined) {
      throw new FairleadError("KEY_MISSING", `key "${prefix}" cannot be read as text: ${invalid.reason}`);
    }
    return snapshot.keys;
  });
}

async function write<T>(
  context: Context,
  options: Options,
  work: (registry: Registry, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withRegistry(context, options, (registry) => within(context, options, (signal) => work(registry, signal)));
}

async function within<T>(context: Context, options: Options, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ms = timeoutOf(options);
  const onTimeout = (): Error =>
    new FairleadError("REGISTRY_UNAVAILABLE", `the registry gave no answer within ${ms} ms`, { retryable: true });
  return await withDeadline({ ms, signal: context.signal, onTimeout }, work);
}

async function readStdin(context: Context): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of context.stdin()) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw usage(`cannot read "${file}": ${messageOf(error)}`);
  }
}
