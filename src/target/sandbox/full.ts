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
 * The root of each layer is named `.`: a path with commas or colons would have to be escaped in mount's options.
 * /dev/stdout and /dev/stderr are a file, because sockets, which is what a Node process gives its children, cannot be opened by name.
 */
const OUTSIDE = `exec 2>&1
network=$1 inside=$2 end=$3
shift 3
tree=/proc/tree
fail() { echo "$1"; exit 125; }
layer() {
  mkdir -p "/proc/$count/upper" "/proc/$count/work" && cd "$1" &&
    mount -t overlay -o "nosuid,nodev,lowerdir=.,upperdir=/proc/$count/upper,workdir=/proc/$count/work" fairlead "$2"
}
if [ "$network" = none ]; then
  for family in ipv4 ipv6; do echo 1 > "/proc/sys/net/$family/ip_nonlocal_bind"; done 2>/dev/null
  ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null
fi
mount -t tmpfs -o nosuid,mode=755,size=256m,nr_inodes=65536 fairlead /proc || fail "no file system in memory"
mkdir -p $tree /proc/dev/shm /proc/dev/pts || fail "no folder in memory"
count=0
while [ "$1" != "$end" ]; do
  count=$((count + 1)) to=$tree\${1%/}
  if [ "$1" = / ]; then
    layer / $tree || fail "no overlay on /"
  elif [ -d "$1" ] && [ -d "$to" ]; then
    if ! layer "$1" "$to" 2>/dev/null && mount --bind "$1" "$to" 2>/dev/null; then
      mount -o remount,bind,ro,nosuid,nodev "$to" || umount "$to" || fail "$1 cannot be made read-only"
    fi
  elif [ -f "$1" ] && [ -f "$to" ]; then
    cp -p "$1" "$to" 2>/dev/null
  fi
  shift
done
shift
cd /
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /proc/dev/ || fail "no devices"
: > /proc/dev/stdout && ln /proc/dev/stdout /proc/dev/stderr && ln -s /proc/self/fd /proc/dev/fd || fail "no /dev"
chmod 1777 /proc/dev/shm && chmod 666 /proc/dev/stdout && exec 3< /proc/dev/stdout
mount --bind /proc/dev $tree/dev || fail "no /dev"
mount -t proc -o ro,nosuid,nodev,noexec proc $tree/proc || fail "no /proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs $tree/sys 2>/dev/null
unshare --root=$tree sh -c "$inside" sh "$end" "$@" 3<&-
code=$?
if IFS= read -r line <&3 || [ -n "$line" ]; then
  printf '%s\\n' "$line"
  cat <&3
fi
exit $code`;

/**
 * Already in the tree, where links lead to where they would for the check: laid from outside, an absolute link would lead out of it.
 * Sockets go: some kernels let one be reached through a layer. So do passwords and root's keys for other machines, which no configuration needs. A log
 * of gigabytes would be copied into memory by the first program that opens it for writing, so it is empty here.
 * A folder that no layer could be put on is copied.
 */
const INSIDE = `end=$1
shift
fail() { echo "$1"; exit 125; }
writable() {
  [ -n "$2" ] && mv -f -- "$1" "$2" 2>/dev/null && return
  [ -z "$2" ] && rm -f -- "$1" 2>/dev/null && return
  at=\${2:-$1} folder=\${at%/*} count=$((count + 1))
  mkdir "/dev/.$count" && cp -a -- "$folder/." "/dev/.$count/" && mount --bind "/dev/.$count" "$folder" || return
  if [ -n "$2" ]; then mv -f -- "$1" "$2"; else rm -f -- "$1"; fi
}
rm -rf /etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /root/.ssh
find /run /var/log -xdev "(" -type s -exec rm -f "{}" + ")" -o "(" -type f -size +4096k -exec sh -c 'for file; do : > "$file"; done' sh "{}" + ")" 2>/dev/null
count=0
while [ "$1" != "$end" ]; do writable "$1" "$2" || fail "$2 cannot be laid over the tree"; shift 2; done
shift
cd "$1" 2>/dev/null
shift
echo "${READY}"
exec "$@"`;

/** Reading root's keys, opening root's logs for writing in the layer, listening on port 80. */
const CAPABILITIES = "-all,+dac_override,+dac_read_search,+net_bind_service";
/** Ends the lists of paths, which are absolute. */
const END = "--";
const MOST_PROCESSES = 256;
const LARGEST_FILE_BYTES = 256 * 1024 * 1024;
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
  return [
    ...["setpriv", "--pdeathsig", "KILL"], // ends with us, even when we are killed
    ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", ...(network === "none" ? ["--net"] : [])],
    ...["--propagation", "private", "--mount-proc", "--", "sh", "-c", OUTSIDE, "sh", network, INSIDE, END],
    ...[...chooseMounts(mountinfo, needed), END],
    ...pairs.flatMap((file) => (file.staged === undefined ? [file.dest, ""] : [file.staged, file.dest])),
    ...[END, cwd],
    ...["prlimit", `--nproc=${MOST_PROCESSES}`, `--fsize=${LARGEST_FILE_BYTES}`, "--core=0", `--cpu=${cpuSeconds(timeoutMs)}`],
    ...["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--no-new-privs"],
    ...[`--bounding-set=${CAPABILITIES}`, `--inh-caps=${CAPABILITIES}`, `--ambient-caps=${CAPABILITIES}`, "--"],
    ...argv,
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
