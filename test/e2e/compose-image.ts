/** An image of this machine's nginx, for there is no image registry in reach of a test: the program, its libraries and the folders it needs. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { requireProgram } from "../helpers/servers/index.ts";

const run = promisify(execFile);

const MAIN = `user root;
daemon off;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  include /etc/nginx/conf.d/*.conf;
}
`;

/** @returns the arguments of `docker` that make the image */
export async function nginxImage(folder: string, name: string): Promise<readonly string[]> {
  const { path } = await requireProgram("nginx");
  const root = join(folder, "nginx-root");
  for (const part of [
    "usr/sbin",
    "etc/nginx/conf.d",
    "var/lib/nginx",
    "var/log/nginx",
    "var/lock",
    "run",
    "tmp",
    "usr/share/nginx",
  ]) {
    await mkdir(join(root, part), { recursive: true });
  }
  const { program, libraries } = await realProgram(path);
  const { stdout } = await run("ldd", [program], { env: { ...process.env, LD_LIBRARY_PATH: libraries.join(":") } });
  const needed = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, file = ""]) => file);
  for (const library of needed) {
    // A library of the unpacked package belongs where the system's are.
    const to = library.startsWith(dirname(dirname(path))) ? join("/usr/lib", library.split("/").at(-1) ?? "") : library;
    await mkdir(join(root, dirname(to)), { recursive: true });
    await copyFile(library, join(root, to));
  }
  await copyFile(program, join(root, "usr/sbin/nginx"));
  await writeFile(join(root, "etc/nginx/nginx.conf"), MAIN);
  await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\n");
  const tar = join(folder, "nginx.tar");
  await run("tar", ["-C", root, "-cf", tar, "."]);
  const env = ["--change", "ENV LD_LIBRARY_PATH=/usr/lib"];
  return ["import", ...env, "--change", "EXPOSE 80", "--change", 'CMD ["/usr/sbin/nginx"]', tar, name];
}

/** The harness hands out a script that finds the program of an unpacked package, or a program of the machine. */
async function realProgram(path: string): Promise<{ readonly program: string; readonly libraries: readonly string[] }> {
  const isScript = (await readFile(path)).subarray(0, 2).toString() === "#!";
  if (!isScript) {
    return { program: path, libraries: [] };
  }
  const tree = join(dirname(dirname(path)), "tree");
  const lib = join(tree, "usr/lib");
  const folders = (await readdir(lib).catch((): string[] => [])).filter((name) => name.includes("-linux-"));
  return { program: join(tree, "usr/sbin/nginx"), libraries: folders.map((name) => join(lib, name)) };
}
