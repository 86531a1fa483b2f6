/** Quiet spells: the engine has come to rest, and the registry says what it says. */
import { setTimeout as sleep } from "node:timers/promises";
import { compare, type Spell } from "./compare.ts";
import { expectEntries, type Inspected } from "./expected.ts";
import type { World } from "./world.ts";

export interface Rest {
  readonly spell: Spell;
  readonly containers: readonly Inspected[];
  /** What was not equal when the time was over. */
  readonly differences: readonly string[];
  /** Since the engine was last seen to change. */
  readonly tookMs: number;
}

/** An engine that stalls for longer is no engine to test with. */
const ENGINE_MS = 120_000;
/** An answer that takes longer tells of what fairlead had to wait for too. */
const STALL_MS = 1000;
const PAUSE_MS = 25;

/**
 * Waits until registry and engine are equal. The time is over when they are not although the engine has been at rest for `deadlineMs`, or
 * when it does not come to rest at all: under load it lets its clients wait for many seconds, and restarts containers when it likes.
 */
export async function comeToRest(world: World, deadlineMs: number): Promise<Rest> {
  const startedAt = performance.now();
  let changedAt = startedAt;
  let before = "";
  for (;;) {
    const askedAt = performance.now();
    const { containers, isSettled } = await world.engine.look();
    const states = new Map(containers.map((container) => [container.Id, stateOf(container)]));
    const now = JSON.stringify([...states]);
    if (now !== before || !isSettled) {
      const answeredAt = performance.now();
      changedAt = answeredAt - askedAt > STALL_MS ? answeredAt : askedAt;
      before = now;
    }
    const held = await world.store.read();
    const expected = expectEntries(containers, world.setting);
    const unequal = compare(expected, held, world.setting.node).map(({ kind, place, what }) => `${kind} ${place}: ${what}`);
    const endedAt = performance.now();
    const isLate = endedAt - changedAt > deadlineMs || endedAt - startedAt > ENGINE_MS;
    if ((isSettled && unequal.length === 0) || isLate) {
      const differences = isSettled ? unequal : ["the engine does not come to rest", ...unequal];
      return { spell: { expected, held, states }, containers, differences, tookMs: Math.round(endedAt - changedAt) };
    }
    await sleep(PAUSE_MS);
  }
}

function stateOf({ Name: name, State: state, NetworkSettings: settings }: Inspected): string {
  const networks = Object.entries(settings.Networks).map(([network, { IPAddress: ip }]) => [network, ip]);
  return JSON.stringify([name, state.Status, state.StartedAt, state.Health?.Status, networks, settings.Ports]);
}
