/** A swarm of one node on a real engine, and what is running in it as its containers tell it: nothing here asks what the source asks. */
import { type Docker, startDocker } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";

const SETTLE_MS = 60_000;

export interface TestSwarm {
  readonly docker: Docker;
  readonly node: () => Promise<string>;
  /** `docker swarm init`, and the overlay network `front`. */
  init(): Promise<void>;
  /** Arguments of `docker service create` behind those that every service here has. */
  create(name: string, args: readonly string[]): Promise<void>;
  update(name: string, args: readonly string[]): Promise<void>;
  /** Waits until so many tasks of a service run and none is on its way; their ids. */
  untilRunning(name: string, count: number): Promise<readonly string[]>;
  /** What runs of a service, as `task address` on the network `front`. */
  running(name: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const LABEL = "com.docker.swarm";

export async function startSwarm(): Promise<TestSwarm> {
  const docker = await startDocker();
  for (const version of ["1", "2"]) {
    await docker.importImage(`web:${version}`, { env: { VERSION: version } });
  }

  async function tasksOf(
    name: string,
  ): Promise<readonly { readonly id: string; readonly desired: string; readonly state: string }[]> {
    const text = await docker.docker([
      "service",
      "ps",
      name,
      "--no-trunc",
      "--format",
      "{{.ID}} {{.DesiredState}} {{.CurrentState}}",
    ]);
    return text.split("\n").map((line) => {
      const [id = "", desired = "", state = ""] = line.split(" ");
      return { id, desired, state };
    });
  }

  async function untilRunning(name: string, count: number): Promise<readonly string[]> {
    const isDone = (tasks: Awaited<ReturnType<typeof tasksOf>>): boolean =>
      tasks.filter(({ desired }) => desired === "Running").length === count &&
      tasks.every(({ desired, state }) => (desired === "Running" ? state === "Running" : state !== "Running"));
    const tasks = await waitFor(
      async () => {
        const found = await tasksOf(name);
        return isDone(found) ? found : undefined;
      },
      { timeoutMs: SETTLE_MS, what: `${count} tasks of ${name}`, intervalMs: 50 },
    );
    return tasks
      .filter(({ desired }) => desired === "Running")
      .map(({ id }) => id)
      .sort();
  }

  async function running(name: string): Promise<readonly string[]> {
    const ids = await docker.docker(["ps", "-q", "--filter", `label=${LABEL}.service.name=${name}`]);
    if (ids === "") {
      return [];
    }
    const format = `{{index .Config.Labels "${LABEL}.task.id"}} {{range $name, $net := .NetworkSettings.Networks}}{{if eq $name "front"}}{{$net.IPAddress}}{{end}}{{end}}`;
    return (await docker.docker(["inspect", "--format", format, ...ids.split("\n")]))
      .split("\n")
      .map((line) => line.trim())
      .sort();
  }

  return {
    docker,
    node: () => docker.docker(["node", "ls", "-q"]),
    async init() {
      await docker.docker(["swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:0"]);
      await docker.docker(["network", "create", "-d", "overlay", "--subnet", "10.219.0.0/24", "front"]);
    },
    async create(name, args) {
      const common = ["--detach", "--no-resolve-image", "--stop-signal", "KILL", "--restart-delay", "200ms", "--name", name];
      await docker.docker(["service", "create", ...common, ...args]);
    },
    async update(name, args) {
      await docker.docker(["service", "update", "--detach", "--no-resolve-image", ...args, name]);
    },
    untilRunning,
    running,
    stop: () => docker.stop(),
  };
}
