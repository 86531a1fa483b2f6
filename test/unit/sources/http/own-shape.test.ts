import { describe, expect, it } from "vitest";
import { createOwnShapeMapper } from "../../../../src/sources/http/own-shape.ts";
import { MADE } from "./item.ts";

describe("items in fairlead's own shape", () => {
  const map = createOwnShapeMapper({ node: "n1" });
  it("are instances with a service, as in a services file", () => {
    expect(map({ service: "web", address: "10.0.0.5", port: 8080 }).instances).toEqual([MADE]);
  });

  it("are services with their instances, as `fairlead services --json` prints them", () => {
    const printed = { ...MADE, id: "n9:web:80", node: "n9", weight: 2, health: "critical", meta: { host: "a.example" } };
    const { instances, skipped } = map({ name: "web", tags: [], instances: [printed, { address: "10.0.0.5", port: 8080 }] });
    expect(skipped).toEqual([]);
    expect(instances).toEqual([{ ...MADE, id: "n9:web:80", weight: 2, health: "critical", meta: { host: "a.example" } }, MADE]);
  });

  it.each<[string, unknown, string]>([
    ["no object", "web", "it is no object"],
    ["no service", { address: "10.0.0.5", port: 80 }, "it has no `service`, which is a text"],
    [
      "a service with a line break",
      { service: "a\nb", address: "10.0.0.5", port: 80 },
      "the service's name holds a control character",
    ],
    [
      "no address",
      { service: "web", port: 80 },
      "the instance has no `address` (IPv6 is written without brackets; the port has a key of its own)",
    ],
    [
      "a key that nobody knows",
      { service: "web", address: "10.0.0.5", port: 80, helth: "critical" },
      'unknown key "helth" (did you mean "health"?)',
    ],
  ])("are left out with %s", (_what, item, reason) => {
    const { instances, skipped } = map(item);
    expect(instances).toEqual([]);
    expect(skipped[0]?.reason).toBe(reason);
  });

  it("lose a host that is none, and nothing else", () => {
    const { instances, skipped } = map({ service: "web", address: "10.0.0.5", port: 8080, meta: { host: "a b", version: "1" } });
    expect(instances).toEqual([{ ...MADE, meta: { version: "1" } }]);
    expect(skipped).toEqual([{ kind: "problem", reason: 'meta "host" is no host name; it was left out' }]);
  });
});
