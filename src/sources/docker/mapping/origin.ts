import type { Origin } from "../../policy.ts";
import type { Container } from "../container.ts";

/** What a policy may know of a container. */
export function originOf({ image, labels, network }: Container): Origin {
  const joined = network.kind === "shared" ? network.of : network;
  const networks =
    joined?.kind === "own" ? joined.attached.map((attachment) => attachment.network) : joined === undefined ? [] : ["host"];
  return { image, labels, networks };
}
