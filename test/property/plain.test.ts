import { describe, expect, test } from "vitest";
import { type FormatName, isPlain, marksAll } from "../../src/render/formats/index.ts";
import { readHaproxy } from "../unit/render/formats/haproxy-words.ts";
import { readNginx } from "../unit/render/formats/nginx-tokens.ts";
import { PLACES } from "../unit/render/formats/places.ts";
import { createRandom, hostileValue } from "../unit/render/formats/values.ts";

/** Values that are inserted without a mark, because the format says that they are plain. */
const PLAIN_VALUES = 100_000;
const PLACES_OF_A_VALUE = 2;
/** What plain values are made of, and what they are made of nearly. */
const NEARLY = "0123456789.:[]-/web@%+,=~_";

const rows: readonly (readonly [FormatName, (text: string) => unknown])[] = [
  ["nginx", readNginx],
  ["haproxy", (text) => readHaproxy(text).slice(1)],
  ["text", (text) => text],
];

describe("G2: a plain value needs no mark", () => {
  test.each(rows)(
    "%s: it arrives as it is in every place of a template that does not mark all",
    { timeout: 120_000 },
    (format, read) => {
      const places = PLACES[format].filter(({ text }) => !marksAll(format, text.replaceAll("@@", "{{x}}")));
      const random = createRandom(21);
      const wrong: unknown[] = [];
      for (let plain = 0; plain < PLAIN_VALUES; ) {
        const value = random(3) === 0 ? hostileValue(random) : nearlyPlain(random);
        if (!isPlain(format, value)) {
          continue;
        }
        plain += 1;
        for (let i = 0; i < PLACES_OF_A_VALUE; i += 1) {
          const row = places[random(places.length)];
          const text = row?.text.replaceAll("@@", () => value) ?? "";
          const got = JSON.stringify(attempt(() => read(text)));
          if (row !== undefined && got !== JSON.stringify(row.expect(value))) {
            wrong.push({ place: row.text, value, got });
          }
        }
      }
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(places.length).toBeGreaterThanOrEqual(2);
    },
  );

  test.each(["json", "yaml", "toml", "env", "shell", "ini", "xml"] as const)("%s marks every value", (format) => {
    const random = createRandom(22);
    const plain = Array.from({ length: 20_000 }, () => nearlyPlain(random)).filter((value) => isPlain(format, value));
    expect(plain).toEqual([]);
  });
});

function nearlyPlain(random: (below: number) => number): string {
  return Array.from({ length: 1 + random(6) }, () => NEARLY[random(NEARLY.length)] ?? "").join("");
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
}
