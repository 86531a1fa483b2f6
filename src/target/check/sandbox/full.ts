/**
 * The tree as it will be, for one check only. Every mount of the machine gets a layer in memory above it, so a check reads what is there
 * and what it writes vanishes with it; that is why it may be allowed to read root's files and to open root's logs. It runs as a user
 * that nobody else is, without a way to the network, to other processes or to their sockets, and all of it ends with its first process.
 *
 * Paths come as arguments and never stand in the script.
 */
import { randomInt } from "node:crypto";
import { isAbsolute } from "node:path";
import { chooseMounts } from "./mounts.ts";

/** A file and the place that it is meant for. */
export interface Staged {
  /** Absent: the file at `dest` is to go. */
  readonly staged?: string;
  readonly dest: string;
  /** Whether there is a file at `dest` now. */
  readonly replaces: boolean;
}

export interface FullOptions {
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  /** What is laid over the tree. */
  readonly staged: readonly Staged[];
  readonly network: "none" | "host";
  /** The text of /proc/self/mountinfo. */
  readonly mountinfo: string;
  /** Where the command starts. */
  readonly cwd: string;
}

/** Printed when the sandbox stands, right before the check begins: until then only the scripts can print, so nobody can forge it. */
const READY = "fairlead: sandbox is ready";

/**
 * Builds the tree below /proc, which each process namespace mounts anew anyway, so that no folder is needed and none is left behind.
 * When memory runs out, the check is what is ended. A mount that takes no layer (a file, a file system below too many others) is
 * read-only; bound, never copied, because a path could by now lead out of the tree.
 * The root of each layer is named `.`: a path with commas or colons would have to be escaped in mount's options.
 * /dev/stdout and /dev/stderr are a file, because sockets, which is what a Node process gives its children, cannot be opened by name.
 */
const OUTSIDE = `exec 2>&1
network=$1 layers=$2 inside=$3 end=$4
shift 4
tree=/proc/tree
fail() { echo "$1"; exit 125; }
layer() {
  cd "$1" && mount -t overlay -o "nosuid,nodev,lowerdir=.,upperdir=/proc/u$count,workdir=/proc/w$count" fairlead "$2"
}
echo 1000 > /proc/self/oom_score_adj
if [ "$network" = none ]; then
  for family in ipv4 ipv6; do echo 1 > "/proc/sys/net/$family/ip_nonlocal_bind"; done 2>/dev/null
  ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null
fi
mount -t tmpfs -o nosuid,mode=755,size=256m,nr_inodes=65536 fairlead /proc || fail "no file system in memory"
mkdir $tree /proc/dev /proc/dev/shm /proc/dev/pts $layers || fail "no folders in memory"
count=0
while [ "$1" != "$end" ]; do
  count=$((count + 1)) to=$tree\${1%/}
  if [ "$1" = / ]; then
    layer / $tree || fail "no overlay on /"
  elif [ -d "$1" ] && layer "$1" "$to" 2>/dev/null; then
    :
  elif [ -d "$1" ] || [ -f "$1" ] && mount --bind "$1" "$to" 2>/dev/null; then
    mount -o remount,bind,ro,nosuid,nodev "$to" || umount "$to" || fail "$1 cannot be made read-only"
  fi
  shift
done
shift
cd /
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/fd /proc/dev/ || fail "no devices"
: > /proc/dev/stdout && : > /proc/dev/stderr && exec 3< /proc/dev/stdout 4< /proc/dev/stderr
mount --bind /proc/dev $tree/dev || fail "no /dev"
mount -t proc -o ro,nosuid,nodev,noexec proc $tree/proc || fail "no /proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs $tree/sys 2>/dev/null
unshare --root=$tree sh -c "$inside" sh "$end" "$@" 3<&- 4<&-
code=$?
show() {
  if IFS= read -r line || [ -n "$line" ]; then printf '%s\\n' "$line" && cat; fi
}
show <&3
show <&4
exit $code`;

/**
 * Already in the tree, where links lead to where they would for the check: laid from outside, an absolute link would lead out of it.
 * Sockets go: some kernels let one be reached through a layer. So do passwords and root's keys for other machines, which no
 * configuration needs. A log of gigabytes would be copied into memory by the first program that opens it for writing, so it is empty
 * here. A folder that no layer could be put on is copied.
 */
