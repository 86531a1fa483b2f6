import { createBackoff, monotonicMs, type Random, sleep } from "../../core/time.ts";
import { hasCode } from "../../model/errors.ts";
import type { Log } from "../../ports.ts";
import type { DockerClient } from "./client.ts";
import { createEcho } from "./echo.ts";

const RECONNECT = { minMs: 100, maxMs: 5000 };
/** A stream that stood this long was a good one: the next reconnect is quick again. */
const STEADY_MS = 5000;

export interface FollowEventsOptions {
  readonly client: DockerClient;
  readonly log: Log;
  /** Look again. Called first when a subscription stands: anything may have happened before. */
  readonly onHint: () => void;
  /** Something happened to this container. Called before the hint. */
  readonly onContainer: (containerId: string) => void;
  readonly random?: Random;
}

/** Keeps an event stream open for as long as the signal lasts, whatever happens to the engine. It never rejects but for a bug. */
export async function followEvents(options: FollowEventsOptions, signal: AbortSignal): Promise<void> {
  const { client, log, onHint, onContainer } = options;
  const echo = createEcho(onHint, signal);
  const backoff = createBackoff({ ...RECONNECT, ...(options.random !== undefined && { random: options.random }) });
  let failures = 0;
  while (!signal.aborted) {
    let openedAt: number | undefined;
    function onOpen(): void {
      openedAt = monotonicMs();
      if (failures > 0) {
        log.info("docker events are followed again", { docker: client.name });
      }
      onHint();
    }
    function onEvent(containerId: string | undefined): void {
      if (containerId !== undefined) {
        onContainer(containerId);
      }
      onHint();
      echo.sound();
    }
    try {
      await client.events({ onOpen, onEvent }, signal);
    } catch (error) {
      if (signal.aborted) {
        break;
      }
      if (!hasCode(error)) {
        throw error;
      }
      if (openedAt !== undefined) {
        failures = 0;
        if (monotonicMs() - openedAt >= STEADY_MS) {
          backoff.reset();
        }
      }
      failures += 1;
      const retryInMs = Math.round(backoff.next());
      // The first failure is news; an engine that stays away for an hour is no reason for a thousand lines.
      const level = failures === 1 ? "warn" : "debug";
      log[level]("docker events cannot be followed", { reason: error.message, hint: error.hint, retryInMs });
      await sleep(retryInMs, signal).catch(() => undefined); // it rejects only on abort, and then the loop ends
    }
  }
  await echo.done();
}
