import { setFlagsFromString } from "node:v8";
import { sleep } from "./time.ts";

/** By then most of what a first render needs is there, also at 100,000 instances. */
const FIRST_MS = 2000;

/**
 * What a pass makes is garbage when it is over, and V8 lets a heap grow to several times of what lives before it looks. For a process that
 * runs for months half as much again is enough. From some seconds on, unless the signal aborts before.
 */
export async function keepHeapSmall(signal: AbortSignal): Promise<void> {
  try {
    await sleep(FIRST_MS, signal);
  } catch {
    return; // aborted: the process ends, or begins anew with another configuration
  }
  setFlagsFromString("--heap-growing-percent=50");
}
