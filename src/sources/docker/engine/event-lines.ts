import { isRecord } from "../../../core/json.ts";

/** No event is that long; what is, is not from an engine. */
const LINE_LIMIT_CHARS = 1024 * 1024;

/** Everything that may change what a container's instances are, and nothing else: a health probe alone makes three events a second. */
const CONTAINER_ACTIONS = ["start", "die", "stop", "kill", "pause", "unpause", "health_status", "rename", "update", "destroy"];
const NETWORK_ACTIONS = ["connect", "disconnect"];

/** Seconds. What was told to stop while nobody listened, as during a restart of this process, may still be about it. */
const LOOK_BACK_S = 30;

/**
 * The engine sends the head of its answer a moment before it listens for events. `clock` (the engine's own, at the ping before) makes it
 * send what it has seen from some time before, so that nothing is lost in between. What is told twice does no harm.
 */
export function eventsPath(clock: number | undefined): string {
  const filters = { type: ["container", "network"], event: [...CONTAINER_ACTIONS, ...NETWORK_ACTIONS] };
  const since = clock === undefined ? {} : { since: String(clock - LOOK_BACK_S) };
  return `/events?${new URLSearchParams({ filters: JSON.stringify(filters), ...since }).toString()}`;
}

/** What an event tells. Each means "look again"; the rest of it only says at what. */
export interface EngineEvent {
  /** The container's id, also of a network's event. */
  readonly container: string | undefined;
  /** The engine's word: `start`, `kill`, `health_status: healthy`, … */
  readonly action: string;
  /** Of a `kill`, a number or a name. */
  readonly signal: string | undefined;
  /** By the engine's clock, in ms. */
  readonly at: number | undefined;
}

/**
 * Calls `onEvent` for each line. The stream is drained as fast as it comes: a reader that pauses slows the whole engine.
 * @throws what broke the stream, or an `Error` for a line that is no JSON object
 */
export async function readEventLines(stream: AsyncIterable<Buffer>, onEvent: (event: EngineEvent) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_LIMIT_CHARS) {
      throw new Error("the stream holds something that is no event");
    }
    for (const line of lines) {
      if (line.trim() !== "") {
        onEvent(readEvent(line));
      }
    }
  }
}

function readEvent(line: string): EngineEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw new Error("the stream holds something that is no event", { cause: error });
  }
  if (!isRecord(event)) {
    throw new Error("the stream holds something that is no event");
  }
  const actor = isRecord(event.Actor) ? event.Actor : {};
  const attributes = isRecord(actor.Attributes) ? actor.Attributes : {};
  const id = event.Type === "network" ? attributes.container : actor.ID;
  const { Action: action, time, timeNano } = event;
  // A whole second is taken for its end: a container may have been started in it.
  const seconds = typeof time === "number" ? time * 1000 + 999 : undefined;
  return {
    container: typeof id === "string" ? id : undefined,
    action: typeof action === "string" ? action : "",
    signal: typeof attributes.signal === "string" ? attributes.signal : undefined,
    at: typeof timeNano === "number" ? Math.round(timeNano / 1e6) : seconds,
  };
}
