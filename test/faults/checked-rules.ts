/** G1: what stands at a destination is good. */
import { type Event, FILES, type FileName } from "./history.ts";
import type { Bounds, Rule } from "./rules.ts";

const FINE: readonly string[] = [];

/**
 * What stands at a destination passed its check before, or a person put it there.
 *
 * Without a sandbox, the check may have to see new files in place: then they may stand there from before its word, but no program is told
 * of them and no round ends with them unless it was a good one.
 */
export function createCheckedRule({ witness }: Pick<Bounds, "witness">): Rule {
  const allowed: Record<FileName, Set<string>> = { upstreams: new Set(), site: new Set() };
  const present = new Map<FileName, string>();
  const isAllowed = (file: FileName, sha: string): boolean => (witness === "judge" && sha !== "") || allowed[file].has(sha);
  const complain = (file: FileName, sha: string): string =>
    `${file} ${sha === "" ? "is gone" : `holds ${sha.slice(0, 12)}`}, which no check passed`;
  return {
    name: "G1: a destination holds content that passed its check",
    see(event) {
      if (event.kind === "check" && event.passed) {
        allowed.upstreams.add(event.upstreams);
        allowed.site.add(event.site);
      } else if (event.kind === "edit") {
        allowed[event.file].add(event.sha ?? "");
      } else if (event.kind === "seen") {
        const sha = event.sha ?? "";
        const isFirst = sha === "" && !present.has(event.file);
        present.set(event.file, sha);
        return isFirst || witness === "check-after" || isAllowed(event.file, sha) ? FINE : [complain(event.file, sha)];
      } else if (event.kind === "reload-start") {
        return FILES.filter((file) => !isAllowed(file, event[file])).map((file) => complain(file, event[file]));
      } else if (event.kind === "round-end") {
        return [...present].filter(([file, sha]) => !isAllowed(file, sha)).map(([file, sha]) => complain(file, sha));
      }
      return FINE;
    },
  };
}

/**
 * The same, asked of nginx instead of the check: each content that ever stood there is good beside what belongs to it, and whatever nginx
 * was told of, and whatever stayed, is good together. What a person put there is a person's business.
 */
export function createAcceptedRule({ witness }: Pick<Bounds, "witness">): Rule {
  const accepted: Record<FileName, Set<string>> = { upstreams: new Set(), site: new Set() };
  const refused = new Set<string>();
  const edited = new Set<string>([""]);
  const present = new Map<FileName, string>();
  function seePair(upstreams: string, site: string): readonly string[] {
    const isRefused = refused.has(`${upstreams} ${site}`) && !edited.has(upstreams) && !edited.has(site);
    return isRefused ? [`upstreams ${upstreams.slice(0, 12)} and site ${site.slice(0, 12)} are refused together`] : FINE;
  }
  return {
    name: "G1: whatever is in place is accepted by nginx",
    see(event: Event) {
      if (event.kind === "judged" && event.accepted) {
        accepted.upstreams.add(event.upstreams);
        accepted.site.add(event.site);
      } else if (event.kind === "judged") {
        refused.add(`${event.upstreams} ${event.site}`);
      } else if (event.kind === "edit") {
        edited.add(event.sha ?? "");
      } else if (event.kind === "seen") {
        const sha = event.sha ?? "";
        present.set(event.file, sha);
        const isFine = witness === "check-after" || edited.has(sha) || accepted[event.file].has(sha);
        return isFine ? FINE : [`${event.file} holds ${sha.slice(0, 12)}, which nginx refuses`];
      } else if (event.kind === "reload-start") {
        return seePair(event.upstreams, event.site);
      } else if (event.kind === "round-end") {
        return seePair(present.get("upstreams") ?? "", present.get("site") ?? "");
      }
      return FINE;
    },
  };
}
