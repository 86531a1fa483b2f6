import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEcho } from "../../../../src/sources/docker/echo.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a burst has one soon and one late echo, counted from its last sound", async () => {
  const onEcho = vi.fn();
  const echo = createEcho(onEcho, new AbortController().signal);
  echo.sound();
  for (let i = 0; i < 20; i += 1) {
    await vi.advanceTimersByTimeAsync(50);
    echo.sound();
  }
  expect(onEcho).toHaveBeenCalledTimes(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(onEcho).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(900);
  expect(onEcho).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(onEcho).toHaveBeenCalledTimes(2);
  expect(vi.getTimerCount()).toBe(0);
  await echo.done();
});

test("a sound between the echoes soon gets its own", async () => {
  const onEcho = vi.fn();
  const echo = createEcho(onEcho, new AbortController().signal);
  echo.sound();
  await vi.advanceTimersByTimeAsync(450);
  echo.sound();
  await vi.advanceTimersByTimeAsync(200);
  expect(onEcho).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(3000);
  expect(onEcho).toHaveBeenCalledTimes(3);
});

test("after the last echo it starts afresh", async () => {
  const onEcho = vi.fn();
  const echo = createEcho(onEcho, new AbortController().signal);
  for (let i = 0; i < 3; i += 1) {
    echo.sound();
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(onEcho).toHaveBeenCalledTimes(6);
});

test("abort ends it at once", async () => {
  const onEcho = vi.fn();
  const controller = new AbortController();
  const echo = createEcho(onEcho, controller.signal);
  echo.sound();
  controller.abort();
  await echo.done();
  await vi.advanceTimersByTimeAsync(2000);
  expect(onEcho).toHaveBeenCalledTimes(0);
  expect(vi.getTimerCount()).toBe(0);
});
