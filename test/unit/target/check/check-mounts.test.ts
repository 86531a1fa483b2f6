import { describe, expect, it } from "vitest";
import { chooseMounts, isWithin } from "../../../../src/target/check/sandbox/mounts.ts";

/** Lines as the kernel writes them: mount point and type are what differs. */
function mountinfo(...mounts: readonly (readonly [point: string, type: string])[]): string {
  return mounts.map(([point, type], n) => `${n + 20} 1 8:${n} / ${point} rw,relatime shared:${n} - ${type} /dev/x rw\n`).join("");
}

const CASES: readonly {
  readonly what: string;
  readonly mounts: readonly (readonly [string, string])[];
  readonly needed?: readonly string[];
  readonly chosen: readonly string[];
}[] = [
  { what: "the root alone, also when nothing is known", mounts: [], chosen: ["/"] },
  {
    what: "parents before what lies in them, whatever the order they were mounted in",
    mounts: [
      ["/var/log/nginx", "tmpfs"],
      ["/var", "xfs"],
      ["/", "ext4"],
    ],
    chosen: ["/", "/var", "/var/log/nginx"],
  },
  {
    what: "no file system that shows the kernel's state",
    mounts: [
      ["/proc", "proc"],
      ["/sys", "sysfs"],
      ["/sys/fs/cgroup", "cgroup2"],
      ["/dev", "devtmpfs"],
      ["/dev/shm", "tmpfs"],
      ["/somewhere/else", "nsfs"],
      ["/run", "tmpfs"],
    ],
    chosen: ["/", "/run"],
  },
  {
    what: "none of a container engine's",
    mounts: [
      ["/var/lib/docker/overlay2/abc/merged", "overlay"],
      ["/var/lib/dockers", "ext4"],
    ],
    chosen: ["/", "/var/lib/dockers"],
  },
  {
    what: "an engine's volume when a needed file is in it",
    mounts: [
      ["/var/lib/docker", "ext4"],
      ["/var/lib/docker/overlay2/abc/merged", "overlay"],
    ],
    needed: ["/var/lib/docker/volumes/conf/_data/app.conf"],
    chosen: ["/", "/var/lib/docker"],
  },
  {
    what: "names with blanks and backslashes",
    mounts: [["/srv/a\\040b\\134c", "ext4"]],
    chosen: ["/", "/srv/a b\\c"],
  },
  {
    what: "a place that was mounted over once, as what is seen there now",
    mounts: [
      ["/data", "ext4"],
      ["/data", "autofs"],
      ["/data", "nfs4"],
    ],
    chosen: ["/", "/data"],
  },
  { what: "lines that are none not at all", mounts: [["/x", ""]], chosen: ["/"] },
];

describe("a check's tree is made of", () => {
  it.each(CASES)("$what", ({ mounts, needed = [], chosen }) => {
    expect(chooseMounts(mountinfo(...mounts), needed)).toEqual(chosen);
  });

  it("at most 48 mounts and those that are needed", () => {
    const many = Array.from({ length: 500 }, (_, n) => [`/mnt/disk${1000 + n}`, "ext4"] as const);
    const chosen = chooseMounts(mountinfo(...many), ["/mnt/disk1499/app.conf"]);
    expect(chosen).toHaveLength(49);
    expect(chosen.at(-1)).toBe("/mnt/disk1499");
  });
});

describe("isWithin", () => {
  it.each([
    ["/a/b", "/a", true],
    ["/a", "/a", true],
    ["/ab", "/a", false],
    ["/a", "/", true],
    ["/a", "/a/b", false],
  ])("%s in %s: %s", (path, folder, expected) => {
    expect(isWithin(path, folder)).toBe(expected);
  });
});
