/** Doubts about where files lie on this machine's disk. */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { Config } from "../../config/load.ts";
import type { Path } from "../../config/problems.ts";
import { canCollide } from "../../model/dest-pattern.ts";
import { FairleadError, type Location } from "../../model/errors.ts";
import { type ProblemJson, problemOf, warningOf } from "./problem.ts";

type RenderConfig = NonNullable<Config["render"]>;

interface Asked {
  readonly render: RenderConfig;
  /** The configuration itself. */
  readonly file: string;
  readonly locate: (path: Path) => Location;
}

const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;

export async function checkPlaces(asked: Asked): Promise<readonly ProblemJson[]> {
  return [...findPatternClashes(asked), ...(await checkLinks(asked)), ...(await checkSources(asked))];
}

/** Within a target it is told while rendering when a service really has that name; here, that it can happen. */
function findPatternClashes({ render, locate }: Asked): readonly ProblemJson[] {
  return Object.entries(render.targets).flatMap(([target, { files }]) =>
    files.flatMap((file, index) => {
      const other = files.slice(0, index).find(({ dest }) => canCollide(dest, file.dest));
      if (other === undefined) {
        return [];
      }
      const location = locate(["render", "targets", target, "files", index, "dest"]);
      const message = `"${file.dest}" and "${other.dest}" are the same file when a service has that name`;
      return [warningOf("CONFIG_INVALID", message, { location, hint: "use a folder of its own for the files of `forEach`" })];
    }),
  );
}

/** Two names can be one file through a link, which only the disk knows. */
async function checkLinks({ render, file, locate }: Asked): Promise<readonly ProblemJson[]> {
  const sources = new Map([[await realName(file), "the configuration itself"]]);
  for (const { files } of Object.values(render.targets)) {
    for (const { template } of files) {
      sources.set(await realName(template), "a template");
    }
  }
  const claimed = new Map<string, string>();
  const problems: ProblemJson[] = [];
  for (const [target, { files }] of Object.entries(render.targets)) {
    for (const [index, { dest }] of files.entries()) {
      const name = await realName(dest);
      const other = sources.get(name) ?? (claimed.has(name) ? `the same file as "${claimed.get(name)}"` : undefined);
      if (other !== undefined) {
        const location = locate(["render", "targets", target, "files", index, "dest"]);
        const hint = "a link leads there: write the result somewhere else";
        problems.push(problemOf("error", new FairleadError("CONFIG_INVALID", `"${dest}" is ${other}`, { location, hint })));
      }
      claimed.set(name, dest);
    }
  }
  return problems;
}

/** Who can write a template decides what runs here. */
async function checkSources({ render, file, locate }: Asked): Promise<readonly ProblemJson[]> {
  const folder = await realName(dirname(file));
  const problems: ProblemJson[] = [];
  const seen = new Set<string>();

  async function look(path: string, what: string, location: Location): Promise<void> {
    if (seen.has(path)) {
      return;
    }
    seen.add(path);
    if (relative(folder, await realName(path)).startsWith("..")) {
      const hint = "keep it beside the configuration, so that one copy holds all that belongs together";
      problems.push(
        warningOf("CONFIG_INVALID", `the ${what} "${path}" is outside of the configuration's folder`, { location, hint }),
      );
    }
    for (const place of [path, dirname(path)]) {
      if (!seen.has(`writable ${place}`) && (await isWritableByOthers(place))) {
        seen.add(`writable ${place}`);
        const message = `anybody on this machine can write "${place}"${place === path ? "" : `, where the ${what} is`}`;
        problems.push(warningOf("TEMPLATE_UNSAFE", message, { location: { file: path }, hint: `chmod o-w ${place}` }));
      }
    }
  }

  for (const [target, { files }] of Object.entries(render.targets)) {
    for (const [index, { template }] of files.entries()) {
      await look(template, "template", locate(["render", "targets", target, "files", index, "template"]));
    }
  }
  if (render.partials !== undefined) {
    const names = await readdir(render.partials).catch(() => []); // told as TEMPLATE_MISSING where it is used
    for (const name of names.filter((one) => one.endsWith(".hbs")).sort()) {
      await look(join(render.partials, name), "partial", locate(["render", "partials"]));
    }
  }
  return problems;
}

/** The path without links, as far as it exists; the last part may be a link itself, which is not followed for what is replaced. */
async function realName(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path); // it is not there yet
    return parent === path ? path : join(await realName(parent), basename(path));
  }
}

async function isWritableByOthers(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    return (found.mode & WRITABLE_BY_OTHERS) !== 0 && !(found.isDirectory() && (found.mode & STICKY) !== 0);
  } catch {
    return false; // what is not there is told elsewhere
  }
}
