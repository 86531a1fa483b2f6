import { describe, expect, it } from "vitest";
import type { Instance } from "../../../../src/model/instance.ts";
import type { ItemMap } from "../../../../src/sources/http/mapping.ts";
import { ITEM, mapOne } from "./item.ts";

describe("health", () => {
  const lists = { pointer: "/h", passing: [true, "ok"], warning: ["meh"] };
  it.each<[string, ItemMap["health"], unknown, Instance["health"]]>([
    ["is passing where the map says nothing", undefined, undefined, "passing"],
    ["is fairlead's own word", "/h", "warning", "warning"],
    ["is passing for true", "/h", true, "passing"],
    ["is critical for false", "/h", false, "critical"],
    ["is unknown where nothing stands", "/h", undefined, "unknown"],
    ["is what the configuration says", { value: "warning" }, undefined, "warning"],
    ["is the default's word", { pointer: "/h", default: "critical" }, undefined, "critical"],
    ["is passing for a value of that list", lists, "ok", "passing"],
    ["is warning for a value of that list", lists, "meh", "warning"],
    ["is critical for any other value, where passing ones are named", lists, "no", "critical"],
    ["tells a text from a boolean", lists, "true", "critical"],
    ["is passing for any other value, where only bad ones are named", { pointer: "/h", critical: ["no"] }, "so so", "passing"],
    ["is critical for a value of that list", { pointer: "/h", critical: ["no"] }, "no", "critical"],
    ["is unknown for null", lists, null, "unknown"],
    ["is the default for null", { ...lists, default: "critical" }, null, "critical"],
    ["of several checks is passing when all are", { ...lists, each: "/alive" }, [{ alive: true }, { alive: "ok" }], "passing"],
    [
      "of several checks is that of the worst",
      { ...lists, each: "/alive" },
      [{ alive: true }, { alive: "meh" }, { alive: false }],
      "critical",
    ],
    ["of several checks is unknown when one has not run", { ...lists, each: "/alive" }, [{ alive: true }, {}], "unknown"],
    ["of no checks is unknown", { ...lists, each: "/alive" }, [], "unknown"],
    ["of no checks is the default", { ...lists, each: "/alive", default: "passing" }, [], "passing"],
  ])("%s", (_what, health, value, expected) => {
    const { instances, reasons } = mapOne({ health }, { ...ITEM, h: value });
    expect({ health: instances[0]?.health, reasons }).toEqual({ health: expected, reasons: [] });
  });
});
