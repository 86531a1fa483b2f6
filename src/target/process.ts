import { readFile, stat } from "node:fs/promises";

/** When a process started, in an opaque form: equal only for the same process. Undefined: it is gone, or this system does not tell. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  return (await processFields(pid))?.[19];
}

/** A zombie has ended; only its parent has not looked yet. Signals to it succeed and do nothing. */
export async function isZombie(pid: number): Promise<boolean> {
  return (await processFields(pid))?.[0] === "Z";
}

/** Whether the process can have written `pidFile`: it started before the file was last changed. True where the system does not tell. */
export async function isOlderThan(pid: number, pidFile: string): Promise<boolean> {
  const [started, written] = await Promise.all([
    stat(`/proc/${pid}`).then(
      (stats) => stats.ctimeMs,
      () => undefined,
    ),
    stat(pidFile).then(
      (stats) => stats.mtimeMs,
      () => undefined,
    ),
  ]);
  return started === undefined || written === undefined || started <= written + 2000;
}

/** The fields of `/proc/PID/stat` after the name, from the state on (proc(5)). */
async function processFields(pid: number): Promise<readonly string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}
