/**
 * Patterns in which `*` stands for any text, also for none, and every other character for itself. In time that grows with the text alone:
 * the parts between the stars are looked for one after the other, and nothing is ever tried again.
 * @example createGlob("*.a.example")("www.a.example") === true
 */
export function createGlob(pattern: string): (text: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) {
    return (text) => text === pattern;
  }
  const between = rest.filter((part) => part !== "");
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) {
      return false;
    }
    const end = text.length - last.length;
    let at = first.length;
    for (const part of between) {
      const found = text.indexOf(part, at);
      if (found === -1) {
        return false;
      }
      at = found + part.length;
    }
    return at <= end;
  };
}
