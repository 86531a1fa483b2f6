import type { TLS_VARIABLES } from "./backends.ts";
import type { RegistratorCommand } from "./command-line.ts";
import type { Line } from "./line.ts";

export interface VariableRow {
  readonly name: string;
  /** For the reference page. */
  readonly becomes: string;
  readonly why: string;
  /** What a value that stood in the command line comes to. Undefined: the variable means nothing for this command line. */
  readonly translate: (value: string, command: RegistratorCommand) => Omit<Line, "from" | "why"> | undefined;
}

const DOCKER = "register.sources.docker";
const AS_BEFORE = "read from the environment as before";

/** All variables that Registrator reads. */
export const VARIABLES: readonly VariableRow[] = [
  {
    name: "DOCKER_HOST",
    becomes: "`host`",
    why: `${AS_BEFORE}, or set here; without it Registrator asked unix:///tmp/docker.sock, fairlead asks unix:///var/run/docker.sock`,
    translate: (value) => ({ at: `${DOCKER}.host`, value }),
  },
  {
    name: "DOCKER_TLS_VERIFY",
    becomes: "`tlsVerify`",
    why: `${AS_BEFORE}, or set here`,
    translate: (value) => ({ at: `${DOCKER}.tlsVerify`, value: value !== "" }),
  },
  {
    name: "DOCKER_CERT_PATH",
    becomes: "`certPath`",
    why: `${AS_BEFORE}, or set here: the folder of ca.pem, cert.pem and key.pem`,
    translate: (value) => ({ at: `${DOCKER}.certPath`, value }),
  },
  {
    name: "CONSUL_HTTP_TOKEN",
    becomes: "`tokenFile`, or the environment",
    why: `${AS_BEFORE}; a file that \`tokenFile\` names is better, since it does not show in \`docker inspect\` and is read again when it changes`,
    translate: (_, { backend }) => (backend.scheme.startsWith("consul") ? { at: "registry", isNote: true } : undefined),
  },
  tlsRow("CONSUL_CACERT", "ca"),
  tlsRow("CONSUL_CLIENT_CERT", "cert"),
  tlsRow("CONSUL_CLIENT_KEY", "key"),
];

function tlsRow(name: (typeof TLS_VARIABLES)[number], key: string): VariableRow {
  return {
    name,
    becomes: `\`tls.${key}\``,
    why: `${AS_BEFORE}, or set here; for consul-tls:// only`,
    translate: (value, { backend }) => (backend.scheme === "consul-tls" ? { at: `registry.tls.${key}`, value } : undefined),
  };
}

/** Variables that stood in a `docker run` line. Their values are written down where they are no secrets. */
export function translateVariables(command: RegistratorCommand): readonly Line[] {
  return VARIABLES.flatMap(({ name, why, translate }): readonly Line[] => {
    const value = command.container?.env.get(name);
    const line = value === undefined ? undefined : translate(value, command);
    return line === undefined ? [] : [{ from: name, why, ...line }];
  });
}
