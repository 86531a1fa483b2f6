import { describe, expect, it } from "vitest";
import { createJudge, type Origin, type PolicyRule } from "../../../src/sources/policy.ts";

const ORIGIN: Origin = {
  image: "registry.example/team-a/shop:1.2",
  networks: ["team-a_default", "front"],
  labels: { "com.docker.compose.project": "team-a", team: "a", tier: "web" },
};

function rule(from: PolicyRule["from"], more: Partial<PolicyRule> = {}): PolicyRule {
  return { from, services: ["*"], hosts: [], ...more };
}

function judge(rules: readonly PolicyRule[], service: string, host?: string, origin: Origin = ORIGIN): string | undefined {
  return createJudge(rules)(origin, { service, meta: host === undefined ? {} : { host } });
}

describe("whom a rule is for", () => {
  it.each<[string, PolicyRule["from"], boolean]>([
    ["everyone, where nothing is given", {}, true],
    ["an image by its registry and folder", { image: "registry.example/team-a/*" }, true],
    ["an image of another folder", { image: "registry.example/team-b/*" }, false],
    ["an image without its registry", { image: "shop:*" }, false],
    ["one of several images", { image: ["nginx", "*/shop:*"] }, true],
    ["a project", { project: "team-a" }, true],
    ["another project", { project: "team" }, false],
    ["one of its networks", { network: "front" }, true],
    ["a network by its beginning", { network: "team-a_*" }, true],
    ["another network", { network: "back" }, false],
    ["a label with its value", { label: "team=a" }, true],
    ["a label with another value", { label: "team=b" }, false],
    ["a label whatever its value", { label: "team" }, true],
    ["a label that is not there", { label: "owner" }, false],
    ["one of several labels", { label: ["owner", "tier=w*"] }, true],
    ["a label that every object has", { label: "constructor" }, false],
    ["all that is given", { image: "registry.example/*", project: "team-a", network: "front", label: "team=a" }, true],
    [
      "all that is given but the last",
      { image: "registry.example/*", project: "team-a", network: "front", label: "team=b" },
      false,
    ],
  ])("%s", (_what, from, isFor) => {
    expect(judge([rule(from)], "web")).toBe(isFor ? undefined : "no rule of the policy is for it");
  });

  it("a stack of Swarm is a project", () => {
    const origin = { ...ORIGIN, labels: { "com.docker.stack.namespace": "team-b" } };
    expect(judge([rule({ project: "team-b" })], "web", undefined, origin)).toBeUndefined();
    expect(judge([rule({ project: "team-a" })], "web", undefined, origin)).toBeDefined();
  });

  it("a container without the label of a project is in none, whatever the pattern", () => {
    expect(judge([rule({ project: "*" })], "web", undefined, { ...ORIGIN, labels: {} })).toBeDefined();
  });
});

describe("what a rule allows", () => {
  const A = rule({ project: "team-a" }, { services: ["a-*", "shop"], hosts: ["*.a.example", "Shop.Example"] });
  const B = rule({ label: "tier=web" }, { services: ["public-*"], hosts: ["www.example"] });
  const C = rule({ project: "team-c" }, { services: ["*"], hosts: ["*"] });
  const who = "policy: rule 1 does not allow";
  it.each<[string, readonly PolicyRule[], string, string | undefined, string | undefined]>([
    ["its services", [A], "a-web", undefined, undefined],
    ["no other service", [A], "b-web", undefined, `${who} the service "b-web"`],
    ["no service in other letters", [A], "A-web", undefined, `${who} the service "A-web"`],
    ["its hosts", [A], "shop", "www.a.example", undefined],
    ["its hosts in any letters", [A], "shop", "WWW.A.EXAMPLE,shop.example", undefined],
    ["no other host", [A], "shop", "www.example", `${who} the host "www.example"`],
    ["no host that only ends alike", [A], "shop", "www.evil-a.example", `${who} the host "www.evil-a.example"`],
    ["not one good host beside a bad one", [A], "shop", "www.a.example, b.example", `${who} the host "b.example"`],
    ["no wildcard that reaches further", [A], "shop", "*.example", `${who} the host "*.example"`],
    ["a wildcard inside its own", [A], "shop", "*.x.a.example", undefined],
    ["no host where it names none", [rule({})], "shop", "www.example", `${who} the host "www.example"`],
    [
      "no service where it names none",
      [rule({}, { services: [], hosts: ["*"] })],
      "shop",
      undefined,
      `${who} the service "shop"`,
    ],
    ["together with another rule: the service of one, the host of the other", [A, B], "a-web", "www.example", undefined],
    [
      "nothing of a rule that is for somebody else",
      [A, B, C],
      "web",
      undefined,
      'policy: rules 1, 2 do not allow the service "web"',
    ],
  ])("%s", (_what, rules, service, host, expected) => {
    expect(judge(rules, service, host)).toBe(expected);
  });

  it("a refusal stands in one line, whatever the name", () => {
    expect(judge([A], 'x"\n\u001b[2J')).toBe(`${who} the service "x\\"\\n\\u001b[2J"`);
  });
});
