import { describe, expect, it } from "vitest";
import { fileDiff } from "../../../src/cli/diff.ts";
import type { FileReport } from "../../../src/ports.ts";

type Pair = readonly [before: string | undefined, after: string | undefined];

function toBytes([before, after]: Pair): Pick<FileReport, "before" | "after"> {
  return {
    ...(before !== undefined && { before: Buffer.from(before) }),
    ...(after !== undefined && { after: Buffer.from(after) }),
  };
}

/** Texts before and after, as they are and masked. */
function report(plain: Pair, masked?: Pair): FileReport {
  return { dest: "/f", changed: true, sha256: "", ...toBytes(plain), ...(masked && { masked: toBytes(masked) }) };
}

describe("a diff", () => {
  it("is plain where no secret is read, also for files that come and go", () => {
    expect(fileDiff(report(["a\n", "b\n"]))).toContain("-a\n+b");
    expect(fileDiff(report([undefined, "b\n"]))).toContain("--- /dev/null\n+++ /f");
    expect(fileDiff(report(["a\n", undefined]))).toContain("--- /f\n+++ /dev/null");
  });

  it("shows the masked texts where one is read (G11)", () => {
    const shown = fileDiff(
      report(["pass hunter1\nport 1\n", "pass hunter1\nport 2\n"], ["pass ***\nport 1\n", "pass ***\nport 2\n"]),
    );
    expect(shown).toContain("-port 1\n+port 2");
    expect(shown).not.toMatch(/hunter|secrets changed/);
  });

  it("says that a secret changed, and shows neither value (G11)", () => {
    const shown = fileDiff(
      report(["pass hunter1\nport 1\n", "pass hunter2\nport 1\n"], ["pass ***\nport 1\n", "pass ***\nport 1\n"]),
    );
    expect(shown).toBe("--- /f\n+++ /f\n(secrets changed; their values are not shown)");
    expect(shown).not.toContain("hunter");
  });

  it("does not show what fairlead did not make, and says why (G11)", () => {
    const shown = fileDiff(report(["pass hunter1\n", "pass hunter2\n"], [undefined, "pass ***\n"]));
    expect(shown).toContain("not made by fairlead");
    expect(shown).not.toContain("hunter");
  });

  it("of a first file, or one that goes, is masked too (G11)", () => {
    expect(fileDiff(report([undefined, "pass hunter2\n"], [undefined, "pass ***\n"]))).toContain("+pass ***");
    expect(fileDiff(report(["pass hunter2\n", undefined], ["pass ***\n", undefined]))).toContain("-pass ***");
  });
});
