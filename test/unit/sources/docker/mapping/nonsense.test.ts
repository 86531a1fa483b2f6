import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sameEntry } from "../../../../../src/model/instance.ts";
import { decodeEntry, encodeEntry, encodeEntryPath } from "../../../../../src/registry/codec.ts";
import { joinShared, withDetails } from "../../../../../src/sources/docker/container.ts";
import { readContainerList, readDetails } from "../../../../../src/sources/docker/engine/wire.ts";
import { mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { PATIENCE } from "../../../../helpers/patience.ts";
import { makeOptions } from "../build.ts";

const folder = new URL("../../../../fixtures/docker/api-1.51/", import.meta.url);
const list = JSON.parse(readFileSync(new URL("containers.json", folder), "utf8")) as readonly {
  readonly Id: string;
  readonly Names: readonly string[];
}[];
const details = JSON.parse(readFileSync(new URL("inspect.json", folder), "utf8")) as Record<string, { readonly Config: unknown }>;

const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  true,
  -1,
  1e21,
  "",
  "\n",
  "a/../b",
  "x".repeat(5000),
  [],
  [null],
  {},
  { a: {} },
];

test("whatever an engine puts in the place of a field: nothing throws, and every instance can be stored", {
  timeout: 60_000 * PATIENCE,
}, () => {
  let mapped = 0;
  for (const item of list.filter(({ Names }) => ["/web1", "/two", "/host1", "/side1"].some((name) => Names.includes(name)))) {
    const detail = { Config: details[item.Id]?.Config };
    for (const variant of variants(item)) {
      mapped += mapAll([variant, ...list.filter((other) => other !== item)], detail);
    }
    for (const variant of variants(detail)) {
      mapped += mapAll([item], variant);
    }
  }
  expect(mapped).toBeGreaterThan(1000);
});

function mapAll(items: readonly unknown[], detail: unknown): number {
  const read = readDetails(detail);
  const containers = (readContainerList(items)?.containers ?? []).map((container, i) =>
    i === 0 && read !== undefined ? withDetails(container, read) : container,
  );
  let count = 0;
  for (const mode of ["published", "internal", "any"] as const) {
    const [first] = joinShared(containers);
    for (const instance of first === undefined ? [] : mapContainer(first, makeOptions({ mode, loopback: true })).instances) {
      const entry = { ...instance, owner: "n1" };
      const decoded = decodeEntry(encodeEntry(entry), { service: entry.service, id: entry.id });
      if (encodeEntryPath(entry).length > 401 || !decoded.ok || !sameEntry(decoded.value, entry)) {
        throw new Error(`cannot be stored: ${JSON.stringify(entry)}`);
      }
      count += 1;
    }
  }
  return count;
}

/** The value with each of its fields, at any depth, replaced by each kind of nonsense. */
function* variants(value: unknown, depth = 0): Generator {
  if (depth > 0) {
    yield* NONSENSE;
  }
  if (typeof value === "object" && value !== null && depth < 5) {
    for (const [key, inner] of Object.entries(value)) {
      for (const replaced of variants(inner, depth + 1)) {
        yield Array.isArray(value) ? value.with(Number(key), replaced) : { ...value, [key]: replaced };
      }
    }
  }
}
