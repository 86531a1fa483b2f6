import { expect, it } from "vitest";
import { createDice, type Dice } from "../faults/random.ts";
import { writtenBy } from "../unit/cli/migrate/layout.ts";
import type { LayoutRow, Written } from "../unit/cli/migrate/registrator-rows.ts";

const CONTAINERS = 400;
const HOST = "web-1";
const HOST_IP = "10.0.0.1";

interface Port {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly published: number | undefined;
}

interface Drawn {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
  readonly flags: Readonly<Partial<Record<"ip" | "tags" | "useIpFromLabel", string>>>;
  readonly isInternal: boolean;
  readonly isExplicit: boolean;
}

/** What Registrator does, after `bridge/bridge.go` and `bridge/util.go`, where it does one thing only. */
function registrator({ name, image, labels, env, ports, flags, isInternal, isExplicit }: Drawn): readonly Written[] {
  const eligible = ports.filter(({ published }) => isInternal || published !== undefined);
  return eligible.flatMap(({ port, protocol, published }) => {
    const metadata = new Map<string, string>();
    const own = new Set<string>();
    // Variables first, then labels: the last one stays, and a word for the port before one for all.
    for (const [key, value] of [...Object.entries(env), ...Object.entries(labels)]) {
      const [, number, word = ""] = /^SERVICE_(?:(\d+)_)?(.+)$/.exec(key) ?? [];
      const field = word.toLowerCase();
      if (field === "" || value === "" || (number !== undefined && Number(number) !== port)) {
        continue;
      }
      if (number !== undefined) {
        own.add(field);
        metadata.set(field, value);
      } else if (!own.has(field)) {
        metadata.set(field, value);
      }
    }
    if (metadata.has("ignore") || (isExplicit && !metadata.has("name"))) {
      return [];
    }
    const base = metadata.get("name") ?? image.split("/").at(-1)?.split(":")[0] ?? "";
    const service = eligible.length > 1 && !own.has("name") ? `${base}-${port}` : base;
    const id = metadata.get("id") ?? `${HOST}:${name}:${port}${protocol === "udp" ? ":udp" : ""}`;
    const labelled = flags.useIpFromLabel === undefined ? undefined : labels[flags.useIpFromLabel]?.split("/")[0];
    const address = labelled ?? (isInternal ? "172.17.0.2" : (flags.ip ?? HOST_IP));
    const tags = [metadata.get("tags"), flags.tags, protocol === "udp" ? "udp" : undefined].filter((tag) => tag !== undefined);
    const meta = [...metadata].filter(([field]) => !["name", "tags", "id", "ignore"].includes(field));
    return [
      {
        key: `${service}/${id}`,
        value: `${address.includes(":") ? `[${address}]` : address}:${isInternal ? port : published}`,
        tags,
        meta: Object.fromEntries(meta),
      },
    ];
  });
}

function draw(dice: Dice): Drawn {
  const ports = dice.draw([80, 443, 8080, 53, 9000], dice.between(1, 4)).flatMap((port): readonly Port[] =>
    (dice.between(0, 3) === 0 ? (["tcp", "udp"] as const) : ([dice.pick(["tcp", "tcp", "udp"])] as const)).map((protocol) => ({
      port,
      protocol,
      published: dice.between(0, 3) === 0 ? undefined : 30_000 + port + (protocol === "udp" ? 1 : 0),
    })),
  );
  const words = (scope: string, odds: number): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [
        ["NAME", dice.pick(["shop", "api", "a.b", "x_y", ""])],
        ["TAGS", dice.pick(["http", "blue", ""])],
        ["REGION", dice.pick(["eu", "us"])],
        ["Tier", "front"],
        ["IGNORE", dice.pick(["", "", "true"])],
      ]
        .filter(() => dice.between(1, odds) === 1)
        .map(([word = "", value = ""]) => [`SERVICE_${scope}${word}`, value] as const),
    );
  const some = dice.pick(ports as [Port, ...Port[]]);
  const isInternal = dice.between(0, 2) === 0;
  const mask = dice.pick(["", "/24"]);
  return {
    name: dice.pick(["web1", "shop-web_1", "a.b"]),
    image: dice.pick(["nginx", "nginx:1.25", "team/app:2", "registry.local:5000/team/app:1.2"]),
    // No two of one word: between a variable and a label, and between two ports, it is decided by what is drawn here.
    labels: {
      ...words("", 3),
      ...words(`${some.port}_`, 3),
      ...(dice.between(0, 3) === 0 && { ip: `192.0.2.9${mask}` }),
      ...(dice.between(0, 5) === 0 && { "com.example.other": "x" }),
    },
    env: { ...words("", 3), ...words(`${dice.pick([80, 443, 7])}_`, 4), PATH: "/bin" },
    ports,
    flags: {
      ...(dice.between(0, 2) === 0 && { ip: dice.pick(["192.0.2.1", "2001:db8::1"]) }),
      ...(dice.between(0, 2) === 0 && { tags: "prod" }),
      ...(dice.between(0, 3) === 0 && { useIpFromLabel: "ip" }),
    },
    isInternal,
    isExplicit: dice.between(0, 3) === 0,
  };
}

function rowOf(drawn: Drawn): LayoutRow {
  const { flags, isInternal, isExplicit, ports, name, image, labels, env } = drawn;
  return {
    name: "drawn",
    flags: [
      ...Object.entries(flags).map(([flag, value]) => `-${flag}=${value}`),
      ...(isInternal ? ["-internal"] : []),
      ...(isExplicit ? ["-explicit"] : []),
    ],
    container: {
      name,
      image,
      labels,
      env,
      ports: ports.map(({ port, protocol, published }) =>
        published === undefined ? `${port}/${protocol}` : `0.0.0.0:${published}->${port}/${protocol}`,
      ),
    },
    registrator: registrator(drawn),
  };
}

const inOrder = (rows: readonly Written[]): readonly Written[] => rows.toSorted((a, b) => (a.key < b.key ? -1 : 1));

it(`of ${CONTAINERS} containers drawn at random, what fairlead writes is what Registrator writes`, { timeout: 60_000 }, () => {
  const dice = createDice(5);
  let entries = 0;
  for (let i = 0; i < CONTAINERS; i += 1) {
    const row = rowOf(draw(dice));
    const wanted = inOrder(row.registrator);
    entries += wanted.length;
    expect({ row, written: writtenBy(row) }).toEqual({ row, written: wanted });
  }
  expect(entries).toBeGreaterThan(CONTAINERS);
});
