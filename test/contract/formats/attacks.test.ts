import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { FORMAT_NAMES, type FormatName } from "../../../src/render/formats/index.ts";
import { readHaproxy } from "../../unit/render/formats/haproxy-words.ts";
import { readJson } from "../../unit/render/formats/json-text.ts";
import { readNginx } from "../../unit/render/formats/nginx-tokens.ts";
import { PLACES } from "../../unit/render/formats/places.ts";
import { ATTACKS } from "./attacks.ts";
import { type Arrival, attackFormat, type Outcomes, sentences } from "./corpus.ts";
import { readHere, readInPython, readInShell } from "./readers.ts";

const outcomes = new Map<FormatName, Outcomes>();
function attacked(format: FormatName): Outcomes {
  const known = outcomes.get(format) ?? attackFormat(format);
  outcomes.set(format, known);
  return known;
}

test.each(FORMAT_NAMES)("%s", (format) => {
  const { tried, places, arrived, refused, nameless } = attacked(format);
  console.log(format, { tried, places, arrived: arrived.length, refused: refused.length, sentences: sentences(refused).size });
  expect(nameless.slice(0, 5)).toEqual([]);
});

test("json", () => {
  expect(readHere(attacked("json").arrived, readJson)).toEqual([]);
  expect(readInPython("json", attacked("json").arrived)).toEqual([]);
});
test("yaml", () => {
  for (const version of ["1.1", "1.2"] as const) {
    expect(
      readHere(attacked("yaml").arrived, (text) => parse(text, { version, uniqueKeys: false, logLevel: "error" }) as unknown),
    ).toEqual([]);
  }
});
test("pyyaml", () => {
  expect(readInPython("yaml", attacked("yaml").arrived)).toEqual([]);
});
test("toml", () => {
  expect(readInPython("toml", attacked("toml").arrived)).toEqual([]);
});
test("xml", () => {
  expect(readInPython("xml", attacked("xml").arrived)).toEqual([]);
});
test("ini", () => {
  expect(readInPython("ini", attacked("ini").arrived)).toEqual([]);
});
test.each(["dash", "bash"])("env %s", (shell) => {
  expect(readInShell([shell], attacked("env").arrived)).toEqual([]);
});
test.each(["dash", "bash"])("shell %s", (shell) => {
  expect(readInShell([shell], attacked("shell").arrived)).toEqual([]);
});
test("nginx", () => {
  expect(readHere(attacked("nginx").arrived, readNginx)).toEqual([]);
});
test("haproxy", () => {
  expect(readHere(attacked("haproxy").arrived, (text) => readHaproxy(text).slice(1))).toEqual([]);
});
test("text", () => {
  expect(readHere(attacked("text").arrived, (text) => text)).toEqual([]);
});
