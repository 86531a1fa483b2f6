import { isRecord } from "../../../core/json.ts";
import { type FairleadError, hasCode } from "../../../model/errors.ts";
import { type Answer, type Call, createConnection } from "./connection.ts";
import { type EngineEvent, eventsPath, readEventLines } from "./event-lines.ts";
import { engineMessage, NotAnswering, problem, refused } from "./failures.ts";
import { type DockerHost, parseDockerHost } from "./host.ts";
import { BodyTooLarge } from "./http.ts";
import { type InspectedContainer, readInspected } from "./life.ts";
import { type ContainerList, readContainerList } from "./wire.ts";

const CALL_MS = 5000;
const LIST_MS = 10_000;
const LIST_LIMIT_BYTES = 64 * 1024 * 1024;

export interface DockerClientOptions extends DockerHost {
  /** For tests; the defaults are 5 s a call, and 10 s for the list. */
  readonly callMs?: number;
  readonly listMs?: number;
}

/** What the engine tells about what may have changed. */
interface EventObserver {
  /** The engine has answered: what happens from now on is told. */
  onOpen(): void;
  /** Something happened, perhaps to a container that it names. */
  onEvent(event: EngineEvent): void;
}

/**
 * Reads from a Docker engine, and can do nothing else: every call is a GET. Each has a deadline. All rejections are
 * `SOURCE_UNAVAILABLE`, retryable unless nothing but another version of one side would help.
 */
export interface DockerClient {
  /** The address, for logs and messages. */
  readonly name: string;
  /** The engine's own id. */
  engineId(signal: AbortSignal): Promise<string>;
  /** Running, paused and restarting containers, or with `all` the stopped ones too. */
  containers(options: { readonly all: boolean }, signal: AbortSignal): Promise<ContainerList>;
  /**
   * `gone`: there is no such container any more. `failed`: the engine lives, as far as this call tells, but has no good answer about this
   * container. What says that the engine itself is not there or must not be asked rejects.
   */
  inspect(id: string, signal: AbortSignal): Promise<Inspection>;
  /** Reports events until the stream breaks, as it does when the engine restarts: it always ends with a rejection. */
  events(observer: EventObserver, signal: AbortSignal): Promise<void>;
}

export type Inspection =
  | InspectedContainer
  | "gone"
  /** `isNonsense`: asking again will not help. */
  | { readonly failed: FairleadError; readonly isNonsense: boolean };

/** @throws FairleadError `CONFIG_INVALID` when the address is none; nothing is connected yet */
export function createDockerClient(options: DockerClientOptions): DockerClient {
  const endpoint = parseDockerHost(options);
  const { callMs = CALL_MS, listMs = LIST_MS } = options;
  const connection = createConnection(endpoint);

  /** @throws FairleadError for an answer that is no good one */
  function parse(what: string, answer: Answer): unknown {
    if (answer.status !== 200) {
      throw refused(endpoint, what, answer);
    }
    try {
      return JSON.parse(answer.body) as unknown;
    } catch (error) {
      throw problem(endpoint, what, "the answer is not JSON", { cause: error });
    }
  }

  async function getJson(call: Call, signal: AbortSignal): Promise<unknown> {
    return parse(call.what, await connection.get(call, signal));
  }

  return {
    name: endpoint.name,

    async engineId(signal) {
      const call = { path: "/info", what: "read the id", ms: callMs };
      const info = await getJson(call, signal);
      if (!isRecord(info) || typeof info.ID !== "string" || info.ID === "") {
        throw problem(endpoint, call.what, "the answer holds none", { hint: "set `node` in the configuration" });
      }
      return info.ID;
    },

    async containers({ all }, signal) {
      const path = `/containers/json${all ? "?all=1" : ""}`;
      const call = { path, what: "list the containers", ms: listMs, limitBytes: LIST_LIMIT_BYTES };
      const list = readContainerList(await getJson(call, signal));
      if (list === undefined) {
        throw problem(endpoint, call.what, "the answer is no list");
      }
      // One that makes no sense is left out; all of them together say something about the answer.
      if (list.containers.length === 0 && list.invalid.length > 0) {
        throw problem(endpoint, call.what, `nothing in the answer makes sense: ${list.invalid[0]?.reason ?? ""}`);
      }
      return list;
    },

    async inspect(id, signal) {
      const call = { path: `/containers/${encodeURIComponent(id)}/json`, what: "inspect a container", ms: callMs };
      let answer: Answer;
      try {
        answer = await connection.get(call, signal);
      } catch (error) {
        if (isAboutOne(error)) {
          return { failed: error, isNonsense: false };
        }
        throw error;
      }
      // Only in the engine's own words: a proxy that has no such path must not make every container vanish.
      if (answer.status === 404 && /no such container/i.test(engineMessage(answer.body))) {
        return "gone";
      }
      if (answer.status >= 500) {
        return { failed: refused(endpoint, call.what, answer), isNonsense: false };
      }
      const failed = problem(endpoint, call.what, "what the engine says about it makes no sense");
      return readInspected(parse(call.what, answer)) ?? { failed, isNonsense: true };
    },

    async events(observer, signal) {
      const call = { path: eventsPath, what: "follow the events", ms: callMs };
      async function read(body: AsyncIterable<Buffer>): Promise<void> {
        observer.onOpen();
        await readEventLines(body, (event) => observer.onEvent(event));
        throw problem(endpoint, call.what, "the stream ended");
      }
      await connection.stream(call, read, signal);
    },
  };
}

/** One container can be too much for an engine that is well: it holds a lock for ever, or there is no end to what it has to say. */
function isAboutOne(error: unknown): error is FairleadError {
  return hasCode(error) && (error.cause instanceof BodyTooLarge || error.cause instanceof NotAnswering);
}
