import { afterAll, beforeAll } from "vitest";
import { type Consul, type ConsulOptions, describeWith, startConsul } from "../../helpers/servers/index.ts";
import type { RegistryFixture, World } from "./fixture.ts";
import { registrySuite } from "./suite.ts";

/** For cases that neither stop nor start it: an agent writes each service to the disk, five times. Its log of everything costs as much. */
const IN_MEMORY: ConsulOptions = { dev: true, config: { log_level: "err" } };

/** The contract on a plain Consul, and on one with access control and TLS on both sides. */
export function consulContract(
  title: string,
  fixture: Omit<RegistryFixture, "setup"> & { readonly createWorld: (consul: Consul) => Promise<World> },
): void {
  const variants: readonly (readonly [string, ConsulOptions])[] = [
    [title, {}],
    [`${title} with ACLs and TLS on both sides`, { acl: true, tls: "mutual" }],
  ];
  for (const [name, options] of variants) {
    describeWith(["consul"], `${name}, the contract`, () => {
      let lasting: Consul;
      let quick: Consul;
      beforeAll(async () => {
        [lasting, quick] = await Promise.all([startConsul(options), startConsul({ ...options, ...IN_MEMORY })]);
      });
      afterAll(async () => {
        await Promise.all([lasting?.stop(), quick?.stop()]);
      });

      registrySuite(name, { ...fixture, setup: async ({ breaks }) => await fixture.createWorld(breaks ? lasting : quick) });
    });
  }
}
