import { nameProblem } from "../../names.ts";
import type { Container } from "../container.ts";
import type { Skipped } from "./eligible.ts";
import { isOneOff } from "./names.ts";
import type { Wishes } from "./wishes.ts";

/**
 * `labelled`: only what asks for it by a name, a host or `fairlead.enable=true`. `named`: only what carries a name of its own, as
 * Registrator's `-explicit` has it.
 */
export type Register = "all" | "labelled" | "named";

const DOORS: Readonly<
  Record<Register, { readonly admits: (wishes: Wishes) => boolean; readonly refusal: string; readonly ofPort: string }>
> = {
  all: { admits: () => true, refusal: "", ofPort: "" },
  labelled: {
    admits: (wishes) => wishes.service !== undefined || wishes.meta.get("host") !== undefined || wishes.asks,
    refusal: "`register` is `labelled`, and it carries neither fairlead.enable=true nor fairlead.service, SERVICE_NAME or a host",
    ofPort: "`register` is `labelled`, and only other ports carry a name or a host",
  },
  named: {
    admits: (wishes) => wishes.service !== undefined,
    refusal: "`register` is `named`, and it carries neither fairlead.service nor SERVICE_NAME",
    ofPort: "`register` is `named`, and only other ports carry a name",
  },
};

/** Why none of its ports is wanted. A port that asks for itself opens the container's door. */
export function refuseContainer(
  { labels }: Pick<Container, "labels">,
  general: Wishes,
  own: readonly Wishes[],
  register: Register,
): string | undefined {
  if (general.enable?.wanted === false && !own.some((wishes) => wishes.enable?.wanted === true)) {
    return `${general.enable.key} says so`;
  }
  const all = [general, ...own];
  if (isOneOff(labels) && !all.some((wishes) => wishes.service !== undefined || wishes.asks)) {
    return "Compose made it for one command, and it carries neither fairlead.enable=true nor a name of its own";
  }
  return all.some(DOORS[register].admits) ? undefined : DOORS[register].refusal;
}

/** Why this port is not wanted, or cannot be stored. */
export function refusePort(facts: {
  readonly general: Wishes;
  readonly own: Wishes;
  readonly service: string;
  readonly id: string;
  readonly register: Register;
}): Pick<Skipped, "kind" | "reason"> | undefined {
  const { general, own, service, id, register } = facts;
  const enable = own.enable ?? general.enable;
  if (enable?.wanted === false) {
    return { kind: "wish", reason: `${enable.key} says so` };
  }
  const door = DOORS[register];
  if (!door.admits(general) && !door.admits(own)) {
    return { kind: "wish", reason: door.ofPort };
  }
  const serviceProblem = nameProblem(service);
  if (serviceProblem !== undefined) {
    return { kind: "problem", reason: `its service name ${serviceProblem}` };
  }
  const idProblem = nameProblem(id);
  return idProblem === undefined ? undefined : { kind: "problem", reason: `its instance id ${idProblem}` };
}
