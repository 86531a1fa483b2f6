/**
 * The services that a target's files were made from, as lines that are only added to: with many of them a change costs what changed. Whoever
 * names the log says how much of it counts; what a killed process wrote behind that is overwritten.
 */
import { randomBytes } from "node:crypto";
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { compareText } from "../../model/instance.ts";
import { buildService, freezeEntry, type Service } from "../../model/snapshot.ts";
import { isSameService } from "./change.ts";
import { stateError } from "./state-file.ts";

/** A log and how much of it counts. */
export interface LogPart {
  readonly name: string;
  readonly bytes: number;
  /** How long it was when it held each service once. */
  readonly baseBytes: number;
}

type Services = ReadonlyMap<string, Service>;

/** Below this nothing is gained by writing it anew. */
const SMALL_BYTES = 256 * 1024;

/** Writes what changed, or all of it where that is little or most of the log is old. Returns the part that counts now. */
export async function writeServices(
  dir: string,
  services: Services,
  before: { readonly services: Services; readonly part: LogPart } | undefined,
): Promise<LogPart> {
  if (before !== undefined) {
    const lines = changedLines(before.services, services);
    const { name, bytes, baseBytes } = before.part;
    const added = Buffer.from(lines.join(""));
    if (bytes + added.length < 2 * baseBytes + SMALL_BYTES && (await writeAt(join(dir, name), added, bytes))) {
      return { name, bytes: bytes + added.length, baseBytes };
    }
  }
  const name = `services-${randomBytes(6).toString("hex")}.log`;
  const all = Buffer.from([...services.values()].map(putLine).join(""));
  await create(join(dir, name), all);
  return { name, bytes: all.length, baseBytes: all.length };
}

/** Undefined: it is not there, or not whole. */
export async function readServices(dir: string, part: LogPart): Promise<Services | undefined> {
  const handle = await open(join(dir, part.name), "r").catch(() => undefined);
  if (handle === undefined) {
    return undefined;
  }
  try {
    const bytes = (await handle.readFile()).subarray(0, part.bytes);
    return bytes.length < part.bytes ? undefined : parseLines(bytes.toString("utf8"));
  } finally {
    await handle.close();
  }
}

/** Removes all other logs. */
export async function sweepLogs(dir: string, keep: readonly (string | undefined)[]): Promise<void> {
  for (const name of await readdir(dir).catch((): string[] => [])) {
    if (/^services-[0-9a-f]+\.log$/.test(name) && !keep.includes(name)) {
      await rm(join(dir, name), { force: true });
    }
  }
}

function putLine(service: Service): string {
  return `${JSON.stringify(service)}\n`;
}

function changedLines(before: Services, after: Services): string[] {
  const lines: string[] = [];
  for (const service of after.values()) {
    if (!isSameService(service, before.get(service.name))) {
      lines.push(putLine(service));
    }
  }
  for (const name of before.keys()) {
    if (!after.has(name)) {
      lines.push(`${JSON.stringify(name)}\n`); // a bare name: it is gone
    }
  }
  return lines;
}

/** @throws when a line is no JSON */
function parseLines(text: string): Services {
  const services = new Map<string, Service>();
  for (const line of text.split("\n")) {
    if (line === "") {
      continue;
    }
    // Only this program writes it, and the head that names it has told its version.
    const parsed = JSON.parse(line) as Service | string;
    if (typeof parsed === "string") {
      services.delete(parsed);
    } else {
      services.set(parsed.name, buildService(parsed.name, parsed.instances.map(freezeEntry)));
    }
  }
  return new Map([...services].sort(([a], [b]) => compareText(a, b)));
}

async function create(path: string, bytes: Buffer): Promise<void> {
  try {
    const handle = await open(path, "wx", 0o600);
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw stateError(path, error);
  }
}

/** False: the log is not there any more, or shorter than what counts of it. */
async function writeAt(path: string, bytes: Buffer, position: number): Promise<boolean> {
  const handle = await open(path, "r+").catch(() => undefined);
  if (handle === undefined) {
    return false;
  }
  try {
    if ((await handle.stat()).size < position) {
      return false;
    }
    let written = 0;
    while (written < bytes.length) {
      written += (await handle.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
    }
    return true;
  } catch (error) {
    throw stateError(path, error);
  } finally {
    await handle.close();
  }
}
