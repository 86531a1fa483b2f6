import { monotonicMs, sleep } from "../../../core/time.ts";
import type { Indexed } from "./read-requests.ts";
import type { Timing } from "./timing.ts";

/**
 * What a blocking query brought. `moved`: the index is another one. It may be the same one with other data: rights that became fewer move
 * no index. `wentBack`: it is lower than the one we had, so nothing that we knew holds.
 */
export interface News<T> {
  readonly answer: Indexed<T>;
  readonly moved: boolean;
  readonly wentBack: boolean;
}

interface Flight {
  readonly asked: number;
  readonly controller: AbortController;
  readonly landing: Promise<void>;
}

type Landed<T> = { readonly asked: number; readonly answer: Indexed<T> } | { readonly error: unknown };

/**
 * One blocking query: asks Consul to answer once its index is another one. It runs on while nobody waits, and what it brings is kept
 * until it is taken; it asks again only when somebody waits again. The index is only a hint: what changed is for the caller to see.
 */
export class BlockingQuery<T> {
  readonly #ask: (after: number, signal: AbortSignal) => Promise<Indexed<T>>;
  readonly #timing: Timing;
  #index = 1;
  #flight: Flight | undefined;
  #landed: Landed<T> | undefined;
  #landedAtMs = Number.NEGATIVE_INFINITY;
  #floorMs: number;

  constructor(timing: Timing, ask: (after: number, signal: AbortSignal) => Promise<Indexed<T>>) {
    this.#ask = ask;
    this.#timing = timing;
    this.#floorMs = timing.floorMs;
  }

  /** From which index on an answer is news. */
  rebase(index: number): void {
    this.#index = index;
    if (this.#flight !== undefined && this.#flight.asked > index) {
      void this.cancel(); // it would wait for an index that is far off
    }
  }

  /** Makes sure that the query is under way. Resolves, and never rejects, when there is something to take. */
  async arm(): Promise<void> {
    if (this.#landed === undefined) {
      this.#flight ??= this.#start();
      await this.#flight.landing;
    }
  }

  get hasLanded(): boolean {
    return this.#landed !== undefined;
  }

  /** Undefined: nothing has come. @throws what the query failed with */
  take(): News<T> | undefined {
    const landed = this.#landed;
    this.#landed = undefined;
    if (landed === undefined) {
      return undefined;
    }
    if ("error" in landed) {
      throw landed.error;
    }
    const { asked, answer } = landed;
    const wentBack = answer.index < asked;
    // Lower than what was read since, but not than what was asked for: it was answered before that, and is old.
    return wentBack || answer.index >= this.#index ? { answer, moved: answer.index !== this.#index, wentBack } : undefined;
  }

  /** Drops what was brought and not taken; the query itself goes on. */
  forget(): void {
    this.#landed = undefined;
  }

  /** Ends the query that is under way and forgets what was brought. Resolves when its connection is free. */
  async cancel(): Promise<void> {
    const flight = this.#flight;
    this.#flight = undefined;
    this.#landed = undefined;
    flight?.controller.abort(new Error("the blocking query was cancelled"));
    await flight?.landing;
  }

  #start(): Flight {
    const controller = new AbortController();
    const asked = this.#index;
    const land = (landed: Landed<T>): void => {
      if (this.#flight?.controller === controller) {
        this.#flight = undefined;
        this.#landed = landed;
        this.#slowDown();
      }
    };
    const landing = this.#fly(asked, controller.signal).then(
      (answer) => land({ asked, answer }),
      (error: unknown) => land({ error }),
    );
    return { asked, controller, landing };
  }

  /** In a storm of changes, ours or others', answers come as far apart as is allowed; after a calm the first one comes at once. */
  #slowDown(): void {
    const { floorMs, maxFloorMs } = this.#timing;
    const nowMs = monotonicMs();
    const isStorm = nowMs - this.#landedAtMs < 2 * this.#floorMs;
    this.#floorMs = isStorm ? Math.min(maxFloorMs, this.#floorMs * 2) : floorMs;
    this.#landedAtMs = nowMs;
  }

  async #fly(asked: number, signal: AbortSignal): Promise<Indexed<T>> {
    await sleep(Math.max(0, this.#landedAtMs + this.#floorMs - monotonicMs()), signal);
    return await this.#ask(asked, signal);
  }
}
