/** The engine under churn: its orders go over its API, since a command for each would be slower; what there is, is asked with `docker`. */
import { type Docker, startDocker } from "../helpers/servers/index.ts";
import { waitFor } from "../helpers/wait.ts";
import type { Inspected } from "./expected.ts";

/** Short names for what containers are made of. */
export const IMAGES = {
  plain: "registry.test:5000/churn/plain:1.2",
  checked: "churn/checked:1",
  many: "many",
} as const;
export type ImageName = keyof typeof IMAGES;
export const NETWORKS = ["blue", "green"] as const;

/** Its presence makes a container of the image `checked` unhealthy. */
const SICK = "/tmp/sick";
/** A probe that a pause meets holds the container's lock until its timeout, and whoever inspects it waits (seen on 20.10). */
const HEALTHCHECK = `--interval=500ms --timeout=3s --retries=1 CMD test ! -e ${SICK}`;
const HEALTH_MS = 10_000;
/** It does nothing, and ends as soon as it is told to. */
const PROGRAM = ["sleep", "1000000"];

export interface RunSpec {
  readonly name: string;
  readonly image: ImageName;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** `8080/tcp`: published on a port of the engine's choice. */
  readonly publish: readonly string[];
  readonly network: string;
  readonly restart: "no" | "always" | "on-failure";
}

export interface Look {
  /** All containers, the stopped ones too. */
  readonly containers: readonly Inspected[];
  /** Nothing is under way: no health check that has not run yet, no restart that is waited for. */
  readonly isSettled: boolean;
}

export interface Engine {
  readonly docker: Docker;
  run(spec: RunSpec): Promise<void>;
  /** `stop`, `kill`, `restart`, `pause`, `unpause`, `start` */
  order(name: string, verb: string): Promise<void>;
  remove(name: string): Promise<void>;
  rename(name: string, to: string): Promise<void>;
  connect(name: string, network: string): Promise<void>;
  disconnect(name: string, network: string): Promise<void>;
  /** Resolves when the engine has noticed. */
  setSick(name: string, isSick: boolean): Promise<void>;
  /** The container's program dies by itself, so that restart policies count. */
  crash(name: string): Promise<void>;
  look(): Promise<Look>;
}

export async function openEngine(): Promise<Engine> {
  const docker = await startDocker();
  try {
    await Promise.all([
      docker.importImage(IMAGES.plain, { expose: [8080], cmd: PROGRAM }),
      docker.importImage(IMAGES.checked, { expose: [8080], cmd: PROGRAM, healthcheck: HEALTHCHECK }),
      docker.importImage(IMAGES.many, { expose: [8080, 9090, "5353/udp"], cmd: PROGRAM }),
      ...NETWORKS.map((network) => docker.docker(["network", "create", network])),
    ]);
  } catch (error) {
    await docker.stop();
    throw error;
  }
  return engineOf(docker);
}

function engineOf(docker: Docker): Engine {
  async function post(path: string, body?: unknown): Promise<unknown> {
    const headers = { "content-type": "application/json" };
    const { status, text } = await docker.http(path, { method: "POST", body: body ?? "", headers });
    if (status >= 300) {
      throw new Error(`POST ${path}: ${status} ${text.trim()}`);
    }
    return text.startsWith("{") ? JSON.parse(text) : undefined;
  }

  async function inspect(name: string): Promise<Inspected> {
    return JSON.parse((await docker.http(`/containers/${name}/json`)).text) as Inspected;
  }

  async function look(): Promise<Look> {
    const ids = (await docker.docker(["ps", "-aq", "--no-trunc"])).split("\n").filter((id) => id !== "");
    const containers = ids.length === 0 ? [] : (JSON.parse(await docker.docker(["inspect", ...ids])) as readonly Inspected[]);
    const isSettled = containers.every(
      ({ State: { Status: status, Health: health } }) =>
        status !== "restarting" && status !== "removing" && !(status === "running" && health?.Status === "starting"),
    );
    return { containers, isSettled };
  }

  return {
    docker,
    look,
    async run({ name, image, env, labels, publish, network, restart }) {
      await post(`/containers/create?name=${name}`, {
        Image: IMAGES[image],
        Env: env,
        Labels: labels,
        StopSignal: "SIGKILL",
        ExposedPorts: Object.fromEntries(publish.map((port) => [port, {}])),
        HostConfig: {
          PortBindings: Object.fromEntries(publish.map((port) => [port, [{ HostIp: "", HostPort: "0" }]])),
          NetworkMode: network,
          RestartPolicy: { Name: restart },
        },
      });
      await post(`/containers/${name}/start`);
    },
    async order(name, verb) {
      await post(`/containers/${name}/${verb}`);
    },
    async remove(name) {
      const { status, text } = await docker.http(`/containers/${name}?force=1&v=1`, { method: "DELETE" });
      if (status >= 300) {
        throw new Error(`DELETE ${name}: ${status} ${text.trim()}`);
      }
    },
    async rename(name, to) {
      await post(`/containers/${name}/rename?name=${to}`);
    },
    async connect(name, network) {
      await post(`/networks/${network}/connect`, { Container: name });
    },
    async disconnect(name, network) {
      await post(`/networks/${network}/disconnect`, { Container: name });
    },
    async setSick(name, isSick) {
      const command = isSick ? ["touch", SICK] : ["rm", "-f", SICK];
      const exec = (await post(`/containers/${name}/exec`, { Cmd: command })) as { readonly Id: string };
      await post(`/exec/${exec.Id}/start`, { Detach: true });
      const wanted = isSick ? "unhealthy" : "healthy";
      await waitFor(async () => (await inspect(name)).State.Health?.Status === wanted, { timeoutMs: HEALTH_MS, what: wanted });
    },
    async crash(name) {
      const { State: state } = await inspect(name);
      if (state.Pid <= 1) {
        throw new Error(`${name} has no process`);
      }
      process.kill(state.Pid, "SIGKILL");
    },
  };
}
