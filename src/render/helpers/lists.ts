import { compareText } from "../../model/instance.ts";
import { type Arguments, helpers } from "./entry.ts";
import { createRecord, isRecord, isSame, kindOf, numberOf, textOf, valueAt } from "./values.ts";

const MAX_RANGE = 100_000;
/** Lists that grow out of themselves end here. */
const MAX_ITEMS = 2_000_000;

export const LIST_HELPERS = helpers("lists", [
  {
    signature: "sortBy list [path]",
    meaning:
      "The list in the order of what stands at `path` (or of its plain values): numbers as numbers first, then texts by code unit, then what has nothing there; equal ones stay in their order.",
    example: { template: '{{join (sortBy ports) ","}}', output: "80,443,8080", data: { ports: ["8080", "80", "443"] } },
    run: (args) => {
      const keyed = args.list("list").map((item, index) => ({ item, key: sortKey(args, at(args, item), index) }));
      return keyed.sort((a, b) => compareKeys(a.key, b.key)).map(({ item }) => item);
    },
  },
  {
    signature: "groupBy list path",
    meaning:
      "An object of lists, by what stands at `path`; an item with a list there is in every group of it, one with nothing there in none.",
    example: {
      template: '{{#each (groupBy items "zone")}}{{@key}}={{length this}} {{/each}}',
      output: "a=2 b=1 ",
      data: { items: [{ zone: "b" }, { zone: "a" }, { zone: "a" }] },
    },
    run: (args) => {
      const groups = new Map<string, unknown[]>();
      for (const item of args.list("list")) {
        for (const name of groupNames(at(args, item))) {
          const group = groups.get(name);
          if (group === undefined) {
            groups.set(name, [item]);
          } else {
            group.push(item); // copying would cost the square of a large group
          }
        }
      }
      const record = createRecord();
      for (const [name, items] of [...groups].sort(([a], [b]) => compareText(a, b))) {
        record[name] = items;
      }
      return record;
    },
  },
  {
    signature: "where list path value",
    meaning: "The items that have `value` at `path` (equal as `eq` says), or a list that holds it.",
    example: {
      template: '{{length (where items "zone" "a")}}',
      output: "2",
      data: { items: [{ zone: "b" }, { zone: "a" }, { zone: "a" }] },
    },
    run: (args) => {
      const value = args.value("value");
      return args.list("list").filter((item) => {
        const found = at(args, item);
        return Array.isArray(found) ? found.some((one) => isSame(one, value)) : isSame(found, value);
      });
    },
  },
  {
    signature: "first list",
    meaning: "The first item; absent when there is none.",
    example: { template: "{{first tags}}", output: "http", data: { tags: ["http", "blue"] } },
    run: (args) => args.list("list")[0],
  },
  {
    signature: "last list",
    meaning: "The last item; absent when there is none.",
    example: { template: "{{last tags}}", output: "blue", data: { tags: ["http", "blue"] } },
    run: (args) => args.list("list").at(-1),
  },
  {
    signature: "unique list",
    meaning: "The list without what came before in it.",
    example: { template: '{{join (unique zones) ","}}', output: "b,a", data: { zones: ["b", "a", "b"] } },
    run: (args) => {
      const seen = new Set<unknown>();
      return args.list("list").filter((item) => {
        const key = typeof item === "object" && item !== null ? JSON.stringify(item) : item;
        const identity = typeof item === "object" ? `object ${String(key)}` : typeof key === "string" ? `text ${key}` : key;
        return !seen.has(identity) && seen.add(identity);
      });
    },
  },
  {
    signature: "reverse list",
    meaning: "The list from its end.",
    example: { template: '{{join (reverse tags) ","}}', output: "blue,http", data: { tags: ["http", "blue"] } },
    run: (args) => [...args.list("list")].reverse(),
  },
  {
    signature: "range a b",
    meaning: "The whole numbers from `a` to `b`, both included; empty when `b` is less.",
    example: { template: '{{join (range 1 3) ","}}', output: "1,2,3" },
    run: (args) => {
      const from = args.integer("a");
      const length = Math.max(0, args.integer("b") - from + 1);
      return length > MAX_RANGE
        ? args.fail(`it would give more than ${MAX_RANGE} numbers`)
        : Array.from({ length }, (_, index) => from + index);
    },
  },
  {
    signature: "length x",
    meaning: "How many items a list, characters a text or fields an object has.",
    example: { template: "{{length tags}}", output: "2", data: { tags: ["http", "blue"] } },
    run: (args) => {
      const x = args.value("x");
      return Array.isArray(x) ? x.length : isRecord(x) ? Object.keys(x).length : Array.from(args.text("x")).length;
    },
  },
  {
    signature: "pluck list path",
    meaning: "The list of what stands at `path` in each item; what has nothing there is left out.",
    example: {
      template: '{{join (pluck items "meta.zone") ","}}',
      output: "a,b",
      data: { items: [{ meta: { zone: "a" } }, { meta: {} }, { meta: { zone: "b" } }] },
    },
    run: (args) => args.list("list").flatMap((item) => (isPresent(at(args, item)) ? [at(args, item)] : [])),
  },
  {
    signature: "includes list value",
    meaning: "Whether an item equals `value`, as `eq` says.",
    example: { template: '{{includes tags "blue"}}', output: "true", data: { tags: ["http", "blue"] } },
    run: (args) => {
      const value = args.value("value");
      return args.list("list").some((item) => isSame(item, value));
    },
  },
  {
    signature: "merge a b …",
    meaning: "One object with the fields of all (the last one wins, whole), or one list of the items of all.",
    example: { template: '{{join (merge a b) ","}}', output: "x,y,x", data: { a: ["x"], b: ["y", "x"] } },
    run: (args) => {
      if (args.all.every((value) => Array.isArray(value))) {
        const length = args.all.reduce((sum: number, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
        return length > MAX_ITEMS ? args.fail(`it would give more than ${MAX_ITEMS} items`) : args.all.flat();
      }
      const merged = createRecord();
      args.all.forEach((value, index) => {
        const record = isRecord(value)
          ? value
          : args.fail(`argument ${index + 1} is ${kindOf(value)}, where all are objects or all are lists`);
        for (const [name, field] of Object.entries(record)) {
          merged[name] = field;
        }
      });
      return merged;
    },
  },
]);

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** What the item has at `path`; the item itself where no path was given. */
function at(args: Arguments, item: unknown): unknown {
  return args.has("path") ? valueAt(item, args.text("path")) : item;
}

type SortKey = readonly [rank: 0, number: number] | readonly [rank: 1, text: string] | readonly [rank: 2];

function sortKey(args: Arguments, value: unknown, index: number): SortKey {
  const number = numberOf(value);
  if (number !== undefined) {
    return [0, number];
  }
  if (!isPresent(value)) {
    return [2];
  }
  return [1, textOf(value) ?? args.fail(`item ${index + 1} has ${kindOf(value)} to sort by`)];
}

function compareKeys(a: SortKey, b: SortKey): number {
  if (a[0] === 0 && b[0] === 0) {
    return a[1] - b[1];
  }
  return a[0] === 1 && b[0] === 1 ? compareText(a[1], b[1]) : a[0] - b[0];
}

function groupNames(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return [...new Set(values.flatMap((one) => textOf(one) ?? []))];
}
