import { describe, expect, test } from "vitest";
import { createHints } from "../../../src/core/hints.ts";

/** Lets everything run that can run without time passing. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await Promise.resolve();
  }
}

describe("createHints()", () => {
  test("any number of hints that nobody has taken are one", async () => {
    const hints = createHints();
    const controller = new AbortController();
    let count = 0;
    const reading = (async () => {
      for await (const _ of hints.read(controller.signal)) {
        count += 1;
      }
    })();
    hints.notify();
    hints.notify();
    hints.notify();
    await settle();
    expect(count).toBe(1);
    hints.notify();
    await settle();
    expect(count).toBe(2);
    controller.abort();
    await reading;
    expect(count).toBe(2);
  });

  test("hints before the reader comes and while it works are not lost", async () => {
    const hints = createHints();
    const { signal } = new AbortController();
    hints.notify();
    const reader = hints.read(signal);
    expect((await reader.next()).done).toBe(false);
    hints.notify(); // the reader is at work
    hints.notify();
    expect((await reader.next()).done).toBe(false);
    const third = reader.next();
    expect(await Promise.race([third, settle().then(() => "waiting")])).toBe("waiting");
    hints.notify();
    expect((await third).done).toBe(false);
  });

  test("an abort ends a waiting reader, without throwing", async () => {
    const hints = createHints();
    const controller = new AbortController();
    const next = hints.read(controller.signal).next();
    controller.abort(new Error("enough"));
    expect(await next).toEqual({ done: true, value: undefined });
    expect((await hints.read(controller.signal).next()).done).toBe(true);
  });

  test("fail() ends the reader with the first error, after the hints it has not seen", async () => {
    const hints = createHints();
    const { signal } = new AbortController();
    const reader = hints.read(signal);
    const first = reader.next();
    hints.notify();
    hints.fail("first");
    hints.fail("second");
    expect((await first).done).toBe(false);
    await expect(reader.next()).rejects.toBe("first");
    await expect(hints.read(signal).next()).rejects.toBe("first");
  });

  test("fail() wakes a reader that waits", async () => {
    const hints = createHints();
    const next = hints.read(new AbortController().signal).next();
    await settle();
    hints.fail("broken");
    await expect(next).rejects.toBe("broken");
  });

  test("a reader that follows an aborted one at once gets its hints", async () => {
    const hints = createHints();
    const old = new AbortController();
    const oldNext = hints.read(old.signal).next();
    await settle();
    old.abort();
    const next = hints.read(new AbortController().signal).next();
    expect((await oldNext).done).toBe(true);
    await settle();
    hints.notify();
    expect((await next).done).toBe(false);
  });

  test("two waiting readers: an abort of one ends that one only", async () => {
    const hints = createHints();
    const [one, other] = [new AbortController(), new AbortController()];
    const nexts = [hints.read(one.signal).next(), hints.read(other.signal).next()];
    await settle();
    one.abort();
    expect((await nexts[0])?.done).toBe(true);
    hints.notify();
    expect((await nexts[1])?.done).toBe(false);
  });
});
