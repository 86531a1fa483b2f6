/** From a change in the registry to the file. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { createEtcdRegistry } from "../../src/registry/etcd/registry.ts";
import { compileTemplate } from "../../src/render/template/engine.ts";
import { createView } from "../../src/render/template/view.ts";
import { startFairlead } from "../helpers/fairlead.ts";
import { describeWith, startEtcd } from "../helpers/servers/index.ts";
import { ms, quantile, residentMb, row, spread, watchFile } from "./figures.ts";

const ROUNDS = 200;

/** In this process: a full read of the registry, and a render of all of it. */
async function measureParts(endpoint: string, text: string): Promise<void> {
  const { signal } = new AbortController();
  const options = { name: "etcd", endpoints: [endpoint], prefix: "fairlead", kvPrefix: "", layout: "json" } as const;
  const registry = createEtcdRegistry(options);
  const template = compileTemplate({ file: "t.hbs", text, format: "nginx", allowRaw: false, partials: new Map() });
  const selector = { services: "all", keys: [] } as const;
  const samples = { read: [] as number[], render: [] as number[] };
  for (let i = 0; i < 10; i++) {
    const readAt = performance.now();
    const snapshot = await registry.read(selector, { signal });
    samples.read.push(performance.now() - readAt);
    const renderAt = performance.now();
    template.render(createView(snapshot, selector), { node: "bench", env: new Map() });
    samples.render.push(performance.now() - renderAt);
  }
  await registry.close();
  row("10,000 instances: full read", ...spread(samples.read));
  row("10,000 instances: full render, 1,000 services", ...spread(samples.render));
}

describeWith(["etcd34"], "latency", () => {
  it("etcd put → file, beside the floor", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-bench-"));
    const etcd = await startEtcd({ version: "3.4" });
    await mkdir(join(folder, "a"));
    await mkdir(join(folder, "b"));
    await writeFile(join(folder, "t.hbs"), '{{key "app/v"}}\n');
    await writeFile(
      join(folder, "fairlead.yaml"),
      stringify({
        node: "bench",
        stateDir: "state",
        registry: `etcd://${etcd.endpoint}`,
        render: { settle: { quiet: "0ms", max: "0ms" }, targets: { one: { files: [{ template: "t.hbs", dest: "a/out.txt" }] } } },
      }),
    );
    const script = fileURLToPath(new URL("floor.mjs", import.meta.url));
    const floor = spawn(process.execPath, [script, etcd.endpoint, "/app/v", join(folder, "b/out.txt")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const sidecar = startFairlead(["run", "-c", join(folder, "fairlead.yaml")]);
    const ours = watchFile(join(folder, "a/out.txt"));
    const theirs = watchFile(join(folder, "b/out.txt"));
    try {
      await new Promise((resolve) => floor.stdout.once("data", resolve));
      await etcd.put("/app/v", "start");
      await Promise.all([ours.until((text) => text === "start\n"), theirs.until((text) => text === "start")]);
      const samples = { ours: [] as number[], floor: [] as number[] };
      for (let i = 0; i < ROUNDS; i++) {
        const startedAt = performance.now();
        await Promise.all([
          ours.until((text) => text === `${i}\n`).then(() => samples.ours.push(performance.now() - startedAt)),
          theirs.until((text) => text === String(i)).then(() => samples.floor.push(performance.now() - startedAt)),
          etcd.put("/app/v", String(i)),
        ]);
      }
      row("etcd put → file", ...spread(samples.ours));
      row("  floor: raw watch, write, fsync, rename", ...spread(samples.floor));
      row("  ratio of the medians (aim: ≤ 2)", (quantile(samples.ours, 0.5) / quantile(samples.floor, 0.5)).toFixed(2));
      await new Promise((resolve) => setTimeout(resolve, 3000));
      row("idle sidecar, resident (aim: ≤ 90 MB)", `${(await residentMb(sidecar.pid)).toFixed(0)} MB`);
      expect(samples.ours).toHaveLength(ROUNDS);
    } finally {
      ours.close();
      theirs.close();
      floor.kill();
      await sidecar.kill();
      await etcd.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("10,000 instances in etcd: first file, one change", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-bench-"));
    const etcd = await startEtcd({ version: "3.4" });
    const entry = (service: number, n: number, port: number): [string, string] => [
      `/fairlead/services/s${service}/n:i${n}:80`,
      JSON.stringify({
        v: 1,
        address: `10.${service % 250}.${n >> 8}.${n & 255}`,
        port,
        tags: ["http"],
        meta: { version: "1" },
        health: "passing",
      }),
    ];
    for (let service = 0; service < 1000; service += 4) {
      await Promise.all(
        [0, 1, 2, 3].flatMap((offset) => Array.from({ length: 10 }, (_, n) => etcd.put(...entry(service + offset, n, 80)))),
      );
    }
    const template =
      "{{#each services}}\nupstream {{name}} {\n{{#each instances}}\n    server {{addr}};\n{{/each}}\n}\n{{/each}}\n";
    await writeFile(join(folder, "t.hbs"), template);
    await writeFile(
      join(folder, "fairlead.yaml"),
      stringify({
        node: "bench",
        stateDir: "state",
        registry: `etcd://${etcd.endpoint}`,
        render: { settle: { quiet: "0ms", max: "0ms" }, targets: { all: { files: [{ template: "t.hbs", dest: "out.conf" }] } } },
      }),
    );
    await measureParts(etcd.endpoint, template);
    const output = watchFile(join(folder, "out.conf"));
    const startedAt = performance.now();
    const sidecar = startFairlead(["run", "-c", join(folder, "fairlead.yaml")]);
    try {
      await output.until((text) => text.split("server ").length > 10_000);
      row("10,000 instances: process start → first file", ms(performance.now() - startedAt));
      const samples: number[] = [];
      for (let i = 0; i < 60; i++) {
        const port = 1000 + i;
        const changedAt = performance.now();
        await Promise.all([output.until((text) => text.includes(`:${port};`)), etcd.put(...entry(i, 3, port))]);
        samples.push(performance.now() - changedAt);
      }
      row("10,000 instances: one change → file (aim: ≤ 40 ms)", ...spread(samples));
      row("10,000 instances: sidecar, resident", `${(await residentMb(sidecar.pid)).toFixed(0)} MB`);
      expect(samples).toHaveLength(60);
    } finally {
      output.close();
      await sidecar.kill();
      await etcd.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
