import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import { createDockerClient } from "../../../src/sources/docker/engine/client.ts";
import type { Explanation } from "../../../src/sources/docker/mapping/explain.ts";
import type { MappedContainer } from "../../../src/sources/docker/mapping/unique.ts";
import {
  createDockerSource,
  type DockerExamination,
  type DockerInspection,
  type DockerSource,
} from "../../../src/sources/docker/source.ts";
import { TABLE } from "../../helpers/docker-table/index.ts";
import { instanceInWordsOfRow, inWordsOfRow, type RealContainer } from "../../helpers/docker-table/row-words.ts";
import { fairlead } from "../../helpers/fairlead.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import { type Docker, describeWith, startDocker } from "../../helpers/servers/index.ts";
import { makeOptions } from "../../unit/sources/docker/build.ts";
import { createRows } from "./real-rows.ts";

const ROWS = TABLE.filter(({ real }) => real === true);

describeWith(["docker"], "the contract table on a real engine", () => {
  let engine: Docker;
  let made: readonly RealContainer[];
  /** By options. */
  const examinations = new Map<string, DockerExamination>();
  const { signal } = new AbortController();

  beforeAll(async () => {
    engine = await startDocker({ args: ["--userland-proxy=false"] });
    made = await createRows(engine, ROWS);
    for (const { options } of ROWS) {
      const key = JSON.stringify(options ?? {});
      if (!examinations.has(key)) {
        examinations.set(key, await open(options ?? {}).examine(signal));
      }
    }
  });
  afterAll(() => engine?.stop());

  function open(changes: NonNullable<(typeof ROWS)[number]["options"]>): DockerSource {
    const { address, isAddressSet, ...options } = makeOptions(changes);
    return createDockerSource({
      ...options,
      client: createDockerClient({ host: engine.host, tlsVerify: false }),
      address: isAddressSet && address !== undefined ? address : "auto",
      findAddress: async () => address,
      env: true,
      log: recordLog(),
    });
  }

  test.each(ROWS.map((row, i) => ({ ...row, i })))("$topic: $name", ({ options, wanted, skipped = [], i }) => {
    const real = made[i];
    const found = examinations
      .get(JSON.stringify(options ?? {}))
      ?.containers.find(({ container }) => container.name === real?.name);
    if (real === undefined || found === undefined) {
      throw new Error("the engine has no such container");
    }
    expect(instancesOf(real, found).map((instance, at) => pick(instance, Object.keys(wanted[at] ?? {})))).toEqual(wanted);
    expect(reasonsOf(real, found)).toEqual(
      skipped.map((text) => (typeof text === "string" ? text : expect.stringMatching(text))),
    );
  });

  test("G7: bad labels of some containers hurt no other: the list holds every instance of the others", async () => {
    const plain = examinations.get("{}")?.containers ?? [];
    const bad = plain.filter(({ skipped }) => skipped.some(({ kind }) => kind === "problem"));
    expect(bad.length).toBeGreaterThan(10);
    const ids = (await open({}).list(signal)).map(({ id }) => id);
    expect(ids.sort()).toEqual(plain.flatMap(({ instances }) => instances.map(({ id }) => id)).sort());
  });

  test("so many rows are shown", () => {
    expect(ROWS.length).toBeGreaterThanOrEqual(60);
  });

  test("`inspect docker --json` prints what the source says", async () => {
    const file = join(engine.folder, "fairlead.yaml");
    await writeFile(
      file,
      `node: n1\nregistry: etcd://127.0.0.1:1\nregister:\n  sources: { docker: { host: "${engine.host}" } }\n`,
    );
    const { stdout } = await fairlead(["inspect", "docker", "--json", "-c", file]);
    const printed = JSON.parse(stdout) as DockerInspection;
    const plain = examinations.get("{}")?.containers ?? [];
    const address = printed.containers
      .flatMap(({ instances }) => instances)
      .find(({ id }) => id.startsWith("n1:web1-0:"))?.address;
    expect(printed.containers.map(({ name }) => name)).toEqual(plain.map(({ container }) => container.name));
    expect(printed.containers.map(({ instances, skipped }) => ({ instances, skipped }))).toEqual(
      plain.map(({ instances, skipped }) => ({
        instances: instances.map((instance) => (instance.address === "10.0.0.1" ? { ...instance, address } : instance)),
        skipped: skipped.map(({ port, reason }) => ({ ...(port !== undefined && { port }), reason })),
      })),
    );
  });

  test("`inspect docker NAME` explains one of them, and an unknown one is an error with what is near", async () => {
    const at = ROWS.findIndex(({ name }) => name === "fairlead.* beats SERVICE_* beats VIRTUAL_*");
    const name = made[at]?.name ?? "";
    const { stdout } = await fairlead(["inspect", "docker", name, "--docker", engine.host, "--json"], { cwd: engine.folder });
    const explanation = JSON.parse(stdout) as Explanation;
    expect(explanation.words.map(({ key, beatenBy }) => `${key} ${beatenBy ?? "counts"}`)).toEqual([
      "fairlead.host counts",
      "SERVICE_HOST fairlead.host",
      "SERVICE_PATH counts",
      "VIRTUAL_HOST fairlead.host",
      "VIRTUAL_PATH SERVICE_PATH",
    ]);
    expect(explanation.ports).toMatchObject([
      { port: 80, eligible: true, registered: true, service: { text: "nginx", from: "the image" } },
    ]);
    const unknown = await fairlead(["inspect", "docker", `${name}x`, "--docker", engine.host], { cwd: engine.folder });
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no container "web1-\d+x"\n {2}did you mean "web1-\d+"\?/),
    });
  });
});

function instancesOf(real: RealContainer, { instances }: MappedContainer): readonly Instance[] {
  return instances.map((instance) => instanceInWordsOfRow(real, instance));
}

function reasonsOf(real: RealContainer, { skipped }: MappedContainer): readonly string[] {
  return skipped.map(({ port, reason }) => inWordsOfRow(real, port === undefined ? reason : `${port}: ${reason}`));
}

function pick(instance: Instance, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(instance).filter(([key]) => keys.includes(key)));
}
