/**
 * Writes `test/fixtures/docker/api-VERSION/rows.json`: what a real engine answers about a container of each row of the table that it can
 * show. Needs root and an engine, as the tests on real servers do; FAIRLEAD_TEST_DOCKERD names another one than theirs, for its version:
 *
 *   node --import ./test/faults/load-typescript.mjs test/helpers/docker-table/capture.ts
 */
import { writeFile } from "node:fs/promises";
import { createRows } from "../../contract/sources/real-rows.ts";
import { startDocker } from "../servers/index.ts";
import { TABLE } from "./index.ts";
import type { Json } from "./json.ts";

const ROWS = TABLE.filter(({ real }) => real === true);

const engine = await startDocker({ args: ["--userland-proxy=false"] });
try {
  const startedAt = performance.now();
  const made = await createRows(engine, ROWS);
  console.log(`${made.length} rows after ${Math.round(performance.now() - startedAt)} ms`);
  const version = String((await engine.http("/_ping")).headers["api-version"]);
  const listed = JSON.parse((await engine.http(`/v${version}/containers/json?all=1`)).text) as readonly Json[];
  const inspected: Record<string, Json> = {};
  for (const { Id: id } of listed) {
    inspected[String(id)] = cut(JSON.parse((await engine.http(`/v${version}/containers/${String(id)}/json`)).text) as Json);
  }
  const rows = made.map(({ name, words, ports }, i) => ({
    row: `${ROWS[i]?.topic}: ${ROWS[i]?.name}`,
    container: name,
    words,
    ports: [...ports],
  }));
  const lines = [
    `{"rows":[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n],`,
    `"listed":[\n${listed.map((item) => JSON.stringify(item)).join(",\n")}\n],`,
    `"inspected":{\n${Object.entries(inspected)
      .map(([id, details]) => `${JSON.stringify(id)}:${JSON.stringify(details)}`)
      .join(",\n")}\n}}\n`,
  ];
  await writeFile(new URL(`../../fixtures/docker/api-${version}/rows.json`, import.meta.url), lines.join("\n"));
} finally {
  await engine.stop();
}

/** Without what says nothing about a container as a service, most of it the engine's defaults. */
function cut(details: Json): Json {
  const { Id: id, Created: created, State: state, Name: name, Config: config, NetworkSettings: settings } = details;
  const { Image: image, Env: env, ExposedPorts: exposed, Labels: labels } = config as Json;
  const { Ports: ports, IPAddress: address, Networks: networks } = settings as Json;
  return {
    Id: id,
    Created: created,
    State: state,
    Name: name,
    Config: { Image: image, Env: env, ExposedPorts: exposed, Labels: labels },
    NetworkSettings: { Ports: ports, IPAddress: address, Networks: networks },
  };
}
