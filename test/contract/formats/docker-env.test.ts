import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { describeWith, startDocker } from "../../helpers/servers/index.ts";
import { ENV_PLACES } from "../../unit/render/formats/places.ts";
import { attackFormat } from "./corpus.ts";

/** `docker --env-file` reads no quotes: what it reads as it is are bare values, and lines of format text. */
const BARE = ENV_PLACES.filter(({ text }) => text === "A=@@" || text === "A=x@@y");

/** docker reads no line of 64 KiB, whatever the format let through. */
const MAX_CHARS = 60_000;

describeWith(["docker"], "G2: every attack, read by docker create --env-file", () => {
  test("in bare values and in lines of format text, every variable arrives whole, and there is none more", async () => {
    const docker = await startDocker();
    onTestFinished(() => docker.stop());
    const image = await docker.importImage("env-file");
    for (const [format, least] of [
      ["env", 170],
      ["text", 500],
    ] as const) {
      const arrived = attackFormat(format, BARE).arrived.filter(({ text }) => text.length < MAX_CHARS);
      const file = join(docker.folder, format);
      await writeFile(file, arrived.map(({ text }, i) => `${text.replace(/^A=/, `A${i}=`)}\n`).join(""));
      const id = await docker.docker(["create", "--env-file", file, image, "true"]);
      const env = JSON.parse(await docker.docker(["inspect", "--format", "{{json .Config.Env}}", id])) as string[]; // as docker says
      const own = env.filter((line) => !/^(PATH|HOME|HOSTNAME)=/.test(line));
      expect(own).toEqual(arrived.map(({ row, attack }, i) => `A${i}=${String(row.expect(attack.value))}`));
      expect(arrived.length).toBeGreaterThanOrEqual(least);
    }
  });
});
