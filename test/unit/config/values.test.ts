import { describe, expect, it } from "vitest";
import { parseDuration, parseMode, parseSize, splitCommand } from "../../../src/config/values.ts";

describe("parseDuration", () => {
  it.each<[string, number | undefined]>([
    ["250ms", 250],
    ["5s", 5000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
    ["0ms", 0],
    ["5", undefined],
    ["-5s", undefined],
    ["5 s", undefined],
    ["", undefined],
    ["5sec", undefined],
  ])("%s", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});

describe("parseSize", () => {
  it.each<[string, number | undefined]>([
    ["0B", 0],
    ["512B", 512],
    ["64KiB", 65_536],
    ["16MiB", 16_777_216],
    ["1GiB", 1_073_741_824],
    ["64", undefined],
    ["64KB", undefined],
    ["1.5MiB", undefined],
    ["-1B", undefined],
    ["", undefined],
  ])("%s", (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });
});

describe("parseMode", () => {
  it.each<[string, number | undefined]>([
    ["0644", 0o644],
    ["600", 0o600],
    ["0999", undefined],
    ["rw", undefined],
    ["04755", undefined],
  ])("%s", (text, expected) => {
    expect(parseMode(text)).toBe(expected);
  });
});

describe("splitCommand", () => {
  it.each<[string, readonly string[] | undefined]>([
    ["nginx -s reload", ["nginx", "-s", "reload"]],
    ["  a\t b ", ["a", "b"]],
    [`sh -c 'kill -HUP "$1"'`, ["sh", "-c", `kill -HUP "$1"`]],
    [`a "b \\" \\\\ \\n c"`, ["a", `b " \\ \\n c`]],
    ["a\\ b c", ["a b", "c"]],
    [`""`, [""]],
    [`a''b`, ["ab"]],
    ["a;b && c | d", ["a;b", "&&", "c", "|", "d"]],
    ["", []],
    [`a 'b`, undefined],
    ["a\\", undefined],
  ])("%s", (line, expected) => {
    expect(splitCommand(line)).toEqual(expected);
  });
});
