/** Which of the machine's mounts a check's tree is made of. Pure: the text of /proc/self/mountinfo in, paths out. */

/** File systems that show the kernel's state and hold no files; what a check needs of them is mounted afresh. */
const KERNEL_TYPES = new Set(
  "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs proc pstore rpc_pipefs securityfs selinuxfs sysfs tracefs".split(
    " ",
  ),
);
/** Made afresh too: proc, sys, dev. The others hold what containers and sessions mount, by the hundred, and nothing that a check reads. */
const APART = [
  "/proc",
  "/sys",
  "/dev",
  "/run/containerd",
  "/run/credentials",
  "/run/docker",
  "/run/k3s",
  "/run/netns",
  "/run/user",
  "/snap",
  "/var/lib/containerd",
  "/var/lib/containers",
  "/var/lib/docker",
  "/var/lib/kubelet",
];
/** Each costs about a millisecond. */
const MOST_MOUNTS = 48;

/** Mount points, each after those that it lies in, `/` first. One below which a needed path lies is always among them. */
export function chooseMounts(mountinfo: string, needed: readonly string[]): readonly string[] {
  const points = new Map<string, string>([["/", ""]]);
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const point = before.split(" ")[4];
    const [type = ""] = after.split(" ");
    if (point !== undefined && type !== "") {
      points.set(unescapeOctal(point), type); // a later mount hides an earlier one
    }
  }
  const isNeeded = (point: string): boolean => needed.some((path) => isWithin(path, point));
  const chosen = [...points]
    .filter(([point, type]) => !KERNEL_TYPES.has(type) && (isNeeded(point) || !APART.some((folder) => isWithin(point, folder))))
    .map(([point]) => point)
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return chosen.filter((point, index) => index < MOST_MOUNTS || isNeeded(point));
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** The kernel writes blanks, tabs, line breaks and backslashes as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
