export interface Line {
  /** From 1. */
  readonly number: number;
  readonly start: number;
}

/** Finds the line of a place; the places come in the order of the text, so that it is read once. */
export function createLines(text: string): (at: number) => Line {
  let number = 1;
  let start = 0;
  let end = text.indexOf("\n");
  return (at) => {
    while (end !== -1 && end < at) {
      number += 1;
      start = end + 1;
      end = text.indexOf("\n", start);
    }
    return { number, start };
  };
}
