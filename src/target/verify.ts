import type { IncomingMessage } from "node:http";
import { describeExec } from "../core/exec.ts";
import { monotonicMs, sleep, withDeadline } from "../core/time.ts";
import { FairleadError, messageOf } from "../model/errors.ts";
import { type CommandContext, fillPlaceholders, outputTail, runCommand } from "./commands.ts";

/** How a program proves that it runs the new configuration. */
export type Verify = { readonly timeoutMs: number } & (
  | {
      readonly url: string;
      /** Without `status` and `contains` the body must hold the generation. */
      readonly status?: number;
      /** May hold `{{generation}}`. */
      readonly contains?: string;
    }
  /** Exit 0 proves; may hold `{{generation}}`. */
  | { readonly exec: readonly string[] }
);

const BODY_LIMIT_BYTES = 64 * 1024;
const FIRST_POLL_MS = 10;
/** A reload is mostly over within a second, and until then each wait that is too long is a wait for a person. */
const EAGER_MS = 1000;
const MAX_EAGER_POLL_MS = 20;
const MAX_POLL_MS = 250;

/**
 * Asks until the program answers as wanted, or the time is over.
 * @throws FairleadError `VERIFY_FAILED` with the last answer's fault
 */
export async function runVerify(verify: Verify, generation: string, context: CommandContext): Promise<void> {
  const startedAt = monotonicMs();
  const until = startedAt + verify.timeoutMs;
  let pollMs = FIRST_POLL_MS;
  for (;;) {
    const leftMs = Math.max(1, until - monotonicMs());
    const fault = await ("url" in verify
      ? askUrl(verify, generation, leftMs, context.signal)
      : askCommand(verify.exec, generation, leftMs, context));
    if (fault === undefined) {
      return;
    }
    if (monotonicMs() + pollMs >= until) {
      throw new FairleadError("VERIFY_FAILED", `not proven live within ${verify.timeoutMs} ms: ${fault}`, { retryable: true });
    }
    await sleep(pollMs, context.signal);
    const isEager = monotonicMs() - startedAt < EAGER_MS;
    pollMs = Math.min(isEager ? MAX_EAGER_POLL_MS : MAX_POLL_MS, pollMs * 2);
  }
}

async function askUrl(
  verify: Extract<Verify, { url: string }>,
  generation: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const url = verify.url.replaceAll("{{generation}}", generation);
  let answer: Answer;
  try {
    const onTimeout = (): Error => new Error("no answer");
    answer = await withDeadline({ ms: timeoutMs, signal, onTimeout }, (inner) => fetchText(url, inner));
  } catch (error) {
    signal.throwIfAborted();
    return `${url}: ${messageOf(error)}`;
  }
  const wantedStatus = verify.status ?? 200;
  if (answer.status !== wantedStatus) {
    return `${url} answered ${answer.status} instead of ${wantedStatus}`;
  }
  const isPlainStatus = verify.status !== undefined && verify.contains === undefined;
  const wanted = (verify.contains ?? "{{generation}}").replaceAll("{{generation}}", generation);
  return isPlainStatus || answer.body.includes(wanted) ? undefined : `the answer of ${url} does not hold "${wanted}"`;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function fetchText(url: string, signal: AbortSignal): Promise<Answer> {
  const { get } = url.startsWith("https:") ? await import("node:https") : await import("node:http");
  return await new Promise((resolve, reject) => {
    // A connection of its own each time: a kept one would be answered by the old worker.
    const request = get(url, { signal, agent: false, headers: { connection: "close" } }, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= BODY_LIMIT_BYTES) {
          chunks.push(chunk);
        }
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}

async function askCommand(
  argv: readonly string[],
  generation: string,
  timeoutMs: number,
  context: CommandContext,
): Promise<string | undefined> {
  const result = await runCommand(fillPlaceholders(argv, { generation }), timeoutMs, context);
  return result.kind === "exited" && result.code === 0
    ? undefined
    : `"${argv.join(" ")}" ${describeExec(result)}${outputTail(result)}`;
}
