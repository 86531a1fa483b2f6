import type { HealthCheck } from "../../../model/instance.ts";
import { isTruthy, parseBoolean, quoteKey } from "./values.ts";
import type { Word } from "./words.ts";

export interface ReadCheck {
  readonly check?: HealthCheck;
  /** Words that ask for nothing, each with the reason. */
  readonly problems: readonly { readonly word: Word; readonly reason: string }[];
}

/** What Registrator takes when no interval is given. */
const INTERVAL_MS = 10_000;
const LONGEST_MS = 365 * 24 * 3_600_000;
const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };
const STATUSES = ["passing", "warning", "critical"] as const;

/** Of several kinds the first one counts, as Registrator has it. */
const KINDS = ["http", "https", "ttl", "tcp", "grpc"] as const;
/** Kinds that a word for no turns off. */
const FLAGS: ReadonlySet<string> = new Set(["tcp", "grpc"]);
/** What belongs to a check of any kind, or of some: a word for another kind is not worth a report. */
const DETAILS = new Set([
  "interval",
  "timeout",
  "initial_status",
  "deregister_after",
  "http_method",
  "https_method",
  "tls_skip_verify",
  "grpc_use_tls",
]);
/** They would run what a label says, with Consul's rights. */
const COMMANDS = new Set(["cmd", "script", "args", "docker", "shell"]);

/**
 * The check that the `SERVICE_CHECK_*` words ask for, by what stands behind `SERVICE_CHECK_`. A word that makes no sense is left out and
 * named; when it is the one that the check is made of, there is no check of that kind.
 */
export function readCheck(words: ReadonlyMap<string, Word>, protocol: "tcp" | "udp"): ReadCheck {
  const problems: ReadCheck["problems"][number][] = [];
  function report(word: Word, what: string): void {
    problems.push({ word, reason: `${quoteKey(word.key)} ${what}; it was left out` });
  }

  function read<T>(name: string, parse: (text: string) => T | undefined, what: string): T | undefined {
    const word = words.get(name);
    const value = word === undefined ? undefined : parse(word.value.trim());
    if (word !== undefined && value === undefined) {
      report(word, `is ${what}`);
    }
    return value;
  }
  const duration = (name: string): number | undefined => read(name, parseGoDuration, "no time such as 10s or 1m30s");
  const flag = (name: string): boolean => isTruthy(words.get(name)?.value ?? "no");
  const method = (name: string): { readonly method?: string } => {
    const value = read(name, parseMethod, "no HTTP method");
    return value === undefined ? {} : { method: value };
  };
  const pace = (): { readonly intervalMs: number; readonly timeoutMs?: number } => {
    const timeoutMs = duration("timeout");
    return { intervalMs: duration("interval") ?? INTERVAL_MS, ...(timeoutMs !== undefined && { timeoutMs }) };
  };
  const skipVerify = (): { readonly skipVerify?: boolean } => (flag("tls_skip_verify") ? { skipVerify: true } : {});

  function make(kind: (typeof KINDS)[number]): HealthCheck | undefined {
    switch (kind) {
      case "http":
      case "https": {
        const path = read(kind, parseCheckPath, "no path that begins with / and is percent-encoded where needed");
        return path === undefined
          ? undefined
          : { kind, path, ...method(`${kind}_method`), ...(kind === "https" && skipVerify()), ...pace() };
      }
      case "ttl": {
        const ttlMs = duration(kind);
        return ttlMs === undefined ? undefined : { kind, ttlMs };
      }
      case "tcp":
        return { kind, ...pace() };
      case "grpc": {
        const service = read(kind, parseGrpcService, "neither true nor the name of a gRPC service");
        return service === undefined
          ? undefined
          : {
              kind,
              ...(service !== true && { service }),
              ...(flag("grpc_use_tls") && { tls: true, ...skipVerify() }),
              ...pace(),
            };
      }
    }
  }

  let check: HealthCheck | undefined;
  let chosen: Word | undefined;
  for (const kind of KINDS) {
    const word = words.get(kind);
    if (word === undefined || (FLAGS.has(kind) && !isTruthy(word.value))) {
      continue;
    }
    if (protocol === "udp" && kind !== "ttl") {
      report(word, "asks for a check over tcp, and the port is a udp one");
    } else if (chosen === undefined) {
      check = make(kind);
      chosen = check === undefined ? undefined : word;
    } else {
      report(word, `asks for a second check beside ${chosen.key}`);
    }
  }
  for (const [name, word] of words) {
    if (COMMANDS.has(name)) {
      report(word, "asks for a command, and commands of labels are never run");
    } else if (!DETAILS.has(name) && !(KINDS as readonly string[]).includes(name)) {
      report(word, "is no part of a check that is known");
    }
  }
  return check === undefined ? { problems } : { check: { ...check, ...common() }, problems };

  function common(): Pick<HealthCheck, "initialStatus" | "deregisterAfterMs"> {
    const initialStatus = read("initial_status", (text) => STATUSES.find((status) => status === text.toLowerCase()), STATUS);
    const deregisterAfterMs = duration("deregister_after");
    return {
      ...(initialStatus !== undefined && { initialStatus }),
      ...(deregisterAfterMs !== undefined && { deregisterAfterMs }),
    };
  }
}
const STATUS = `none of ${STATUSES.join(", ")}`;

/** A time as Go writes it, which is how Consul reads it: `1m30s`; at least 1 ms. */
function parseGoDuration(text: string): number | undefined {
  if (text.length > 40 || !/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) {
    return undefined;
  }
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) {
    sum += Number(number) * (UNITS_MS[unit ?? ""] ?? 0);
  }
  const ms = Math.round(sum);
  return ms >= 1 && ms <= LONGEST_MS ? ms : undefined;
}

/** A path with a query perhaps; nothing that would make another URL of the one that it is put into. */
function parseCheckPath(text: string): string | undefined {
  return text.length <= 1024 && /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/.test(text) ? text : undefined;
}

function parseMethod(text: string): string | undefined {
  return /^[A-Za-z]{1,20}$/.test(text) ? text.toUpperCase() : undefined;
}

/** True: the server as a whole. */
function parseGrpcService(text: string): string | true | undefined {
  if (parseBoolean(text) === true) {
    return true;
  }
  return /^[A-Za-z_][A-Za-z0-9_.]{0,254}$/.test(text) ? text : undefined;
}
