import { isRecord } from "../../../core/json.ts";
import type { ContainerDetails } from "../container.ts";
import { signalNumber } from "./signal-number.ts";
import { readDetails } from "./wire.ts";

/** What the inspect call tells of how a container runs and ends. */
export interface ContainerLife {
  /** By number; undefined: the usual one. */
  readonly stopSignal: number | undefined;
  /** When it was last started, by the engine's clock, in ms. */
  readonly startedAt: number | undefined;
}

export interface InspectedContainer extends ContainerDetails {
  readonly life: ContainerLife;
}

/** Reads the answer of `/containers/{id}/json`; undefined when it makes no sense. */
export function readInspected(answer: unknown): InspectedContainer | undefined {
  const details = readDetails(answer);
  return details && { ...details, life: readLife(answer) };
}

function readLife(answer: unknown): ContainerLife {
  const { Config: config, State: state } = isRecord(answer) ? answer : {};
  const stopSignal = isRecord(config) && typeof config.StopSignal === "string" ? signalNumber(config.StopSignal) : undefined;
  const startedAt = isRecord(state) && typeof state.StartedAt === "string" ? Date.parse(state.StartedAt) : Number.NaN;
  return { stopSignal, startedAt: Number.isFinite(startedAt) ? startedAt : undefined };
}
