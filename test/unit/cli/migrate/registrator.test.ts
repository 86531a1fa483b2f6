import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { BACKENDS } from "../../../../src/cli/migrate/backends.ts";
import { VARIABLES } from "../../../../src/cli/migrate/environment.ts";
import { FLAGS } from "../../../../src/cli/migrate/flags.ts";
import { type Migrated, migrateRegistrator } from "../../../../src/cli/migrate/registrator.ts";
import { parseConfig } from "../../../../src/config/load.ts";
import { locateRegistry } from "../../../../src/config/registry.ts";
import { splitCommand } from "../../../../src/config/values.ts";
import type { FairleadError } from "../../../../src/model/errors.ts";

const MACHINE = { hostname: "web-1", env: {} };

function migrate(line: string): Migrated {
  return migrateRegistrator(splitCommand(line) ?? [], MACHINE);
}

/** What `fairlead check` would say of it, and what it says by itself. */
function configOf({ config }: Migrated): unknown {
  const loaded = parseConfig(config, "/etc/fairlead/fairlead.yaml", {});
  expect(loaded.ok ? [] : loaded.problems).toEqual([]);
  if (loaded.ok) {
    locateRegistry(loaded.config.registry, {});
  }
  return parse(config);
}

interface Expected {
  readonly node?: string;
  readonly registry?: Readonly<Record<string, unknown>>;
  readonly register?: Readonly<Record<string, unknown>>;
  readonly docker?: Readonly<Record<string, unknown>>;
}

function whole({ node = "web-1", registry = { type: "consul" }, register = {}, docker = {} }: Expected): unknown {
  return { node, registry, register: { ...register, sources: { docker: { ...docker, health: "ignore" } } } };
}

