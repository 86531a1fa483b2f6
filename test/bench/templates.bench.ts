/** Many templates and many keys: one shot, and one change among them. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { FAIRLEAD, startFairlead } from "../helpers/fairlead.ts";
import { describeWith, startEtcd } from "../helpers/servers/index.ts";
import { cpuMs, ms, quantile, residentMb, row, spread, watchFile } from "./figures.ts";
import { fill } from "./fill.ts";

const ROUNDS = 3;
const CHANGES = 30;

interface Shape {
  readonly templates: number;
  /** Of each template. */
  readonly keys: number;
  /** Whether a template names its keys one by one, or reads a folder. */
  readonly reads: "one by one" | "a folder";
}

const SHAPES: readonly (Shape & { readonly aim: string })[] = [
  { templates: 100, keys: 1000, reads: "a folder", aim: "≤ 600 ms" },
  { templates: 100, keys: 1000, reads: "one by one", aim: "≤ 600 ms" },
  { templates: 1000, keys: 100, reads: "a folder", aim: "none" },
  { templates: 1000, keys: 100, reads: "one by one", aim: "none" },
];

function* keysOf({ templates, keys }: Shape): Generator<readonly [string, string]> {
  for (let t = 0; t < templates; t += 1) {
    for (let k = 0; k < keys; k += 1) {
      yield [`/app/t${t}/k${k}`, `${k}`];
    }
  }
}

function templateText({ keys, reads }: Shape, t: number): string {
  return reads === "a folder"
    ? `{{#each (keys "app/t${t}/")}}\n{{name}} = {{value}}\n{{/each}}\n`
    : Array.from({ length: keys }, (_, k) => `k${k} = {{key "app/t${t}/k${k}"}}\n`).join("");
}

/** The least that anybody has to do: list the keys raw, and write as many files. */
const FLOOR = `
import { open, rename } from "node:fs/promises";
import { Etcd3 } from "etcd3";
const [endpoint, files, folder] = process.argv.slice(1);
const client = new Etcd3({ hosts: endpoint, grpcOptions: { "grpc.max_receive_message_length": -1 } });
let key = Buffer.from("/app/");
let text = "";
for (let more = true; more; ) {
  const page = await client.kv.range({ key, range_end: Buffer.from("/app0"), limit: 8192 });
  for (const kv of page.kvs) text += kv.value.toString() + "\\n";
  key = Buffer.concat([page.kvs.at(-1).key, Buffer.of(0)]);
  more = page.more;
}
const part = Math.ceil(text.length / Number(files));
for (let i = 0; i < Number(files); i += 1) {
  const file = await open(folder + "/f" + i + ".tmp", "w");
  await file.writeFile(text.slice(i * part, (i + 1) * part));
  await file.sync();
  await file.close();
  await rename(folder + "/f" + i + ".tmp", folder + "/f" + i);
}
client.close();
`;

describeWith(["etcd34"], "templates", () => {
  it.each(SHAPES)("$templates templates × $keys keys, $reads", async (shape) => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-bench-"));
    const etcd = await startEtcd({ version: "3.4" });
    const name = `${shape.templates} templates × ${shape.keys} keys, ${shape.reads}`;
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    const targets: Record<string, unknown> = {};
    try {
      await fill(etcd.endpoint, keysOf(shape));
      await mkdir(join(folder, "out"));
      await mkdir(join(folder, "floor"));
      for (let t = 0; t < shape.templates; t += 1) {
        await writeFile(join(folder, `t${t}.hbs`), templateText(shape, t));
        targets[`t${t}`] = { files: [{ template: `t${t}.hbs`, dest: `out/t${t}.txt` }] };
      }
      const config = join(folder, "fairlead.yaml");
      const render = { settle: { quiet: "0ms", max: "0ms" }, targets };
      await writeFile(config, stringify({ node: "bench", stateDir: "state", registry: `etcd://${etcd.endpoint}`, render }));
      const samples = { first: [] as number[], again: [] as number[], floor: [] as number[] };
      const timed = (list: number[], args: readonly string[]): void => {
        const startedAt = performance.now();
        const { status, stderr } = spawnSync(process.execPath, args, { env, cwd: process.cwd() });
        list.push(performance.now() - startedAt);
        expect(status, String(stderr)).toBe(0);
      };
      for (let i = 0; i < ROUNDS; i += 1) {
        await rm(join(folder, "out"), { recursive: true });
        await mkdir(join(folder, "out"));
        timed(samples.first, [FAIRLEAD, "render", "-c", config]);
        timed(samples.again, [FAIRLEAD, "render", "-c", config]);
        timed(samples.floor, ["--input-type=module", "-e", FLOOR, etcd.endpoint, String(shape.templates), join(folder, "floor")]);
      }
      row(`${name}: one shot (aim: ${shape.aim})`, ...spread(samples.first));
      row("  again, nothing changed", ...spread(samples.again));
      row("  floor: raw list, as many files written and flushed", ...spread(samples.floor));
      row("  ratio of the medians", (quantile(samples.first, 0.5) / quantile(samples.floor, 0.5)).toFixed(2));

      const sidecar = startFairlead(["run", "-c", config]);
      const output = watchFile(join(folder, "out/t7.txt"));
      try {
        await new Promise((resolve) => setTimeout(resolve, 4000));
        const idleCpuMs = await cpuMs(sidecar.pid);
        const changes: number[] = [];
        for (let i = 0; i < CHANGES; i += 1) {
          const changedAt = performance.now();
          await Promise.all([output.until((text) => text.includes(`k3 = c${i}\n`)), etcd.put("/app/t7/k3", `c${i}`)]);
          changes.push(performance.now() - changedAt);
        }
        const changeCpuMs = ((await cpuMs(sidecar.pid)) - idleCpuMs) / CHANGES;
        const resident = `rss ${(await residentMb(sidecar.pid)).toFixed(0)} MB`;
        row(`${name}: one change → file`, ...spread(changes), `cpu ${ms(changeCpuMs)}`, resident);
        expect(await readFile(join(folder, "out/t7.txt"), "utf8")).toContain(`k3 = c${CHANGES - 1}\n`);
      } finally {
        output.close();
        await sidecar.kill();
      }
    } finally {
      await etcd.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
