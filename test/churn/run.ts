/** Rounds of orders to an engine and of disturbances. After each, when everything has come to rest, registry and engine are compared. */

import { setTimeout as sleep } from "node:timers/promises";
import { createDice, type Dice } from "../faults/random.ts";
import { findNeedless, othersOf, type Since } from "./compare.ts";
import { createDeck, type Disturbance } from "./disturbances.ts";
import type { Mode } from "./expected.ts";
import { type Known, learn } from "./operations.ts";
import { createOrders } from "./orders.ts";
import { comeToRest, type Rest } from "./rest.ts";
import type { StoreName } from "./stores.ts";
import { createWorld, TTL_MS } from "./world.ts";

/** In a burst any event tells of all; whether one alone does is seen when nothing else has happened for so long, as echoes are over then. */
const ECHO_MS = 1500;
const ROUNDS = ["calm", "disturbed", "alone", "disturbed", "alone"] as const;
type RoundKind = (typeof ROUNDS)[number];

/** A lease that was to be kept the next moment lives so long. */
const LEFT_MS = (TTL_MS * 2) / 3;

interface Round {
  /** Names of containers. */
  readonly touched: ReadonlySet<string>;
  readonly disturbance?: Disturbance;
  /** For people. */
  readonly what: string;
}

export interface ChurnOptions {
  readonly store: StoreName;
  readonly mode: Mode;
  /** The run ends when the engine has carried out so many. */
  readonly ops: number;
  readonly seed: number;
  /** How soon registry and engine have to be equal when the engine is at rest; after a disturbance twice as long. */
  readonly quietMs: number;
  /** The most disturbances that outlast the TTL, since each takes its time. */
  readonly long: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

export interface ChurnSummary {
  readonly ops: number;
  readonly byKind: ReadonlyMap<string, number>;
  /** Orders that the engine did not carry out. */
  readonly refused: number;
  readonly disturbances: ReadonlyMap<string, number>;
  /** Quiet spells at whose end registry and engine were equal. */
  readonly spells: number;
  /** Entries that were compared with the engine, over all spells. */
  readonly entries: number;
  /** Entries to whose containers nothing had happened since the spell before, over all spells. */
  readonly untouched: number;
  /** Of those the ones that were written again because their lease was lost on purpose. */
  readonly renewed: number;
  /** All writes to own entries, where the store remembers them. */
  readonly writes?: number;
  /** Of the second owner and of hand, which nobody may touch. */
  readonly others: number;
  readonly repairMs: readonly number[];
  readonly violations: readonly string[];
  readonly exitCode: number | null;
}

export async function runChurn(options: ChurnOptions): Promise<ChurnSummary> {
  const { signal, tell, quietMs } = options;
  const dice = createDice(options.seed);
  const world = await createWorld(options);
  const { setting, program } = world;
  const orders = createOrders(world, options);
  const disturbances = new Map<string, number>();
  const violations: string[] = [];
  const repairMs: number[] = [];
  const counts = { spells: 0, entries: 0, untouched: 0, renewed: 0 };
  const draw = createDeck(dice.fork(), options);
  let known: Known[] = [];
  let round = 0;

  async function rest(deadlineMs: number): Promise<Rest> {
    const found = await comeToRest(world, deadlineMs);
    repairMs.push(found.tookMs);
    violations.push(...found.differences.map((text) => `round ${round}: ${text}`));
    if (found.differences.length === 0) {
      counts.spells += 1;
      counts.entries += found.spell.expected.length;
    }
    return found;
  }

  async function runRound(kind: RoundKind, ofRound: Dice): Promise<Round> {
    const touched = new Set<string>();
    async function burst(): Promise<void> {
      (await orders.burst(known, ofRound)).forEach((name) => touched.add(name));
    }
    const disturbance = kind === "disturbed" ? draw() : undefined;
    if (disturbance !== undefined) {
      await disturbance.run(world, ofRound.fork(), burst);
      disturbances.set(disturbance.name, (disturbances.get(disturbance.name) ?? 0) + 1);
      return { touched, disturbance, what: disturbance.name };
    }
    if (kind === "alone") {
      await sleep(ECHO_MS);
      const operation = await orders.alone(known, ofRound);
      return { touched: new Set(operation?.names), what: `${operation?.kind} alone` };
    }
    await burst();
    await burst();
    return { touched, what: "" };
  }

  /** Compares what is there with what was there before the round. */
  function judge(before: Rest, now: Rest, since: Since): number {
    const { compared, renewed, needless } = findNeedless(before.spell, now.spell, setting.node, since);
    counts.untouched += compared;
    counts.renewed += renewed;
    violations.push(...needless.map((text) => `round ${round}: needless write of ${text}`));
    if (!program.isAlive()) {
      violations.push(`round ${round}: fairlead has ended by itself`);
      program.start();
    }
    return compared;
  }

  function report(
    now: Rest,
    facts: { readonly ops: number; readonly untouched: number; readonly violated: number; readonly what: string },
  ) {
    const isGood = violations.length === facts.violated;
    const [no, ops, entries, untouched] = [round, facts.ops, now.spell.expected.length, facts.untouched].map((n) =>
      String(n).padStart(3),
    );
    const took = String(now.tookMs).padStart(5);
    tell(
      `${no}  ${isGood ? "ok " : "BAD"}  ${ops} orders ${entries} entries ${untouched} untouched  equal after ${took} ms  ${facts.what}`,
    );
    if (!isGood) {
      violations.slice(facts.violated).forEach((text) => tell(`      ${text}`));
      tell(program.lastLog().replace(/^/gm, "      | "));
    }
  }

  try {
    let last = await rest(quietMs * 2);
    const others = othersOf(last.spell.held, setting.node);
    while (orders.done < options.ops && !signal.aborted) {
      round += 1;
      const [done, violated] = [orders.done, violations.length];
      // The first round fills the engine.
      const kind = ROUNDS[(round - 1) % ROUNDS.length] ?? "calm";
      const startedAt = performance.now();
      const { touched: names, disturbance, what } = await runRound(kind, dice.fork());
      const now = await rest(disturbance === undefined ? quietMs : quietMs * 2);
      const isTouched = (path: string): boolean => disturbance?.touchesAll === true || names.has(path.slice(1));
      const touched = new Set(now.containers.filter(({ Name: path }) => isTouched(path)).map(({ Id: id }) => id));
      const untouched = judge(last, now, {
        touched,
        mayLoseLease:
          disturbance?.losesLease === true || (disturbance?.stopsBeats === true && performance.now() - startedAt > LEFT_MS),
        isStoreNew: disturbance?.restartsStore === true,
      });
      known = learn(now.containers, known);
      last = now;
      report(now, { ops: orders.done - done, untouched, violated, what });
    }
    const othersNow = othersOf(last.spell.held, setting.node);
    if (JSON.stringify(othersNow) !== JSON.stringify(others)) {
      violations.push(`the entries of others were touched: ${others.join("; ")} became ${othersNow.join("; ")}`);
    }
    const writes = await world.store.writesOf?.(setting.node);
    violations.push(...(writes?.needless ?? []).map((key) => `written with the value that it had: ${key}`));
    if (!signal.aborted) {
      round += 1;
      const violated = violations.length;
      await world.store.wipe();
      const now = await rest(quietMs * 2);
      const untouched = judge(last, now, { touched: new Set(), mayLoseLease: true, isStoreNew: true });
      report(now, { ops: 0, untouched, violated, what: "registry wiped" });
    }
    const exitCode = await program.end();
    const { done: ops, byKind, refused } = orders;
    const counted = writes === undefined ? {} : { writes: writes.count };
    return { ops, byKind, refused, disturbances, ...counts, ...counted, others: others.length, repairMs, violations, exitCode };
  } finally {
    await world.stop();
  }
}
