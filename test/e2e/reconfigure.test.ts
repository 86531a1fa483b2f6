/** SIGHUP on the real command. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFairlead } from "../helpers/fairlead.ts";
import { waitFor } from "../helpers/wait.ts";

const GOOD = `node: n1
stateDir: state
registry: file:registry
register: { onStop: deregister, sources: { static: { file: services.yaml } } }
render:
  targets:
    web:
      files: [{ template: web.conf.hbs, dest: web.conf }]
      guard: off
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-hangup-"));
  await writeFile(join(folder, "services.yaml"), "services: { web: [{ address: 10.0.0.1, port: 80, id: a }] }\n");
  await writeFile(join(folder, "web.conf.hbs"), '{{#each (service "web")}}server {{addr}};\n{{/each}}');
  await writeFile(join(folder, "fairlead.yaml"), GOOD);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const content = (name: string): Promise<string> => readFile(join(folder, name), "utf8").catch(() => "");

function holds(name: string, text: string): Promise<unknown> {
  return waitFor(async () => (await content(name)) === text, { timeoutMs: 15_000, what: `${name} to hold ${text}` });
}

/** Everything that a change would change. */
async function stamps(): Promise<unknown> {
  const files = ["web.conf", "registry/services/web/a.json"].map(async (name) => {
    const { ino, mtimeMs } = await stat(join(folder, name));
    return [ino, mtimeMs, await content(name)];
  });
  return await Promise.all(files);
}

describe("SIGHUP", () => {
  it("with a broken configuration changes nothing (G19); a good one takes over without letting go of an entry (G8)", async () => {
    const running = startFairlead(["run"], { cwd: folder });
    await holds("web.conf", "server 10.0.0.1:80;\n");
    const before = await stamps();
    const broken = [
      "",
      GOOD.slice(0, 90),
      GOOD.replace("render:", "rendr:"),
      GOOD.replace("file:registry", "ftp://x"),
      GOOD.replace("{ onStop", "{ onStop: [ "),
      GOOD.replace("web.conf }]", "web.conf }, { template: other.hbs, dest: web.conf }]"),
      `${GOOD}\u0000`,
    ];
    for (const [index, text] of broken.entries()) {
      await writeFile(join(folder, "fairlead.yaml"), text);
      process.kill(running.pid, "SIGHUP");
      await waitFor(() => refusals() === index + 1, { timeoutMs: 15_000, what: `refusal ${index + 1} in ${running.stderr()}` });
    }
    await rm(join(folder, "fairlead.yaml"));
    process.kill(running.pid, "SIGHUP");
    await waitFor(() => refusals() === broken.length + 1, { timeoutMs: 15_000, what: "the last refusal" });
    expect(await stamps()).toEqual(before);

    await writeFile(join(folder, "fairlead.yaml"), GOOD.replace("dest: web.conf", "dest: other.conf"));
    process.kill(running.pid, "SIGHUP");
    await holds("other.conf", "server 10.0.0.1:80;\n");
    expect(await stamps()).toEqual(before);
    await writeFile(join(folder, "services.yaml"), "services: { web: [{ address: 10.0.0.2, port: 80, id: a }] }\n");
    await holds("other.conf", "server 10.0.0.2:80;\n");
    expect(await content("web.conf")).toBe("server 10.0.0.1:80;\n");

    const { code } = await running.stop();
    expect(code).toBe(0);
    expect(await content("registry/services/web/a.json")).toBe("");

    function refusals(): number {
      return running.log().filter((line) => line.msg === "new configuration is not used; everything goes on as before").length;
    }
  });
});
