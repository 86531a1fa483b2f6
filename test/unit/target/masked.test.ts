import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GENERATION_MARK, type RenderedFile } from "../../../src/ports.ts";
import { applyOptions, file, type StagedTargets, sh, stageTargets } from "./stage-target.ts";

let staged: StagedTargets;
beforeEach(async () => {
  staged = await stageTargets();
});
afterEach(() => staged.clean());

const options = applyOptions();

function secret(value: string): RenderedFile {
  return file(staged.dest, `${GENERATION_MARK} pass ${value}\n`, { masked: () => `${GENERATION_MARK} pass ***\n` });
}

describe("what may be shown of a file with secrets (G11)", () => {
  it.each([
    ["bare", {}],
    ["with a check", { check: sh("true") }],
  ])("of a target %s is masked before and after, generation included, also in another process", async (_, commands) => {
    const first = await staged.target(commands).apply([secret("one")], options);
    expect(first.files[0]?.masked).toEqual({ after: Buffer.from(`${first.generation} pass ***\n`) });
    const second = await staged.target(commands).apply([secret("two")], { ...options, dryRun: true });
    expect(second.files[0]?.masked).toEqual({
      before: Buffer.from(`${first.generation} pass ***\n`),
      after: Buffer.from(`${second.generation} pass ***\n`),
    });
  });

  it("has no before where somebody else made the file, also when a secret is not read any more", async () => {
    await staged.write("pass by hand\n");
    expect((await staged.target().apply([secret("one")], options)).files[0]?.masked).not.toHaveProperty("before");
    await staged.write("pass one, by hand\n");
    const plain = await staged.target().apply([file(staged.dest, "no secret\n")], options);
    expect(plain.files[0]?.masked).toEqual({ after: Buffer.from("no secret\n") });
  });

  it("is everything where no secret was ever read", async () => {
    await staged.target().apply([file(staged.dest, "one\n")], options);
    expect((await staged.target().apply([file(staged.dest, "two\n")], options)).files[0]).not.toHaveProperty("masked");
  });

  it("is masked when a state is gone back to", async () => {
    const app = staged.target();
    await app.apply([secret("one")], options);
    await app.apply([secret("two")], options);
    const back = await app.rollBack({}, options);
    expect(back.files[0]?.masked?.before?.toString()).toContain("pass ***");
    expect(back.files[0]?.masked?.after?.toString()).toContain("pass ***");
  });
});