const INSIDE = `end=$1 processes=$2 blocks=$3 seconds=$4
shift 4
fail() { echo "$1"; exit 125; }
lay() {
  [ -n "$2" ] && mv -f -- "$1" "$2" 2>/dev/null && return
  [ -z "$2" ] && rm -f -- "$1" 2>/dev/null && return
  at=\${2:-$1} folder=\${at%/*} count=$((count + 1))
  mkdir "/dev/.$count" && cp -a -- "$folder/." "/dev/.$count/" && mount --bind "/dev/.$count" "$folder" || return
  if [ -n "$2" ]; then mv -f -- "$1" "$2"; else rm -f -- "$1"; fi
}
rm -rf /etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- ~root/.ssh || fail "the passwords cannot be hidden"
find /run /var/log -xdev "(" -type s -exec rm -f "{}" + ")" -o "(" -type f -size +4096k -exec sh -c 'for file; do : > "$file"; done' sh "{}" + ")" 2>/dev/null
count=0
while [ "$1" != "$end" ]; do lay "$1" "$2" || fail "\${2:-$1} cannot be laid over the tree"; shift 2; done
shift
cd "$1" 2>/dev/null
shift
ulimit -p "$processes" 2>/dev/null || ulimit -u "$processes" || fail "no limits"
ulimit -f "$blocks" && ulimit -t "$seconds" && ulimit -c 0 || fail "no limits"
echo "${READY}"
exec "$@"`;

/** Root's files are its own, because it changes only layers of them; port 80 is free in a network of its own. */
const CAPABILITIES = "-all,+chown,+dac_override,+dac_read_search,+fowner,+net_bind_service";
/** Ends the lists of paths, which are absolute. */
const END = "--";
const MOST_PROCESSES = 256;
/** In blocks of 512 bytes: 256 MB. */
const LARGEST_FILE_BLOCKS = 512 * 1024;
/** User ids that no system gives out, so that the limit on processes counts this check's alone. */
const FIRST_UID = 2_147_352_576;
const UIDS = 65_536;

/** The command that builds the sandbox and becomes the check in it. */
export function fullArgv(options: FullOptions): readonly string[] {
  const { argv, staged, network, mountinfo, cwd, timeoutMs } = options;
  const needed = [cwd, ...staged.map((file) => file.dest), ...argv.filter(isAbsolute)];
  // Removals first: a file may become a folder's name.
  const pairs = [...staged].sort((a, b) => Number(a.staged !== undefined) - Number(b.staged !== undefined));
  const uid = String(FIRST_UID + randomInt(UIDS));
  const mounts = chooseMounts(mountinfo, needed);
  // Made with one command: each that the script starts costs more than a millisecond.
  const layers = mounts.map((_, index) => `/proc/u${index + 1} /proc/w${index + 1}`).join(" ");
  const namespaces = ["--mount", "--pid", "--ipc", "--uts", ...(network === "none" ? ["--net"] : [])];
  // With the first of them it ends when we do, even when we are killed.
  const outside = ["setpriv", "--pdeathsig", "KILL", "unshare", ...namespaces, "--fork", "--kill-child", "--mount-proc"];
  const script = ["--propagation", "private", "--", "sh", "-c", OUTSIDE, "sh"];
  const limits = [MOST_PROCESSES, LARGEST_FILE_BLOCKS, cpuSeconds(timeoutMs)].map(String);
  const rights = ["bounding-set", "inh-caps", "ambient-caps"].map((set) => `--${set}=${CAPABILITIES}`);
  const becomes = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--no-new-privs", ...rights, "--", ...argv];
  return [
    ...outside,
    ...script,
    network,
    layers,
    INSIDE,
    END,
    ...mounts,
    END,
    ...limits,
    ...pairs.flatMap((file) => (file.staged === undefined ? [file.dest, ""] : [file.staged, file.dest])),
    END,
    cwd,
    ...becomes,
  ];
}

/** What the check itself printed; undefined: its sandbox could not be built, and it did not run. */
export function outputInSandbox(output: string): string | undefined {
  const start = `\n${output}\n`.indexOf(`\n${READY}\n`);
  return start === -1 ? undefined : output.slice(start + READY.length + 1);
}

export function cpuSeconds(timeoutMs: number): number {
  return Math.ceil(timeoutMs / 1000) + 1;
}
