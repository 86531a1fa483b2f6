/** Of things that are looked at again and again: whether what is said of one is other than the last time. */
export type IsNews = (thing: string, text: string) => boolean;

/** Each call is a look; what was not spoken of in the last one is forgotten. */
export function createNews(): (look: (isNews: IsNews) => void) => void {
  let before = new Map<string, string>();
  return (look) => {
    const now = new Map<string, string>();
    look((thing, text) => {
      now.set(thing, text);
      return before.get(thing) !== text;
    });
    before = now;
  };
}
