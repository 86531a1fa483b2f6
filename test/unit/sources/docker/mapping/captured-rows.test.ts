import { describe, expect, test } from "vitest";
import type { Instance } from "../../../../../src/model/instance.ts";
import { mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { VERSIONS } from "../../../../helpers/docker-table/answers.ts";
import { readCapturedRows } from "../../../../helpers/docker-table/captured-rows.ts";
import { TABLE } from "../../../../helpers/docker-table/index.ts";
import { instanceInWordsOfRow, inWordsOfRow } from "../../../../helpers/docker-table/row-words.ts";
import { makeOptions } from "../build.ts";

test("every row that a real engine shows was captured", () => {
  const wanted = TABLE.filter(({ real }) => real === true).map(({ topic, name }) => `${topic}: ${name}`);
  expect(readCapturedRows("api-1.41").map(({ key }) => key)).toEqual(wanted);
  expect(readCapturedRows("api-1.51").map(({ key }) => key)).toEqual(wanted);
});

describe.each(VERSIONS)("rows as a real engine answered about them, in the shape of %s", (version) => {
  test.each(readCapturedRows(version))("$key", ({ read, words, options, wanted, skipped = [] }) => {
    const mapped = mapContainer(read, makeOptions(options));
    const instances = mapped.instances.map((instance) => instanceInWordsOfRow(words, instance));
    expect(instances.map((instance, i) => pick(instance, Object.keys(wanted[i] ?? {})))).toEqual(wanted);
    const texts = mapped.skipped.map(({ port, reason }) =>
      inWordsOfRow(words, port === undefined ? reason : `${port}: ${reason}`),
    );
    expect(texts).toEqual(skipped.map((text) => (typeof text === "string" ? text : expect.stringMatching(text))));
  });
});

function pick(instance: Instance, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(instance).filter(([key]) => keys.includes(key)));
}
