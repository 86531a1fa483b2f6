/** The lower levels: what is left to do where the whole tree cannot be layered. */
import { cpuSeconds, type Staged } from "./full.ts";

/** It binds pairs of paths until `--`, then runs the check and stays above it: everything ends with it. */
const BIND = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 125; shift 2; done; shift; "$@"; exit $?';

/** The files are laid over existing ones in a mount namespace that only the check sees; otherwise it runs as this process does. */
export function namespaceArgv(argv: readonly string[], staged: readonly Staged[]): readonly string[] {
  const binds = staged.flatMap((file) => (file.staged === undefined ? [] : [file.staged, file.dest]));
  const unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "--mount-proc", "--"];
  return [...unshare, "sh", "-c", BIND, "sh", ...binds, "--", ...argv];
}

/** What root needs to read and write files as root, and to become somebody else. */
const FILE_CAPABILITIES =
  "-all,+chown,+dac_override,+dac_read_search,+fowner,+fsetid,+kill,+setgid,+setuid,+net_bind_service,+sys_chroot";

/** No namespaces: root without what root can do to the system itself. */
export function basicArgv(argv: readonly string[], timeoutMs: number): readonly string[] {
  const limits = ["prlimit", "--core=0", `--cpu=${cpuSeconds(timeoutMs)}`];
  const rights = ["--no-new-privs", "--inh-caps=-all", `--bounding-set=${FILE_CAPABILITIES}`];
  return [...limits, "setpriv", "--pdeathsig", "KILL", ...rights, "--", ...argv];
}
