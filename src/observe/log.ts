import { createRequire } from "node:module";
import type pinoModule from "pino";
import type { Log, LogFields } from "../ports.ts";
import type { Secrets } from "./secrets.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "auto" | "pretty" | "json";
  /** Where it goes; a terminal gets the people's format. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly colour: boolean;
  readonly secrets: Secrets;
}

/** A log in JSON lines, or for people: `12:00:01 warn  registry cannot be read  code=REGISTRY_UNAVAILABLE`. */
export function createLog(options: LogOptions): Log {
  const isPretty = options.format === "pretty" || (options.format === "auto" && options.stream.isTTY === true);
  const write = isPretty ? createPrettyWriter(options) : createJsonWriter(options);
  const least = LOG_LEVELS.indexOf(options.level);
  function at(level: LogLevel): (message: string, fields?: LogFields) => void {
    return LOG_LEVELS.indexOf(level) < least ? () => undefined : (message, fields = {}) => write(level, message, fields);
  }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

type Write = (level: LogLevel, message: string, fields: LogFields) => void;

function createJsonWriter({ stream, secrets }: LogOptions): Write {
  let logger: pinoModule.Logger | undefined;
  return (level, message, fields) => {
    logger ??= loadPino(stream, secrets);
    logger[level](fields, message);
  };
}

/** Pino is loaded with the first line: most one-shot commands have nothing to say. */
function loadPino(stream: NodeJS.WritableStream, secrets: Secrets): pinoModule.Logger {
  const pino = createRequire(import.meta.url)("pino") as typeof pinoModule;
  return pino(
    {
      level: "debug",
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => stream.write(secrets.redact(line)) },
  );
}

const COLOURS: Record<LogLevel, string> = { debug: "\u001b[2m", info: "\u001b[36m", warn: "\u001b[33m", error: "\u001b[31m" };
const RESET = "\u001b[0m";

function createPrettyWriter({ stream, colour, secrets }: LogOptions): Write {
  return (level, message, fields) => {
    const time = new Date().toISOString().slice(11, 19);
    const label = level.padEnd(5);
    const shown = colour ? `${COLOURS[level]}${label}${RESET}` : label;
    const facts = Object.entries(fields).map(([name, value]) => `${name}=${factText(value)}`);
    stream.write(secrets.redact(`${[time, shown, message, ...facts].join("  ").replace("  ", " ")}\n`));
  };
}

function factText(value: unknown): string {
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === "string");
  const text = typeof value === "string" ? value : isTexts ? value.join(",") : (JSON.stringify(value) ?? String(value));
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text);
}
