/** Rows of the table as a real engine answered about them, in the shape of each version: see the README in test/fixtures/docker. */
import { readFileSync } from "node:fs";
import { type Container, joinShared, withDetails } from "../../../src/sources/docker/container.ts";
import { readContainerList, readDetails } from "../../../src/sources/docker/wire.ts";
import type { Version } from "./answers.ts";
import { TABLE } from "./index.ts";
import type { Json } from "./json.ts";
import type { Row } from "./row.ts";
import type { RealContainer } from "./row-words.ts";

interface Captured {
  readonly rows: readonly {
    readonly row: string;
    readonly container: string;
    readonly words: RealContainer["words"];
    readonly ports: readonly (readonly [number, number])[];
  }[];
  readonly listed: readonly Json[];
  readonly inspected: Readonly<Record<string, Json>>;
}

export interface CapturedRow extends Row {
  readonly key: string;
  readonly read: Container;
  readonly real: true;
  readonly words: RealContainer;
}

export function readCapturedRows(version: Version): readonly CapturedRow[] {
  const { rows, listed, inspected } = JSON.parse(
    readFileSync(new URL("../../fixtures/docker/api-1.41/rows.json", import.meta.url), "utf8"),
  ) as Captured;
  const list = readContainerList(listed.map((item) => inShapeOf(version, item)));
  if (list === undefined || list.invalid.length > 0) {
    throw new Error(`what was captured is nonsense: ${JSON.stringify(list?.invalid)}`);
  }
  const containers = joinShared(
    list.containers.map((container) => {
      const details = readDetails(inspected[container.id]);
      const isAlive = container.state === "running" || container.state === "paused";
      return details === undefined || !isAlive ? container : withDetails(container, details);
    }),
  );
  return rows.map(({ row: key, container: name, words, ports }) => {
    const row = TABLE.find((candidate) => `${candidate.topic}: ${candidate.name}` === key);
    const read = containers.find((candidate) => candidate.name === name);
    if (row === undefined || read === undefined) {
      throw new Error(`the row "${key}" is not there any more: capture again`);
    }
    return { ...row, key, read, real: true, words: { name, words, ports: new Map(ports) } };
  });
}

/** What later versions say otherwise, by Docker's own history of the API and as 28.5 was seen to answer. */
function inShapeOf(version: Version, listed: Json): Json {
  if (version === "api-1.41") {
    return listed;
  }
  const { HostConfig: host, NetworkSettings: settings, Status: status } = listed;
  const networks = (settings as { readonly Networks: Readonly<Record<string, Json>> }).Networks;
  const { NetworkMode: mode } = host as Json;
  const health = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(String(status))?.[1] ?? "none";
  return {
    ...listed,
    HostConfig: { NetworkMode: mode === "default" ? "bridge" : mode },
    NetworkSettings: {
      Networks: Object.fromEntries(
        Object.entries(networks).map(([name, endpoint]) => [name, { ...endpoint, GwPriority: 0, DNSNames: null }]),
      ),
    },
    ...(version === "api-1.52" && {
      // The text for people is no longer needed, and may change.
      Status: String(status).replace(/ \((?:health: )?(?:starting|healthy|unhealthy)\)/, ""),
      Health: { Status: health, FailingStreak: 0 },
    }),
  };
}
