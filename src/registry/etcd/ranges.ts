import { joinSelectors, type Selector } from "../../model/selector.ts";
import { encodeSegment } from "../codec.ts";
import type { KeyLayout } from "../store.ts";

/** All keys from `start` up to and without `end`, in byte order, which is etcd's order. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end: Buffer;
  /** For messages: the prefix it was made from. */
  readonly text: string;
}

/** More named services than this are read as all services, of which the others are dropped here. */
const MAX_SERVICE_RANGES = 32;

/** The key in etcd: as is its custom, with a slash before it. */
export function storeKey(key: string): Buffer {
  return Buffer.from(`/${key}`);
}

/** All keys that begin with `prefix`, a name without leading slash. */
export function prefixRange(prefix: string): KeyRange {
  const start = storeKey(prefix);
  return { start, end: prefixEnd(start), text: `/${prefix}` };
}

/** The smallest key that is greater than all keys with this prefix. UTF-8 has no byte 0xff, so the last one can always grow. */
function prefixEnd(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}

/** What to read and watch for a selector: sorted ranges that neither overlap nor touch. */
export function selectedRanges(layout: KeyLayout, selector: Selector): readonly KeyRange[] {
  const { services, keys } = joinSelectors(selector, { services: [], keys: [] });
  const ranges = keys.map((key) => prefixRange(layout.configKey(key)));
  const names = services === "all" ? [] : services.filter((name) => name !== "");
  const readsAll = services === "all" || names.length > MAX_SERVICE_RANGES;
  if (readsAll && layout.ownersPrefix === undefined) {
    ranges.push(spanOf(prefixRange(layout.livingPrefix), prefixRange(layout.entriesPrefix)));
  } else if (readsAll || names.length > 0) {
    const parents = [layout.entriesPrefix, ...(layout.ownersPrefix === undefined ? [] : [layout.ownersPrefix])];
    const prefixes = readsAll ? parents : parents.flatMap((parent) => names.map((name) => `${parent}${encodeSegment(name)}/`));
    ranges.push(...[layout.livingPrefix, ...prefixes].map(prefixRange));
  }
  return joinRanges(ranges);
}

/** Both ranges and what lies between, where nothing much is: with one watch there is nothing to bring into order. */
function spanOf(a: KeyRange, b: KeyRange): KeyRange {
  const [first, last] = a.start.compare(b.start) <= 0 ? [a, b] : [b, a];
  return { start: first.start, end: last.end, text: b.text };
}

function joinRanges(ranges: readonly KeyRange[]): readonly KeyRange[] {
  const joined: KeyRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.start.compare(b.start))) {
    const last = joined.at(-1);
    if (last === undefined || last.end.compare(range.start) < 0) {
      joined.push(range);
    } else if (last.end.compare(range.end) < 0) {
      joined[joined.length - 1] = { start: last.start, end: range.end, text: last.text };
    }
  }
  return joined;
}
