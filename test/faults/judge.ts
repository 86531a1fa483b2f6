/** Asks nginx itself, on its own and apart from everything, about all that ever stood at the destinations. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runCommand } from "../helpers/servers/command.ts";
import { type Nginx, nginxMain } from "../helpers/servers/index.ts";
import type { Contents } from "./contents.ts";
import type { Event, FileName, News } from "./history.ts";
import { EMPTY, type State, textsOf } from "./state.ts";

export interface Judge {
  /** What nginx says of the sets of contents in these events that it has not been asked about. */
  judge(events: readonly Event[]): Promise<readonly Judged[]>;
}

type Judged = Extract<News, { kind: "judged" }>;
type Pair = Readonly<Record<FileName, string>>;
type Seen = Extract<Event, { kind: "seen" }>;

export interface JudgeOptions {
  readonly folder: string;
  readonly nginx: Pick<Nginx, "path">;
  readonly contents: Contents;
  readonly sitePort: number;
}

const CHECK_MS = 20_000;

export async function createJudge({ folder, nginx, contents, sitePort }: JudgeOptions): Promise<Judge> {
  const confFolder = join(folder, "conf.d");
  const confFile = join(folder, "nginx.conf");
  await mkdir(confFolder, { recursive: true });
  await mkdir(join(folder, "temp"));
  const modulesFolder = dirname(nginx.path);
  await writeFile(confFile, nginxMain({ folder, confFile, confFolder, pidFile: join(folder, "nginx.pid"), modulesFolder }));
  const states = new Map<number, State>([[0, EMPTY]]);
  const known = new Set<string>();
  const accepted: Record<FileName, Set<string>> = { upstreams: new Set(), site: new Set() };
  const present = new Map<FileName, Seen>();

  async function isAccepted(upstreams: string, site: string): Promise<boolean> {
    await writeFile(join(confFolder, "a.conf"), upstreams);
    await writeFile(join(confFolder, "b.conf"), site);
    return await runCommand([nginx.path, "-p", folder, "-c", confFile, "-t"], { timeoutMs: CHECK_MS }).then(
      () => true,
      () => false,
    );
  }

  async function judgePair({ upstreams, site }: Pair): Promise<readonly Judged[]> {
    if (known.has(`${upstreams} ${site}`) || upstreams === "" || site === "") {
      return [];
    }
    known.add(`${upstreams} ${site}`);
    const verdict = await isAccepted(contents.text(upstreams), contents.text(site));
    if (verdict) {
      accepted.upstreams.add(upstreams);
      accepted.site.add(site);
    }
    return [{ kind: "judged", upstreams, site, accepted: verdict }];
  }

  /** With the other file as it has to be for the same state, made by hand: between two renames they may stand beside others. */
  async function judgeAlone({ file, sha = "", serial = 0 }: Seen): Promise<readonly Judged[]> {
    const state = states.get(serial);
    if (accepted[file].has(sha) || known.has(sha) || state === undefined) {
      return [];
    }
    known.add(sha);
    const text = contents.text(sha);
    const made = textsOf(state, sitePort);
    const verdict = await (file === "site" ? isAccepted(made.upstreams, text) : isAccepted(text, made.site));
    if (verdict) {
      accepted[file].add(sha);
    }
    const pair = file === "site" ? { upstreams: "", site: sha } : { upstreams: sha, site: "" };
    return [{ kind: "judged", ...pair, accepted: verdict }];
  }

  return {
    async judge(events) {
      for (const event of events) {
        if (event.kind === "write" && event.state !== undefined) {
          states.set(event.serial, event.state);
        }
      }
      const judged: Judged[] = [];
      for (const event of events) {
        if (event.kind === "seen") {
          present.set(event.file, event);
        }
        const upstreams = present.get("upstreams");
        const site = present.get("site");
        // Between two renames they differ, and belong to two generations.
        const isWhole = event.kind === "seen" && upstreams?.serial === site?.serial;
        if (event.kind === "reload-start") {
          judged.push(...(await judgePair(event)));
        } else if (isWhole || event.kind === "round-end") {
          judged.push(...(await judgePair({ upstreams: upstreams?.sha ?? "", site: site?.sha ?? "" })));
        }
      }
      for (const event of events) {
        if (event.kind === "seen" && event.sha !== undefined) {
          judged.push(...(await judgeAlone(event)));
        }
      }
      return judged;
    },
  };
}