/** A command line, what it becomes, and what the notes are about, beside those that every one of its back end has. */
const ROWS: readonly [line: string, becomes: Expected, notes?: readonly string[]][] = [
  // Each flag.
  ["-ip 10.0.0.5 consul://", { docker: { address: "10.0.0.5" } }],
  ["-ip= consul://", {}],
  ["-internal consul://", { docker: { mode: "internal" } }],
  ["-internal=false consul://", {}],
  ["-internal -ip 10.0.0.5 consul://", { docker: { mode: "internal" } }, ["-ip"]],
  ["-explicit consul://", { docker: { register: "named" } }],
  ["-explicit=0 consul://", {}],
  ["-useIpFromLabel com.example.ip consul://", { docker: { addressLabel: "com.example.ip" } }],
  ["-useIpFromLabel '' consul://", {}],
  ["-tags a,b consul://", { docker: { tags: ["a", "b"] } }],
  ["-tags 'x\\,y, z ,,' consul://", { docker: { tags: ["x,y", "z"] } }],
  ["-tags '{{.Name}},b' consul://", {}, ["-tags"]],
  ["-tags '' consul://", {}],
  ["-ttl 30 -ttl-refresh 10 consul://", {}, ["-ttl"]],
  ["-ttl 0 -ttl-refresh 0 consul://", {}],
  ["-resync 600 consul://", { register: { resync: "600s" } }],
  ["-resync 0 consul://", {}],
  ["-cleanup consul://", {}],
  ["-deregister always consul://", {}],
  ["-deregister on-success consul://", {}, ["-deregister"]],
  ["-retry-attempts -1 -retry-interval 500 consul://", {}],
  // The forms of Go's flags.
  ["--internal --ip=10.0.0.5 --explicit=T consul://", { docker: { mode: "internal", register: "named" } }, ["-ip"]],
  ["-resync=60 -resync=+90 consul://", { register: { resync: "90s" } }],
  ["-tags -internal consul://", { docker: { tags: ["-internal"] } }],
  ["-internal -- consul://", { docker: { mode: "internal" } }],
  // Each back end.
  ["consul://10.0.0.9:8501", { registry: { type: "consul", endpoints: ["10.0.0.9:8501"] } }],
  ["consul:", {}],
  ["consul://consul", { registry: { type: "consul", endpoints: ["consul"] } }, ["consul://"]],
  ["CONSUL://a:b@[2001:db8::1]:8500/x", { registry: { type: "consul", endpoints: ["[2001:db8::1]:8500"] } }],
  ["consul-tls://c:8501", { registry: { type: "consul", endpoints: ["c:8501"], tls: true } }],
  ["consul-unix:///var/run/consul.sock", { registry: { type: "consul", endpoints: ["127.0.0.1:8500"] } }, ["consul-unix://"]],
  ["consulkv://c:8500/services", { registry: { type: "consul-kv", endpoints: ["c:8500"], ...kv("services") } }],
  ["consulkv://c:8500/a/b/", { registry: { type: "consul-kv", endpoints: ["c:8500"], ...kv("a/b") } }],
  ["consulkv://c:8500/", { registry: { type: "consul-kv", endpoints: ["c:8500"], ...kv("services") } }, ["consulkv://"]],
  [
    "consulkv-unix:///run/consul.sock:/svc",
    { registry: { type: "consul-kv", endpoints: ["127.0.0.1:8500"], ...kv("svc") } },
    ["consulkv-unix://"],
  ],
  ["etcd://e:2379/services", { registry: { type: "etcd", endpoints: ["e:2379"], ...kv("services") } }],
  ["-ttl 30 -ttl-refresh 10 etcd:///s", { registry: { type: "etcd", ...kv("s") }, register: { ttl: "30s" } }],
  ["etcd://e:2379", { registry: { type: "etcd", endpoints: ["e:2379"], ...kv("services") } }, ["etcd://"]],
  [
    "-ttl 60 -ttl-refresh 30 skydns2://e:2379/cluster.local",
    { registry: { type: "etcd", endpoints: ["e:2379"] }, register: { ttl: "60s" } },
  ],
  ["zookeeper://z:2181/base", { registry: { type: "etcd", endpoints: ["127.0.0.1:2379"] } }],
  // Its name before them, and `docker run` around them.
  ["registrator -internal consul://", { docker: { mode: "internal" } }],
  ["/bin/registrator consul://", {}],
  ["gliderlabs/registrator:latest consul://", {}],
  ["'registrator -internal \\\n  consul://'", { docker: { mode: "internal" } }],
  ["docker run -d --net=host gliderlabs/registrator:latest -internal consul://", { docker: { mode: "internal" } }],
  ["docker run -d gliderlabs/registrator consul://", {}, ["host name"]],
  ["sudo docker run -dit -h web-7 --name registrator -e A=b registrator consul://", { node: "web-7" }],
  ["docker run -hweb-7 registrator consul://", { node: "web-7" }],
  ["docker run --rm --network host -v/run/docker.sock:/tmp/docker.sock:ro registrator consul://", {}],
  [
    "docker run --hostname=web-7 -v /run/user/1000/docker.sock:/tmp/docker.sock registrator consul://",
    { node: "web-7", docker: { host: "unix:///run/user/1000/docker.sock" } },
  ],
  [
    "docker run --net host -e DOCKER_HOST=tcp://e:2376 -e DOCKER_TLS_VERIFY=1 --env DOCKER_CERT_PATH=/certs registrator consul://",
    { docker: { host: "tcp://e:2376", tlsVerify: true, certPath: "/certs" } },
  ],
  ["docker run --net=host -e CONSUL_HTTP_TOKEN=s3cret registrator consul://", {}, ["CONSUL_HTTP_TOKEN"]],
  ["docker run --net=host -e CONSUL_HTTP_TOKEN=s3cret registrator etcd:///s", { registry: { type: "etcd", ...kv("s") } }],
  [
    "docker run --net=host --env=CONSUL_CACERT=/ca -e CONSUL_CLIENT_CERT=/c -eCONSUL_CLIENT_KEY=/k registrator consul-tls://c:8501",
    { registry: { type: "consul", endpoints: ["c:8501"], tls: { ca: "/ca", cert: "/c", key: "/k" } } },
  ],
  ["docker run --net=host -e CONSUL_CACERT=/ca registrator consul://", {}],
];

function kv(prefix: string): Readonly<Record<string, string>> {
  return { prefix, layout: "registrator" };
}

