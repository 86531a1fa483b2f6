import { describe, expect, it } from "vitest";
import type { Entry, Instance } from "../../../src/model/instance.ts";
import { settleClaims } from "../../../src/registrator/claims.ts";

/** `service host,host/path`: an instance that claims them; its id is all of it. */
function claim(text: string): Instance {
  const [service = "", target = ""] = text.split(" ");
  const [host = "", ...path] = target.split("/");
  const meta = { ...(host !== "" && { host }), ...(path.length > 0 && { path: `/${path.join("/")}` }) };
  return { id: text, service, address: "10.0.0.1", port: 80, protocol: "tcp", tags: [], meta, health: "passing" };
}

function entry(text: string, owner: string): Entry {
  return { ...claim(text), owner };
}

interface Row {
  readonly desired: readonly string[];
  readonly owned?: readonly string[];
  /** Of another node. */
  readonly others?: readonly string[];
  /** Of a program that is no fairlead. */
  readonly foreign?: readonly string[];
  readonly kept: readonly string[];
  /** `instance: host path holder`. */
  readonly refused?: readonly string[];
}

describe("a host belongs to one service", () => {
  it.each<[string, Row]>([
    ["nobody else wants it", { desired: ["web h"], kept: ["web h"] }],
    ["instances without a host claim nothing", { desired: ["web", "api"], others: ["web", "db"], kept: ["web", "api"] }],
    ["all instances of a service share it", { desired: ["web h", "web h,i"], others: ["web h"], kept: ["web h", "web h,i"] }],
    ["what is registered elsewhere beats what is new", { desired: ["a h"], others: ["b h"], kept: [], refused: ["a h: h / b"] }],
    [
      "what is registered here beats what is new here",
      { desired: ["a h", "b h"], owned: ["b h"], kept: ["b h"], refused: ["a h: h / b"] },
    ],
    ["of new ones the first name gets it", { desired: ["b h", "a h"], kept: ["a h"], refused: ["b h: h / a"] }],
    [
      "of two that registered at once, the other node's has the first name",
      { desired: ["b h"], owned: ["b h"], others: ["a h"], kept: [], refused: ["b h: h / a"] },
    ],
    [
      "of two that registered at once, ours has the first name",
      { desired: ["a h"], owned: ["a h"], others: ["b h"], kept: ["a h"] },
    ],
    ["names are ordered by code unit", { desired: ["a h", "B h"], kept: ["B h"], refused: ["a h: h / B"] }],
    [
      "a program that gives way to nobody keeps what it has",
      { desired: ["a h"], owned: ["a h"], foreign: ["b h"], kept: [], refused: ["a h: h / b"] },
    ],
    ["what this pass takes away holds nothing", { desired: ["b h"], owned: ["a h"], kept: ["b h"] }],
    [
      "a claim that is given up in this pass holds nothing",
      { desired: ["a h", "b h"], owned: ["b i"], kept: ["a h"], refused: ["b h: h / a"] },
    ],
    ["the path counts", { desired: ["a h/x", "b h/y", "c h"], kept: ["a h/x", "b h/y", "c h"] }],
    [
      "a path is the same with a slash at its end",
      { desired: ["a h/x/"], others: ["b h/x"], kept: [], refused: ["a h/x/: h /x b"] },
    ],
    ["no path is the path /", { desired: ["a h/"], others: ["b h"], kept: [], refused: ["a h/: h / b"] }],
    [
      "a host is the same in any letters",
      { desired: ["a H.Example"], others: ["b h.eXample"], kept: [], refused: ["a H.Example: h.example / b"] },
    ],
    ["who does not get all gets nothing", { desired: ["a h,i"], others: ["b i"], kept: [], refused: ["a h,i: i / b"] }],
    [
      "who gets nothing is no bar to others",
      { desired: ["b h,i", "c i"], others: ["a h"], kept: ["c i"], refused: ["b h,i: h / a"] },
    ],
    ["a host that is named like what every object has", { desired: ["a constructor"], kept: ["a constructor"] }],
  ])("%s", (_what, { desired, owned = [], others = [], foreign = [], kept, refused = [] }) => {
    const settled = settleClaims({
      desired: desired.map(claim),
      owned: owned.map((text) => entry(text, "n1")),
      others: [...others.map((text) => entry(text, "n2")), ...foreign.map((text) => entry(text, ""))],
    });
    expect(settled.kept.map(({ id }) => id)).toEqual(kept);
    expect(settled.refused.map(({ instance, host, path, holder }) => `${instance.id}: ${host} ${path} ${holder}`)).toEqual(
      refused,
    );
  });

  it("whatever the nodes see late and in whatever order they act, it ends with one holder each, and then nothing moves", () => {
    let seed = 11;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let round = 0; round < 150; round += 1) {
      const nodes = ["n1", "n2", "n3"].map((owner) => ({ owner, desired: some(random) }));
      let world: readonly Entry[] = [];
      const past: (readonly Entry[])[] = [world];
      const pass = ({ owner, desired }: (typeof nodes)[number], seen: readonly Entry[]): void => {
        const owned = world.filter((item) => item.owner === owner);
        const others = seen.filter((item) => item.owner !== owner);
        const { kept } = settleClaims({ desired, owned, others });
        world = [...world.filter((item) => item.owner !== owner), ...kept.map((item) => ({ ...item, owner }))];
        past.push(world);
      };
      for (let step = 0; step < 12; step += 1) {
        const node = nodes[random(3)];
        if (node !== undefined) {
          pass(node, past[Math.max(0, past.length - 1 - random(3))] ?? []);
        }
      }
      for (let calm = 0; calm < 3; calm += 1) {
        nodes.forEach((node) => pass(node, world));
      }
      const settled = world;
      nodes.forEach((node) => pass(node, world));
      expect(world.map(({ owner, id }) => `${owner} ${id}`).sort()).toEqual(
        settled.map(({ owner, id }) => `${owner} ${id}`).sort(),
      );
      const holders = new Map<string, Set<string>>();
      for (const { service, meta } of world) {
        for (const host of meta["host"]?.split(",") ?? []) {
          holders.set(host, (holders.get(host) ?? new Set()).add(service));
        }
      }
      expect([...holders.values()].every((services) => services.size === 1)).toBe(true);
      // Nobody goes without for nothing: who is refused asks for a host that somebody has.
      for (const { owner, desired } of nodes) {
        for (const instance of desired.filter((one) => !world.some((item) => item.owner === owner && item.id === one.id))) {
          const wanted = instance.meta["host"]?.split(",") ?? [];
          expect(wanted.some((host) => holders.has(host) && !holders.get(host)?.has(instance.service))).toBe(true);
        }
      }
    }
  });
});

function some(random: (below: number) => number): readonly Instance[] {
  const pick = (from: readonly string[]): string => from[random(from.length)] ?? "";
  const texts = Array.from({ length: random(5) }, () => `${pick(["a", "b", "c"])} ${pick(["h", "i", "h,i", "j", ""])}`);
  return [...new Set(texts)].map(claim);
}
