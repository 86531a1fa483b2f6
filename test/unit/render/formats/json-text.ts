/** JSON, behind a comment of the template's at the most. */
export function readJson(text: string): unknown {
  return JSON.parse(text.replace(/^(\/\/[^\n]*\n|\/\*.*?\*\/)/s, ""));
}
