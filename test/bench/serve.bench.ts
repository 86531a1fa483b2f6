/** From `docker run` to the first answer through nginx. */
import { expect, it } from "vitest";
import { createFleet } from "../e2e/fleet.ts";
import { etcdStore } from "../e2e/stores.ts";
import { describeWith } from "../helpers/servers/index.ts";
import { row, spread } from "./figures.ts";

const ROUNDS = 15;

describeWith(["etcd34", "docker", "nginx"], "container start → served", () => {
  it("through etcd, with check, reload and proof", async () => {
    const fleet = await createFleet(() => etcdStore("3.4"));
    try {
      fleet.start();
      await fleet.up("first");
      await fleet.untilServed(["first"]);
      const whole: number[] = [];
      const ours: number[] = [];
      for (let i = 0; i < ROUNDS; i++) {
        const name = `round-${i}`;
        const startedAt = performance.now();
        await fleet.up(name);
        const runningAt = performance.now();
        while (!(await fleet.answering()).includes(name)) {
          // asked again at once
        }
        whole.push(performance.now() - startedAt);
        ours.push(performance.now() - runningAt);
        await fleet.docker.docker(["rm", "-f", name]);
        await fleet.untilServed(["first"]);
      }
      row("docker run → served through nginx", ...spread(whole));
      row("  of it after `docker run` came back", ...spread(ours));
      expect(whole).toHaveLength(ROUNDS);
    } finally {
      await fleet.stop();
    }
  });
});
