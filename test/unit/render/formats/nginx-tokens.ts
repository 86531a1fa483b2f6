/**
 * Reads a configuration as nginx 1.22 does: `ngx_conf_read_token` of `ngx_conf_file.c`, state by state, so that the scanner is judged by
 * other code than its own. Statements are lists of words, blocks are `"{"` and `"}"`.
 * @throws where nginx reports an error
 */
export function readNginx(text: string): unknown[] {
  const result: unknown[] = [];
  let words: string[] = [];
  let start = 0;
  let lastSpace = true;
  let sharpComment = false;
  let quoted = false;
  let variable = false;
  let doubleQuoted = false;
  let singleQuoted = false;
  let needSpace = false;
  const blank = new Set([" ", "\t", "\r", "\n"]);

  function endStatement(char: string): void {
    if (char === "}") {
      if (words.length > 0) {
        throw new Error('unexpected "}"');
      }
      result.push("}");
      return;
    }
    if (words.length === 0) {
      throw new Error(`unexpected "${char}"`);
    }
    result.push(words);
    if (char === "{") {
      result.push("{");
    }
    words = [];
  }

  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "\n") {
      sharpComment = false;
    }
    if (sharpComment) {
      continue;
    }
    if (quoted) {
      quoted = false;
      continue;
    }
    if (needSpace) {
      if (blank.has(char)) {
        lastSpace = true;
        needSpace = false;
        continue;
      }
      if (char === ";" || char === "{") {
        needSpace = false;
        lastSpace = true;
        endStatement(char);
        continue;
      }
      if (char !== ")") {
        throw new Error(`unexpected "${char}"`);
      }
      lastSpace = true;
      needSpace = false;
    }
    if (lastSpace) {
      start = at;
      if (blank.has(char)) {
        continue;
      }
      if (char === ";" || char === "{" || char === "}") {
        endStatement(char);
        continue;
      }
      lastSpace = false;
      if (char === "#") {
        sharpComment = true;
        lastSpace = true;
      } else if (char === "\\") {
        quoted = true;
      } else if (char === '"' || char === "'") {
        start += 1;
        doubleQuoted = char === '"';
        singleQuoted = char === "'";
      } else if (char === "$") {
        variable = true;
      }
      continue;
    }
    if (char === "{" && variable) {
      continue;
    }
    variable = false;
    if (char === "\\") {
      quoted = true;
      continue;
    }
    if (char === "$") {
      variable = true;
      continue;
    }
    let found = false;
    if (doubleQuoted || singleQuoted) {
      if (char === (doubleQuoted ? '"' : "'")) {
        doubleQuoted = false;
        singleQuoted = false;
        needSpace = true;
        found = true;
      }
    } else if (blank.has(char) || char === ";" || char === "{") {
      lastSpace = true;
      found = true;
    }
    if (found) {
      words.push(unescape(text.slice(start, at)));
      if (!needSpace && (char === ";" || char === "{")) {
        endStatement(char);
      }
    }
  }
  if (words.length > 0 || !lastSpace) {
    throw new Error("unexpected end of file");
  }
  return result;
}

const NGINX_ESCAPES: Readonly<Record<string, string>> = { '"': '"', "'": "'", "\\": "\\", t: "\t", r: "\r", n: "\n" };

function unescape(text: string): string {
  return text.replace(/\\(["'\\trn])/g, (_, char: string) => NGINX_ESCAPES[char] ?? "");
}
