/** Quiet spells: the engine has come to rest, and the registry says what it says. */
import { waitFor } from "../helpers/wait.ts";
import { compare, type Spell } from "./compare.ts";
import { expectEntries, type Inspected } from "./expected.ts";
import type { World } from "./world.ts";

export interface Rest {
  readonly spell: Spell;
  readonly containers: readonly Inspected[];
  /** What was not equal when the time was over. */
  readonly differences: readonly string[];
  readonly tookMs: number;
}

/** Waits until registry and engine are equal, or for `deadlineMs`. */
export async function comeToRest(world: World, deadlineMs: number): Promise<Rest> {
  const startedAt = performance.now();
  let spell: Spell = { expected: [], held: [], states: new Map() };
  let containers: readonly Inspected[] = [];
  let differences: readonly string[] = [];

  async function look(): Promise<boolean> {
    const found = await world.engine.look();
    const held = await world.store.read();
    containers = found.containers;
    const expected = expectEntries(containers, world.setting);
    spell = { expected, held, states: new Map(containers.map((container) => [container.Id, stateOf(container)])) };
    const unequal = compare(expected, held, world.setting.node).map(({ kind, place, what }) => `${kind} ${place}: ${what}`);
    differences = found.isSettled ? unequal : ["the engine has not come to rest", ...unequal];
    return differences.length === 0;
  }

  await waitFor(look, { timeoutMs: deadlineMs, what: "registry and engine to be equal" }).catch((error: unknown) => {
    differences = differences.length === 0 ? [String(error)] : differences;
  });
  return { spell, containers, differences, tookMs: Math.round(performance.now() - startedAt) };
}

function stateOf({ Name: name, State: state, NetworkSettings: settings }: Inspected): string {
  const networks = Object.entries(settings.Networks).map(([network, { IPAddress: ip }]) => [network, ip]);
  return JSON.stringify([name, state.Status, state.StartedAt, state.Health?.Status, networks, settings.Ports]);
}
