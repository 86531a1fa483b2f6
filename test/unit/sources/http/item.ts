import type { Instance } from "../../../../src/model/instance.ts";
import { createItemMapper, type ItemMap } from "../../../../src/sources/http/mapping.ts";

export const BASE: ItemMap = { service: "/service", address: "/host", port: "/port" };
export const ITEM = { service: "web", host: "10.0.0.5", port: 8080 };
/** What BASE makes of ITEM. */
export const MADE: Instance = {
  id: "n1:web-10.0.0.5:8080",
  service: "web",
  address: "10.0.0.5",
  port: 8080,
  protocol: "tcp",
  tags: [],
  meta: {},
  health: "passing",
};

/** What one item becomes, with the reasons for what it does not. */
export function mapOne(
  map: Partial<ItemMap>,
  item: unknown,
): { readonly instances: readonly Instance[]; readonly reasons: readonly string[] } {
  const { instances, skipped } = createItemMapper({ ...BASE, ...map }, { node: "n1" })(item);
  return { instances, reasons: skipped.map(({ reason }) => reason) };
}
