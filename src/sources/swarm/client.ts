import type { FairleadError } from "../../model/errors.ts";
import { createDockerClient, type DockerClient, type DockerClientOptions } from "../docker/engine/client.ts";
import { type Answer, createConnection } from "../docker/engine/connection.ts";
import { readEventLines } from "../docker/engine/event-lines.ts";
import { problem, refused } from "../docker/engine/failures.ts";
import { parseDockerHost } from "../docker/engine/host.ts";
import { swarmEventsPath } from "./events-path.ts";
import { noManager } from "./membership.ts";
import type { SwarmState, SwarmTask } from "./state.ts";
import { type Read, readNetworks, readNodes, readServices, readTasks } from "./wire.ts";

const CALL_MS = 5000;
const LIST_MS = 10_000;

/**
 * Reads from a manager of a swarm, and can do nothing else: every call is a GET, with a deadline. All rejections are `SOURCE_UNAVAILABLE`;
 * an engine that is no manager is one of the reasons.
 */
export interface SwarmClient extends Pick<DockerClient, "name"> {
  /** Everything that is needed, or a rejection. Networks cost a call, and only who asks for them gets them. */
  state(options: { readonly networks: boolean }, signal: AbortSignal): Promise<SwarmState>;
  tasks(signal: AbortSignal): Promise<readonly SwarmTask[]>;
  /** For `followEvents`: the events of the swarm and, beside them, those of this node's own containers. */
  readonly events: DockerClient;
}

/** @throws FairleadError `CONFIG_INVALID` when the address is none; nothing is connected yet */
export function createSwarmClient(options: DockerClientOptions): SwarmClient {
  const endpoint = parseDockerHost(options);
  const connection = createConnection(endpoint);
  const docker = createDockerClient(options);
  const { callMs = CALL_MS, listMs = LIST_MS } = options;

  async function list<T>(
    what: "services" | "tasks" | "nodes" | "networks",
    read: (answer: unknown) => Read<T> | undefined,
    signal: AbortSignal,
  ): Promise<Read<T>> {
    const call = { path: `/${what}`, what: `list the ${what} of the swarm`, ms: listMs };
    const answer = await connection.get(call, signal);
    if (answer.status !== 200) {
      throw await explain(call.what, answer, signal);
    }
    let body: unknown;
    try {
      body = JSON.parse(answer.body);
    } catch (error) {
      throw problem(endpoint, call.what, "the answer is not JSON", { cause: error });
    }
    const found = read(body);
    if (found === undefined) {
      throw problem(endpoint, call.what, "the answer is no list");
    }
    return found;
  }

  async function explain(what: string, answer: Answer, signal: AbortSignal): Promise<FairleadError> {
    if (answer.status === 401 || answer.status === 403) {
      const hint =
        "a proxy in front of the socket has to allow GET on /_ping, /info, /events, /services, /tasks, /nodes and /networks";
      return problem(endpoint, what, `it answered ${answer.status}`, { hint });
    }
    // 503 since API 1.26, 406 before: what is the matter, only the engine's own state tells.
    const isMember = answer.status !== 503 && answer.status !== 406;
    const info = isMember ? undefined : await readInfo(signal);
    const why = info === undefined ? undefined : noManager(info);
    return why === undefined ? refused(endpoint, what, answer) : problem(endpoint, what, why.reason, { hint: why.hint });
  }

  async function readInfo(signal: AbortSignal): Promise<unknown> {
    const answer = await connection.get({ path: "/info", what: "read its state", ms: callMs }, signal);
    try {
      return answer.status === 200 ? (JSON.parse(answer.body) as unknown) : undefined;
    } catch {
      return undefined; // what it answered first says enough
    }
  }

  async function state({ networks }: { readonly networks: boolean }, signal: AbortSignal): Promise<SwarmState> {
    // Tasks first: a task then has its service in the list, unless that was removed meanwhile.
    const tasks = await list("tasks", readTasks, signal);
    const [services, nodes, nets] = await Promise.all([
      list("services", readServices, signal),
      list("nodes", readNodes, signal),
      networks ? list("networks", readNetworks, signal) : { items: [], invalid: [] },
    ]);
    return {
      tasks: tasks.items,
      services: services.items,
      nodes: nodes.items,
      networks: nets.items,
      invalid: [tasks, services, nodes, nets].flatMap(({ invalid }) => invalid),
    };
  }

  async function events(observer: Parameters<DockerClient["events"]>[0], signal: AbortSignal): Promise<void> {
    const call = { path: swarmEventsPath, what: "follow the events", ms: callMs };
    async function read(body: AsyncIterable<Buffer>): Promise<void> {
      observer.onOpen();
      await readEventLines(body, (event) => observer.onEvent(event));
      throw problem(endpoint, call.what, "the stream ended");
    }
    await connection.stream(call, read, signal);
  }

  return {
    name: endpoint.name,
    state,
    tasks: async (signal) => (await list("tasks", readTasks, signal)).items,
    events: { ...docker, events },
  };
}
