import { followHints } from "../../core/hints.ts";
import { createBackoff, jitter, monotonicMs, type Random, sleep, withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import type { Instance } from "../../model/instance.ts";
import type { Log, Source } from "../../ports.ts";
import { type Listing, readDocument, sameListing } from "./document.ts";
import { type Endpoint, nameOf, parseSourceUrl, type TlsFiles } from "./endpoint.ts";
import { problem } from "./failures.ts";
import { fetchDocument, type Validators } from "./fetch.ts";
import { createItemMapper, type ItemMap } from "./mapping.ts";
import { createOwnShapeMapper } from "./own-shape.ts";
import { createReporter } from "./report.ts";
import { pointerOf } from "./rule.ts";

/** The first wait after a failure; it grows up to the interval. */
const FIRST_RETRY_MS = 500;
/** How long a pass waits for the answer to the first poll. */
const FIRST_ANSWER_MS = 1000;

export interface HttpSourceOptions {
  readonly url: string;
  /** Between two polls, ± 20 %. */
  readonly intervalMs: number;
  /** For a whole answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** JSON pointer to the list; empty: the document itself. */
  readonly path: string;
  /** Absent: items have fairlead's own shape. */
  readonly map?: ItemMap | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly token?: (() => Promise<string>) | undefined;
  /** The owner; the first part of ids that are not given. */
  readonly node: string;
  readonly log: Log;
  readonly random?: Random;
}

/** What `fairlead inspect http` prints. */
export interface HttpInspection extends Listing {
  readonly url: string;
}

export interface HttpSource extends Source {
  /** Asks now, whatever was known. */
  inspect(signal: AbortSignal): Promise<HttpInspection>;
}

/** How the newest poll ended. */
type Polled = { readonly at: number } & ({ readonly listing: Listing } | { readonly error: FairleadError });

/**
 * Services that another program lists as JSON. While somebody follows `changes`, the list is polled, and `list` tells at once how the newest
 * poll ended: a server that hangs holds up no other source. An answer is then older than the interval only by a poll's own time. Without a
 * follower `list` asks by itself.
 * @throws FairleadError `CONFIG_INVALID` for a URL or pointer that is none
 */
export function createHttpSource(options: HttpSourceOptions): HttpSource {
  const { path, map, intervalMs, timeoutMs, log, node, random = Math.random } = options;
  const url = parseSourceUrl(options.url);
  const { tls = {}, token, maxBytes } = options;
  const endpoint: Endpoint = { url, name: nameOf(url), tls, token, timeoutMs, maxBytes };
  const pointer = pointerOf(path);
  const mapItem = map === undefined ? createOwnShapeMapper({ node }) : createItemMapper(map, { node });
  const report = createReporter(log, endpoint.name);
  const freshMs = intervalMs * 1.2 + timeoutMs + 1000;
  let known: { readonly validators: Validators; readonly listing: Listing } | undefined;
  let newest: Polled | undefined;
  let followers = 0;
  let waiting: (() => void)[] = [];

  function tellWaiting(): void {
    const told = waiting;
    waiting = [];
    told.forEach((tell) => tell());
  }

  async function poll(signal: AbortSignal): Promise<Listing> {
    try {
      const answer = await fetchDocument(endpoint, known?.validators, signal);
      if (answer.kind === "changed") {
        const read = readDocument(answer.text, { path, pointer, mapItem });
        if (!read.ok) {
          throw problem(endpoint, read.reason, { hint: "what was registered from it before stays; look at `url` and `path`" });
        }
        report(read.listing.skipped);
        // The same object for as long as it says the same: that is how a change is told.
        const listing = known !== undefined && sameListing(known.listing, read.listing) ? known.listing : read.listing;
        known = { validators: answer.validators, listing };
      }
      if (known === undefined) {
        throw new Error("a server was believed to know what we have not got");
      }
      newest = { at: monotonicMs(), listing: known.listing };
      return known.listing;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FairleadError) {
        newest = { at: monotonicMs(), error };
      }
      throw error;
    } finally {
      tellWaiting();
    }
  }

  async function list(signal: AbortSignal): Promise<readonly Instance[]> {
    signal.throwIfAborted();
    while (followers > 0) {
      if (newest !== undefined && monotonicMs() - newest.at < freshMs) {
        if ("error" in newest) {
          throw newest.error;
        }
        return newest.listing.instances;
      }
      // A server that hangs from the beginning must not keep the others' instances waiting.
      const onTimeout = (): Error =>
        problem(endpoint, `the first answer has not come within ${FIRST_ANSWER_MS} ms; it is waited for`);
      const next = (): Promise<void> => new Promise((resolve) => void waiting.push(resolve));
      await withDeadline({ ms: FIRST_ANSWER_MS, signal, onTimeout }, next);
    }
    return (await poll(signal)).instances;
  }

  async function* changes(signal: AbortSignal): AsyncGenerator<void> {
    followers += 1;
    try {
      yield* followHints(signal, follow);
    } finally {
      followers -= 1;
      tellWaiting();
    }
  }

  /** The first hint comes with the end of the first poll, well or not; later ones when the list says something else, or answers again. */
  async function follow(notify: () => void, signal: AbortSignal): Promise<void> {
    const backoff = createBackoff({ minMs: Math.min(FIRST_RETRY_MS, intervalMs), maxMs: intervalMs, random });
    let told: Listing | string | undefined;
    while (!signal.aborted) {
      let waitMs = jitter(intervalMs, 0.2, random);
      try {
        const listing = await poll(signal);
        backoff.reset();
        if (typeof told === "string") {
          log.info("http source answers again", { source: endpoint.name });
        }
        if (told !== listing) {
          told = listing;
          notify();
        }
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!(error instanceof FairleadError)) {
          throw error;
        }
        waitMs = backoff.next();
        if (told !== error.message) {
          const { code, message, hint } = error;
          log.warn("http source cannot be read; what it said last stays", {
            code,
            error: message,
            ...(hint !== undefined && { hint }),
          });
        }
        if (told === undefined) {
          notify();
        }
        told = error.message;
      }
      await sleep(waitMs, signal).catch(() => undefined); // aborted: the loop ends
    }
  }

  async function inspect(signal: AbortSignal): Promise<HttpInspection> {
    known = undefined;
    return { url: endpoint.name, ...(await poll(signal)) };
  }

  return { name: `http ${endpoint.name}`, list, changes, inspect };
}
