import { basename } from "node:path";
import { splitCommand } from "../../config/values.ts";
import { usage } from "../context.ts";
import { type DockerRun, readDockerRun } from "./docker-run.ts";
import { type FlagSpec, parseGoFlags } from "./go-flags.ts";

/** A command line that Registrator would run with. */
export interface RegistratorCommand {
  readonly flags: ReadonlyMap<string, string>;
  readonly backend: BackendUri;
  /** The `docker run` around it. */
  readonly container: DockerRun | undefined;
}

/** `scheme://host/path`, as Go reads it. */
export interface BackendUri {
  readonly scheme: string;
  readonly host: string;
  /** Begins with a slash, or is empty. */
  readonly path: string;
}

/**
 * The words of a command line: Registrator's alone, with its name before them, or a whole `docker run` line; in one word or in many.
 * Undefined: `--version`, which makes nothing run.
 * @throws FairleadError `USAGE` for what Registrator refuses too
 */
export function readCommandLine(words: readonly string[], specs: readonly FlagSpec[]): RegistratorCommand | undefined {
  const all = words.length === 1 ? split(words[0] ?? "") : words;
  const container = readDockerRun(all);
  const line = container?.command ?? all;
  const own = container === undefined && isProgram(line[0] ?? "") ? line.slice(1) : line;
  if (own.length === 1 && own[0] === "--version") {
    return undefined;
  }
  const { given, rest } = parseGoFlags(own, specs);
  refuseImpossible(given);
  const [uri, ...extra] = rest;
  if (uri === undefined) {
    throw usage(
      "missing required argument for registry URI",
      "it is the last word of Registrator's command line: consul://127.0.0.1:8500",
    );
  }
  if (extra.length > 0) {
    throw usage(`extra unparsed arguments: ${extra.join(" ")}`, "options should come before the registry URI argument");
  }
  return { flags: given, backend: parseUri(uri), container };
}

/** The host part and the path of an address. A user and a password in it were never used by Registrator, and are dropped here. */
function parseUri(text: string): BackendUri {
  const match = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)/i.exec(text);
  if (match === null) {
    throw usage(`bad adapter uri: ${JSON.stringify(text)}`, "write consul://host:8500 or another of Registrator's addresses");
  }
  const [, scheme = "", authority = "", path = ""] = match;
  return { scheme: scheme.toLowerCase(), host: authority.slice(authority.lastIndexOf("@") + 1), path };
}

/** What Registrator checks before it starts. */
function refuseImpossible(flags: ReadonlyMap<string, string>): void {
  const number = (name: string, fallback: number): number => Number(flags.get(name) ?? fallback);
  const ttl = number("ttl", 0);
  const refresh = number("ttl-refresh", 0);
  if (ttl > 0 !== refresh > 0) {
    throw usage("-ttl and -ttl-refresh must be specified together or not at all");
  }
  if (ttl > 0 && ttl <= refresh) {
    throw usage("-ttl must be greater than -ttl-refresh");
  }
  if (number("retry-interval", 2000) <= 0) {
    throw usage("-retry-interval must be greater than 0");
  }
  const deregister = flags.get("deregister") ?? "always";
  if (deregister !== "always" && deregister !== "on-success") {
    throw usage('-deregister must be "always" or "on-success"');
  }
}

/** A path or an image of Registrator's, not one of its flags or addresses. */
function isProgram(word: string): boolean {
  return !word.startsWith("-") && !word.includes("://") && basename(word).includes("registrator");
}

function split(line: string): readonly string[] {
  const words = splitCommand(line.replace(/\\\r?\n/g, " "));
  if (words === undefined) {
    throw usage("a quote in the command line is not closed");
  }
  return words;
}
