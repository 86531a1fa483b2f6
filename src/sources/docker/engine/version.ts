/** The newest API that this code was written against; a newer engine speaks it too. */
const NEWEST_API = "1.51";
/** The oldest that has everything we ask for: health events, and addresses in the list. */
export const OLDEST_API = "1.24";

/**
 * The API version to speak with an engine that offers `offered`; undefined when there is none, or it is too old.
 * @example negotiate("1.41") === "1.41"; negotiate("1.60") === NEWEST_API; negotiate("1.12") === undefined
 */
export function negotiate(offered: string | undefined): string | undefined {
  if (offered === undefined || !/^\d+\.\d+$/.test(offered) || compareVersions(offered, OLDEST_API) < 0) {
    return undefined;
  }
  return compareVersions(offered, NEWEST_API) < 0 ? offered : NEWEST_API;
}

function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}
