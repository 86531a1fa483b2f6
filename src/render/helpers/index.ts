import { DATA_HELPERS } from "./data.ts";
import type { HelperEntry } from "./entry.ts";
import { LIST_HELPERS } from "./lists.ts";
import { LOGIC_HELPERS } from "./logic.ts";
import { NETWORK_HELPERS } from "./network.ts";
import { NUMBER_HELPERS } from "./numbers.ts";
import { TEXT_HELPERS } from "./text.ts";

export type { HelperEntry } from "./entry.ts";
export { Structure } from "./values.ts";

/** Every helper that shapes data, by topic. Adding one is an entry in its topic's table. */
export const HELPERS: readonly HelperEntry[] = [
  ...TEXT_HELPERS,
  ...NUMBER_HELPERS,
  ...LOGIC_HELPERS,
  ...LIST_HELPERS,
  ...NETWORK_HELPERS,
  ...DATA_HELPERS,
];
