/**
 * Applies files in a process that kills itself with SIGKILL before its n-th step: a call that changes something on the disk, or the start of
 * a command. Bundled and started by the test beside it.
 */
import child_process from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { createTarget } from "../../../src/target/target.ts";
import { noProvenance } from "../../helpers/provenance.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import type { MortalJob } from "./mortal-job.ts";

const job = JSON.parse(process.argv[2] ?? "") as MortalJob;
let steps = 0;

function step(): void {
  steps++;
  if (steps === job.killAt) {
    process.kill(process.pid, "SIGKILL");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // nothing happens any more until it has come
  }
}

type Method = (...args: unknown[]) => unknown;

function count(holder: object, names: readonly string[], counts: (args: readonly unknown[]) => boolean = () => true): void {
  const methods = holder as Record<string, Method>;
  for (const name of names) {
    const original = methods[name];
    if (original === undefined) {
      throw new Error(`there is no "${name}" to count`);
    }
    methods[name] = function counted(this: unknown, ...args: unknown[]) {
      if (counts(args)) {
        step();
      }
      return original.apply(this, args);
    };
  }
}

const probe = await fs.promises.open(process.execPath, "r");
const handleMethods = Object.getPrototypeOf(probe) as object;
await probe.close();
const isWrite = ([, flags]: readonly unknown[]): boolean =>
  typeof flags === "number" ? (flags & 3) !== 0 : /[wa+]/.test(String(flags));
count(fs.promises, ["rename", "rm", "mkdir", "link", "chmod", "writeFile"]);
count(fs.promises, ["open"], isWrite);
count(handleMethods, ["write", "writeFile", "sync", "truncate", "chmod", "chown"]);
count(child_process, ["spawn"]);
syncBuiltinESMExports();

const { files, check, reload, verify } = job;
const target = createTarget({
  name: "mortal",
  stateDir: job.stateDir,
  log: recordLog(),
  environment: process.env,
  check: { argv: check, timeoutMs: 10_000 },
  reload: { exec: { argv: reload, timeoutMs: 10_000 } },
  verify: { exec: verify, timeoutMs: 10_000 },
  findCheckLevel: async () => job.level,
});
const options = { signal: new AbortController().signal, lockTimeoutMs: 5000, provenance: noProvenance };
const report = job.rollBack === true ? await target.rollBack({}, options) : await target.apply(files, options);
process.stdout.write(JSON.stringify({ steps, outcome: report.outcome.kind }));
