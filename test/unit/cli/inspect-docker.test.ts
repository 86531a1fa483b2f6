import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../../src/cli/commands/inspect.ts";
import { type Context, createContext } from "../../../src/cli/context.ts";
import type { InspectOptions } from "../../../src/cli/inspect/options.ts";
import { type FakeEngine, inspected, listed, startFakeEngine } from "../sources/docker/fake-engine.ts";

let engine: FakeEngine;
let folder: string;
beforeEach(async () => {
  engine = await startFakeEngine();
  folder = await mkdtemp(join(tmpdir(), "fairlead-inspect-"));
  engine.containers = [
    listed("web", {
      Labels: {
        "fairlead.host": "a.example",
        "fairlead.80.tags": "x,y",
        "fairlead.note": "\u001b[31mred\u202e",
        "com.docker.compose.service": "shop",
        "org.example.owner": "somebody",
      },
      Ports: [
        { IP: "192.0.2.7", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
        { PrivatePort: 53, Type: "udp" },
      ],
    }),
    listed("db", { State: "exited", Status: "Exited (0) 1 second ago", Ports: [] }),
    { Id: "0123456789abcdef", Names: ["/broken"] },
  ];
  engine.details = {
    "id-web": inspected(["SERVICE_NAME=own", "PASSWORD=hush-hush", "SERVICE_CHECK_HTTP=/health", "SERVICE_CHECK_SCRIPT=rm"]),
    "id-db": inspected(),
  };
});
afterEach(async () => {
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

async function inspect(name?: string, options: InspectOptions = {}): Promise<string> {
  let text = "";
  const stdout = new Writable({
    write(chunk: Buffer, _, done) {
      text += chunk.toString("utf8");
      done();
    },
  });
  const base = createContext(new AbortController().signal);
  const context: Context = { ...base, env: {}, cwd: folder, stdout };
  await run(context, name === undefined ? ["docker"] : ["docker", name], { docker: engine.host, ...options });
  return text;
}

test("the overview for people: what the engine says, what is registered, what is skipped and why", async () => {
  expect(await inspect()).toBe(`0123456789ab
  skipped     its image is no text

db: image nginx:1.25, exited; bridge 172.17.0.2; no ports
  skipped     it is not running but exited

web: image nginx:1.25, running; bridge 172.17.0.2; 53/udp, 80 on 192.0.2.7:8080
  registered  own  192.0.2.7:8080  passing  x,y
  skipped     fairlead.note is a text with a line break or another control character; it was left out
  skipped     SERVICE_CHECK_SCRIPT asks for a command, and commands of labels are never run; it was left out
  skipped     53: 53/udp: it is not published
`);
});

test("the overview as JSON", async () => {
  const printed: unknown = JSON.parse(await inspect(undefined, { json: true }));
  expect(printed).toEqual({
    containers: [
      { id: "0123456789abcdef", name: "", instances: [], skipped: [{ reason: "its image is no text" }] },
      { id: "id-db", name: "db", instances: [], skipped: [{ reason: "it is not running but exited" }] },
      {
        id: "id-web",
        name: "web",
        instances: [
          {
            id: "ENGINE:ID:web:80",
            service: "own",
            address: "192.0.2.7",
            port: 8080,
            protocol: "tcp",
            tags: ["x", "y"],
            meta: { host: "a.example" },
            health: "passing",
            healthCheck: { kind: "http", path: "/health", intervalMs: 10_000 },
          },
        ],
        skipped: [
          { reason: "fairlead.note is a text with a line break or another control character; it was left out" },
          { reason: "SERVICE_CHECK_SCRIPT asks for a command, and commands of labels are never run; it was left out" },
          { port: 53, reason: "53/udp: it is not published" },
        ],
      },
    ],
  });
});

test("one container, row by row; what is not for us is not shown, and nothing that a terminal would obey", async () => {
  const text = await inspect("web");
  expect(text).toBe(`web
  id       id-web
  image    nginx:1.25
  state    running
  network  bridge 172.17.0.2

WORD                        FROM      FOR  DECIDES       VALUE                AND
fairlead.80.tags            label     80   tags          x,y
fairlead.host               label     all  meta.host     a.example
fairlead.note               label     all  meta.note     \\u001b[31mred\\u202e  left out, see below
SERVICE_CHECK_HTTP          variable  all  check.http    /health
SERVICE_CHECK_SCRIPT        variable  all  check.script  rm                   left out, see below
SERVICE_NAME                variable  all  service       own
com.docker.compose.service  label     all  service       shop                 counts for nothing: SERVICE_NAME beats it

port 53/udp, not published
  not registered
    it is not published

port 80/tcp, published on 192.0.2.7:8080
  service  own               (SERVICE_NAME)
  id       ENGINE:ID:web:80  (node, container and port)
  address  192.0.2.7:8080    (it is published on 192.0.2.7:8080)
  health   passing           (it has no health check)
  check    http GET /health every 10000 ms (only a Consul catalogue runs it)
  registered

left out
  fairlead.note is a text with a line break or another control character; it was left out
  SERVICE_CHECK_SCRIPT asks for a command, and commands of labels are never run; it was left out

registered: ENGINE:ID:web:80
`);
  expect(text + (await inspect("web", { json: true }))).not.toMatch(/hush|PASSWORD|somebody/);
});

test("one container as JSON; the beginning of an id will do", async () => {
  const printed = JSON.parse(await inspect("id-web", { json: true })) as Record<string, unknown>;
  expect(Object.keys(printed)).toEqual(["container", "words", "ports", "instances", "skipped"]);
  expect(JSON.parse(await inspect("0123", { json: true }))).toMatchObject({ container: { id: "0123456789abcdef" } });
  expect(await inspect("db")).toContain("left out\n  it is not running but exited\n\nnothing of it is registered\n");
});

test.each([
  ["wbe", 'there is no container "wbe"', 'did you mean "web"?'],
  ["nothing-like-it", 'there is no container "nothing-like-it"', "there are db, web"],
])("no container %s: an error with what is near", async (name, message, hint) => {
  await expect(inspect(name)).rejects.toMatchObject({ code: "USAGE", message, hint });
});

test("an id's beginning that fits several is refused", async () => {
  engine.containers = [listed("one", { Id: "abc1", State: "exited" }), listed("two", { Id: "abc2", State: "exited" })];
  await expect(inspect("abc")).rejects.toMatchObject({
    code: "USAGE",
    message: 'several containers have an id that begins with "abc"',
  });
});

test("tags, address label and `register: named` of the configuration reach the mapping", async () => {
  engine.containers = [
    listed("web", { Labels: { SERVICE_NAME: "own", "net.ip": "10.7.0.5/24" } }),
    listed("other", { Id: "id-db", Labels: { "net.ip": "10.7.0.6" } }),
  ];
  const docker = "{ register: named, tags: [east], addressLabel: net.ip }";
  await writeFile(
    join(folder, "fairlead.yaml"),
    `node: n1\nregistry: etcd://127.0.0.1:1\nregister:\n  sources:\n    docker: ${docker}\n`,
  );
  expect(await inspect()).toBe(`other: image nginx:1.25, running; bridge 172.17.0.2; 80 on 0.0.0.0:8080
  skipped     \`register\` is \`named\`, and it carries neither fairlead.service nor SERVICE_NAME

web: image nginx:1.25, running; bridge 172.17.0.2; 80 on 0.0.0.0:8080
  registered  own  10.7.0.5:8080  passing  east
  skipped     SERVICE_CHECK_SCRIPT asks for a command, and commands of labels are never run; it was left out
`);
});

test("only Docker's containers have names", async () => {
  const context = createContext(new AbortController().signal);
  await expect(run(context, ["registry", "web"], {})).rejects.toMatchObject({ code: "USAGE" });
});

test("the network of another container is called as the engine calls it: a name is not cut as an id is", async () => {
  const id = "df33500f6139244086e951d659196c895a4212fe0724a4833b9a67504d99a2c8";
  engine.containers = ["internal-only-1", id].map((other, index) =>
    listed(`side${index}`, { HostConfig: { NetworkMode: `container:${other}` }, Ports: [], NetworkSettings: { Networks: {} } }),
  );
  engine.details = { "id-side0": inspected(), "id-side1": inspected() };
  const text = await inspect();
  expect(text).toContain("the network of container internal-only-1;");
  expect(text).toContain("the network of container df33500f6139;");
});
