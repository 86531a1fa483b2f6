import { childAbort, createAlarm, createBackoff, jitter, monotonicMs, type Random, sleep } from "../../core/time.ts";
import { hasCode } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import { createEcho } from "./echo.ts";
import type { DockerClient } from "./engine/client.ts";
import type { EngineEvent } from "./engine/event-lines.ts";

const RECONNECT = { minMs: 100, maxMs: 5000 };
/** A stream that stood this long was a good one: the next reconnect is quick again. */
const STEADY_MS = 5000;
/**
 * A stream that has been silent so long is opened anew: a connection that something on the way has dropped without a word looks just the
 * same, and every change would have to wait for a resync from then on.
 */
const SILENCE_MS = 60_000;
const SILENT = new Error("the stream was silent");

export interface FollowEventsOptions {
  readonly client: DockerClient;
  readonly log: Log;
  /** Look again. */
  readonly onHint: () => void;
  /** A subscription stands, and anything may have happened before. Called before the hint. */
  readonly onOpen: () => void;
  /** Called before the hint. */
  readonly onEvent: (event: EngineEvent) => void;
  readonly random?: Random;
  /** For tests; the default is a minute. */
  readonly silenceMs?: number;
}

/** Keeps an event stream open for as long as the signal lasts, whatever happens to the engine. It never rejects but for a bug. */
export async function followEvents(options: FollowEventsOptions, signal: AbortSignal): Promise<void> {
  const { client, log, onHint, random = Math.random, silenceMs = SILENCE_MS } = options;
  const echo = createEcho(onHint, signal);
  const backoff = createBackoff({ ...RECONNECT, random });
  let failures = 0;
  while (!signal.aborted) {
    let openedAt: number | undefined;
    const stream = childAbort(signal);
    const silence = createAlarm(() => stream.abort(SILENT));
    const patienceMs = jitter(silenceMs, 0.2, random);
    function onOpen(): void {
      openedAt = monotonicMs();
      silence.set(patienceMs);
      if (failures > 0) {
        log.info("docker events are followed again", { docker: client.name });
      }
      failures = 0;
      options.onOpen();
      onHint();
    }
    function onEvent(event: EngineEvent): void {
      silence.set(patienceMs);
      options.onEvent(event);
      onHint();
      echo.sound();
    }
    try {
      await client.events({ onOpen, onEvent }, stream.signal);
    } catch (error) {
      if (signal.aborted) {
        break;
      }
      if (error === SILENT) {
        continue;
      }
      if (!hasCode(error)) {
        throw error;
      }
      if (openedAt !== undefined && monotonicMs() - openedAt >= STEADY_MS) {
        backoff.reset();
      }
      failures += 1;
      const retryInMs = Math.round(backoff.next());
      // The first failure is news; an engine that stays away for an hour is no reason for a thousand lines.
      const level = failures === 1 ? "warn" : "debug";
      log[level]("docker events cannot be followed", { reason: error.message, hint: error.hint, retryInMs });
      await sleep(retryInMs, signal).catch(() => undefined); // it rejects only on abort, and then the loop ends
    } finally {
      silence.clear();
      stream.dispose();
    }
  }
  await echo.done();
}
