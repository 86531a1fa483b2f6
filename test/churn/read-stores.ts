/** What registries hold, read by the formats of the documentation. */
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Held } from "./compare.ts";

interface Pair {
  /** `<service>/<id>`, percent-encoded. */
  readonly path: string;
  readonly value: string;
  readonly revision: string;
  readonly writes?: number;
}

interface Value {
  readonly address: string;
  readonly port: number;
  readonly protocol?: string;
  readonly health?: string;
  readonly weight?: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly owner?: string;
}

/** Entries of the `json` layout. */
export function readPairs(pairs: readonly Pair[]): readonly Held[] {
  return pairs.map(({ path, value, revision, writes }) => {
    const [service = "", id = ""] = path.split("/").map(decodeURIComponent);
    const entry = JSON.parse(value) as Value;
    const { address, port, protocol = "tcp", health = "unknown", weight = 1, tags = [], meta = {}, owner = "" } = entry;
    const counted = writes === undefined ? {} : { writes };
    return { service, id, address, port, protocol, health, weight, tags, meta, owner, revision, ...counted };
  });
}

interface NodeAnswer {
  readonly Services: Readonly<
    Record<
      string,
      {
        readonly ID: string;
        readonly Service: string;
        readonly Address: string;
        readonly Port: number;
        readonly Tags: readonly string[] | null;
        readonly Meta: Readonly<Record<string, string>> | null;
        readonly Weights: { readonly Passing: number };
        readonly ModifyIndex: number;
      }
    >
  >;
}

interface CheckAnswer {
  readonly ServiceID: string;
  readonly CheckID: string;
  readonly Status: string;
  readonly ModifyIndex: number;
}

/** Services of the catalogue, from the answers about a node and about its checks: as healthy as the worst of their checks. */
export function readCatalogue(node: unknown, checks: unknown): readonly Held[] {
  const all = checks as readonly CheckAnswer[];
  return Object.values((node as NodeAnswer).Services)
    .filter(({ ID: id }) => id !== "consul")
    .map((service) => {
      const meta = service.Meta ?? {};
      const own = all.filter(({ ServiceID: id }) => id === service.ID);
      const health = ["critical", "warning"].find((word) => own.some(({ Status: status }) => status === word)) ?? "passing";
      const checks = own.map(({ CheckID: id, ModifyIndex: index }) => `${id} ${index}`).sort();
      return {
        service: decodeURIComponent(service.Service),
        id: decodeURIComponent(service.ID.split("@")[0] ?? ""),
        address: service.Address,
        port: service.Port,
        protocol: service.Tags?.includes("udp") === true ? "udp" : "tcp",
        health,
        weight: Number(meta["fairlead-weight"] ?? service.Weights.Passing),
        tags: service.Tags ?? [],
        meta: Object.fromEntries(Object.entries(meta).filter(([key]) => !key.startsWith("fairlead-"))),
        owner: meta["fairlead-owner"] ?? "",
        revision: String(service.ModifyIndex),
        checks: checks.join(),
      };
    });
}

/** A file registry: an entry whose owner has no lease that lives is not there. */
export async function readFolder(dir: string): Promise<readonly Held[]> {
  const services = await readdir(join(dir, "services")).catch(() => []);
  const pairs = await Promise.all(
    services.map(async (service) => {
      const files = (await readdir(join(dir, "services", service))).filter((name) => /^[^.].*\.json$/.test(name));
      return await Promise.all(
        files.map(async (name): Promise<Pair> => {
          const file = join(dir, "services", service, name);
          const { ino, mtimeMs } = await stat(file);
          const path = `${service}/${name.slice(0, -".json".length)}`;
          return { path, value: await readFile(file, "utf8"), revision: `${ino}-${mtimeMs}` };
        }),
      );
    }),
  );
  const held = readPairs(pairs.flat());
  const living = new Map<string, boolean>([["", true]]);
  for (const { owner } of held) {
    living.set(owner, living.get(owner) ?? (await isAlive(dir, owner)));
  }
  return held.filter(({ owner }) => living.get(owner) === true);
}

async function isAlive(dir: string, owner: string): Promise<boolean> {
  const text = await readFile(join(dir, "owners", `${owner}.json`), "utf8").catch(() => "{}");
  const { expiresAt = "" } = JSON.parse(text) as { readonly expiresAt?: string };
  return Date.parse(expiresAt) > Date.now();
}

export async function writeEntryFile(
  dir: string,
  { service, id, ...value }: { readonly service: string; readonly id: string; readonly address: string; readonly port: number },
): Promise<void> {
  await mkdir(join(dir, "services", service), { recursive: true });
  await writeFile(join(dir, "services", service, `${id}.json`), JSON.stringify(value));
}
