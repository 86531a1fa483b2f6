/** How long the command takes from nothing. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { FAIRLEAD } from "../helpers/fairlead.ts";
import { ms, quantile, row, spread } from "./figures.ts";

const ROUNDS = 25;

describe("cold start", () => {
  it("render beside bare Node", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-bench-"));
    await mkdir(join(folder, "registry/services/web"), { recursive: true });
    await writeFile(join(folder, "registry/services/web/a.json"), '{"address":"10.0.0.1","port":80}');
    await writeFile(join(folder, "t.hbs"), '{{#each (service "web")}}{{addr}}\n{{/each}}');
    await writeFile(
      join(folder, "fairlead.yaml"),
      stringify({
        node: "b",
        stateDir: "state",
        registry: "file:registry",
        render: { targets: { t: { files: [{ template: "t.hbs", dest: "out.txt" }] } } },
      }),
    );
    const bare = ["-e", "0"];
    const direct = [
      FAIRLEAD,
      "render",
      "--registry",
      "file:registry",
      "--template",
      "t.hbs",
      "--dest",
      "out2.txt",
      "--state",
      "state",
    ];
    const configured = [FAIRLEAD, "render"];
    const samples: Record<"bare" | "direct" | "configured", number[]> = { bare: [], direct: [], configured: [] };
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    for (let i = 0; i < ROUNDS; i++) {
      for (const [name, args] of [
        ["bare", bare],
        ["direct", direct],
        ["configured", configured],
      ] as const) {
        const startedAt = performance.now();
        const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, env });
        samples[name].push(performance.now() - startedAt);
        expect(status, String(stderr)).toBe(0);
      }
    }
    row("node -e 0", ...spread(samples.bare));
    row("render, one template, file registry", ...spread(samples.direct));
    row("render, with a configuration", ...spread(samples.configured));
    const base = quantile(samples.bare, 0.5);
    row(
      "  ratios of the medians (aim: ≤ 3)",
      (quantile(samples.direct, 0.5) / base).toFixed(2),
      (quantile(samples.configured, 0.5) / base).toFixed(2),
    );
    expect(ms(base)).toMatch(/ms$/);
    await rm(folder, { recursive: true, force: true });
  });
});
