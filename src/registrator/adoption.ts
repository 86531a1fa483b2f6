import type { Log, Owned, RegistryWriter } from "../ports.ts";

export interface AdoptionOptions {
  readonly writer: RegistryWriter;
  readonly adopt?: readonly string[];
  readonly log: Log;
}

/** What Registrator left behind on this node counts as our own until a pass has done everything: then it is ours, or gone. */
export interface Adoption {
  leftBehind(signal: AbortSignal): Promise<readonly Owned[]>;
  /** A pass has compared everything and nothing of it failed. */
  end(): void;
  /** What a person can do about a place that is taken. */
  hintFor(holder: string): { readonly hint?: string };
}

export function createAdoption({ writer, adopt, log }: AdoptionOptions): Adoption {
  let isOver = adopt === undefined;
  let found = 0;
  return {
    async leftBehind(signal) {
      if (isOver || adopt === undefined) {
        return [];
      }
      const orphans = await writer.orphans(adopt, signal);
      found = Math.max(found, orphans.length);
      return orphans;
    },
    end() {
      if (!isOver) {
        isOver = true;
        log.info("entries that Registrator left behind are taken over or removed", { hosts: adopt, entries: found });
      }
    },
    hintFor(holder) {
      return holder === "" && adopt === undefined
        ? { hint: "another program wrote it; if Registrator left it behind, `fairlead run --adopt` takes it over" }
        : {};
    },
  };
}
