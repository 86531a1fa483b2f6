/** Who opens the Docker socket, and for what. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fairlead, startFairlead } from "../helpers/fairlead.ts";
import { waitFor } from "../helpers/wait.ts";

let folder: string;
let engine: Server;
/** Every request that came to the socket. */
let requests: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-socket-"));
  requests = [];
  engine = createServer((request, response) => {
    requests.push(`${request.method} ${request.url?.replace(/^\/v[\d.]+/, "").replace(/\?.*$/, "")}`);
    const path = requests.at(-1);
    response.setHeader("api-version", "1.41");
    if (path === "GET /events") {
      response.flushHeaders(); // and nothing ever happens
    } else {
      response.end(
        path?.endsWith("/json") === true ? "[]" : JSON.stringify({ ID: "engine-1", ApiVersion: "1.41", MinAPIVersion: "1.24" }),
      );
    }
  });
  engine.on("connection", () => requests.push("connection"));
  await new Promise<void>((resolve) => engine.listen(join(folder, "docker.sock"), resolve));
  await writeFile(join(folder, "out.hbs"), "{{#each services}}{{name}}{{/each}}-");
});
afterEach(async () => {
  engine.closeAllConnections();
  await new Promise((resolve) => engine.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const RENDER = 'render: { targets: { t: { files: [{ template: out.hbs, dest: out }], reload: ["true"] } } }\n';

async function configure(more: string): Promise<void> {
  await writeFile(join(folder, "fairlead.yaml"), `node: n1\nstateDir: state\nregistry: file:registry\n${more}`);
}

const options = (): { cwd: string; env: Record<string, string> } => ({
  cwd: folder,
  env: { DOCKER_HOST: `unix://${join(folder, "docker.sock")}` },
});

it("a process that only renders never opens the Docker socket, as a sidecar or once (G12)", async () => {
  await configure(RENDER);
  expect((await fairlead(["render"], options())).code).toBe(0);
  await rm(join(folder, "out"));
  const running = startFairlead(["run"], options());
  await waitFor(() => readFile(join(folder, "out"), "utf8").catch(() => undefined), { timeoutMs: 15_000, what: "the file" });
  await running.stop();
  expect(requests).toEqual([]);
});

it("a process that registers only reads from it (G12)", async () => {
  await configure(`register: { sources: { docker: {} } }\n${RENDER}`);
  const running = startFairlead(["run"], options());
  await waitFor(() => requests.includes("GET /containers/json"), { timeoutMs: 15_000, what: "the engine to be asked" });
  await running.stop();
  const read = ["GET /_ping", "GET /version", "GET /info", "GET /events", "GET /containers/json", "connection"];
  expect(requests.filter((request) => !read.includes(request))).toEqual([]);
});
