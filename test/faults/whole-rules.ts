/** G3: what is in a file comes from the registry, whole, and guards keep what it forgets. */
import type { Event, Services } from "./history.ts";
import type { Bounds, Rule } from "./rules.ts";

const FINE: readonly string[] = [];
const NAMES = ["api", "web"] as const;
/** The files as they were applied last are among so many that were seen last. */
const REMEMBERED = 3;

type Write = Extract<Event, { kind: "write" }>;
type Seen = Extract<Event, { kind: "seen" }>;

/**
 * Each file is made from one whole state of the registry, never from a part or a mixture. Where a guard has a reason, instances that stood
 * in the files before may stand there too.
 */
export function createWholeRule({ liveMs, isGuarded }: Pick<Bounds, "liveMs" | "isGuarded">): Rule {
  const writes = new Map<number, Write>();
  const edited = new Set<string>();
  const fine = new Set<string>();
  const reasons = createReasons(liveMs);
  let before: readonly Services[] = [];

  function isHeldView({ file, sha = "", services, plain, at }: Seen, written: Write): boolean {
    if (!isGuarded || fine.has(sha)) {
      return isGuarded;
    }
    if (file === "site") {
      return plain === written.held;
    }
    const isWithin = (name: keyof Services): boolean => {
      const wanted = written.services?.[name] ?? [];
      const allowed = [...wanted, ...before.flatMap((earlier) => earlier[name])];
      const has = services?.[name] ?? [];
      return wanted.every((port) => has.includes(port)) && has.every((port) => allowed.includes(port));
    };
    return services !== undefined && reasons.isSince(at) && NAMES.every(isWithin);
  }

  function isFine(event: Seen, sha: string): boolean {
    const written = writes.get(event.serial ?? 0);
    const isExact = written !== undefined && written.expected[event.file] === event.plain;
    return isExact || edited.has(sha) || (written !== undefined && isHeldView(event, written));
  }

  return {
    name: "G3: a file is made from one whole state of the registry",
    see(event) {
      reasons.see(event);
      if (event.kind === "write") {
        writes.set(event.serial, event);
      } else if (event.kind === "edit") {
        edited.add(event.sha ?? "");
      } else if (event.kind === "seen" && event.sha !== undefined) {
        if (!isFine(event, event.sha)) {
          const isKnown = writes.has(event.serial ?? 0);
          return [`${event.file} with serial ${event.serial} is not what the registry held${isKnown ? "" : " ever"}`];
        }
        fine.add(event.sha);
        before = event.services === undefined ? before : [...before, event.services].slice(-REMEMBERED);
      }
      return FINE;
    },
  };
}

/** Whether a guard may hold something: the registry was emptied, or could not be followed. */
function createReasons(liveMs: number): { see(event: Event): void; isSince(at: number): boolean } {
  const active = new Set<string>();
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    see(event) {
      if (event.kind === "fault-start" && /^(?:registry|network)/.test(event.fault)) {
        active.add(event.fault);
      } else if (event.kind === "fault-end" && active.delete(event.fault)) {
        lastAt = event.at;
      } else if (event.kind === "write" && event.serial === 0) {
        lastAt = event.at;
      }
    },
    isSince: (at) => active.size > 0 || at - lastAt <= liveMs,
  };
}

/**
 * With guards on, an upstream goes only when the registry holds a state without it. Nobody holds what a target has no memory of, which is
 * so from when its state is deleted until it is live again.
 */
export function createNeverEmptiedRule({ isGuarded }: Pick<Bounds, "isGuarded">): Rule {
  const writes = new Map<number, Write>();
  const edited = new Set<string>();
  let present: Services = { api: [], web: [] };
  let hasMemory = true;
  return {
    name: "G3: no upstream is emptied by a wipe, a stop or an empty answer",
    see(event) {
      if (event.kind === "write") {
        writes.set(event.serial, event);
      } else if (event.kind === "edit") {
        edited.add(event.sha ?? "");
      } else if (event.kind === "fault-start" && event.fault === "state-deleted") {
        hasMemory = false;
      } else if (event.kind === "live") {
        hasMemory = true;
      } else if (event.kind === "seen" && event.services !== undefined && !edited.has(event.sha ?? "")) {
        const { serial = 0, services } = event;
        const written = serial === 0 ? undefined : writes.get(serial)?.services;
        const isEmptied = (name: keyof Services): boolean =>
          present[name].length > 0 && services[name].length === 0 && written?.[name].length !== 0;
        const emptied = NAMES.filter(isEmptied);
        present = services;
        return isGuarded && hasMemory ? emptied.map((name) => `upstream ${name} is gone with serial ${serial}`) : FINE;
      }
      return FINE;
    },
  };
}
