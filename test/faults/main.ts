/** `npm run faults -- --rounds 200 --seed 42`: breaks everything around fairlead, round after round, and says whether it kept its promises. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { PATIENCE } from "../helpers/patience.ts";
import { runFaults, type Summary } from "./run.ts";

const USAGE =
  "npm run faults -- [--rounds 200] [--seed 42] [--etcd 3.4|3.6] [--guard] [--sandbox network|full] [--only FAULT[,FAULT]] [--keep]";
const LIVE_MS = 20_000;
const OVERLAP_MS = 1500;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    etcd: { type: "string", default: "3.4" },
    guard: { type: "boolean", default: false },
    sandbox: { type: "string", default: "network" },
    only: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
const { etcd, sandbox } = values;
const areNumbers = Number.isInteger(rounds) && rounds >= 1 && Number.isInteger(seed);
if (!areNumbers || (etcd !== "3.4" && etcd !== "3.6") || (sandbox !== "network" && sandbox !== "full")) {
  throw new Error(`usage: ${USAGE}`);
}

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    console.error("stopping after this round");
    stopping.abort();
  });
}

const historyFile = join(await mkdtemp(join(tmpdir(), `fairlead-faults-${seed}-`)), "history.jsonl");
console.error(`seed ${seed}, history ${historyFile}`);
const summary = await runFaults({
  rounds,
  seed,
  historyFile,
  bounds: { liveMs: LIVE_MS * PATIENCE, overlapMs: OVERLAP_MS * PATIENCE },
  etcdVersion: etcd,
  sandbox,
  guard: values.guard,
  ...(values.only !== undefined && { only: values.only.split(",") }),
  signal: stopping.signal,
  tell: (line) => console.error(line),
});
print(summary);
const isGood = summary.violations.length === 0 && summary.exitCode === 0;
if (!isGood || values.keep) {
  console.log(`history: ${historyFile}`);
} else {
  await rm(dirname(historyFile), { recursive: true, force: true });
}
// Everything has been stopped; a socket that a killed process left half open is no reason to stay.
process.exit(isGood ? 0 : 1);

function print({ faults, violations, liveMs, ...counts }: Summary): void {
  const sorted = [...liveMs].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  for (const [name, count] of [...faults].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(count).padStart(5)}  ${name}`);
  }
  console.log(`seed ${seed}: ${counts.rounds} rounds, ${violations.length} violations, exit ${counts.exitCode}`);
  console.log(
    `${counts.writes} changes, ${counts.checks} checks, ${counts.reloads} reloads, ${counts.requests} requests, ${counts.failed} failed`,
  );
  console.log(`live after the last fault or change: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(1)} ms`);
  for (const { round, rule, what } of violations) {
    console.log(`round ${round}: ${rule}: ${what}`);
  }
}
