/** Destinations that get in each other's way, or in that of what they are made from. */
import { dirname } from "node:path";
import { canCollide, patternProblem } from "../model/dest-pattern.ts";
import type { Path, Problem } from "./problems.ts";
import type { ConfigFile } from "./schema.ts";

interface Claim {
  readonly target: string;
  readonly dest: string;
}

type Fault = Pick<Problem, "message" | "hint">;

interface Asked {
  readonly render: NonNullable<ConfigFile["render"]>;
  /** The configuration itself. */
  readonly file: string;
  readonly absolute: (path: string) => string;
  readonly locate: (path: Path) => Problem["location"];
}

export function findBadDestinations({ render, file: configFile, absolute, locate }: Asked): readonly Problem[] {
  const partials = render.partials === undefined ? undefined : absolute(render.partials);
  const files = Object.values(render.targets).flatMap((target) => target.files);
  const templates = new Set(files.map(({ template }) => absolute(template)));
  const claims: Claim[] = [];
  const problems: Problem[] = [];

  function faultOf(written: string, claim: Claim, isFanOut: boolean): Fault | undefined {
    return (
      patternProblem(written, isFanOut) ??
      sourceFault(written, claim.dest, { configFile, partials, templates }) ??
      sharedFault(written, claim, claims)
    );
  }

  for (const [target, { files: own }] of Object.entries(render.targets)) {
    for (const [index, file] of own.entries()) {
      const claim = { target, dest: absolute(file.dest) };
      const fault = faultOf(file.dest, claim, file.forEach !== undefined);
      if (fault === undefined) {
        claims.push(claim);
      } else {
        problems.push({ ...fault, location: locate(["render", "targets", target, "files", index, "dest"]) });
      }
    }
  }
  return problems;
}

interface Sources {
  readonly configFile: string;
  readonly partials: string | undefined;
  readonly templates: ReadonlySet<string>;
}

/** A file that is made must not be one that it is made from. */
function sourceFault(written: string, dest: string, { configFile, partials, templates }: Sources): Fault | undefined {
  const hint = "write the result somewhere else";
  if (dest === configFile) {
    return { message: `"${written}" is the configuration itself`, hint };
  }
  if (templates.has(dest)) {
    return { message: `"${written}" is a template`, hint };
  }
  return partials !== undefined && dirname(dest) === partials && dest.endsWith(".hbs")
    ? { message: `"${written}" would be a partial`, hint }
    : undefined;
}

/** Between two targets nobody sees while rendering that a service makes the same file of both: it is refused before. */
function sharedFault(written: string, claim: Claim, claims: readonly Claim[]): Fault | undefined {
  for (const { dest, target } of claims) {
    if (dest === claim.dest) {
      return { message: `"${written}" is written by target "${target}" already`, hint: "a file belongs to one target, once" };
    }
    if (dest.startsWith(`${claim.dest}/`) || claim.dest.startsWith(`${dest}/`)) {
      const [folder, inside] = dest.startsWith(claim.dest) ? [claim.dest, dest] : [dest, claim.dest];
      return {
        message: `"${inside}" is inside "${folder}", which is a file`,
        hint: "a destination is a file or a folder, not both",
      };
    }
    if (target !== claim.target && canCollide(dest, claim.dest)) {
      return {
        message: `"${written}" can be a file that target "${target}" writes, when a service has that name`,
        hint: "use a folder of its own for the files of `forEach`",
      };
    }
  }
  return undefined;
}
