/** Rounds of faults, each judged when it is over. */
import { setTimeout as sleep } from "node:timers/promises";
import { createChecker, type Violation } from "./checker.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { openHistory } from "./history.ts";
import { createDice, type Dice } from "./random.ts";
import type { Bounds } from "./rules.ts";
import { createWorld, type Sandbox, untilLive, type World } from "./world.ts";

const CHANGE_MS: readonly [number, number] = [20, 200];
/** A reload that nobody needs would come within this. */
const CALM_MS = 150;

export interface RunOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly historyFile: string;
  readonly bounds: Pick<Bounds, "liveMs" | "overlapMs">;
  readonly etcdVersion: "3.4" | "3.6";
  readonly guard: boolean;
  readonly sandbox: Sandbox;
  /** Names of faults; absent: all. */
  readonly only?: readonly string[];
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

export interface Summary {
  readonly rounds: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly violations: readonly Violation[];
  readonly liveMs: readonly number[];
  readonly writes: number;
  readonly requests: number;
  readonly failed: number;
  readonly reloads: number;
  readonly checks: number;
  readonly exitCode: number | null;
}

export async function runFaults(options: RunOptions): Promise<Summary> {
  const { signal, tell } = options;
  const history = openHistory(options.historyFile);
  const dice = createDice(options.seed);
  const { etcdVersion, guard, sandbox } = options;
  const world = await createWorld({ history, dice: dice.fork(), etcdVersion, guard, sandbox });
  const { isSandboxed } = world;
  const witness = sandbox === "full" ? "judge" : isSandboxed ? "check-before" : "check-after";
  const checker = createChecker({ ...options.bounds, witness, isGuarded: guard });
  const chosen = FAULTS.filter(({ name }) => options.only?.includes(name) ?? true);
  const isPossible = (fault: Fault): boolean =>
    (fault.needsRoot !== true || world.disks !== undefined) && (fault.needsTalk !== true || sandbox === "network");
  const faults = chosen.filter(isPossible);
  if (world.disks === undefined) {
    tell("NO DISKS of its own: mounting them needs root, so none gets full");
  }
  if (!isSandboxed) {
    tell("NO SANDBOX for the check: files may stand in place before it has passed, and only what stays there is judged (G1)");
  }
  const counts = new Map<string, number>();
  const violations: Violation[] = [];
  const liveMs: number[] = [];
  let rounds = 0;
  let reloads = 0;
  let checks = 0;
  let failed = 0;

  async function judge(): Promise<readonly Violation[]> {
    world.takeLog();
    // Its own words come back with the next ones.
    const events = history.take().filter(({ kind }) => kind !== "judged");
    const at = events[0]?.at ?? 0;
    const judged = (await world.judge.judge(events)).map((news) => ({ at, ...news }));
    for (const news of judged) {
      history.add(news, at);
    }
    reloads += events.filter(({ kind }) => kind === "reload-start").length;
    checks += events.filter(({ kind }) => kind === "check").length;
    failed += events.filter(({ kind }) => kind === "request-failed").length;
    const found = checker.judge([...judged, ...events]);
    violations.push(...found);
    return found;
  }

  try {
    await world.writer.change();
    await world.ensureRunning();
    await untilLive(world, options.bounds.liveMs);
    await judge();
    while (rounds < options.rounds && !signal.aborted) {
      rounds += 1;
      const ofRound = dice.fork();
      const drawn = drawFaults(faults, ofRound);
      const tookMs = await runRound(world, drawn, { round: rounds, dice: ofRound, bounds: options.bounds });
      if (signal.aborted) {
        break; // whoever stops the run may have stopped fairlead with it
      }
      const found = await judge();
      liveMs.push(tookMs);
      for (const { name } of drawn) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      const what = drawn.map(({ name }) => name).join(" + ");
      tell(
        `${String(rounds).padStart(4)}  ${found.length === 0 ? "ok " : "BAD"}  live after ${String(tookMs).padStart(5)} ms  ${what}`,
      );
      for (const { rule, what } of found) {
        tell(`      ${rule}: ${what}`);
      }
      if (found.length > 0) {
        tell(indent(world.lastLog()));
      }
    }
    const { writes } = world.writer;
    const { requests } = world.observer;
    const exitCode = await world.end();
    return { rounds, faults: counts, violations, liveMs, writes, requests, failed, reloads, checks, exitCode };
  } finally {
    await world.stop();
    history.close();
  }
}

/** One to three, of different kinds. */
export function drawFaults(faults: readonly Fault[], dice: Dice): readonly Fault[] {
  const count = dice.between(1, 3);
  const drawn: Fault[] = [];
  for (const fault of dice.draw(faults, faults.length)) {
    if (drawn.length < count && drawn.every((other) => other.of !== fault.of)) {
      drawn.push(fault);
    }
  }
  return drawn;
}

/** @returns how long the newest data took after everything was over */
async function runRound(
  world: World,
  faults: readonly Fault[],
  { round, dice, bounds }: { readonly round: number; readonly dice: Dice; readonly bounds: RunOptions["bounds"] },
): Promise<number> {
  const { history, writer } = world;
  history.add({ kind: "round-start", round, faults: faults.map(({ name }) => name) });
  await writer.beat();
  // In half of the rounds the last change comes while things are broken, and has to arrive without another one.
  const endsEarly = dice.next() < 0.5 && faults.every((fault) => fault.needsChange !== true);
  const churning = new AbortController();
  const churned = writer.churn(churning.signal, CHANGE_MS);
  const endWrites = (): boolean => {
    if (endsEarly) {
      churning.abort();
    }
    return endsEarly;
  };
  const isEndedByFault = faults.some((fault) => fault.endsWrites === true);
  const early = sleep(dice.between(200, 1500)).then(() => isEndedByFault || endWrites());
  await Promise.all(
    faults.map(async (fault) => {
      const ofFault = dice.fork();
      await sleep(ofFault.between(0, 300));
      history.add({ kind: "fault-start", fault: fault.name });
      await fault.run(world, ofFault, endWrites);
      history.add({ kind: "fault-end", fault: fault.name });
    }),
  );
  await early;
  churning.abort();
  await churned;
  noteDeath(world);
  await world.ensureRunning();
  const faultsEndedAt = Date.now();
  if (!endsEarly) {
    await writer.change({ timeout: "7s" });
  }
  const startedAt = Date.now();
  await untilLive(world, bounds.liveMs);
  const tookMs = Date.now() - startedAt;
  await sleep(CALM_MS);
  await untilLive(world, bounds.overlapMs); // a worker of the generation before may have answered once more
  noteDeath(world);
  history.add({ kind: "round-end", round, faultsEndedAt });
  return tookMs;
}

/** Every fault that kills also starts again. */
function noteDeath(world: World): void {
  if (!world.fairlead.isRunning) {
    world.history.add({ kind: "death", pid: world.fairlead.pid, asked: false, why: `it ended by itself:\n${world.lastLog()}` });
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, "      | ");
}
