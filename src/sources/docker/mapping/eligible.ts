import { type Container, type ContainerPort, portText } from "../container.ts";
import type { Reach } from "./placement.ts";

/** A port, or without `port` a container, that is not registered; or a word that was left out. */
export interface Skipped {
  readonly port?: number;
  readonly reason: string;
  /** `wish`: the container or the configuration says so. `problem`: somebody will want to mend it. */
  readonly kind: "wish" | "problem";
}

export function skipPort(port: Pick<ContainerPort, "port" | "protocol">, kind: Skipped["kind"], reason: string): Skipped {
  return { port: port.port, reason: port.protocol === "tcp" ? reason : `${portText(port)}: ${reason}`, kind };
}

/**
 * The ports that could be registered, before anybody's wish to leave one out: their number decides whether names get a suffix, and
 * must not change with labels of single ports.
 */
export function eligiblePorts(
  container: Pick<Container, "ports">,
  reach: Reach,
  only: { readonly number: number; readonly key: string } | undefined,
): { readonly eligible: readonly ContainerPort[]; readonly skipped: readonly Skipped[] } {
  const eligible: ContainerPort[] = [];
  const skipped: Skipped[] = [];
  for (const port of withNamed(container.ports, only?.number)) {
    if (only !== undefined && only.number !== port.port) {
      skipped.push(skipPort(port, "wish", `${only.key} names another port`));
    } else if (port.protocol !== "tcp" && port.protocol !== "udp") {
      skipped.push(skipPort(port, "problem", "neither tcp nor udp"));
    } else if (reach.kind === "published" && port.bindings.length === 0) {
      skipped.push(skipPort(port, only === undefined ? "wish" : "problem", "it is not published"));
    } else {
      eligible.push(port);
    }
  }
  return { eligible, skipped };
}

/** A program may listen on a port that its image does not declare: a port that is named counts. */
function withNamed(ports: readonly ContainerPort[], named: number | undefined): readonly ContainerPort[] {
  return named === undefined || ports.some((port) => port.port === named)
    ? ports
    : [...ports, { port: named, protocol: "tcp", bindings: [] }];
}
