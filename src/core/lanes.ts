/** Waits until there is room, or until it is this work's turn to be the only one. */
export type Lane = (isTogether: boolean, work: () => Promise<void>) => Promise<void>;

/**
 * Work in order, of which some may be done together, at most `limit` at once; everything else is done alone, when what came before it is
 * over. Returns when all of it is over, and rejects with the first error then.
 */
export async function withLanes(limit: number, give: (lane: Lane) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  const errors: unknown[] = [];

  async function rest(): Promise<void> {
    await Promise.all(running);
    if (errors.length > 0) {
      throw errors[0];
    }
  }

  async function lane(isTogether: boolean, work: () => Promise<void>): Promise<void> {
    if (!isTogether) {
      await rest();
      await work();
      return;
    }
    const one = work()
      .catch((error: unknown) => {
        errors.push(error);
      })
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= limit) {
      await Promise.race(running);
    }
  }

  try {
    await give(lane);
  } finally {
    await rest();
  }
}
