/**
 * Containers start, stop, die, fall ill, move and change their names at random, while the engine, the registry and fairlead are restarted
 * and frozen; `npm run churn` makes it as long as one likes. The judge is the test's own: `docker inspect` against the registry's API.
 */
import { expect, it } from "vitest";
import { runChurn } from "../churn/run.ts";
import type { StoreName } from "../churn/stores.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { describeWith } from "../helpers/servers/index.ts";

const QUIET_MS = 5000 * PATIENCE;
const TEST_MS = 900_000;
/** Four of a second owner, three written by hand. */
const OTHERS = 7;

const RUNS: readonly {
  readonly store: StoreName;
  readonly servers: Parameters<typeof describeWith>[0];
  readonly ops: number;
  readonly disturbances: number;
  /** Outages that outlast the TTL. */
  readonly long: number;
}[] = [
  { store: "etcd", servers: ["etcd36"], ops: 300, disturbances: 9, long: 1 },
  { store: "consul", servers: ["consul"], ops: 150, disturbances: 4, long: 0 },
];

for (const { store, servers, ops, disturbances, long } of RUNS) {
  describeWith([...servers, "docker"], `fairlead run, with ${store} and a real engine`, () => {
    it(
      `registry = engine after each quiet spell of ${ops} orders at random, and nothing else is ever written (G4, G8, G9)`,
      async () => {
        const seed = Number(process.env["FAIRLEAD_CHURN_SEED"] ?? 5);
        const lines: string[] = [`seed ${seed}`];
        const signal = new AbortController().signal;
        const tell = (line: string): void => void lines.push(line);
        const run = await runChurn({ store, mode: "any", ops, seed, long, quietMs: QUIET_MS, signal, tell });
        expect(run.violations, lines.join("\n")).toEqual([]);
        expect(run).toMatchObject({ exitCode: 0, spells: run.repairMs.length, others: OTHERS });
        expect(run.ops).toBeGreaterThanOrEqual(ops);
        expect(run.refused).toBeLessThan(ops / 10);
        expect(run.byKind.size).toBe(15);
        expect(run.disturbances.size).toBeGreaterThanOrEqual(disturbances);
        expect(run.spells).toBeGreaterThan(ops / 15);
        expect(run.entries).toBeGreaterThan(ops / 2);
        expect(run.untouched).toBeGreaterThan(ops / 4);
      },
      TEST_MS,
    );
  });
}
