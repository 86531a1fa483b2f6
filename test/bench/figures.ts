/** Numbers as they are quoted: medians and ratios; the machine is never quiet. */

import { type FSWatcher, watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";

export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function row(name: string, ...cells: readonly string[]): void {
  console.log(`${name.padEnd(44)} ${cells.map((cell) => cell.padStart(14)).join(" ")}`);
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

export function spread(samples: readonly number[]): readonly [string, string] {
  return [`p50 ${ms(quantile(samples, 0.5))}`, `p95 ${ms(quantile(samples, 0.95))}`];
}

/** Resident memory of a process in MB. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** The most memory that a process ever had, in MB. */
export async function peakMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** The processor time of a process so far: what a busy machine does not change. Linux counts it in hundredths of a second. */
export async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Tells at once when a file has a wanted content. It is read again only when it was replaced. */
export function watchFile(file: string): {
  until(holds: (text: string) => boolean, timeoutMs?: number): Promise<void>;
  close(): void;
} {
  let wake: (() => void) | undefined;
  let seen = { stamp: "", text: "" };
  async function read(): Promise<string> {
    const { ino, mtimeMs, size } = await stat(file);
    const stamp = [ino, mtimeMs, size].join();
    if (stamp !== seen.stamp) {
      seen = { stamp, text: await readFile(file, "utf8") };
    }
    return seen.text;
  }
  const watcher: FSWatcher = watch(dirname(file), () => wake?.());
  return {
    async until(holds, timeoutMs = 20_000) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (holds(await read().catch(() => ""))) {
          return;
        }
        if (performance.now() > deadline) {
          throw new Error(`"${file}" did not get the wanted content within ${timeoutMs} ms`);
        }
        let timer: NodeJS.Timeout | undefined;
        await Promise.race([changed, new Promise((resolve) => (timer = setTimeout(resolve, 250)))]);
        clearTimeout(timer);
      }
    },
    close: () => watcher.close(),
  };
}
