import { FairleadError } from "../../../model/errors.ts";
import type { WriteResult } from "../../../ports.ts";
import type { TxnRefusal } from "../api/shapes.ts";
import { isPermissionDenied } from "../api/write-requests.ts";
import type { Standing } from "./form.ts";
import type { Step } from "./steps.ts";

export interface Refused {
  readonly owner: string;
  readonly step: Step;
  readonly refusal: TxnRefusal;
  /** What stands there now, and its version; undefined: nothing. */
  readonly standing: Standing | undefined;
  readonly version: string | undefined;
  readonly isSessionAlive: () => Promise<boolean>;
}

/**
 * Why a transaction was refused, by what stands there now, not by Consul's words.
 *
 * | there now                          | put                                         | remove            |
 * |------------------------------------|---------------------------------------------|-------------------|
 * | what was expected                  | failed: the lease ended, else Consul's words | failed: its words |
 * | another owner's, another program's | conflict                                    | conflict          |
 * | nothing                            | failed: gone                                | removed           |
 * | ours, another version              | failed: changed                             | failed: changed   |
 */
export async function judgeRefusal(refused: Refused): Promise<WriteResult> {
  const { owner, step, refusal, standing, version, isSessionAlive } = refused;
  const { service, id } = step.place;
  const fail = (why: string): WriteResult => {
    const message = `cannot write ${JSON.stringify(`${service}/${id}`)} in Consul: ${why}`;
    return { service, id, outcome: "failed", error: new FairleadError("REGISTRY_UNAVAILABLE", message, { retryable: true }) };
  };
  if (isPermissionDenied(refusal)) {
    const message = `cannot write ${JSON.stringify(`${service}/${id}`)} in Consul: permission denied`;
    const hint = "give the token's policies key_prefix write for the registry's prefix, and session_prefix write";
    return { service, id, outcome: "failed", error: new FairleadError("REGISTRY_DENIED", message, { hint }) };
  }
  if (version === step.expected) {
    return fail(step.kind === "put" && !(await isSessionAlive()) ? "the lease has ended" : refusal.what);
  }
  if (standing !== undefined && standing.owner !== owner) {
    return { service, id, outcome: "conflict", holder: standing.owner };
  }
  if (standing === undefined) {
    return step.kind === "remove" ? { service, id, outcome: "removed" } : fail("it is gone since it was read");
  }
  return fail("it has changed since it was read");
}
