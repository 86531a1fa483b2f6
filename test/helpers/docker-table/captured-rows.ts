/** Rows of the table as real engines answered about them: see the README in test/fixtures/docker. */
import { readFileSync } from "node:fs";
import { type Container, joinShared, withDetails } from "../../../src/sources/docker/container.ts";
import { readContainerList, readDetails } from "../../../src/sources/docker/engine/wire.ts";
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

const RECORDED: Readonly<Record<Version, Version>> = {
  "api-1.41": "api-1.41",
  "api-1.51": "api-1.51",
  "api-1.52": "api-1.51",
};

export function readCapturedRows(version: Version): readonly CapturedRow[] {
  const { rows, listed, inspected } = JSON.parse(
    readFileSync(new URL(`../../fixtures/docker/${RECORDED[version]}/rows.json`, import.meta.url), "utf8"),
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

/** What 1.52 says otherwise than 1.51, by Docker's own history of the API. */
function inShapeOf(version: Version, listed: Json): Json {
  const status = String(listed["Status"]);
  const health = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(status)?.[1] ?? "none";
  return version === "api-1.52"
    ? {
        ...listed,
        // Nobody needs the text for people any more: it must not be what decides.
        Status: status.replace(/ \((?:health: )?(?:starting|healthy|unhealthy)\)/, ""),
        Health: { Status: health, FailingStreak: 0 },
      }
    : listed;
}
