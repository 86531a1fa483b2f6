/** A policy over an engine's containers, with the real command. The engine is a socket that answers as one does. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fairlead, startFairlead } from "../helpers/fairlead.ts";
import { PATIENCE } from "../helpers/patience.ts";
import { waitFor } from "../helpers/wait.ts";

function container(name: string, image: string, network: string, labels: Readonly<Record<string, string>>): object {
  return {
    Id: Buffer.from(name).toString("hex").padEnd(64, "0"),
    Names: [`/${name}`],
    Image: image,
    Created: 1_700_000_000,
    Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8000 + name.length, Type: "tcp" }],
    Labels: labels,
    State: "running",
    Status: "Up 1 second",
    HostConfig: { NetworkMode: network },
    NetworkSettings: { Networks: { [network]: { IPAddress: "172.17.0.2" } } },
  };
}

const CONTAINERS = [
  container("good", "registry.example/team-a/web:1", "team-a", { "fairlead.service": "a-web", "fairlead.host": "www.a.example" }),
  container("grabber", "registry.example/team-a/web:1", "team-a", { "fairlead.service": "a-web2", VIRTUAL_HOST: "pay.example" }),
  container("impostor", "registry.example/team-a/web:1", "team-a", { "fairlead.service": "payments" }),
  container("stranger", "nginx:1", "bridge", { "fairlead.service": "a-web" }),
  container("everyone", "nginx:1", "bridge", { "fairlead.service": "public-demo" }),
];

const CONFIG = `node: n1
stateDir: state
registry: file:registry
register:
  policy:
    rules:
      - { from: { image: "registry.example/team-a/*", network: [team-a, team-b] }, services: ["a-*"], hosts: ["*.a.example"] }
      - { services: ["public-*"] }
  sources:
    docker: { host: "unix://DIR/docker.sock", address: 10.0.0.1, env: false, register: labelled }
`;

let folder: string;
let engine: Server;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-policy-"));
  engine = createServer((request, response) => {
    response.setHeader("api-version", "1.51");
    if (request.url?.includes("/events") === true) {
      response.flushHeaders(); // and nothing ever happens
    } else {
      response.end(request.url?.includes("/containers/json") === true ? JSON.stringify(CONTAINERS) : "{}");
    }
  });
  await new Promise<void>((resolve) => engine.listen(join(folder, "docker.sock"), resolve));
  await writeFile(join(folder, "fairlead.yaml"), CONFIG.replace("DIR", folder));
});
afterEach(async () => {
  engine.closeAllConnections();
  await new Promise((resolve) => engine.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

it("G2 what no rule allows is not registered, and inspect says which rule does not allow what", async () => {
  const { stdout } = await fairlead(["inspect", "docker", "--json"], { cwd: folder });
  const { containers } = JSON.parse(stdout) as {
    containers: { name: string; instances: { service: string }[]; skipped: { port?: number; reason: string }[] }[];
  };
  const said = containers.map(({ name, instances, skipped }) => [
    name,
    ...instances.map(({ service }) => service),
    ...skipped.map(({ port, reason }) => `${port}: ${reason}`),
  ]);
  expect(said).toEqual([
    ["everyone", "public-demo"],
    ["good", "a-web"],
    ["grabber", '80: policy: rules 1, 2 do not allow the host "pay.example"'],
    ["impostor", '80: policy: rules 1, 2 do not allow the service "payments"'],
    ["stranger", '80: policy: rule 2 does not allow the service "a-web"'],
  ]);

  const daemon = startFairlead(["run"], { cwd: folder });
  const files = (service: string): Promise<readonly string[]> =>
    readdir(join(folder, "registry/services", service)).then(
      (names) => names.filter((name) => !name.startsWith(".")), // being written
      () => [],
    );
  for (const [service, file] of [
    ["a-web", "n1:good:80.json"],
    ["public-demo", "n1:everyone:80.json"],
  ] as const) {
    await waitFor(async () => (await files(service)).includes(file), { timeoutMs: 10_000 * PATIENCE, what: file });
  }
  await daemon.logged("left out of registration", { container: "impostor" });
  expect((await readdir(join(folder, "registry/services"))).sort()).toEqual(["a-web", "public-demo"]);
  expect(await files("a-web")).toEqual(["n1:good:80.json"]);
  expect((await daemon.stop()).code).toBe(0);
});
