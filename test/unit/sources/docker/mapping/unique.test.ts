import { expect, test } from "vitest";
import { mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { withUniqueIds } from "../../../../../src/sources/docker/mapping/unique.ts";
import { type ContainerSketch, makeContainer, makeOptions } from "../build.ts";

function map(...sketches: readonly ContainerSketch[]): readonly [readonly string[], readonly string[]][] {
  const containers = sketches.map(makeContainer);
  const mapped = containers.map((container) => ({ container, ...mapContainer(container, makeOptions()) }));
  return withUniqueIds(mapped).map(({ instances, skipped }) => [
    instances.map(({ id }) => id),
    skipped.map(({ reason }) => reason),
  ]);
}

const labels = { "fairlead.id": "x" };

test("of two claimants of an id the oldest container wins, wherever it stands in the list", () => {
  expect(map({ id: "new", name: "new", createdAt: 20, labels }, { id: "old", name: "old", createdAt: 10, labels })).toEqual([
    [[], ['the instance id "x" is taken by container old']],
    [["x"], []],
  ]);
});

test("containers of one second: the first by container id", () => {
  expect(map({ id: "b", name: "b", labels }, { id: "a", name: "a", labels }).map(([ids]) => ids)).toEqual([[], ["x"]]);
});

test("two ports of one container cannot share an id either", () => {
  expect(map({ labels, ports: ["0.0.0.0:1->1", "0.0.0.0:2->2"] })).toEqual([
    [["x"], ['the instance id "x" is taken by container web1']],
  ]);
});

test("different ids are left alone", () => {
  expect(map({ id: "a", name: "a" }, { id: "b", name: "b" })).toEqual([
    [["n1:a:80"], []],
    [["n1:b:80"], []],
  ]);
});
