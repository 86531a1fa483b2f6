import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { STORES } from "./stores.ts";

for (const { name, servers, make } of STORES) {
  describeWith([...servers, "docker", "nginx"], `a fleet on ${name}`, () => {
    let fleet: Fleet;
    beforeAll(async () => {
      fleet = await createFleet(make);
      fleet.start();
    });
    afterAll(() => fleet?.stop());

    it("serves one container, then three, and not one that was killed (G4)", async () => {
      await fleet.up("web-1");
      await fleet.untilServed(["web-1"]);
      await fleet.up("web-2");
      await fleet.up("web-3");
      await fleet.untilServed(["web-1", "web-2", "web-3"]);
      expect(await fleet.registered()).toEqual(await fleet.running());
      await fleet.docker.killContainer("web-2");
      await fleet.untilServed(["web-1", "web-3"]);
      expect(await fleet.registered()).toEqual(await fleet.running());
    });

    it("is right again after the engine was restarted (G9)", async () => {
      await fleet.docker.restart();
      await waitFor(async () => (await fleet.running()).length >= 2, { timeoutMs: 20_000, what: "the containers to be back" });
      const running = await fleet.running();
      await fleet.untilServed(running.map((item) => item.split(":")[0] ?? ""));
      expect(await fleet.registered()).toEqual(await fleet.running());
    });

    it("goes on serving while the registry restarts (G3), and follows it again afterwards", async () => {
      const before = await fleet.answering();
      const restarted = fleet.store.restart();
      expect(await fleet.answering()).toEqual(before);
      await restarted;
      await fleet.up("web-4");
      await fleet.untilServed([...before, "web-4"]);
      expect(await fleet.registered()).toEqual(await fleet.running());
    });

    it("never had a file that nginx refuses (G1)", async () => {
      const contents = [...fleet.contents()];
      expect(contents.length).toBeGreaterThanOrEqual(4);
      for (const content of contents) {
        await writeFile(fleet.destination, content);
        await fleet.nginx.check();
      }
    });
  });
}
