import { describe, expect, test } from "vitest";
import { EVERYTHING, NOTHING, type Selector } from "../../../../src/model/selector.ts";
import { prefixRange, selectedRanges } from "../../../../src/registry/etcd/ranges.ts";
import { keyLayout } from "../../../../src/registry/store.ts";

const json = keyLayout({ prefix: "fairlead", kvPrefix: "", layout: "json" });
const below = keyLayout({ prefix: "a/fairlead", kvPrefix: "a/kv", layout: "json" });
const registrator = keyLayout({ prefix: "services", kvPrefix: "", layout: "registrator" });
const many = Array.from({ length: 33 }, (_, i) => `s${i}`);

const ROWS: readonly (readonly [string, ReturnType<typeof keyLayout>, Selector, readonly string[]])[] = [
  ["nothing is no range", json, NOTHING, []],
  ["everything is one range", json, EVERYTHING, ["/ 0"]],
  ["all services, with their owners", json, { services: "all", keys: [] }, ["/fairlead/owners/ /fairlead/services0"]],
  [
    "a service ends at its slash",
    json,
    { services: ["web", "a/b"], keys: [] },
    [
      "/fairlead/owners/ /fairlead/owners0",
      "/fairlead/services/a%2Fb/ /fairlead/services/a%2Fb0",
      "/fairlead/services/web/ /fairlead/services/web0",
    ],
  ],
  ["more services than make sense one by one", json, { services: many, keys: [] }, ["/fairlead/owners/ /fairlead/services0"]],
  ["an empty name is no service", json, { services: [""], keys: [] }, []],
  ["a prefix of keys is text", json, { services: [], keys: ["app/d"] }, ["/app/d /app/e"]],
  ["a prefix in another is dropped", json, { services: [], keys: ["app/d", "app/"] }, ["/app/ /app0"]],
  ["ranges that touch are one", json, { services: [], keys: ["b", "a", "d"] }, ["/a /c", "/d /e"]],
  [
    "keys of a folder beside the entries",
    below,
    { services: "all", keys: [""] },
    ["/a/fairlead/owners/ /a/fairlead/services0", "/a/kv/ /a/kv0"],
  ],
  ["beyond ASCII", json, { services: [], keys: ["ü"] }, ["/ü /ý"]],
  [
    "ownership is read beside the addresses",
    registrator,
    { services: "all", keys: [] },
    [
      "/fairlead/living/services/ /fairlead/living/services0",
      "/fairlead/owners/services/ /fairlead/owners/services0",
      "/services/ /services0",
    ],
  ],
  [
    "also that of one service",
    registrator,
    { services: ["web"], keys: [] },
    [
      "/fairlead/living/services/ /fairlead/living/services0",
      "/fairlead/owners/services/web/ /fairlead/owners/services/web0",
      "/services/web/ /services/web0",
    ],
  ],
];

describe("selectedRanges()", () => {
  test.each(ROWS)("%s", (_, layout, selector, expected) => {
    expect(selectedRanges(layout, selector).map(({ start, end }) => `${start.toString()} ${end.toString()}`)).toEqual(expected);
  });
});

describe("prefixRange()", () => {
  test.each(["", "a", "a/", "ü", "日本", "😀", "a\u007f", "a\u0000"])("holds exactly the keys that begin with %j", (prefix) => {
    const { start, end } = prefixRange(prefix);
    const isInside = (key: string): boolean => {
      const bytes = Buffer.from(`/${key}`);
      return start.compare(bytes) <= 0 && bytes.compare(end) < 0;
    };
    for (const key of [
      "",
      "a",
      "a/",
      "a/b",
      "a0",
      "b",
      "ü",
      "ü/x",
      "ý",
      "日本",
      "日本語",
      "日木",
      "😀x",
      "😁",
      "a\u007fx",
      "a\u0000",
      "a\u0001",
    ]) {
      expect(isInside(key), key).toBe(key.startsWith(prefix));
    }
  });
});
