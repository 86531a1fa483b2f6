import { migrateRegistrator } from "../../../../src/cli/migrate/registrator.ts";
import { parseConfig } from "../../../../src/config/load.ts";
import { locateRegistry } from "../../../../src/config/registry.ts";
import { asAddressOnly, encodeAddress } from "../../../../src/registry/codec.ts";
import { keyLayout } from "../../../../src/registry/store.ts";
import { type MappingOptions, mapContainer } from "../../../../src/sources/docker/mapping/mapping.ts";
import { withUniqueIds } from "../../../../src/sources/docker/mapping/unique.ts";
import { makeContainer } from "../../sources/docker/build.ts";
import type { LayoutRow, Written } from "./registrator-rows.ts";

/** What fairlead writes with the configuration that it makes of Registrator's flags. */
export function writtenBy({ flags = [], container, honoursHealth = false }: LayoutRow): readonly Written[] {
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
      return {
        key: key.slice("services/".length),
        value: encodeAddress(instance),
        tags: instance.tags,
        meta: instance.meta,
      };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
