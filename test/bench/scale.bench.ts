/** From many instances in etcd to a file, and one change among them, beside the least that anybody has to do. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { startFairlead } from "../helpers/fairlead.ts";
import { describeWith, type Etcd, startEtcd } from "../helpers/servers/index.ts";
import { cpuMs, ms, peakMb, quantile, residentMb, row, spread, watchFile } from "./figures.ts";
import { entriesOf, entryAt, fill, type Shape } from "./fill.ts";

const CHANGES = 30;
const TEMPLATE = "{{#each services}}\nupstream {{name}} {\n{{#each instances}}\n    server {{addr}};\n{{/each}}\n}\n{{/each}}\n";

/** The aims are for 100,000 instances in 10,000 services; the other shapes show that nothing hangs on the number of services. */
const SHAPES: readonly Shape[] = [
  { services: 1000, each: 10 },
  { services: 10_000, each: 10 },
  { services: 10, each: 10_000 },
  { services: 100_000, each: 1 },
];

interface Figures {
  readonly firstMs: number;
  readonly firstCpuMs: number;
  readonly peakMb: number;
  readonly changesMs: readonly number[];
  readonly changeCpuMs: number;
  readonly residentMb: number;
}

/** First file, then changes one by one. `holds` says whether the file shows a port. */
async function measure(
  etcd: Etcd,
  {
    pid,
    file,
    startedAt,
    shape,
  }: { readonly pid: number; readonly file: string; readonly startedAt: number; readonly shape: Shape },
  isFirst: (text: string) => boolean,
): Promise<Figures> {
  const output = watchFile(file);
  try {
    await output.until(isFirst, 60_000);
    const firstMs = performance.now() - startedAt;
    const firstCpuMs = await cpuMs(pid);
    const peak = await peakMb(pid);
    await new Promise((resolve) => setTimeout(resolve, 1500)); // the watch has to stand
    const idleCpuMs = await cpuMs(pid);
    const changesMs: number[] = [];
    for (let i = 0; i < CHANGES; i++) {
      const port = 1000 + i;
      const service = (i * 7919) % shape.services;
      const changedAt = performance.now();
      await Promise.all([
        output.until((text) => text.includes(`:${port};`) || text.includes(`"port":${port},`)),
        etcd.put(...entryAt(service, 0, port)),
      ]);
      changesMs.push(performance.now() - changedAt);
      await etcd.put(...entryAt(service, 0, 80)); // and back, so that every round begins the same
      await output.until((text) => !text.includes(`:${port};`) && !text.includes(`"port":${port},`));
    }
    const changeCpuMs = ((await cpuMs(pid)) - idleCpuMs) / (2 * CHANGES);
    return { firstMs, firstCpuMs, peakMb: peak, changesMs, changeCpuMs, residentMb: await residentMb(pid) };
  } finally {
    output.close();
  }
}

function print(name: string, figures: Figures): void {
  row(
    `${name}: start → first file`,
    ms(figures.firstMs),
    `cpu ${ms(figures.firstCpuMs)}`,
    `peak ${figures.peakMb.toFixed(0)} MB`,
  );
  row(
    `${name}: one change → file`,
    ...spread(figures.changesMs),
    `cpu ${ms(figures.changeCpuMs)}`,
    `rss ${figures.residentMb.toFixed(0)} MB`,
  );
}

describeWith(["etcd34"], "scale", () => {
  it.each(SHAPES)("$services services × $each instances", async (shape) => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-bench-"));
    const etcd = await startEtcd({ version: "3.4" });
    const name = `${shape.services} × ${shape.each}`;
    let floor: ChildProcess | undefined;
    try {
      await fill(etcd.endpoint, entriesOf(shape));
      await writeFile(join(folder, "t.hbs"), TEMPLATE);
      await writeFile(
        join(folder, "fairlead.yaml"),
        stringify({
          node: "bench",
          stateDir: "state",
          registry: `etcd://${etcd.endpoint}`,
          render: {
            settle: { quiet: "0ms", max: "0ms" },
            targets: { all: { files: [{ template: "t.hbs", dest: "out.conf" }] } },
          },
        }),
      );
      const ours = join(folder, "out.conf");
      let startedAt = performance.now();
      const sidecar = startFairlead(["run", "-c", join(folder, "fairlead.yaml")]);
      let figures: Figures;
      try {
        const count = shape.services * shape.each;
        const whole = (text: string): boolean => text.split("server ").length > count;
        figures = await measure(etcd, { pid: sidecar.pid, file: ours, startedAt, shape }, whole);
      } finally {
        await sidecar.kill();
      }
      const theirs = join(folder, "floor.conf");
      const script = fileURLToPath(new URL("floor-list.mjs", import.meta.url));
      const args = [script, etcd.endpoint, "/fairlead/services/", String((await stat(ours)).size), theirs];
      startedAt = performance.now();
      floor = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
      const least = await measure(etcd, { pid: floor.pid ?? 0, file: theirs, startedAt, shape }, (text) =>
        text.startsWith("first"),
      );
      print(name, figures);
      print("  floor: raw list and watch, bytes written", least);
      row(
        "  ratios of the medians: first, change, cpu of a change",
        (figures.firstMs / least.firstMs).toFixed(2),
        (quantile(figures.changesMs, 0.5) / quantile(least.changesMs, 0.5)).toFixed(2),
        (figures.changeCpuMs / least.changeCpuMs).toFixed(2),
      );
      expect(figures.changesMs).toHaveLength(CHANGES);
    } finally {
      floor?.kill();
      await etcd.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
