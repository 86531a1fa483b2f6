import { describe, expect, it } from "vitest";
import { needsSwap } from "../../../../src/target/check/check.ts";
import type { CheckLevel, Staged } from "../../../../src/target/check/sandbox.ts";

const LEVELS = ["full", "network", "namespace", "basic", "swap"] as const satisfies readonly CheckLevel[];
const file = (name: string): Staged => ({ staged: `/etc/.${name}`, dest: `/etc/${name}`, replaces: true });
const many = Array.from({ length: 201 }, (_, n) => file(`${n}.conf`));

const CASES: readonly {
  readonly what: string;
  readonly staged: readonly Staged[];
  readonly argv?: readonly string[];
  readonly swapAt: readonly CheckLevel[];
}[] = [
  { what: "a file that is there is replaced", staged: [file("a")], swapAt: ["basic", "swap"] },
  {
    what: "one of the files is new",
    staged: [file("a"), { ...file("b"), replaces: false }],
    swapAt: ["namespace", "basic", "swap"],
  },
  { what: "one of the files goes", staged: [{ dest: "/etc/a", replaces: true }], swapAt: ["namespace", "basic", "swap"] },
  { what: "there are more files than can be laid in time", staged: many, swapAt: LEVELS },
  { what: "the files are named", staged: many, argv: ["cat", "{{staged.2}}"], swapAt: [] },
];

describe("files are put in place for a check", () => {
  it.each(CASES)("when $what: $swapAt", ({ staged, argv = ["true"], swapAt }) => {
    const context = { signal: new AbortController().signal, environment: {}, target: "app" };
    const job = { command: { argv, timeoutMs: 1000 }, staged, files: staged, generation: "", context };
    expect(LEVELS.filter((level) => needsSwap(job, level))).toEqual(swapAt);
  });
});
