import { translateBackend } from "./backends.ts";
import { type RegistratorCommand, readCommandLine } from "./command-line.ts";
import { writeConfiguration } from "./configuration.ts";
import { translateVariables } from "./environment.ts";
import { FLAGS, translateFlags, VERSION_ROW } from "./flags.ts";
import type { Line } from "./line.ts";

export interface Migrated {
  /** YAML; empty when there is nothing to run. */
  readonly config: string;
  /** What has no equivalent, changes, or is left to do. */
  readonly notes: readonly { readonly flag: string; readonly note: string }[];
}

export interface Machine {
  readonly hostname: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const DOCKER = "register.sources.docker";
const HEAD = [
  "Made by `fairlead migrate registrator`. `fairlead check` judges it, `fairlead inspect docker` shows what it would register.",
  "What else differs from Registrator: docs/registrator.md",
];

/**
 * The configuration with which fairlead does what Registrator does with this command line, each key with the flag it came from.
 * @throws FairleadError `USAGE` for a command line that Registrator refuses
 */
export function migrateRegistrator(words: readonly string[], machine: Machine): Migrated {
  const command = readCommandLine(words, FLAGS);
  if (command === undefined) {
    return { config: "", notes: [{ flag: VERSION_ROW.flag, note: VERSION_ROW.why }] };
  }
  const lines = [
    nodeLine(command, machine),
    ...translateBackend(command),
    ...translateFlags(command),
    ...socketLines(command, machine),
    ...translateVariables(command),
    {
      from: "",
      at: `${DOCKER}.health`,
      value: "ignore",
      why: "Registrator did not look at health checks; without this line starting, unhealthy and paused containers are not used",
    },
    COMPOSE,
  ];
  const notes = lines.filter((line) => line.isNote === true).map(({ from, why }) => ({ flag: from, note: why }));
  return { config: writeConfiguration(HEAD, lines), notes };
}

const COMPOSE: Line = {
  from: "Compose",
  at: DOCKER,
  isNote: true,
  why: "containers are named after their Compose service, which Registrator named after their image: set SERVICE_NAME where the two differ",
};

/** Registrator's ids begin with its host name. In a container that is the container's own, unless it is told another one. */
function nodeLine({ container }: RegistratorCommand, { hostname }: Machine): Line {
  const value = container?.hostname ?? hostname;
  const same = "Registrator's ids are <host name>:<container>:<port>: with this name they stay the same on this machine";
  if (container === undefined || container.hostname !== undefined || container.isOnHostNetwork) {
    const from = container?.hostname === undefined ? "host name" : "--hostname";
    return { from, at: "node", value, why: `${same}; every machine needs its own` };
  }
  const why =
    "without --net=host and --hostname Registrator's host name was its container's id, another one with each container: ids change once, to this " +
    "machine's name, and its old entries have to be removed by hand";
  return { from: "host name", at: "node", value, why, isNote: true };
}

/** Where the engine is, when no variable says it. */
function socketLines({ container }: RegistratorCommand, { env }: Machine): readonly Line[] {
  if (container === undefined) {
    return env["DOCKER_HOST"] === undefined || env["DOCKER_HOST"] === ""
      ? [
          {
            from: "Docker",
            at: DOCKER,
            why: "the engine is asked at unix:///var/run/docker.sock, Registrator's default was /tmp/docker.sock",
          },
        ]
      : [{ from: "DOCKER_HOST", at: DOCKER, why: "read from the environment as before" }];
  }
  const { socket } = container;
  const isUsual = socket === undefined || ["/var/run/docker.sock", "/run/docker.sock"].includes(socket);
  return isUsual || container.env.has("DOCKER_HOST")
    ? []
    : [
        {
          from: "--volume",
          at: `${DOCKER}.host`,
          value: `unix://${socket}`,
          why: "the socket that was mounted as /tmp/docker.sock",
        },
      ];
}
