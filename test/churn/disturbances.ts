/** What happens to the engine, the registry and fairlead itself while containers come and go. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Dice } from "../faults/random.ts";
import { TTL_MS, type World } from "./world.ts";

export interface Disturbance {
  readonly name: string;
  /** `burst` does the operations of the round, or a half of them. */
  run(world: World, dice: Dice, burst: () => Promise<void>): Promise<void>;
  /** The engine ended its containers. */
  readonly touchesAll?: true;
  /** The registry is another process afterwards. */
  readonly restartsStore?: true;
  /** The lease is lost on purpose: what hung on it is written again. */
  readonly losesLease?: true;
  /** Nobody keeps the lease meanwhile: on a slow machine that may take longer than the lease lives. */
  readonly stopsBeats?: true;
  /** It takes longer than a TTL. */
  readonly isLong?: true;
}

/** A second more than what stores allow themselves beyond the TTL. */
const BEYOND_TTL_MS = TTL_MS + 4000;

const DISTURBANCES: readonly Disturbance[] = [
  {
    name: "engine restarted",
    touchesAll: true,
    async run({ engine }, _dice, burst) {
      await burst();
      await engine.docker.restart();
      await burst();
    },
  },
  {
    name: "engine killed and started",
    touchesAll: true,
    async run({ engine }, _dice, burst) {
      await burst();
      await engine.docker.kill();
      await engine.docker.restart();
      await burst();
    },
  },
  {
    name: "engine frozen for a while",
    async run({ engine }, dice, burst) {
      const orders = burst();
      await sleep(dice.between(0, 200));
      engine.docker.pause();
      await sleep(dice.between(500, 6000));
      engine.docker.resume();
      await orders;
      await burst();
    },
  },
  {
    name: "registry restarted",
    stopsBeats: true,
    restartsStore: true,
    async run({ store }, _dice, burst) {
      const orders = burst();
      await store.restart();
      await orders;
      await burst();
    },
  },
  {
    name: "registry down during churn",
    stopsBeats: true,
    restartsStore: true,
    async run({ store }, _dice, burst) {
      await store.kill();
      await burst();
      await burst();
      await store.start();
    },
  },
  {
    name: "fairlead killed, started at once",
    stopsBeats: true,
    async run({ program }, dice, burst) {
      const orders = burst();
      await sleep(dice.between(0, 300));
      await program.kill();
      program.start();
      await orders;
      await burst();
    },
  },
  {
    name: "fairlead killed, started after churn",
    stopsBeats: true,
    async run({ program }, _dice, burst) {
      await program.kill();
      await burst();
      await burst();
      program.start();
    },
  },
  {
    name: "fairlead ended and started",
    stopsBeats: true,
    async run({ program }, _dice, burst) {
      const orders = burst();
      const code = await program.end();
      if (code !== 0) {
        throw new Error(`fairlead ended with ${code} on SIGTERM`);
      }
      await burst();
      program.start();
      await orders;
    },
  },
  {
    name: "fairlead frozen for a while",
    stopsBeats: true,
    async run({ program }, dice, burst) {
      program.freeze();
      await burst();
      await sleep(dice.between(0, 2000));
      program.thaw();
      await burst();
    },
  },
  {
    name: "registry frozen for longer than the TTL",
    isLong: true,
    losesLease: true,
    async run({ store }, _dice, burst) {
      store.freeze();
      await Promise.all([burst(), sleep(BEYOND_TTL_MS)]);
      store.thaw();
      await burst();
    },
  },
  {
    name: "fairlead frozen for longer than the TTL",
    isLong: true,
    losesLease: true,
    async run({ program }, _dice, burst) {
      program.freeze();
      await Promise.all([burst(), sleep(BEYOND_TTL_MS)]);
      program.thaw();
      await burst();
    },
  },
  {
    name: "fairlead dead for longer than the TTL",
    isLong: true,
    losesLease: true,
    async run({ program }, _dice, burst) {
      await program.kill();
      await Promise.all([burst(), sleep(BEYOND_TTL_MS)]);
      program.start();
      await burst();
    },
  },
];

/** Every disturbance once, in any order, then again; of those that outlast the TTL, `long` in all. */
export function createDeck(dice: Dice, { long }: { readonly long: number }): () => Disturbance | undefined {
  let deck: Disturbance[] = [];
  let left = long;
  return () => {
    for (let tries = 0; tries < 2 * DISTURBANCES.length; tries += 1) {
      if (deck.length === 0) {
        deck = [...dice.draw(DISTURBANCES, DISTURBANCES.length)];
      }
      const next = deck.pop();
      if (next?.isLong !== true || left > 0) {
        left -= next?.isLong === true ? 1 : 0;
        return next;
      }
    }
    return undefined;
  };
}
