/** Sending a signal to a container: how a program in another container is told to read its files again. */
import { createConnection } from "./connection.ts";
import { engineMessage, problem, refused } from "./failures.ts";
import { type DockerHost, parseDockerHost } from "./host.ts";

const CALL_MS = 5000;

export interface ContainerSignal {
  /** Name or id. */
  readonly container: string;
  /** `SIGHUP`. */
  readonly signal: string;
}

/**
 * The one call that is not a GET, apart from `DockerClient`, which can do nothing but read.
 * @throws FairleadError `CONFIG_INVALID` when the address is none; nothing is connected yet
 */
export function createContainerSignaller(
  options: DockerHost & { readonly callMs?: number },
): (wanted: ContainerSignal, abort: AbortSignal) => Promise<void> {
  const endpoint = parseDockerHost(options);
  const connection = createConnection(endpoint);

  /** @throws FairleadError `SOURCE_UNAVAILABLE`, retryable */
  return async function signalContainer({ container, signal }, abort) {
    const what = `send ${signal} to container "${container}"`;
    const path = `/containers/${encodeURIComponent(container)}/kill?signal=${encodeURIComponent(signal)}`;
    const answer = await connection.post({ path, what, ms: options.callMs ?? CALL_MS }, abort);
    if (answer.status === 204) {
      return;
    }
    const said = engineMessage(answer.body);
    if (answer.status === 404 && /no such container/i.test(said)) {
      throw problem(endpoint, what, "there is no such container", { hint: "start it, or name another one; it is tried again" });
    }
    if (answer.status === 409) {
      throw problem(endpoint, what, "it is not running", { hint: "start it; it is tried again" });
    }
    if (answer.status === 401 || answer.status === 403) {
      const hint = "a proxy in front of the socket has to allow POST on /containers/…/kill";
      throw problem(endpoint, what, `it answered ${answer.status}`, { hint });
    }
    throw refused(endpoint, what, answer);
  };
}
