import { BaseSequencer, type TestSpecification } from "vitest/node";

/** They take minutes, mostly waiting: begun last, everything else would be done long before them. */
const LONGEST = ["consul-kv", "consul", "churn", "registrator-life", "guard", "etcd-faults", "two-fairleads", "kill"];

/** Vitest's own order, but for the files that take longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`) && !moduleId.includes("/unit/"));
  return rank === -1 ? LONGEST.length : rank;
}
