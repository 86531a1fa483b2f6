import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Registry } from "../../../src/ports.ts";
import { encodeEntry } from "../../../src/registry/codec.ts";
import { encodeLease } from "../../../src/registry/file/lease.ts";
import { entryPath, keyPath, leasePath } from "../../../src/registry/file/paths.ts";
import { createFileRegistry } from "../../../src/registry/file/registry.ts";
import { makeFolder, removeFolder } from "../../helpers/servers/folders.ts";
import type { World } from "./fixture.ts";
import { registrySuite } from "./suite.ts";

async function setup(): Promise<World> {
  const base = await makeFolder("file-registry");
  const dir = join(base, "registry");
  const away = join(base, "away");

  async function writeRaw(path: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), bytes); // in place, as an editor may
  }

  return {
    async open(options): Promise<Registry> {
      return createFileRegistry({ dir: options?.sibling === undefined ? dir : `${dir}${options.sibling}` });
    },
    async outage() {
      await rename(dir, away);
      await writeFile(dir, "this is no folder");
    },
    async recover() {
      await rm(dir);
      await rename(away, dir);
    },
    restart: leftOut,
    async wipe() {
      await rm(dir, { recursive: true });
      await mkdir(dir);
    },
    writeRaw: (place, bytes) => writeRaw(place.kind === "entry" ? entryPath(place) : keyPath(place.key), bytes),
    writeForeign: (instance) => writeRaw(entryPath(instance), Buffer.from(encodeEntry({ ...instance, owner: "" }))),
    async storeRevision(service, id) {
      const path = join(dir, entryPath({ service, id }));
      const stats = await stat(path, { bigint: true }).catch(() => undefined);
      return stats && `${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs} ${await readFile(path, "utf8")}`;
    },
    async expireLease(owner) {
      const path = join(dir, leasePath(owner));
      await writeFile(path, encodeLease({ expiresAtMs: Date.now() - 1, isSettled: true, holder: undefined }));
      await utimes(path, 1, 1); // long ago
    },
    ownKey: leftOut,
    teardown: () => removeFolder(base),
  };
}

function leftOut(): never {
  throw new Error("this is left out");
}

registrySuite("file", {
  setup,
  minTtlMs: 900,
  slackMs: 300,
  noticeMs: 5000,
  outageNoticeMs: 3000,
  recoverMs: 5000,
  leavesOut: {
    restart: "a folder has no server",
    ownKey: "keys and entries are in different folders",
    atomicWipe: "files are removed one after the other",
    orphans: "Registrator writes no folders",
    registrator: "confd and Registrator do not read folders",
  },
});
