/** The faults. Each happens, lasts and ends by itself; afterwards the world can work again. */
import { appendFileSync, chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { KillPoint } from "./desk.ts";
import type { Dice } from "./random.ts";
import { removeTree, untilDead, untilLive, type World } from "./world.ts";

export interface Fault {
  readonly name: string;
  /** What it needs for itself: of faults with the same one only one happens at a time. */
  readonly of: "process" | "reload" | "check" | "disk" | "registry" | "network" | "files" | "data";
  readonly needsRoot?: true;
  /** It happens at a moment that the check tells of. */
  readonly needsTalk?: true;
  /** What it destroyed is made good with the next change of the data, and not before. */
  readonly needsChange?: true;
  /** It ends the changes itself, where the round's last one is to come while things are broken. */
  readonly endsWrites?: true;
  run(world: World, dice: Dice, endWrites: () => boolean): Promise<void>;
}

const KILL_POINT_MS = 4000;
const CALM_MS = 4000;

async function restartSoon(world: World, dice: Dice): Promise<void> {
  await sleep(dice.between(0, 300));
  await world.ensureRunning();
}

function killAtPoint(point: KillPoint): Fault {
  return {
    name: `kill-at-${point}`,
    of: "process",
    endsWrites: true,
    ...(point.startsWith("check") && { needsTalk: true }),
    async run(world, dice, endWrites) {
      // No other change brings in then what the death has interrupted.
      if (endWrites()) {
        await untilLive(world, CALM_MS);
      }
      world.hooks.killAt(point, world.fairlead.pid);
      await world.writer.change();
      // Another fault may keep it from coming that far.
      if (!(await untilDead(world, KILL_POINT_MS)) && world.hooks.cancelKill()) {
        await world.kill();
      }
      await untilDead(world, KILL_POINT_MS);
      await restartSoon(world, dice);
    },
  };
}

function lasting(
  name: string,
  of: Fault["of"],
  ms: readonly [number, number],
  set: (world: World, dice: Dice) => Promise<() => Promise<void>>,
): Fault {
  return {
    name,
    of,
    async run(world, dice) {
      const end = await set(world, dice);
      await sleep(dice.between(...ms));
      await end();
    },
  };
}

/** Fills a disk to the last byte, or leaves so much that the first file still fits. */
async function fillDisk(folder: string, leaveBytes: number): Promise<() => Promise<void>> {
  const ballast = join(folder, ".ballast");
  const spare = join(folder, ".ballast-spare");
  writeFileSync(spare, Buffer.alloc(leaveBytes));
  try {
    for (;;) {
      appendFileSync(ballast, Buffer.alloc(4096));
    }
  } catch {
    rmSync(spare); // the disk is full
  }
  return async () => rmSync(ballast, { force: true });
}

function fullDisk(name: string, folderOf: (disks: NonNullable<World["disks"]>) => string): Fault {
  const fault = lasting(name, "disk", [500, 2500], async (world, dice) =>
    world.disks === undefined ? async () => undefined : fillDisk(folderOf(world.disks), 4096 * dice.between(0, 3)),
  );
  return { ...fault, needsRoot: true };
}

function edit(name: string, make: (text: string) => string | undefined, reloads: boolean): Fault {
  return {
    name,
    of: "files",
    needsChange: true,
    async run(world, dice) {
      await sleep(dice.between(0, 1000));
      const file = dice.pick(["upstreams", "site"]);
      const path = world.files[file];
      const text = make(readFileSync(path, "utf8"));
      const temp = `${path}.edited`;
      if (text === undefined) {
        world.history.add({ kind: "edit", file });
        rmSync(path);
        return;
      }
      try {
        writeFileSync(temp, text);
      } catch {
        rmSync(temp, { force: true }); // the disk is full for a person too
        return;
      }
      const sha = world.contents.look(temp)?.sha;
      world.history.add({ kind: "edit", file, ...(sha !== undefined && { sha }) });
      renameSync(temp, path);
      if (reloads) {
        world.nginx.reload();
      }
    },
  };
}

export const FAULTS: readonly Fault[] = [
  {
    name: "kill",
    of: "process",
    async run(world, dice) {
      await sleep(dice.between(0, 800));
      await world.kill();
      await restartSoon(world, dice);
    },
  },
  {
    name: "kill-again-and-again",
    of: "process",
    async run(world, dice) {
      for (let times = dice.between(2, 5); times > 0; times -= 1) {
        await sleep(dice.between(100, 700));
        await world.kill();
        await world.ensureRunning();
      }
    },
  },
  killAtPoint("check-start"),
  killAtPoint("check-end"),
  killAtPoint("reload-start"),
  killAtPoint("reload-end"),
  ...(["fail-before", "fail-after"] as const).map((mode) =>
    lasting(`reload-${mode}`, "reload", [100, 2000], async ({ hooks }) => {
      hooks.setReload(mode);
      return async () => hooks.setReload(undefined);
    }),
  ),
  lasting("reload-hang", "reload", [500, 3500], async ({ hooks }) => {
    hooks.setReload("hang");
    return async () => hooks.setReload(undefined);
  }),
  ...(["fail", "hang"] as const).map((mode) =>
    lasting(`check-${mode}`, "check", [200, 2500], async ({ hooks }) => {
      await hooks.setCheck(mode);
      return () => hooks.setCheck(undefined);
    }),
  ),
  fullDisk("disk-full-destination", ({ dest }) => dest),
  fullDisk("disk-full-state", ({ state }) => state),
  lasting("registry-stopped", "registry", [300, 2500], async ({ etcd }) => {
    etcd.pause();
    return async () => etcd.resume();
  }),
  lasting("registry-killed", "registry", [0, 1500], async ({ etcd }) => {
    await etcd.kill();
    return () => etcd.restart();
  }),
  {
    name: "registry-emptied",
    of: "registry",
    run: ({ writer, etcd }, dice) =>
      writer.wipe(
        async () => {
          const all = (prefix: string) => ({
            request_delete_range: { key: encode(`${prefix}/`), range_end: encode(`${prefix}0`) },
          });
          await etcd.call("/v3/kv/txn", { success: [all("/fairlead"), all("/app")] });
        },
        dice.between(0, 1000),
      ),
  },
  {
    name: "registry-replaced",
    of: "registry",
    run: ({ writer, etcd }, dice) => writer.wipe(() => etcd.wipe(), dice.between(0, 1000)),
  },
  ...[40, 400].map((ms) =>
    lasting(`network-slow-${ms}`, "network", [500, 2500], async ({ proxy }) => {
      await proxy.set({ kind: "delay", ms });
      return () => proxy.set({ kind: "pass" });
    }),
  ),
  ...(["refuse", "blackhole"] as const).map((kind) =>
    lasting(`network-${kind}`, "network", [200, 2500], async ({ proxy }) => {
      await proxy.set({ kind });
      return () => proxy.set({ kind: "pass" });
    }),
  ),
  lasting("network-half-answers", "network", [200, 2000], async ({ proxy }, dice) => {
    await proxy.set({ kind: "limit", bytes: dice.between(100, 4000) });
    return () => proxy.set({ kind: "pass" });
  }),
  {
    name: "network-cut",
    of: "network",
    async run({ proxy }, dice) {
      for (let times = dice.between(1, 6); times > 0; times -= 1) {
        await sleep(dice.between(50, 300));
        proxy.cut();
      }
    },
  },
  edit("edited", (text) => `${text}# somebody was here\n`, false),
  edit("edited-to-nonsense", (text) => `${text}nonsense {`, false),
  edit("edited-and-reloaded", (text) => text.replace(/return 200 "\w+ /, 'return 200 "drift '), true),
  edit("destination-removed", () => undefined, false),
  {
    name: "mode-changed",
    of: "files",
    needsChange: true,
    async run({ files }, dice) {
      await sleep(dice.between(0, 1000));
      chmodSync(files[dice.pick(["upstreams", "site"])], 0o600);
    },
  },
  {
    name: "state-deleted",
    of: "files",
    needsChange: true,
    async run({ stateDir }, dice) {
      await sleep(dice.between(0, 1000));
      await removeTree(stateDir);
    },
  },
  {
    name: "data-that-nginx-refuses",
    of: "data",
    needsChange: true,
    async run({ writer }, dice) {
      await writer.change({ timeout: "soon" });
      await sleep(dice.between(50, 800));
    },
  },
];

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}
