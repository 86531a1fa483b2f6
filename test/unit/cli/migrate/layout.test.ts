import { describe, expect, it } from "vitest";
import { DIFFERENCES } from "../../../../src/cli/migrate/differences.ts";
import { migrateRegistrator } from "../../../../src/cli/migrate/registrator.ts";
import { parseConfig } from "../../../../src/config/load.ts";
import { locateRegistry } from "../../../../src/config/registry.ts";
import { asAddressOnly, encodeAddress, encodeSegment } from "../../../../src/registry/codec.ts";
import { keyLayout } from "../../../../src/registry/store.ts";
import { type MappingOptions, mapContainer } from "../../../../src/sources/docker/mapping.ts";
import { withUniqueIds } from "../../../../src/sources/docker/unique.ts";
import { makeContainer } from "../../sources/docker/build.ts";
import { DIFFERENT, type LayoutRow, SAME, type Written } from "./registrator-rows.ts";

/** Shown where there is a lease and an interface: on real servers. */
const SHOWN_ELSEWHERE = ["lease", "published-address"];

/** What fairlead writes with the configuration that it makes of Registrator's flags. */
function written({ flags = [], container, honoursHealth = false }: LayoutRow): readonly Written[] {
  const { config } = migrateRegistrator([...flags, "consulkv://127.0.0.1:8500/services"], { hostname: "web-1", env: {} });
  const loaded = parseConfig(config, "/etc/fairlead/fairlead.yaml", {});
  const docker = loaded.ok ? loaded.config.register?.sources.docker : undefined;
  if (!loaded.ok || docker === undefined || loaded.config.node === undefined) {
    throw new Error("the migrated configuration is not valid");
  }
  const location = locateRegistry(loaded.config.registry, {});
  if (location.type !== "consul-kv") {
    throw new Error("the migrated configuration is for another store");
  }
  const { address, addressLabel, ...rest } = docker;
  const options: MappingOptions = {
    ...rest,
    ...(addressLabel !== undefined && { addressLabel }),
    node: loaded.config.node,
    address: address === "auto" ? "10.0.0.1" : address,
    isAddressSet: address !== "auto",
    health: honoursHealth ? "honour" : rest.health,
    loopback: false,
  };
  const made = makeContainer(container);
  const mapped = withUniqueIds([{ container: made, ...mapContainer(made, options) }]).flatMap(({ instances }) => instances);
  const layout = keyLayout(location.store);
  return mapped
    .filter((instance) => asAddressOnly(instance) !== undefined)
    .map((instance) => {
      const key = layout.entryKey(instance);
      expect(key.startsWith(`services/${encodeSegment(instance.service)}/`)).toBe(true);
      return {
        key: key.slice("services/".length),
        value: encodeAddress(instance),
        tags: instance.tags,
        meta: instance.meta,
      };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

const whole = (rows: readonly Written[]): readonly Written[] => rows.map((row) => ({ tags: [], meta: {}, ...row }));

describe("keys, values, tags and metadata are those that Registrator writes", () => {
  it.each([...SAME, ...DIFFERENT.filter(({ differs }) => differs === undefined)])("$name", (row) => {
    expect(written(row)).toEqual(whole(row.registrator));
  });
});

describe("where they are not, it is one of the deliberate differences", () => {
  it.each(DIFFERENT.filter(({ differs }) => differs !== undefined))("$name ($differs.as)", (row) => {
    expect(written(row)).toEqual(whole(row.differs?.fairlead ?? []));
    expect(written(row)).not.toEqual(whole(row.registrator));
  });

  it("each of them is shown by a row", () => {
    const shown = new Set<string>([...SHOWN_ELSEWHERE, ...DIFFERENT.map(({ differs }) => differs?.as ?? "")]);
    expect(DIFFERENCES.filter(({ id }) => !shown.has(id))).toEqual([]);
  });
});
