/** Which files stand at some paths: one that was put over another is a different one, whatever it holds. */
import { lstat } from "node:fs/promises";

export async function identify(paths: readonly string[]): Promise<string> {
  const identities = paths.map(async (path) => {
    const stats = await lstat(path, { bigint: true }).catch(() => undefined); // not there
    return stats === undefined ? "none" : `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
  });
  return (await Promise.all(identities)).join(" ");
}
