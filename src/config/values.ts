/** Small values as people write them. */

/** The guard of a target that says nothing about it. */
export const DEFAULT_GUARD = { maxShrink: "50%", hold: "60s", onEmpty: "hold", minInstances: 0 } as const;

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * Milliseconds of `250ms`, `5s`, `1.5m`, `2h`; undefined when it is none of these.
 * @example parseDuration("5s") === 5000
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = match?.[2] as keyof typeof UNITS_MS | undefined;
  return unit === undefined ? undefined : Number(match?.[1]) * UNITS_MS[unit];
}

const UNITS_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/**
 * Bytes of `512B`, `64KiB`, `16MiB`, `1GiB`; undefined when it is none of these.
 * @example parseSize("64KiB") === 65536
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,9})(B|KiB|MiB|GiB)$/.exec(text);
  const unit = match?.[2] as keyof typeof UNITS_BYTES | undefined;
  return unit === undefined ? undefined : Number(match?.[1]) * UNITS_BYTES[unit];
}

/**
 * The part, 0–1, of `50%`; undefined when it is no percentage.
 * @example parsePercentage("50%") === 0.5
 */
export function parsePercentage(text: string): number | undefined {
  const number = Number(/^(\d{1,3}(?:\.\d+)?)%$/.exec(text)?.[1]);
  return number <= 100 ? number / 100 : undefined;
}

/**
 * Permission bits of quoted octal.
 * @example parseMode("0644") === 0o644
 */
export function parseMode(text: string): number | undefined {
  return /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

/**
 * Splits a command line into its words as `sh` does: blanks separate, `'…'`, `"…"` and `\` quote. No variables, no patterns, no operators.
 * Undefined when a quote is not closed.
 * @example splitCommand(`sh -c 'kill -HUP 1'`) // ["sh", "-c", "kill -HUP 1"]
 */
export function splitCommand(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (/\s/.test(char)) {
      if (word !== undefined) {
        words.push(word);
        word = undefined;
      }
    } else if (char === "'" || char === '"') {
      const quoted = readQuoted(line, i);
      if (quoted === undefined) {
        return undefined;
      }
      word = (word ?? "") + quoted.text;
      i = quoted.end;
    } else if (char === "\\") {
      if (i + 1 >= line.length) {
        return undefined;
      }
      i++;
      word = (word ?? "") + line.charAt(i);
    } else {
      word = (word ?? "") + char;
    }
  }
  return word === undefined ? words : [...words, word];
}

function readQuoted(line: string, start: number): { readonly text: string; readonly end: number } | undefined {
  const quote = line.charAt(start);
  let text = "";
  for (let i = start + 1; i < line.length; i++) {
    const char = line.charAt(i);
    if (char === quote) {
      return { text, end: i };
    }
    const next = line.charAt(i + 1);
    if (quote === '"' && char === "\\" && '"\\$`'.includes(next) && next !== "") {
      text += next;
      i++;
    } else {
      text += char;
    }
  }
  return undefined;
}
