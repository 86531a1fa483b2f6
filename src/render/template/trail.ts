/** Follows where values come from while a template is rendered, so that one that cannot stand is blamed on the right instance. */
import { InstanceView } from "./fields.ts";

export interface Origin {
  /** The instance that holds it, or that it was made from. */
  readonly instance?: InstanceView;
  /** A key, a variable of the environment or the like is in it: then an instance is to blame only for what it holds itself. */
  readonly isForeign: boolean;
}

export const UNKNOWN_ORIGIN: Origin = Object.freeze({ isForeign: false });

interface Frame {
  context: unknown;
  readonly origin: Origin;
}

export interface Trail {
  /** An argument was read below `base`. */
  note(base: unknown): void;
  /** Something was read that no instance holds. */
  noteForeign(): void;
  /** Where the arguments since the last `take` came from. */
  take(): Origin;
  /** They were only asked for: nothing is made from them. */
  forget(): void;
  /** What is inside a block: `context` may change with each turn. */
  enter(origin: Origin): Frame;
  /** What is inside a partial: its context is one that is known already, or was made by its arguments. */
  enterPartial(context: unknown): void;
  leave(): void;
  /** A context that was made from another and the arguments since the last `take`. */
  derive(made: object, from: unknown): void;
  originOf(base: unknown): Origin;
  /** Of `@key` and its kind. */
  innermost(): Origin;
}

export function createTrail(): Trail {
  const frames: Frame[] = [];
  const derived = new WeakMap<object, Origin>();
  let bases: unknown[] = [];
  let isForeign = false;

  function originOf(base: unknown): Origin {
    if (base instanceof InstanceView) {
      return { instance: base, isForeign: false };
    }
    const frame = frames.findLast(({ context }) => context === base);
    if (frame !== undefined) {
      return frame.origin;
    }
    return (typeof base === "object" && base !== null ? derived.get(base) : undefined) ?? UNKNOWN_ORIGIN;
  }

  function take(): Origin {
    if (bases.length === 0 && !isForeign) {
      return UNKNOWN_ORIGIN;
    }
    const origins = bases.map(originOf);
    const instance = origins.find((origin) => origin.instance !== undefined)?.instance;
    const foreign = isForeign || origins.some((origin) => origin.isForeign);
    forget();
    return { isForeign: foreign, ...(instance !== undefined && { instance }) };
  }

  function forget(): void {
    bases = [];
    isForeign = false;
  }

  return {
    originOf,
    take,
    forget,
    innermost: () => frames.at(-1)?.origin ?? UNKNOWN_ORIGIN,
    note: (base) => {
      bases.push(base);
    },
    noteForeign: () => {
      isForeign = true;
    },
    enter: (origin) => {
      const frame: Frame = { context: undefined, origin };
      frames.push(frame);
      return frame;
    },
    enterPartial: (context) => {
      const known = originOf(context);
      const given = take();
      frames.push({ context, origin: known === UNKNOWN_ORIGIN ? given : known });
    },
    leave: () => {
      frames.pop();
    },
    derive: (made, from) => {
      const given = take();
      const origin = originOf(from);
      derived.set(made, given.isForeign ? { ...origin, isForeign: true } : origin);
    },
  };
}

/** Whether a field, a tag or a meta value of the instance, or a name in meta, is this very text. */
export function holds(instance: InstanceView, text: string): boolean {
  for (const value of Object.values(instance)) {
    if (value === text || (typeof value === "number" && String(value) === text)) {
      return true;
    }
  }
  return instance.tags.includes(text) || Object.entries(instance.meta).some(([name, value]) => name === text || value === text);
}
