import type { IEvent } from "etcd3";
import { type Alarm, createAlarm, monotonicMs } from "../../core/time.ts";

/** How long an answer may take before it is asked for again: etcd gives none while a watch is still catching up. */
const ASK_AGAIN_MS = 100;
/** After this many questions without an answer the server is taken to know no such question (etcd's gRPC proxy, for one). */
const MAX_ASKED = 20;

/**
 * How many answers have to come after an event. One is enough for a sound server; etcd before 3.4.25 and 3.5.8 may answer before it has
 * sent what lies ready (issue 15220).
 */
const ANSWERS = 2;

interface Held {
  readonly event: IEvent;
  readonly revision: number;
  /** How many answers have come since that were about its revision, or a later one. */
  answers: number;
}

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
  #held: Held[] = [];
  #asked = 0;
  #trustedAt = Number.NEGATIVE_INFINITY;
  #gaveUp = false;
  /** It has answered once: then silence is a store that hangs, not one that knows no such question. */
  #isAnswering = false;

  constructor(watches: number, options: OrderOptions) {
    this.#options = options;
    this.#reached = Array.from({ length: watches }, () => 0);
    this.#alarm = createAlarm(() => this.#ask());
  }

  /** False: the server does not say what it has sent, and changes are passed on as they come. */
  get isKept(): boolean {
    return !this.#gaveUp;
  }

  received(watch: number, events: readonly IEvent[], reached: number): void {
    this.#reached[watch] = Math.max(this.#reached[watch] ?? 0, reached);
    if (events.length === 0 && this.#held.length === 0) {
      return;
    }
    for (const event of events) {
      this.#held.push({ event, revision: Number(event.kv.mod_revision), answers: 0 });
    }
    const complete = this.#gaveUp ? Number.POSITIVE_INFINITY : Math.min(...this.#reached);
    this.#release(({ revision }) => revision <= complete);
    if (this.#held.length > 0 && this.#asked === 0) {
      this.#ask();
    }
  }

  /** Answers count only after this time: a watch may still be catching up, which old servers do not heed. */
  distrust(ms: number): void {
    this.#trustedAt = monotonicMs() + ms;
  }

  /** All watches have brought what they had up to this revision. */
  answered(upTo: number): void {
    this.#isAnswering = true;
    if (monotonicMs() < this.#trustedAt) {
      return; // asked again by the alarm
    }
    this.#asked = 0;
    this.#alarm.clear();
    for (const held of this.#held) {
      held.answers += held.revision <= upTo ? 1 : 0;
    }
    const proven = this.#held.filter(({ answers }) => answers >= ANSWERS);
    const complete = proven.reduce((most, { revision }) => Math.max(most, revision), 0);
    this.#release(({ revision }) => revision <= complete); // the rest of the same transaction may have come between two answers
    if (this.#held.length > 0) {
      this.#ask();
    }
  }

  close(): void {
    this.#alarm.clear();
    this.#held = [];
  }

  #ask(): void {
    if (this.#asked >= MAX_ASKED && !this.#isAnswering) {
      this.#gaveUp = true;
      this.#asked = 0;
      this.#release(() => true);
      return;
    }
    this.#asked += 1;
    this.#alarm.set(ASK_AGAIN_MS);
    this.#options.ask();
  }

  #release(isReady: (held: Held) => boolean): void {
    const ready = this.#held.filter(isReady);
    if (ready.length > 0) {
      this.#held = ready.length === this.#held.length ? [] : this.#held.filter((held) => !isReady(held));
      this.#options.release(ready.map(({ event }) => event));
    }
  }
}
