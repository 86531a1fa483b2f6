import { describe, expect, it } from "vitest";
import { mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { needsInspection } from "../../../../../src/sources/docker/mapping/needs.ts";
import { originOf } from "../../../../../src/sources/docker/mapping/origin.ts";
import { createJudge } from "../../../../../src/sources/policy.ts";
import { makeContainer, makeOptions } from "../build.ts";

describe("a policy over containers", () => {
  const judge = createJudge([{ from: { image: "team-a/*" }, services: ["a-*"], hosts: ["*.a.example"] }]);

  it("G2 leaves out what a label asks for and no rule allows, with the reason, and the container's other ports stay", () => {
    const labels = {
      "fairlead.80.service": "a-web",
      "fairlead.80.host": "www.a.example",
      "fairlead.443.service": "a-admin",
      "fairlead.443.host": "login.bank.example",
    };
    const container = makeContainer({ image: "team-a/web:1", labels, ports: ["0.0.0.0:8080->80", "0.0.0.0:8443->443"] });
    const mapped = mapContainer(container, makeOptions({ judge }));
    expect(mapped.instances).toMatchObject([{ service: "a-web", port: 8080 }]);
    expect(mapped.skipped).toEqual([
      { port: 443, kind: "problem", reason: 'policy: rule 1 does not allow the host "login.bank.example"' },
    ]);
    expect(mapContainer(container, makeOptions()).instances).toHaveLength(2);
  });

  it("judges the name that the instance really gets", () => {
    const container = makeContainer({ image: "team-a/a-web:1", ports: ["0.0.0.0:8080->80"] });
    expect(mapContainer(container, makeOptions({ judge })).instances).toMatchObject([{ service: "a-web" }]);
  });

  it("asks the engine for the image's name where the list has only an id", () => {
    const container = makeContainer({ image: "0123456789ab", labels: { "com.docker.compose.service": "web" } });
    expect(needsInspection(container, { env: false, mode: "published" })).toBe(false);
    expect(needsInspection(container, { env: false, mode: "published", judge })).toBe(true);
  });
});

describe("the networks of a container, for a policy,", () => {
  it.each([
    ["are those it is attached to", { kind: "own", attached: [{ network: "front", address: "10.0.0.2" }] }, ["front"]],
    ["are the host's", { kind: "host" }, ["host"]],
    [
      "are those of the container whose network it lives in",
      { kind: "shared", with: "x", of: { kind: "own", attached: [{ network: "back", address: "10.0.0.2" }] } },
      ["back"],
    ],
    ["are none, where that container is gone", { kind: "shared", with: "x" }, []],
  ] as const)("%s", (_what, network, expected) => {
    expect(originOf({ ...makeContainer(), network }).networks).toEqual(expected);
  });
});
