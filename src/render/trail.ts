/** Follows which instance a value comes from while a template is rendered, so that a value that cannot stand is blamed on the right one. */
import { type InstanceView, isInstanceView } from "./view.ts";

interface Frame {
  context: unknown;
  readonly origin: InstanceView | undefined;
}

export interface Trail {
  /** An argument was read. */
  note(base: unknown): void;
  /** The instance that the arguments since the last `take` came from. */
  take(): InstanceView | undefined;
  /** What is inside a block: `context` may change with each turn. */
  enter(origin: InstanceView | undefined): Frame;
  leave(): void;
  /** A context that was made from another. */
  derive(made: object, from: unknown): void;
  originOf(base: unknown): InstanceView | undefined;
}

export function createTrail(): Trail {
  const frames: Frame[] = [];
  const derived = new WeakMap<object, unknown>();
  let noted: unknown[] = [];

  function originOf(base: unknown): InstanceView | undefined {
    if (isInstanceView(base)) {
      return base;
    }
    for (let i = frames.length - 1; i >= 0; i--) {
      const frame = frames[i];
      if (frame !== undefined && frame.context === base) {
        return frame.origin;
      }
    }
    const from = typeof base === "object" && base !== null ? derived.get(base) : undefined;
    return from === undefined ? undefined : originOf(from);
  }

  return {
    originOf,
    note: (base) => {
      noted.push(base);
    },
    take: () => {
      if (noted.length === 0) {
        return undefined;
      }
      const bases = noted;
      noted = [];
      for (const base of bases) {
        const origin = originOf(base);
        if (origin !== undefined) {
          return origin;
        }
      }
      return undefined;
    },
    enter: (origin) => {
      const frame: Frame = { context: undefined, origin };
      frames.push(frame);
      return frame;
    },
    leave: () => {
      frames.pop();
    },
    derive: (made, from) => {
      derived.set(made, from);
    },
  };
}

/** Whether a field, a tag or a meta value of the instance is this very text. */
export function holds(instance: InstanceView, text: string): boolean {
  for (const value of Object.values(instance)) {
    if (value === text || (typeof value === "number" && String(value) === text)) {
      return true;
    }
  }
  return instance.tags.includes(text) || Object.entries(instance.meta).some(([name, value]) => name === text || value === text);
}
