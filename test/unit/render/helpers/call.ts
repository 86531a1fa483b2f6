import { FairleadError } from "../../../../src/model/errors.ts";
import { HELPERS } from "../../../../src/render/helpers/index.ts";

export type Hash = Readonly<Record<string, unknown>>;

/** Calls a helper as the engine does. */
export function call(name: string, args: readonly unknown[], hash: Hash = {}): unknown {
  const helper = HELPERS.find((entry) => entry.name === name);
  if (helper === undefined) {
    throw new Error(`no helper "${name}"`);
  }
  return helper.call(args, hash);
}

/** The message of a call that has to fail with `TEMPLATE_FAILED`. */
export function failure(name: string, args: readonly unknown[], hash: Hash = {}): string {
  try {
    call(name, args, hash);
  } catch (error) {
    if (error instanceof FairleadError && error.code === "TEMPLATE_FAILED") {
      return error.message;
    }
    throw error;
  }
  throw new Error("it did not fail");
}
