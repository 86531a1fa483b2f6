import type { RenderedFile } from "../../../src/ports.ts";

/** What the process that dies is told. */
export interface MortalJob {
  /** 0: it lives. */
  readonly killAt: number;
  readonly stateDir: string;
  readonly level: "namespace" | "swap";
  readonly files: readonly RenderedFile[];
  readonly check: readonly string[];
  readonly reload: readonly string[];
  readonly verify: readonly string[];
  /** Go back to the state before, instead of applying the files. */
  readonly rollBack?: boolean;
}
