/** What the demo plays with: small HTTP services, a folder with its configuration, and the nginx of this machine if there is one. */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, get, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { delimiter, join } from "node:path";
import { exec } from "../../core/exec.ts";
import { bootConf } from "./files.ts";

export interface Instance {
  readonly name: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A service instance that answers with its own name. */
export async function startInstance(name: string): Promise<Instance> {
  const server = createServer((_request, response) => {
    response.setHeader("connection", "close");
    response.end(`${name}\n`);
  });
  const port = await listen(server);
  return {
    name,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createTcpServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** The body of an answer; undefined when nobody answers with 200. */
export function ask(port: number, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false, timeout: 1000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve(response.statusCode === 200 ? body : undefined));
      response.on("error", () => resolve(undefined));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

/** nginx on the PATH, or where distributions put it for root only. */
export function findNginx(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const folders = [...(env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"].filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, "nginx")).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us
  }
}

export interface Nginx {
  stop(): Promise<void>;
}

/** Runs nginx in a folder of its own with a configuration that serves nothing yet. */
export async function startNginx(binary: string, folder: string, port: number): Promise<Nginx> {
  await mkdir(join(folder, "tmp"), { recursive: true });
  await mkdir(join(folder, "logs"), { recursive: true });
  await writeFile(join(folder, "nginx.conf"), bootConf(port));
  const child = spawn(binary, ["-p", `${folder}/`, "-c", "nginx.conf", "-g", "daemon off;"], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Whether this nginx runs at all: a broken installation is worth a sentence, not a stack. */
export async function nginxVersion(binary: string, signal: AbortSignal): Promise<string | undefined> {
  const result = await exec([binary, "-v"], { timeoutMs: 5000, signal, env: {} });
  return result.kind === "exited" && result.code === 0 ? result.output.replace(/^nginx version: /, "") : undefined;
}
