/** What must hold, whatever breaks. Each rule looks at one event after the other and says what it finds wrong. */
import { createAcceptedRule, createCheckedRule } from "./checked-rules.ts";
import type { Event, FileName } from "./history.ts";
import { createNeverEmptiedRule, createWholeRule } from "./whole-rules.ts";

export interface Rule {
  readonly name: string;
  see(event: Event): readonly string[];
}

export interface Bounds {
  /** From the end of faults and writes until the newest data is live. */
  readonly liveMs: number;
  /** While a reload is made, workers of two generations answer. */
  readonly overlapMs: number;
  /**
   * Who says what was good: the check, before files are in place; the check, which may see them in place; or a judge of our own, where
   * nobody hears of the check.
   */
  readonly witness: "check-before" | "check-after" | "judge";
  /** Whether instances are kept that the registry lost. */
  readonly isGuarded: boolean;
}

const FINE: readonly string[] = [];

/** G4: when the faults are over, the newest state is in the files and nginx serves it. */
function createLiveRule({ liveMs }: Bounds): Rule {
  let newest: Extract<Event, { kind: "write" }> | undefined;
  let served: Extract<Event, { kind: "served" }> | undefined;
  const files = new Map<FileName, Extract<Event, { kind: "seen" }>>();
  return {
    name: "G4: after the faults the newest state is live",
    see(event) {
      if (event.kind === "write") {
        newest = event;
      } else if (event.kind === "served") {
        served = event;
      } else if (event.kind === "seen") {
        files.set(event.file, event);
      } else if (event.kind === "round-end" && newest !== undefined) {
        const wrong = [...files.values()].filter(({ file, plain }) => plain !== newest?.expected[file]);
        const found = wrong.map(({ file, serial }) => `${file} holds serial ${serial} instead of ${newest?.serial}`);
        const generation = files.get("site")?.generation;
        if (served?.generation !== generation || served?.serial !== newest.serial) {
          found.push(`nginx serves ${served?.generation} ${served?.serial}, the newest is ${generation} ${newest.serial}`);
        }
        const doneAt = Math.max(served?.at ?? 0, ...[...files.values()].map(({ at }) => at));
        const tookMs = doneAt - Math.max(event.faultsEndedAt, newest.at);
        if (tookMs > liveMs) {
          found.push(`serial ${newest.serial} took ${tookMs} ms instead of ${liveMs}`);
        }
        return found;
      }
      return FINE;
    },
  };
}

/** Every reload has a cause: other content than at the last one, or one before that failed or was never proven. */
function createNeededRule(): Rule {
  let reloaded = "";
  /** What comes of a reload whose starter has died, nobody learns. */
  const dead = new Set<number>();
  let isOwed = true;
  let isUnproven = false;
  return {
    name: "G6: no reload without a cause",
    see(event) {
      if (event.kind === "reload-start") {
        const now = `${event.upstreams} ${event.site}`;
        const isNeeded = isOwed || now !== reloaded;
        reloaded = now;
        isOwed = true; // until it says that it is done
        isUnproven = true;
        return isNeeded ? FINE : ["nothing had changed since the last reload, which was done and proven"];
      }
      if (event.kind === "reload-end") {
        isOwed = event.code !== 0 || dead.has(event.by);
      } else if (event.kind === "live") {
        isUnproven = false;
      } else if (event.kind === "death") {
        isOwed ||= isUnproven;
        dead.add(event.pid);
      } else if (event.kind === "edit" || (event.kind === "fault-start" && event.fault === "state-deleted")) {
        isOwed = true; // what is on the disk, or known of it, is not what fairlead left there
      }
      return FINE;
    },
  };
}

/** G3: nobody is turned away, unless a person took a file away: until the next files are live nginx may have read the tree without it. */
function createServedRule(): Rule {
  let isRemoved = false;
  return {
    name: "G3: no request fails",
    see(event) {
      if (event.kind === "edit" && event.sha === undefined) {
        isRemoved = true;
      } else if (event.kind === "live") {
        isRemoved = false;
      }
      return event.kind === "request-failed" && !isRemoved ? [event.why] : FINE;
    },
  };
}

/** What nginx serves and what the files hold goes forward; back only where something failed. */
function createForwardRule({ overlapMs }: Bounds): Rule {
  const trouble = createTrouble();
  let highest = { serial: 0, at: 0 };
  let reloadAt = 0;
  /** When the site's file came to hold each serial for the last time. */
  const heldAt = new Map<number, number>();
  let held = { serial: 0, at: 0 };

  function seeFile(serial: number, at: number): readonly string[] {
    const from = held;
    held = { serial, at };
    heldAt.set(serial, at);
    // What made it go back came while the newer content was there, or shortly before.
    const isBack = serial < from.serial && serial > 0 && !trouble.isSince(from.at - overlapMs);
    return isBack ? [`the file went from serial ${from.serial} back to ${serial}`] : FINE;
  }

  function seeServed(serial: number, at: number): readonly string[] {
    const from = highest;
    const wasPutBack = (heldAt.get(serial) ?? 0) > from.at;
    if (serial >= from.serial || wasPutBack) {
      highest = { serial, at };
    }
    const isBack = serial < from.serial && serial > 0 && !wasPutBack && at - reloadAt > overlapMs;
    return isBack ? [`nginx went from serial ${from.serial} back to ${serial}`] : FINE;
  }

  return {
    name: "G5: no generation goes back but by a roll-back",
    see(event) {
      trouble.see(event);
      if (event.kind === "reload-start" || event.kind === "reload-end") {
        reloadAt = event.at;
      } else if (event.kind === "seen" && event.file === "site" && event.serial !== undefined) {
        return seeFile(event.serial, event.at);
      } else if (event.kind === "served") {
        return seeServed(event.serial, event.at);
      }
      return FINE;
    },
  };
}

/** Whether there is, or was, a reason to take content back. */
function createTrouble(): { see(event: Event): void; isSince(at: number): boolean } {
  const active = new Set<string>();
  let lastAt = 0;
  return {
    see(event) {
      if (event.kind === "reload-start") {
        active.add("reload");
      } else if (event.kind === "reload-end" && event.code === 0) {
        active.delete("reload");
      } else if (event.kind === "fault-start" && /^(?:reload|disk|state)/.test(event.fault)) {
        active.add(event.fault);
      } else if (event.kind === "fault-end" && active.delete(event.fault)) {
        lastAt = event.at;
      } else if (event.kind === "death" || event.kind === "edit" || event.kind === "reload-end" || isRefusal(event)) {
        lastAt = event.at;
      }
    },
    isSince: (at) => active.size > 0 || lastAt >= at,
  };
}

/** Without a sandbox, it takes back what was in place. */
function isRefusal(event: Event): boolean {
  return event.kind === "check" && !event.passed;
}

/** It never ends because something around it failed. */
function createAliveRule(): Rule {
  return {
    name: "the process ends only when it is killed",
    see: (event) => (event.kind === "death" && !event.asked ? [event.why ?? "it ended by itself"] : FINE),
  };
}

export function createRules(bounds: Bounds): readonly Rule[] {
  return [
    createCheckedRule(bounds),
    createAcceptedRule(bounds),
    createWholeRule(bounds),
    createNeverEmptiedRule(bounds),
    createLiveRule(bounds),
    createNeededRule(),
    createServedRule(),
    createForwardRule(bounds),
    createAliveRule(),
  ];
}
