/** Orders as they go to the engine: several at once, or one alone; those that it carries out are counted. */
import type { Dice } from "../faults/random.ts";
import type { Mode } from "./expected.ts";
import { drawOne, drawWave, KINDS, type Known, type Operation } from "./operations.ts";
import type { World } from "./world.ts";

/** Orders that go to the engine at once, and how many such waves a burst has. */
const WAVE = 3;
const WAVES: readonly [number, number] = [1, 3];

export interface Orders {
  readonly done: number;
  /** The engine was away, or a container in another state than its orders should have left it in. What counts is what is there. */
  readonly refused: number;
  readonly byKind: ReadonlyMap<string, number>;
  /** A few waves, one after the other. @returns the names that they touch */
  burst(known: Known[], dice: Dice): Promise<readonly string[]>;
  /** Each time of the next kind that fits. */
  alone(known: Known[], dice: Dice): Promise<Operation | undefined>;
}

export function createOrders({ engine }: World, { mode, signal }: { readonly mode: Mode; readonly signal: AbortSignal }): Orders {
  const byKind = new Map<string, number>();
  let done = 0;
  let refused = 0;
  let nextKind = 0;

  async function give(wave: readonly Operation[]): Promise<void> {
    await Promise.all(
      wave.map(async (operation) => {
        try {
          await operation.run(engine);
          byKind.set(operation.kind, (byKind.get(operation.kind) ?? 0) + 1);
          done += 1;
        } catch {
          refused += 1;
        }
      }),
    );
  }

  return {
    get done() {
      return done;
    },
    get refused() {
      return refused;
    },
    byKind,
    async burst(known, dice) {
      const touched: string[] = [];
      const waves = dice.between(...WAVES);
      for (let i = 0; i < waves && !signal.aborted; i += 1) {
        const wave = drawWave(known, WAVE, dice, mode);
        touched.push(...wave.flatMap(({ names }) => names));
        await give(wave);
      }
      return touched;
    },
    async alone(known, dice) {
      for (let tries = 0; tries < KINDS.length; tries += 1) {
        const kind = KINDS[nextKind++ % KINDS.length];
        const operation = kind === undefined ? undefined : drawOne(known, kind, dice, mode);
        if (operation !== undefined) {
          await give([operation]);
          return operation;
        }
      }
      return undefined;
    },
  };
}
