import { afterEach, describe, expect, it, vi } from "vitest";
import { type CheckCommand, explainCheckLevel, findCheckLevel } from "../../../../src/target/check/sandbox.ts";
import { recordLog } from "../../../helpers/quiet-log.ts";

afterEach(() => vi.restoreAllMocks());

/** The answer is kept for each PATH, so each test has one of its own. */
function contextOf(path: string, signal = new AbortController().signal) {
  return { signal, environment: { PATH: path }, target: "app", log: recordLog() };
}

const check: CheckCommand = { argv: ["true"], timeoutMs: 1000 };

describe("the level of a check", () => {
  it("is the lowest when the operator wants no sandbox, and is told as such", async () => {
    const context = contextOf("/off");
    expect(await findCheckLevel({ ...check, sandbox: "off" }, context)).toBe("swap");
    expect(context.log.lines).toEqual([
      {
        level: "info",
        message: "checks run at this level",
        fields: { target: "app", level: "swap", reason: "`sandbox: off`" },
      },
    ]);
  });

  it.each([
    ["linux", 1000, "it needs root"],
    ["darwin", 0, "it needs Linux"],
  ] as const)("is the lowest on %s as user %d: %s; nobody is warned of what is usual", async (platform, uid, reason) => {
    vi.spyOn(process, "platform", "get").mockReturnValue(platform);
    vi.spyOn(process, "getuid").mockReturnValue(uid);
    expect(await explainCheckLevel(check, contextOf(`/${platform}`))).toEqual({ level: "swap", reason });
  });

  it("is not waited for by one who was told to stop", async () => {
    const stopped = AbortSignal.abort(new Error("stopped"));
    await expect(explainCheckLevel(check, contextOf("/stopped", stopped))).rejects.toThrow("stopped");
  });
});
