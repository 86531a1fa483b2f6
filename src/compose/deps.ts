import type { Secrets } from "../observe/secrets.ts";
import type { Log } from "../ports.ts";

/** What every part is given besides its own options. */
export interface Deps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly secrets: Secrets;
}
