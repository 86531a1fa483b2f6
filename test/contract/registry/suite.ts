/**
 * The contract of `ports.ts` for registries, as cases. Every adapter passes all of them; what its store has no notion of is left out by
 * name and reason.
 */
import { describe, expect, test } from "vitest";
import { PATIENCE } from "../../helpers/patience.ts";
import { type Case, runInArena } from "./arena.ts";
import { abortCases } from "./cases/abort.ts";
import { faultCases } from "./cases/faults.ts";
import { followCases } from "./cases/follow.ts";
import { guardCases } from "./cases/guards.ts";
import { holderCases } from "./cases/holders.ts";
import { invalidCases } from "./cases/invalid.ts";
import { keyCases } from "./cases/keys.ts";
import { layoutCases } from "./cases/layout.ts";
import { leaseCases } from "./cases/leases.ts";
import { nameCases } from "./cases/names.ts";
import { orphanCases } from "./cases/orphans.ts";
import { ownerCases } from "./cases/owners.ts";
import { readCases } from "./cases/read.ts";
import { writeCases } from "./cases/write.ts";
import type { RegistryFixture } from "./fixture.ts";

const CASE_MS = 60_000 * PATIENCE;

const GROUPS: Readonly<Record<string, readonly Case[]>> = {
  read: readCases,
  follow: followCases,
  abort: abortCases,
  write: writeCases,
  guards: guardCases,
  leases: leaseCases,
  owners: ownerCases,
  holders: holderCases.map((row) => ({ ...row, needs: [...(row.needs ?? []), "holders"] })),
  faults: faultCases,
  names: nameCases,
  invalid: invalidCases,
  keys: keyCases,
  "registrator layout": layoutCases,
  orphans: orphanCases,
};

export function registrySuite(name: string, quiet: RegistryFixture): void {
  const fixture: RegistryFixture = {
    ...quiet,
    noticeMs: quiet.noticeMs * PATIENCE,
    outageNoticeMs: quiet.outageNoticeMs * PATIENCE,
    recoverMs: quiet.recoverMs * PATIENCE,
  };
  describe(name, () => {
    for (const [group, cases] of Object.entries(GROUPS)) {
      describe(group, () => {
        for (const row of cases) {
          const why = (row.needs ?? []).flatMap((capability) => fixture.leavesOut[capability] ?? []);
          if (why.length === 0) {
            const timeoutMs = CASE_MS + (row.extraMs?.(fixture) ?? 0);
            test(row.title, { timeout: timeoutMs }, () => runInArena(fixture, row.breaks ?? false, row.run));
          } else {
            test(`left out: ${row.title} (${why.join("; ")})`, () => expect(why.join("").trim()).not.toBe(""));
          }
        }
      });
    }
  });
}
