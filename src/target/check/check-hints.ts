/** What a person can do about a check that its sandbox made fail. Pure. */
import { basename } from "node:path";
import type { CheckLevel } from "./sandbox.ts";

/** They act through a socket, on another machine, or as another user: none of that can be done in a sandbox. */
const ACT_ELSEWHERE = new Set(
  "crictl ctr doas docker docker-compose incus kubectl lxc machinectl nerdctl nsenter podman runuser ssh su sudo systemctl systemd-run".split(
    " ",
  ),
);

const NO_NAME =
  /host not found|could not resolve|couldn't resolve|cannot resolve|name resolution|name or service not known|no such host|ENOTFOUND|EAI_AGAIN/i;
const NO_NETWORK = /network is unreachable|ENETUNREACH/i;
const NO_ROOM = /no space left on device|file too large/i;
const NO_RIGHT = /operation not permitted|EPERM|read-only file system|must be (run )?(as )?root|requires? root/i;
const OFF = "set `sandbox: off` on the check, which puts the files in place for its length";

/** Undefined: nothing points at the sandbox. */
export function hintAtSandbox(argv: readonly string[], output: string, level: CheckLevel): string | undefined {
  if (level !== "full" && level !== "network") {
    return undefined;
  }
  const program = basename(argv[0] ?? "");
  if (ACT_ELSEWHERE.has(program)) {
    return `\`${program}\` acts outside of the sandbox that a check runs in: ${OFF}`;
  }
  if (level === "full" && (NO_NAME.test(output) || NO_NETWORK.test(output))) {
    return "a check sees no network, so only names in /etc/hosts are known: write addresses, or set `sandbox: network` on the check";
  }
  if (NO_ROOM.test(output)) {
    return `what a check writes is kept in memory, 256 MB at most, and so is a big file that it opens for writing: if it needs more, ${OFF}`;
  }
  if (NO_RIGHT.test(output)) {
    return `a check runs in a sandbox without root's rights: if it needs them, ${OFF}`;
  }
  return undefined;
}
