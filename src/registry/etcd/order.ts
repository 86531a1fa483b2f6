import type { IEvent } from "etcd3";
import { type Alarm, createAlarm, monotonicMs } from "../../core/time.ts";

/** How long an answer may take before it is asked for again: etcd gives none while a watch is still catching up. */
const ASK_AGAIN_MS = 100;
/** After this many questions without an answer the server is taken to know no such question (etcd's gRPC proxy, for one). */
const MAX_ASKED = 20;

/**
 * How many answers have to come after an event. One is enough for a sound server. In etcd before 3.4.25 and 3.5.8, an answer and an event
 * that both lie ready are sent in random order (issue 15220): each further answer halves what is left of the chance, at least. On a busy
 * machine with 3.4.23 one answer was too few once in 40,000 transactions, two were once in some 100,000. So there are two rounds,
 * each of several questions at once, which takes no longer.
 */
const ROUNDS = 2;
const QUESTIONS = 4;
const ANSWERS = ROUNDS * QUESTIONS;

interface Held {
  readonly event: IEvent;
  readonly revision: number;
  /** How many answers since then were about its revision, or a later one. */
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
  /** Rounds of questions since the last answer. */
  #asked = 0;
  /** Questions of the last round that have no answer yet. */
  #open = 0;
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
    if (this.#held.length > 0 && this.#open === 0) {
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
    this.#open = Math.max(0, this.#open - 1);
    for (const held of this.#held) {
      held.answers += held.revision <= upTo ? 1 : 0;
    }
    this.#release(({ answers }) => answers >= ANSWERS);
    if (this.#open > 0) {
      return;
    }
    this.#alarm.clear();
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
      this.#open = 0;
      this.#release(() => true);
      return;
    }
    this.#asked += 1;
    this.#open = QUESTIONS;
    this.#alarm.set(ASK_AGAIN_MS);
    for (let i = 0; i < QUESTIONS; i += 1) {
      this.#options.ask();
    }
  }

  #release(isReady: (held: Held) => boolean): void {
    const ready = this.#held.filter(isReady);
    if (ready.length > 0) {
      this.#held = ready.length === this.#held.length ? [] : this.#held.filter((held) => !isReady(held));
      this.#options.release(ready.map(({ event }) => event));
    }
  }
}
