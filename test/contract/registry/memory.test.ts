import { encodeEntry, encodeEntryPath } from "../../../src/registry/codec.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { createMemoryWorld } from "../../../src/registry/memory-world.ts";
import type { World } from "./fixture.ts";
import { registrySuite } from "./suite.ts";

async function setup(): Promise<World> {
  const world = createMemoryWorld();
  const sibling = createMemoryWorld();
  return {
    open: async (options) => createMemoryRegistry({ world: options?.sibling === undefined ? world : sibling }),
    outage: async () => world.setDown(true),
    recover: async () => world.setDown(false),
    restart: leftOut,
    wipe: async () => world.wipe(),
    async writeRaw(place, bytes) {
      if (place.kind === "entry") {
        world.setEntryBytes(encodeEntryPath(place), bytes);
      } else {
        world.setKey(place.key, bytes);
      }
    },
    writeForeign: async (instance) =>
      world.setEntryBytes(encodeEntryPath(instance), Buffer.from(encodeEntry({ ...instance, owner: "" }))),
    storeRevision: async (service, id) => world.entry(encodeEntryPath({ service, id }))?.version.toString(),
    expireLease: async (owner) => world.expire(owner),
    ownKey: leftOut,
    teardown: async () => undefined,
  };
}

function leftOut(): never {
  throw new Error("this is left out");
}

registrySuite("memory", {
  setup,
  minTtlMs: 300,
  slackMs: 100,
  noticeMs: 2000,
  outageNoticeMs: 1000,
  recoverMs: 2000,
  leavesOut: {
    restart: "there is no server",
    ownKey: "keys and entries do not share names",
    registrator: "nobody else reads this process's memory",
  },
});
