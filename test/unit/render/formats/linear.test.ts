import { describe, expect, test } from "vitest";
import { type FormatName, markText, resolve } from "../../../../src/render/formats/index.ts";

/** Twice the text takes twice the time, wherever the values stand: a label or a key cannot make a render hang. */
const SMALL = 1500;
const TIMES = 8;
/** Eight times the text takes eight times the time when nothing is read again for each value, and 64 times when all is. */
const MAX_RATIO = 30;

interface Shape {
  readonly format: FormatName;
  readonly name: string;
  /** What is repeated; `@@` is a value. */
  readonly unit: string;
  readonly around?: readonly [head: string, tail: string];
  readonly value?: string;
}

const shapes: readonly Shape[] = [
  { format: "nginx", name: "statements", unit: "server a@@ b=@@;\n" },
  { format: "nginx", name: "one statement", unit: " @@", around: ["x y", ";"] },
  { format: "nginx", name: "one word", unit: "@@", around: ["x y", ";"] },
  { format: "nginx", name: "one pattern of empty values", unit: "@@", around: ["location ~ ^", " { }"], value: "" },
  { format: "nginx", name: "one pattern", unit: "@@|", around: ["location ~ ^", " { }"] },
  { format: "nginx", name: "one if", unit: " @@", around: ["if ( $a = b", ") { }"] },
  { format: "nginx", name: "comments behind the last value", unit: "# why\nx y;\n", around: ["x @@;\n", ""] },
  { format: "haproxy", name: "lines", unit: "server s @@\n" },
  { format: "haproxy", name: "one word", unit: "@@,", around: ["a b ", ""] },
  { format: "haproxy", name: "one word in quotes behind a $", unit: "@@,", around: ['a "${', '"'] },
  { format: "json", name: "texts", unit: "@@,\n", around: ["[", "1]"] },
  { format: "json", name: "escapes behind the last value", unit: "\\n", around: ['[@@, "', '"]'] },
  { format: "json", name: "equal keys", unit: "@@: 1,", around: ["{", '"z": 1}'] },
  { format: "yaml", name: "list", unit: "- @@\n" },
  { format: "yaml", name: "one scalar over several lines", unit: "  @@\n", around: ["a:\n", ""] },
  {
    format: "yaml",
    name: "a block scalar that begins with empty values",
    unit: "  @@\n",
    around: ["a: |\n", "  x\n"],
    value: "",
  },
  { format: "yaml", name: "one word", unit: "@@", around: ["a: x", "\n"] },
  { format: "yaml", name: "flow", unit: "@@, ", around: ["a: [", "]\n"] },
  { format: "yaml", name: "quotes", unit: "@@\n  ", around: ['a: "x', '"\n'] },
  { format: "toml", name: "array", unit: "@@,", around: ["a = [", "]\n"] },
  { format: "toml", name: "escapes behind the last value", unit: "\\n", around: ['a = @@\nb = "', '"\n'] },
  { format: "env", name: "lines", unit: 'A="@@"\n' },
  { format: "env", name: "one word", unit: "@@", around: ["A=", "\n"], value: "ab" },
  { format: "shell", name: "words", unit: " @@", around: ["echo", "\n"] },
  { format: "shell", name: "one word", unit: "@@,", around: ["echo x", "\n"] },
  { format: "shell", name: "one name", unit: "@@", around: ["", "=1\n"], value: "ab" },
  { format: "ini", name: "lines", unit: "a=@@\n", around: ["[s]\n", ""], value: "ab" },
  { format: "ini", name: "one line", unit: "@@ ", around: ["[s]\na=", "\n"], value: "ab" },
  { format: "ini", name: "quotes that are never closed", unit: 'a="@@\n', around: ["[s]\n", ""], value: "ab" },
  { format: "xml", name: "elements", unit: "<a>@@</a>", around: ["<r>", "</r>"] },
  { format: "xml", name: "one tag", unit: "@@ ", around: ["<r ", "/>"], value: "ab" },
  { format: "text", name: "lines", unit: "@@\n" },
];

describe("the time of a scan grows with the text, not with its square", () => {
  test.each(shapes)("$format: $name", (shape) => {
    // The least of several tries, since others work on the machine too.
    let ratio = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3 && ratio > MAX_RATIO; tries += 1) {
      ratio = Math.min(ratio, leastTime(shape, SMALL * TIMES, 2) / leastTime(shape, SMALL, 4));
    }
    expect(ratio).toBeLessThan(MAX_RATIO);
  });
});

function leastTime(
  { format, unit, around: [head, tail] = ["", ""], value = 'it\'s a "b"' }: Shape,
  units: number,
  tries: number,
): number {
  let index = 0;
  const text = (head + unit.repeat(units) + tail).replaceAll("@@", () => markText(index++));
  const values = Array.from({ length: index }, () => ({ value }));
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < tries; i += 1) {
    const start = processorMs();
    resolve(format, text, values);
    least = Math.min(least, processorMs() - start);
  }
  return Math.max(least, 0.2); // less is not measured well
}

/** What this process has used of the processors: others that work on the machine do not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
