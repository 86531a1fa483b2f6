import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { runCommand } from "./command.ts";
import { findOnPath } from "./probe.ts";

const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
const BRIDGE = "/sys/class/net/docker0";
const LINK_MS = 10_000;

/** In the command line of every engine that the harness starts. */
const ENGINE_FOLDER = "fairlead-test-docker-";

/** The process id of a Docker engine on this machine that is none of ours. Two share docker0 and iptables, so ours would break it. */
export function foreignEngine(): number | undefined {
  return processes().find(({ command }) => /(?:^|\/)dockerd\0/.test(command) && !command.includes(ENGINE_FOLDER))?.pid;
}

/** Whether a living process has that text on its command line. */
export function isNamed(text: string): boolean {
  return processes().some(({ command }) => command.includes(text));
}

function processes(): { readonly pid: number; readonly command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, "utf8") }];
      } catch {
        // It has ended since the listing.
        return [];
      }
    });
}

/**
 * Prepares the machine's network for an engine that is started with `--ip-forward=false`: an engine that turns forwarding on by itself
 * also sets the firewall to drop what is forwarded, and never takes that back.
 *
 * @returns what puts the machine back as it was
 */
export async function prepareNetwork(): Promise<() => Promise<void>> {
  const before = await readFile(FORWARDING, "utf8");
  const hadBridge = existsSync(BRIDGE);
  await writeFile(FORWARDING, "1");
  return async () => {
    await writeFile(FORWARDING, before);
    if (!hadBridge && existsSync(BRIDGE) && findOnPath("ip") !== undefined) {
      await runCommand(["ip", "link", "delete", "docker0"], { timeoutMs: LINK_MS });
    }
  };
}
