/**
 * Reads one line as haproxy 2.6 does (`parse_line` of `tools.c`): words with quotes anywhere in them. The variable `ARG` is `arg`.
 * @throws where haproxy reports an error
 */
export function readHaproxy(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (char === "\n" && quote !== "") {
      throw new Error("unterminated quote");
    }
    if (quote === "" && (char === "#" || char === "\n")) {
      break;
    }
    if (quote === "" && /[ \t\r]/.test(char)) {
      words.push(...(word === undefined ? [] : [word]));
      word = undefined;
      continue;
    }
    word ??= "";
    if (char === quote || (quote === "" && (char === '"' || char === "'"))) {
      quote = char === quote ? "" : char;
    } else if (char === "\\" && quote !== "'") {
      at += 1;
      const escaped = line.charAt(at);
      const known = /[\\"'# ]/.test(escaped) || (escaped === "$" && quote === '"');
      word += known ? escaped : ({ n: "\n", r: "\r", t: "\t" }[escaped] ?? `\\${escaped}`);
    } else if (char === "$" && quote === '"') {
      const name = /^\$(?:\{ARG\}|ARG(?!\w))/.exec(line.slice(at));
      if (name === null) {
        throw new Error("a variable that is not set");
      }
      word += "arg";
      at += name[0].length - 1;
    } else {
      word += char;
    }
  }
  if (quote !== "") {
    throw new Error("unterminated quote");
  }
  return word === undefined ? words : [...words, word];
}
