import { expect, it } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import { createJoin, joinListed } from "../../../src/registrator/join.ts";
import { recordLog } from "../../helpers/quiet-log.ts";

function instance(service: string, id: string, port = 80): Instance {
  return { id, service, address: "10.0.0.1", port, protocol: "tcp", tags: [], meta: {}, health: "passing" };
}

const DOCKER = { source: "docker", instances: [instance("web", "a"), instance("db", "a")] };
const HTTP = { source: "http", instances: [instance("web", "a", 81), instance("web", "b")] };

it("of two sources that use one id in one service, the first of the configuration keeps it", () => {
  const { instances, doubles } = joinListed([DOCKER, HTTP]);
  expect(instances).toEqual([instance("web", "a"), instance("db", "a"), instance("web", "b")]);
  expect(doubles).toEqual([{ instance: instance("web", "a", 81), source: "http", holder: "docker" }]);
});

it("a double is told once, and again when it had been gone", () => {
  const log = recordLog();
  const join = createJoin(log);
  join([DOCKER, HTTP]);
  join([DOCKER, HTTP]);
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ service: "web", id: "a", source: "http", holder: "docker" }]);
  join([DOCKER]);
  join([DOCKER, HTTP]);
  expect(log.lines).toHaveLength(2);
});
