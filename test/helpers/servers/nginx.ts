import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { requireProgram } from "./acquire.ts";
import { runCommand } from "./command.ts";
import { makeFolder, removeFolder } from "./folders.ts";
import { ServerProcess } from "./process.ts";
import type { Server } from "./server.ts";

export interface NginxOptions {
  /** The main configuration, made from the server's paths; default: `nginxMain`. */
  readonly conf?: (paths: NginxPaths) => string;
  /** Files below the folder that exist before the start, for example `{ "conf.d/site.conf": "server { … }" }`. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface NginxPaths {
  /** nginx's prefix. */
  readonly folder: string;
  readonly confFile: string;
  /** Its `*.conf` files are included in the http block of `nginxMain`. */
  readonly confFolder: string;
  readonly pidFile: string;
  /** Where `load_module` finds modules; absent when nginx was not fetched by the harness. */
  readonly modulesFolder: string;
}

export interface Nginx extends Server, NginxPaths {
  /** The program. */
  readonly path: string;
  readonly version: string;
  /** `[nginx, -p, folder, -c, confFile]`: with `-t` a check, with `-s reload` a reload. */
  readonly argv: readonly string[];
  /** `nginx -t`. @throws with nginx's words when it refuses the configuration */
  check(): Promise<void>;
  /** Asks for a reload; nginx gives no answer when it is done. */
  reload(): void;
}

const CHECK_MS = 20_000;

/** A real nginx with a prefix folder of its own, as any user. Listen on ports from `reservePort()`. */
export async function startNginx(options: NginxOptions = {}): Promise<Nginx> {
  const { path, version } = await requireProgram("nginx");
  const folder = await makeFolder("nginx");
  const paths: NginxPaths = {
    folder,
    confFile: join(folder, "nginx.conf"),
    confFolder: join(folder, "conf.d"),
    pidFile: join(folder, "nginx.pid"),
    modulesFolder: join(dirname(dirname(path)), "tree/usr/lib/nginx/modules"),
  };
  await mkdir(paths.confFolder);
  await mkdir(join(folder, "temp"));
  await writeFile(paths.confFile, (options.conf ?? nginxMain)(paths));
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }

  const argv = [path, "-p", folder, "-c", paths.confFile];
  const process = new ServerProcess({
    name: "nginx",
    argv: () => argv,
    logFile: join(folder, "nginx.log"),
    // It listens before it writes the file.
    isReady: async () => Number(await readFile(paths.pidFile, "utf8")) === process.pid,
  });
  async function stop(): Promise<void> {
    await process.stop();
    await removeFolder(folder);
  }
  try {
    await process.start();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    ...paths,
    path,
    version,
    argv,
    get pid() {
      return process.pid;
    },
    stop,
    async restart() {
      await process.stop();
      await process.start();
    },
    kill: () => process.kill(),
    pause: () => process.pause(),
    resume: () => process.resume(),
    output: () => process.output(),
    async check() {
      await runCommand([...argv, "-t"], { timeoutMs: CHECK_MS });
    },
    reload() {
      process.signal("SIGHUP");
    },
  };
}

/** A main configuration that writes nothing outside the server's folder and includes `conf.d/*.conf`. */
export function nginxMain({ folder, confFolder, pidFile }: NginxPaths): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${folder}/temp/${name};`,
  );
  // As root, workers would change to a user that may not read the folder.
  const user = globalThis.process.getuid?.() === 0 ? ["user root;"] : [];
  return [
    ...user,
    "daemon off;",
    "worker_processes 1;",
    `pid ${pidFile};`,
    "error_log stderr notice;",
    "events { worker_connections 256; }",
    "http {",
    "  access_log off;",
    ...temporary,
    `  include ${confFolder}/*.conf;`,
    "}",
    "",
  ].join("\n");
}
