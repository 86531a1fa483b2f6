import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requireProgram } from "./acquire.ts";
import { runCommand } from "./command.ts";

export interface ImageOptions {
  readonly expose?: readonly (number | `${number}/${"tcp" | "udp"}`)[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a web server on port 80 that says "hello". */
  readonly cmd?: readonly string[];
  /** The rest of a HEALTHCHECK line, for example `--interval=200ms --retries=1 CMD test -f /healthy`. */
  readonly healthcheck?: string;
}

const TAR_MS = 30_000;
const APPLETS = [
  "cat",
  "echo",
  "env",
  "false",
  "httpd",
  "kill",
  "ls",
  "mkdir",
  "nc",
  "ps",
  "rm",
  "sh",
  "sleep",
  "test",
  "touch",
  "true",
  "wget",
];

/** @returns the path of a tar file with the file system of every test image: BusyBox and `/www/index.html` */
export async function makeRootfs(folder: string): Promise<string> {
  const { path: busybox } = await requireProgram("busybox");
  const root = join(folder, "rootfs");
  for (const name of ["bin", "tmp", "www"]) {
    await mkdir(join(root, name), { recursive: true });
  }
  await writeFile(join(root, "www", "index.html"), "hello\n");
  const target = join(root, "bin", "busybox");
  await copyFile(busybox, target);
  await chmod(target, 0o755);
  for (const applet of APPLETS) {
    await symlink("busybox", join(root, "bin", applet));
  }
  const tar = join(folder, "rootfs.tar");
  await runCommand(["tar", "-C", root, "-cf", tar, "."], { timeoutMs: TAR_MS });
  return tar;
}

/** Arguments for `docker import`: there is no image registry in reach of a test. */
export function importArgs(tar: string, name: string, options: ImageOptions): string[] {
  const { expose = [], labels = {}, env = {}, cmd = ["httpd", "-f", "-p", "80", "-h", "/www"], healthcheck } = options;
  const changes = [
    ...expose.map((port) => `EXPOSE ${port}`),
    ...Object.entries(labels).map(([key, value]) => `LABEL ${quote(key)}=${quote(value)}`),
    ...Object.entries(env).map(([key, value]) => `ENV ${key}=${quote(value)}`),
    `CMD ${JSON.stringify(cmd)}`,
    ...(healthcheck === undefined ? [] : [`HEALTHCHECK ${healthcheck}`]),
  ];
  return ["import", ...changes.flatMap((change) => ["--change", change]), tar, name];
}

/** As in a Dockerfile, where a line cannot hold a line break: give such labels to `run`. */
function quote(text: string): string {
  if (/[\r\n]/.test(text)) {
    throw new Error(`an image cannot have a label or variable with a line break: ${JSON.stringify(text)}`);
  }
  return `"${text.replaceAll(/["\\$]/g, "\\$&")}"`;
}
