/** A few rounds of the fault run; `npm run faults` makes as many as one likes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PATIENCE } from "../helpers/patience.ts";
import { describeWith } from "../helpers/servers/index.ts";
import { FAULTS } from "./faults.ts";
import { createDice } from "./random.ts";
import { drawFaults, runFaults } from "./run.ts";

const ROUNDS = 8;
const TEST_MS = 600_000;

it("the same seed draws the same faults, of different kinds", () => {
  const draw = (): readonly (readonly string[])[] => {
    const dice = createDice(7);
    return Array.from({ length: 50 }, () => drawFaults(FAULTS, dice.fork()).map(({ name }) => name));
  };
  expect(draw()).toEqual(draw());
  const kinds = drawFaults(FAULTS, createDice(1)).map((fault) => fault.of);
  expect(new Set(kinds).size).toBe(kinds.length);
  expect(new Set(draw().flat()).size).toBeGreaterThan(20);
});

describeWith(["etcd34", "nginx"], "fairlead run, with everything around it breaking", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fairlead-faults-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it(
    `keeps its promises through ${ROUNDS} rounds of faults (G1, G3, G4, G5, G6, G10)`,
    async () => {
      const lines: string[] = [];
      const { violations, exitCode, rounds } = await runFaults({
        rounds: ROUNDS,
        seed: 11,
        historyFile: join(folder, "history.jsonl"),
        bounds: { liveMs: 20_000 * PATIENCE, overlapMs: 1500 * PATIENCE },
        etcdVersion: "3.4",
        guard: false,
        sandbox: "network",
        signal: new AbortController().signal,
        tell: (line) => lines.push(line),
      });
      expect(violations, lines.join("\n")).toEqual([]);
      expect({ exitCode, rounds }).toEqual({ exitCode: 0, rounds: ROUNDS });
    },
    TEST_MS,
  );
});
