/** `npm run churn -- --ops 300 --store consul --seed 42`: containers come and go on a real engine, and the registry has to say what is there. */
import { parseArgs } from "node:util";
import { PATIENCE } from "../helpers/patience.ts";
import { type ChurnSummary, runChurn } from "./run.ts";
import { STORES } from "./stores.ts";

const USAGE = `npm run churn -- [--ops 300] [--seed 42] [--store ${STORES.join("|")}] [--mode any|published] [--long 3]`;
const QUIET_MS = 5000;

const { values } = parseArgs({
  options: {
    ops: { type: "string", default: "300" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    store: { type: "string", default: "etcd" },
    mode: { type: "string", default: "any" },
    long: { type: "string", default: "3" },
  },
});
const [ops, seed, long] = [values.ops, values.seed, values.long].map(Number);
const store = STORES.find((name) => name === values.store);
const { mode } = values;
const areNumbers = [ops, seed, long].every((number) => Number.isInteger(number) && (number ?? -1) >= 0);
if (!areNumbers || store === undefined || (mode !== "any" && mode !== "published")) {
  throw new Error(`usage: ${USAGE}`);
}

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    console.error("stopping after this round");
    stopping.abort();
  });
}

console.error(`seed ${seed}, ${store}, mode ${mode}`);
const startedAt = performance.now();
const summary = await runChurn({
  store,
  mode,
  ops: ops ?? 0,
  seed: seed ?? 0,
  long: long ?? 0,
  quietMs: QUIET_MS * PATIENCE,
  signal: stopping.signal,
  tell: (line) => console.error(line),
});
print(summary);
// Everything has been stopped; a socket that a killed process left half open is no reason to stay.
process.exit(summary.violations.length === 0 && summary.exitCode === 0 ? 0 : 1);

function print({ byKind, disturbances, repairMs, violations, ...counts }: ChurnSummary): void {
  for (const [name, count] of [...byKind, ...disturbances].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(count).padStart(5)}  ${name}`);
  }
  const sorted = [...repairMs].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  const tookS = Math.round((performance.now() - startedAt) / 1000);
  console.log(
    `seed ${seed}, ${store}: ${counts.ops} orders (${counts.refused} refused), ${violations.length} violations, ${tookS} s`,
  );
  console.log(`${counts.spells} quiet spells, ${counts.entries} entries compared with the engine, exit ${counts.exitCode}`);
  console.log(
    `${counts.untouched} entries of untouched containers, ${counts.renewed} of them renewed with a lost lease; ${counts.others} of others`,
  );
  if (counts.writes !== undefined) {
    console.log(`${counts.writes} writes, deletions included`);
  }
  console.log(`equal after: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(1)} ms`);
  violations.forEach((text) => console.log(text));
}