/** What has to be known with each back end, whatever the flags are. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = {
  consul: ["consul://", "consul://"],
  "consul-tls": ["consul-tls://", "consul-tls://"],
  "consul-unix": ["consul-unix://", "consul-unix://"],
  consulkv: ["consulkv://"],
  "consulkv-unix": ["consulkv-unix://"],
  etcd: ["etcd://"],
  skydns2: ["skydns2://"],
  zookeeper: ["zookeeper://"],
};

describe("a command line of Registrator becomes a configuration that `fairlead check` accepts", () => {
  it.each<[line: string, becomes: Expected, notes?: readonly string[]]>(ROWS)("%s", (line, becomes, notes = []) => {
    const migrated = migrate(line);
    expect(configOf(migrated)).toEqual(whole(becomes));
    const scheme = BACKENDS.map((row) => row.scheme).find((name) => new RegExp(`(?:^|\\s)${name}:`, "i").test(line)) ?? "";
    expect(migrated.notes.map(({ flag }) => flag).sort()).toEqual(["Compose", ...(ALWAYS[scheme] ?? []), ...notes].sort());
  });

  it("every flag, variable and back end of the tables is in a row here", () => {
    const lines = ROWS.map(([line]) => line).join("\n");
    expect(FLAGS.filter(({ name }) => !lines.includes(`-${name} `)).map(({ name }) => name)).toEqual([]);
    expect(BACKENDS.filter(({ scheme }) => !lines.includes(`${scheme}:`)).map(({ scheme }) => scheme)).toEqual([]);
    expect(VARIABLES.filter(({ name }) => !lines.includes(`${name}=`)).map(({ name }) => name)).toEqual([]);
  });

  it("each key says what it came from, and each note stands in the file too", () => {
    const { config, notes } = migrate("-internal -deregister on-success -ttl 30 -ttl-refresh 10 etcd://e:2379/services");
    const plain = config.replaceAll(/\n *# /g, " ").replaceAll(/\s+/g, " ");
    for (const from of ["-internal", "-ttl", "-ttl-refresh", "-deregister", "etcd://", "host name"]) {
      expect(plain).toContain(`${from}: `);
    }
    expect(notes.length).toBeGreaterThan(2);
    for (const { flag, note } of notes) {
      expect(plain).toContain(`${flag}: ${note}`);
    }
    expect(config).toMatch(/^ {6}# -internal: [^\n]*\n(?: {6}# [^\n]*\n)* {6}mode: internal$/m);
  });

  it("--version alone makes nothing run", () => {
    expect(migrate("registrator --version")).toEqual({ config: "", notes: [{ flag: "--version", note: expect.any(String) }] });
    expect(migrate("--version").config).toBe("");
  });

  it("DOCKER_HOST of the caller counts as before, and is not written down", () => {
    const { config } = migrateRegistrator(["consul://"], { hostname: "web-1", env: { DOCKER_HOST: "tcp://secret-host:2375" } });
    expect(config).toContain("# DOCKER_HOST: read from the environment as before");
    expect(config).not.toContain("secret-host");
  });
});

describe("what a command line holds stays a value (G2, G11)", () => {
  it.each([
    ["a line break in a tag", ["-tags", "a\nrender: {}", "consul://"], { tags: ["a\nrender: {}"] }],
    ["a line break in a label's name", ["-useIpFromLabel", 'x"\n  evil: 1', "consul://"], { addressLabel: 'x"\n  evil: 1' }],
    ["YAML in an address", ["-ip", "1.2.3.4 # x: {y: z}", "consul://"], { address: "1.2.3.4 # x: {y: z}" }],
    ["a word that YAML reads otherwise", ["-tags", "yes,0x1f,null", "consul://"], { tags: ["yes", "0x1f", "null"] }],
  ])("%s", (_, words, docker) => {
    expect(configOf(migrateRegistrator(words, MACHINE))).toEqual(whole({ docker }));
  });

  it("a token in a `docker run` line is not written down", () => {
    const migrated = migrate("docker run --net=host -e CONSUL_HTTP_TOKEN=s3cret registrator consul://u:pa55@c:8500");
    expect(JSON.stringify(migrated)).not.toMatch(/s3cret|pa55/);
  });
});

describe("what Registrator refuses is refused as it does", () => {
  it.each([
    ["", "missing required argument for registry URI"],
    ["-internal", "missing required argument for registry URI"],
    ["consul:// etcd://", "extra unparsed arguments: etcd://"],
    ["consul:// -internal", "extra unparsed arguments: -internal"],
    ["-nope consul://", "flag provided but not defined: -nope"],
    ["-version consul://", "flag provided but not defined: -version"],
    ["-ip", "flag needs an argument: -ip"],
    ["---ip consul://", "bad flag syntax: ---ip"],
    ["-=1 consul://", "bad flag syntax: -=1"],
    ["-internal=maybe consul://", 'invalid boolean value "maybe" for -internal: parse error'],
    ["-internal true consul://", "extra unparsed arguments: consul://"],
    ["-ttl 5s -ttl-refresh 1 etcd://", 'invalid value "5s" for flag -ttl: parse error'],
    ["-ttl 30 etcd://", "-ttl and -ttl-refresh must be specified together or not at all"],
    ["-ttl-refresh 30 etcd://", "-ttl and -ttl-refresh must be specified together or not at all"],
    ["-ttl 30 -ttl-refresh 30 etcd://", "-ttl must be greater than -ttl-refresh"],
    ["-retry-interval 0 consul://", "-retry-interval must be greater than 0"],
    ["-deregister never consul://", '-deregister must be "always" or "on-success"'],
    ["consull://c:8500", "unrecognized adapter: consull://"],
    ["localhost:8500/x", "unrecognized adapter: localhost://"],
    ["/services", 'bad adapter uri: "/services"'],
    ["docker run -d --net host", "this `docker run` line names no image"],
    ["docker run registrator", "missing required argument for registry URI"],
  ])("%s → %s", (line, message) => {
    expect(() => migrate(line)).toThrow(
      expect.objectContaining({ code: "USAGE", message } satisfies Partial<FairleadError>) as Error,
    );
  });
});
