import { readPointer } from "../../core/pointer.ts";
import { HEALTHS, type Health } from "../../model/instance.ts";
import { createReader, type PointerRule, pointerOf, type Rule, type Scalar } from "./rule.ts";

/** Which values at the pointer mean what. A value that none of the lists holds is critical where `passing` is given, else passing. */
export interface HealthRule {
  readonly pointer: string;
  /** The pointer leads to a list of checks, and this one from a check to its value: the worst of them counts. */
  readonly each?: string | undefined;
  readonly passing?: readonly Scalar[] | undefined;
  readonly warning?: readonly Scalar[] | undefined;
  readonly critical?: readonly Scalar[] | undefined;
  /** Where nothing stands there, or an empty list; absent: unknown. */
  readonly default?: Health | undefined;
}

export interface HealthRead {
  readonly health: Health;
  readonly problem?: string;
}

export type HealthReader = (item: unknown) => HealthRead;

/** Without a rule an item is taken for healthy, as one that a person writes down. */
export function createHealthReader(rule: Rule | HealthRule | undefined): HealthReader {
  if (rule === undefined) {
    return () => ({ health: "passing" });
  }
  return isHealthRule(rule) ? judgeByLists(rule) : judgeByWord(rule);
}

function isHealthRule(rule: Rule | HealthRule): rule is HealthRule {
  return typeof rule === "object" && ["each", "passing", "warning", "critical"].some((key) => key in rule);
}

/** fairlead's own words, or true and false. */
function judgeByWord(rule: string | number | PointerRule | { readonly value: Scalar }): HealthReader {
  const { from, read } = createReader(rule);
  return (item) => {
    const value = read(item);
    if (value === undefined || value === null) {
      return { health: "unknown" };
    }
    const health = typeof value === "boolean" ? (value ? "passing" : "critical") : HEALTHS.find((word) => word === value);
    return health === undefined ? { health: "unknown", problem: `${from} is none of ${HEALTHS.join(", ")}` } : { health };
  };
}

function judgeByLists({ pointer, each, default: fallback = "unknown", ...lists }: HealthRule): HealthReader {
  const place = pointerOf(pointer);
  const inner = each === undefined ? undefined : pointerOf(each);
  const { passing = [], warning = [], critical = [] } = lists;
  const meanings = new Map<unknown, Health>([
    ...passing.map((value) => [value, "passing"] as const),
    ...warning.map((value) => [value, "warning"] as const),
    ...critical.map((value) => [value, "critical"] as const),
  ]);
  const otherwise: Health = passing.length > 0 ? "critical" : "passing";
  function judge(value: unknown): Health {
    return value === undefined || value === null ? fallback : (meanings.get(value) ?? otherwise);
  }
  return (item) => {
    const value = readPointer(item, place);
    if (inner === undefined || value === undefined || value === null) {
      return { health: judge(value) };
    }
    if (!Array.isArray(value)) {
      return { health: "unknown", problem: `${pointer} is no list` };
    }
    return { health: value.length === 0 ? fallback : worst(value.map((check) => judge(readPointer(check, inner)))) };
  };
}

const WORST_FIRST: readonly Health[] = ["critical", "warning", "unknown", "passing"];

function worst(healths: readonly Health[]): Health {
  return WORST_FIRST.find((health) => healths.includes(health)) ?? "unknown";
}
