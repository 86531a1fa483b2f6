import type { IEvent } from "etcd3";
import { type Alarm, createAlarm } from "../../core/time.ts";

/** How long an answer may take before it is asked for again: etcd gives none while a watch is still catching up. */
const ASK_AGAIN_MS = 100;
/** After this many questions without an answer the server is taken to know no such question (etcd's gRPC proxy, for one). */
const MAX_ASKED = 20;

export interface OrderOptions {
  readonly release: (events: readonly IEvent[]) => void;
  /** Asks the server for a progress notification on the stream: everything up to its revision has been sent before it. */
  readonly ask: () => void;
}

/**
 * Several watches bring the changes of one transaction one after the other. This holds them back until all watches have brought theirs,
 * so that nobody sees half a transaction: an entry without its owner, or one of two keys that belong together. With one watch there is
 * nothing to wait for, since etcd sends a watch whole revisions.
 */
export class Order {
  readonly #options: OrderOptions;
  /** Up to where each watch has brought everything, as far as is known from itself. */
  readonly #reached: number[];
  readonly #alarm: Alarm;
  #held: IEvent[] = [];
  #asked = 0;
  #gaveUp = false;

  constructor(watches: number, options: OrderOptions) {
    this.#options = options;
    this.#reached = Array.from({ length: watches }, () => 0);
    this.#alarm = createAlarm(() => this.#ask());
  }

  received(watch: number, events: readonly IEvent[], reached: number): void {
    this.#reached[watch] = Math.max(this.#reached[watch] ?? 0, reached);
    if (events.length === 0 && this.#held.length === 0) {
      return;
    }
    this.#held.push(...events);
    this.#release(this.#gaveUp ? Number.POSITIVE_INFINITY : Math.min(...this.#reached));
    if (this.#held.length > 0 && this.#asked === 0) {
      this.#ask();
    }
  }

  /** What came before this answer is complete up to its revision. Old servers send it too early: what comes later waits for the next. */
  answered(revision: number): void {
    this.#asked = 0;
    this.#alarm.clear();
    this.#release(revision);
    if (this.#held.length > 0) {
      this.#ask();
    }
  }

  close(): void {
    this.#alarm.clear();
    this.#held = [];
  }

  #ask(): void {
    if (this.#asked === MAX_ASKED) {
      this.#gaveUp = true;
      this.#asked = 0;
      this.#release(Number.POSITIVE_INFINITY);
      return;
    }
    this.#asked += 1;
    this.#alarm.set(ASK_AGAIN_MS);
    this.#options.ask();
  }

  #release(revision: number): void {
    const isReady = (event: IEvent): boolean => Number(event.kv.mod_revision) <= revision;
    const ready = this.#held.filter(isReady);
    if (ready.length > 0) {
      this.#held = ready.length === this.#held.length ? [] : this.#held.filter((event) => !isReady(event));
      this.#options.release(ready);
    }
  }
}
