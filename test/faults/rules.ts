/** What must hold, whatever breaks. Each rule looks at one event after the other and says what it finds wrong. */
import { type Event, FILES, type FileName } from "./history.ts";

export interface Rule {
  readonly name: string;
  see(event: Event): readonly string[];
}

export interface Bounds {
  /** From the end of faults and writes until the newest data is live. */
  readonly liveMs: number;
  /** While a reload is made, workers of two generations answer. */
  readonly overlapMs: number;
}

const FINE: readonly string[] = [];

/**
 * G1: what stands: what stands at a destination passed its check before, or a person put it there.
 *
 * Where a file is missing, the check may have to see new files in place: then they may stand there from before its word, but no program is
 * told of them and no round ends with them unless it was a good one.
 */
function createCheckedRule(): Rule {
  const allowed: Record<FileName, Set<string>> = { upstreams: new Set(), site: new Set() };
  const present = new Map<FileName, string>();
  let isTrial = true;
  const isAllowed = (file: FileName, sha: string): boolean => allowed[file].has(sha);
  const complain = (file: FileName, sha: string): string =>
    `${file} ${sha === "" ? "is gone" : `holds ${sha.slice(0, 12)}`}, which no check passed`;
  return {
    name: "G1: a destination holds content that passed its check",
    see(event) {
      if (event.kind === "check" && event.passed) {
        allowed.upstreams.add(event.upstreams);
        allowed.site.add(event.site);
        isTrial = [...present.values()].includes("");
      } else if (event.kind === "edit") {
        allowed[event.file].add(event.sha ?? "");
      } else if (event.kind === "seen") {
        const sha = event.sha ?? "";
        const isFirst = sha === "" && !present.has(event.file);
        const isFine = isTrial || isFirst || isAllowed(event.file, sha);
        present.set(event.file, sha);
        isTrial ||= isFine && sha === "";
        isTrial &&= ![...present].every(([name, held]) => held !== "" && isAllowed(name, held));
        return isFine ? FINE : [complain(event.file, sha)];
      } else if (event.kind === "reload-start") {
        return FILES.filter((file) => !isAllowed(file, event[file])).map((file) => complain(file, event[file]));
      } else if (event.kind === "round-end") {
        return [...present].filter(([file, sha]) => !isAllowed(file, sha)).map(([file, sha]) => complain(file, sha));
      }
      return FINE;
    },
  };
}

/** Each file is made from one whole state of the registry, never from a part or a mixture. */
function createWholeRule(): Rule {
  const expected = new Map<string, string>();
  const edited = new Set<string>();
  return {
    name: "G3: a file is made from one whole state of the registry",
    see(event) {
      if (event.kind === "write") {
        expected.set(`upstreams ${event.serial}`, event.expected.upstreams);
        expected.set(`site ${event.serial}`, event.expected.site);
      } else if (event.kind === "edit") {
        edited.add(event.sha ?? "");
      } else if (event.kind === "seen" && event.sha !== undefined && !edited.has(event.sha)) {
        const wanted = expected.get(`${event.file} ${event.serial}`);
        if (wanted !== event.plain) {
          return [
            `${event.file} with serial ${event.serial} is not what the registry held${wanted === undefined ? " ever" : ""}`,
          ];
        }
      }
      return FINE;
    },
  };
}

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
      } else if (event.kind === "death" || event.kind === "edit" || event.kind === "reload-end") {
        lastAt = event.at;
      }
    },
    isSince: (at) => active.size > 0 || lastAt >= at,
  };
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
    createCheckedRule(),
    createWholeRule(),
    createLiveRule(bounds),
    createNeededRule(),
    createServedRule(),
    createForwardRule(bounds),
    createAliveRule(),
  ];
}
