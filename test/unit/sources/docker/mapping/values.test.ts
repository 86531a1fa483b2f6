import { expect, test } from "vitest";
import { isHostName, isPath, parseTags, parseWeight } from "../../../../../src/sources/docker/mapping/values.ts";

test.each(["a", "a.example", "A-1.b_c.example", "*.example", "a.*", "10.0.0.1", "xn--mnchen-3ya.de"])("%s is a host", (text) => {
  expect(isHostName(text)).toBe(true);
});

test.each([
  "",
  ".",
  "*",
  "*.*",
  "a..b",
  "-a",
  "a-",
  "a b",
  "a;b",
  "a{",
  "$host",
  "a\nb",
  "~^a",
  "münchen.de",
  "a:80",
  "a.example/",
  "b*.a",
  `${"x".repeat(64)}.a`,
  `${"x.".repeat(126)}xy`,
])("%j is no host", (text) => {
  expect(isHostName(text)).toBe(false);
});

test.each(["/", "/a/b", "/a%20b", "/~me/", "/a;b=1", "/@x"])("%s is a path", (text) => {
  expect(isPath(text)).toBe(true);
});

test.each([
  "",
  "a",
  "~^/a",
  "/a b",
  "/$x",
  "/a\nb",
  "/a%2",
  "/a%zz",
  "/a?b",
  "/a#b",
  "/a{b}",
  '/"',
  "/ä",
  `/${"x".repeat(1024)}`,
])("%j is no path", (text) => {
  expect(isPath(text)).toBe(false);
});

test.each([
  ["", []],
  ["a", ["a"]],
  ["b,a,b", ["b", "a", "b"]],
  [" a , b ", ["a", "b"]],
  ["a\\,b", ["a,b"]],
  ["a\\,,\\,b", ["a,", ",b"]],
  ["a\\b", ["a\\b"]],
  [",,", []],
])("tags of %j", (text, wanted) => {
  expect(parseTags(text)).toEqual(wanted);
});

test.each([
  ["0", 0],
  ["10", 10],
  [" 2.5 ", 2.5],
  ["-1", undefined],
  ["1e3", undefined],
  ["Infinity", undefined],
  ["", undefined],
  ["x", undefined],
])("weight %j is %s", (text, wanted) => {
  expect(parseWeight(text)).toBe(wanted);
});
