/** What a check runs in: the best that this machine allows, found out once. */
import { readFileSync } from "node:fs";
import { describeExec, type ExecResult, exec } from "../../core/exec.ts";
import { untilAborted } from "../../core/time.ts";
import { type Command, type CommandContext, commandEnvironment, outputTail } from "../commands.ts";
import { fullArgv, outputInSandbox, type Staged } from "./sandbox/full.ts";
import { basicArgv, namespaceArgv } from "./sandbox/namespace.ts";

export type { Staged } from "./sandbox/full.ts";

/** What the operator allows: everything kept apart, all but the network, nothing. */
export type SandboxMode = "full" | "network" | "off";

export interface CheckCommand extends Command {
  /** Default: `full`. */
  readonly sandbox?: SandboxMode;
}

/**
 * From the best:
 * - `full`: the tree as it will be, in layers that vanish; no network, no other process, a user without rights.
 * - `network`: the same with the machine's network, because the operator wants it.
 * - `namespace`: the files laid over existing ones in a mount namespace, everything else open; new files are put in place for the check.
 * - `basic`: the files really put in place for the length of the check, and taken away when it refuses; root with fewer rights.
 * - `swap`: the same, as this process.
 */
export type CheckLevel = "full" | "network" | "namespace" | "basic" | "swap";

export interface CheckLevelFinding {
  readonly level: CheckLevel;
  /** Why it is no better one. */
  readonly reason?: string;
}

const PROBE_TIMEOUT_MS = 5000;
/** The answer is a fact about this process and its PATH, and stays one. */
const found = new Map<string, Promise<CheckLevelFinding>>();

/** How far a check can be kept apart here; tells the log. */
export async function findCheckLevel(command: CheckCommand, context: CommandContext): Promise<CheckLevel> {
  const { level, reason } = await explainCheckLevel(command, context);
  const isWished = level === "full" || command.sandbox === level || command.sandbox === "off";
  const fields = { target: context.target, level, ...(reason !== undefined && { reason }) };
  if (isWished || !isRoot()) {
    context.log?.info("checks run at this level", fields);
  } else {
    context.log?.warn("checks run at a lower level", fields);
  }
  return level;
}

/** The same, with the reason. Needs no network and no right: what is not allowed is a lower level. */
export async function explainCheckLevel(command: CheckCommand, context: CommandContext): Promise<CheckLevelFinding> {
  const mode = command.sandbox ?? "full";
  const key = `${mode} ${context.environment["PATH"]}`;
  const probing = found.get(key) ?? probe(mode, context.environment);
  found.set(key, probing);
  return await untilAborted(context.signal, () => probing);
}

async function probe(mode: SandboxMode, environment: CommandContext["environment"]): Promise<CheckLevelFinding> {
  if (mode === "off") {
    return { level: "swap", reason: "`sandbox: off`" };
  }
  if (process.platform !== "linux") {
    return { level: "swap", reason: "it needs Linux" };
  }
  if (!isRoot()) {
    return { level: "swap", reason: "it needs root" };
  }
  // Shared by all who ask, so it ends by its own time-outs and by nobody's signal.
  const { signal } = new AbortController();
  const run = (argv: readonly string[]): Promise<ExecResult> =>
    exec(argv, { timeoutMs: PROBE_TIMEOUT_MS, graceMs: 0, signal, env: commandEnvironment({ environment, target: "" }) });
  const full = await run(fullArgv({ ...PROBE, network: networkOf(mode), mountinfo: readMountinfo(), cwd: "/" }));
  if (full.kind === "exited" && full.code === 0 && outputInSandbox(full.output) !== undefined) {
    return mode === "network" ? { level: "network", reason: "`sandbox: network`" } : { level: "full" };
  }
  const reason = whyNot("full", full);
  const namespace = await run(namespaceArgv(PROBE.argv, [{ staged: "/dev/null", dest: "/dev/null", replaces: true }]));
  if (succeeded(namespace)) {
    return { level: "namespace", reason };
  }
  const basic = await run(basicArgv(PROBE.argv, PROBE_TIMEOUT_MS));
  if (succeeded(basic)) {
    return { level: "basic", reason: `${reason}; ${whyNot("namespace", namespace)}` };
  }
  return { level: "swap", reason: `${reason}; ${whyNot("basic", basic)}` };
}

const PROBE = { argv: ["true"], timeoutMs: PROBE_TIMEOUT_MS, staged: [] } as const;

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function succeeded(result: ExecResult): boolean {
  return result.kind === "exited" && result.code === 0;
}

function whyNot(level: CheckLevel, result: ExecResult): string {
  return `\`${level}\` ${describeExec(result)}${outputTail(result)}`;
}

function networkOf(mode: SandboxMode): "none" | "host" {
  return mode === "network" ? "host" : "none";
}

/** The kernel's memory, not a disk. */
function readMountinfo(): string {
  try {
    return readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return ""; // without it the tree is that of the root's file system
  }
}

export interface SandboxedCheck {
  readonly command: CheckCommand;
  /** Placeholders filled in. */
  readonly argv: readonly string[];
  /** What is laid over the tree; empty: the files are in place, or named. */
  readonly staged: readonly Staged[];
  readonly context: CommandContext;
}

/** Its sandbox could not be built after all: the check did not run, and its files have to be put in place for the next try. */
export interface NotBuilt {
  readonly kind: "not-built";
  readonly reason: string;
}

/** Runs a check at a level. Where nothing has to be laid over a tree, a sandbox that cannot be built gives way to the next lower level. */
export async function runAtLevel(check: SandboxedCheck, level: CheckLevel): Promise<ExecResult | NotBuilt> {
  const { command, argv, staged, context } = check;
  const { timeoutMs } = command;
  const options = { timeoutMs, signal: context.signal, env: commandEnvironment(context) };
  switch (level) {
    case "full":
    case "network": {
      const network = level === "network" ? "host" : "none";
      const full = fullArgv({ argv, staged, timeoutMs, network, mountinfo: readMountinfo(), cwd: process.cwd() });
      const result = await exec(full, { ...options, graceMs: 0 });
      const output = outputInSandbox(result.output);
      if (output !== undefined) {
        return { ...result, output };
      }
      if (result.kind === "timed-out") {
        return result; // a machine under load is no reason to give the sandbox up
      }
      const reason = `${describeExec(result)}${outputTail(result)}`;
      context.log?.warn("the sandbox of a check could not be built", { target: context.target, level, reason });
      return staged.length > 0 ? { kind: "not-built", reason } : await runAtLevel(check, "basic");
    }
    case "namespace":
      return await exec(namespaceArgv(argv, staged), { ...options, graceMs: 0 });
    case "basic":
      return await exec(basicArgv(argv, timeoutMs), options);
    case "swap":
      return await exec(argv, options);
  }
}
