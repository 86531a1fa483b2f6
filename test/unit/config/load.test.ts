import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/config/load.ts";
import { describeProblem } from "../../../src/config/problems.ts";

const FILE = "/etc/fairlead/fairlead.yaml";

function problemsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  const loaded = parseConfig(text, FILE, env);
  return loaded.ok
    ? []
    : loaded.problems.map(
        (problem) =>
          `${problem.location.line}:${problem.location.column} ${problem.message}${problem.hint === undefined ? "" : ` | ${problem.hint}`}`,
      );
}

function configOf(text: string, env: Record<string, string> = {}) {
  const loaded = parseConfig(text, FILE, env);
  if (!loaded.ok) {
    throw new Error(loaded.problems.map((problem) => describeProblem(problem, text)).join("\n"));
  }
  return loaded.config;
}

const WHOLE = `
node: web-1
stateDir: state
registry: etcd://127.0.0.1:2379/fairlead
register:
  ttl: 15s
  onStop: keep
  sources:
    docker: { mode: internal, networks: [front] }
    static: { file: services.yaml }
render:
  settle: { quiet: 0ms, max: 1s }
  targets:
    nginx:
      files: [{ template: t.hbs, dest: /etc/nginx/conf.d/x.conf, mode: "0640" }]
      check: [nginx, -t]
      reload: { exec: [nginx, -s, reload], timeout: 30s }
      verify: { url: "http://127.0.0.1:8181/-/generation", timeout: 5s }
log: { level: debug }
`;

const FEED = "registry: memory\nregister:\n  sources:\n    http: ";

describe("a configuration", () => {
  it("takes one http source or a list of them, with paths made absolute", () => {
    const one = configOf(`${FEED}{ url: "http://h/x", tokenFile: t, tls: { ca: ca.pem } }`).register?.sources.http;
    expect(one).toEqual([
      {
        url: "http://h/x",
        interval: 10_000,
        timeout: 5000,
        maxBytes: 16 * 1024 * 1024,
        path: "",
        tokenFile: "/etc/fairlead/t",
        tls: { ca: "/etc/fairlead/ca.pem" },
      },
    ]);
    const map = { service: { pointer: "/app", trim: "/" }, address: "/host", port: 80, where: { "/state": ["UP", true] } };
    const two = configOf(`${FEED}[{ url: "https://h/x" }, { url: "http://i/y", map: ${JSON.stringify(map)} }]`).register?.sources
      .http;
    expect(two).toMatchObject([{ url: "https://h/x" }, { url: "http://i/y", map }]);
  });

  it("takes a policy, with hosts shared where nothing is said", () => {
    const rules = '[{ from: { project: team-a, label: [a, b=c] }, services: ["a-*"] }]';
    const text = `registry: memory\nregister: { policy: { rules: ${rules} }, sources: { docker: {} } }`;
    expect(configOf(text).register?.policy).toEqual({
      hosts: "shared",
      rules: [{ from: { project: "team-a", label: ["a", "b=c"] }, services: ["a-*"], hosts: [] }],
    });
  });

  it("joins the prefixes of secrets, which stand at the top or below render", () => {
    const config = configOf(`${WHOLE}secret: [app/, db/]\n`.replace("  settle:", "  secret: [db/, x/]\n  settle:"));
    expect(config.render?.secret).toEqual(["app/", "db/", "x/"]);
  });

  it("gives durations in ms, modes as numbers, paths absolute", () => {
    const config = configOf(WHOLE);
    expect(config).toMatchObject({
      stateDir: "/etc/fairlead/state",
      registry: { type: "etcd", endpoints: ["127.0.0.1:2379"], prefix: "fairlead" },
      register: { ttl: 15_000, resync: 30_000, sources: { static: { file: "/etc/fairlead/services.yaml" } } },
      render: { settle: { quiet: 0, max: 1000 } },
      log: { level: "debug", format: "auto" },
    });
    expect(config.render?.targets["nginx"]).toMatchObject({
      files: [{ template: "/etc/fairlead/t.hbs", dest: "/etc/nginx/conf.d/x.conf", mode: 0o640 }],
      reload: { exec: ["nginx", "-s", "reload"], timeout: 30_000 },
    });
  });

  it("takes the environment in, with defaults", () => {
    const text = "registry: file:$" + "{DIR}\nnode: $" + "{NODE:-n1}\nregister: { sources: { static: { file: s.yaml } } }";
    expect(configOf(text, { DIR: "/data" })).toMatchObject({ node: "n1", registry: { type: "file", dir: "/data" } });
  });

  it("lets `docker:` alone mean all its defaults", () => {
    const config = configOf("registry: memory\nregister:\n  sources:\n    docker:\n");
    expect(config.register?.sources.docker).toMatchObject({ mode: "published", register: "all" });
  });
});

const RENDER = "registry: memory\nrender:\n  targets:\n    a:\n      files: [{ template: t, dest: d }]\n";

describe.each<[string, string, readonly string[]]>([
  [
    "an unknown key, with the nearest",
    `${RENDER}      reloads: [nginx]`,
    ['6:7 unknown key "reloads" in "render.targets.a" | did you mean "reload"?'],
  ],
  [
    "several problems at once, in order",
    "nod: x\nregistry: memory\nlog: { level: loud }\nrender: { settle: { quiet: 5 }, targets: { a: { files: [{ template: t, dest: d }] } } }",
    [
      '1:1 unknown key "nod" | did you mean "node"?',
      '3:15 "log.level" has to be one of debug, info, warn, error',
      '4:28 "render.settle.quiet" is no duration; write 250ms, 5s or 1m',
    ],
  ],
  ["a missing key", "render: { targets: { a: { files: [{ template: t, dest: d }] } } }", ['1:1 "registry" is missing']],
  [
    "a mode that YAML reads as a number",
    RENDER.replace("dest: d", "dest: d, mode: 0644"),
    ['5:45 "render.targets.a.files[1].mode" is no file mode; write quoted octal, for example "0644"'],
  ],
  [
    "a command that is no list",
    `${RENDER}      check: nginx -t`,
    ['6:14 "render.targets.a.check" is no command; write a list of words: [nginx, -t]'],
  ],
  [
    "a form that was most likely meant",
    `${RENDER}      verify: { url: http://x/, timeout: soon }`,
    ['6:42 "render.targets.a.verify.timeout" is no duration; write 250ms, 5s or 1m'],
  ],
  [
    "a registry that is none",
    "registry: etdc://x\nrender: { targets: { a: { files: [{ template: t, dest: d }] } } }",
    ['1:11 "etdc://x" is no registry address | it begins with one of etcd consul consul-kv file memory; did you mean etcd:?'],
  ],
  [
    "a password in an address, without showing it",
    "registry: etcd://u:hunter2@x\nrender: { targets: { a: { files: [{ template: t, dest: d }] } } }",
    [
      '1:11 "etcd://…@x" holds a user or password | passwords come from `passwordFile`, `tokenFile` or the environment (ETCDCTL_USER, CONSUL_HTTP_TOKEN), never from an address',
    ],
  ],
  [
    "a variable that is not set",
    "registry: $" + "{NOWHERE}\nrender: { targets: { a: { files: [{ template: t, dest: d }] } } }",
    [
      '1:11 environment variable "NOWHERE" is not set | set it, or give a default: ${NOWHERE:-…}',
      '1:11 "" is no registry address | it begins with one of etcd consul consul-kv file memory',
    ],
  ],
  [
    "a pointer that is none, each with its place",
    `${FEED}{ url: "http://h/", path: tasks, map: { service: /a~2, address: { pointer: host }, port: /p, where: { state: UP } } }`,
    [
      '4:37 "register.sources.http.path" is no JSON pointer; write /name or /list/0 (a / in a name is ~1, a ~ is ~0)',
      '4:60 "register.sources.http.map.service" is no JSON pointer; write /name or /list/0 (a / in a name is ~1, a ~ is ~0)',
      '4:86 "register.sources.http.map.address.pointer" is no JSON pointer; write /name or /list/0 (a / in a name is ~1, a ~ is ~0)',
      '4:113 "register.sources.http.map.where.state": is no JSON pointer; write /name or /list/0 (a / in a name is ~1, a ~ is ~0)',
    ],
  ],
  [
    "a map without what every instance needs, and an unknown word in it",
    `${FEED}{ url: "http://h/", map: { service: /a, adress: /b, port: /c } }`,
    [
      '4:36 "register.sources.http.map.address" is missing',
      '4:51 unknown key "adress" in "register.sources.http.map" | did you mean "address"?',
    ],
  ],
  [
    "a pointer whose slash was forgotten",
    `${FEED}{ url: "http://h/", map: { service: web, address: host, port: port, id: { value: x } } }`,
    [
      '4:61 "register.sources.http.map.address" is no pointer; write /name, or { value: … } for a constant',
      '4:73 "register.sources.http.map.port" is no pointer; write /name, or { value: … } for a constant',
    ],
  ],
  [
    "an http source that cannot be",
    `${FEED}[{ url: "ftp://h/", interval: 1ms, maxBytes: 5 }]`,
    [
      '4:19 "register.sources.http[1].url" is no http:// or https:// URL',
      '4:41 "register.sources.http[1].interval" is too short; at least 100ms',
      '4:56 "register.sources.http[1].maxBytes" is no size; write 64KiB or 16MiB',
    ],
  ],
  [
    "looking again without a pause",
    "registry: memory\nregister: { resync: 0ms, sources: { swarm: { poll: 1ms } } }",
    ['2:21 "register.resync" is too short; at least 100ms', '2:52 "register.sources.swarm.poll" is too short; at least 100ms'],
  ],
  [
    "half a client certificate",
    `${FEED}{ url: "https://h/", tls: { cert: c.pem } }`,
    ['4:37 "register.sources.http.tls" needs both cert and key, or neither'],
  ],
  [
    "a password in the URL of a source",
    `${FEED}{ url: "http://u:hunter2@h/" }`,
    ['4:18 "register.sources.http.url" holds a user or password; write a token into a file, and name it with tokenFile'],
  ],
  [
    "a policy that allows nothing",
    "registry: memory\nregister: { policy: { rules: [] }, sources: { docker: {} } }",
    ['2:30 "register.policy.rules" is empty, which would allow nothing'],
  ],
  [
    "a rule that allows nothing",
    "registry: memory\nregister: { policy: { rules: [{ from: { image: x } }] }, sources: { docker: {} } }",
    ['2:31 "register.policy.rules[1]" allows nothing; add services or hosts'],
  ],
  [
    "exclusive hosts where the registry holds none",
    "registry: { type: etcd, layout: registrator }\nregister: { policy: { hosts: exclusive }, sources: { docker: {} } }",
    [
      '2:30 "register.policy.hosts" cannot be exclusive: the layout `registrator` has no room for hosts | use the layout `json`, or leave hosts shared',
    ],
  ],
  [
    "one file in two targets",
    `${RENDER}    b:\n      files: [{ template: t, dest: ./d }]`,
    ['7:36 "./d" is written by target "a" already | a file belongs to one target, once'],
  ],
  [
    "one file inside another",
    `${RENDER}    b:\n      files: [{ template: t, dest: d/x }]`,
    ['7:36 "/etc/fairlead/d/x" is inside "/etc/fairlead/d", which is a file | a destination is a file or a folder, not both'],
  ],
  [
    "destinations that are what they are made from",
    `${RENDER}    b:\n      files: [{ template: u, dest: ./t }, { template: v, dest: parts/x.hbs }, { template: w, dest: fairlead.yaml }]\n  partials: parts`,
    [
      '7:36 "./t" is a template | write the result somewhere else',
      '7:64 "parts/x.hbs" would be a partial | write the result somewhere else',
      '7:100 "fairlead.yaml" is the configuration itself | write the result somewhere else',
    ],
  ],
  [
    "patterns that are none",
    `${RENDER}    b:\n      files: [{ template: t, dest: "x{{name}}" }, { template: t, dest: y, forEach: services }, { template: t, dest: "{{name}}/z", forEach: services }, { template: t, dest: "{{x}}{{name}}", forEach: services }]`,
    [
      '7:36 "x{{name}}" is a pattern, but the file has no `forEach` | add `forEach: services`, or name one file',
      '7:72 "y" would be the same file for every service | put {{name}} into the file\'s name: out/{{name}}.conf',
      '7:117 "{{name}}/z" would be the same file for every service | put {{name}} into the file\'s name: out/{{name}}.conf',
      '7:173 "{{x}}{{name}}" holds something else than {{name}} in braces | only {{name}} can stand in a destination',
    ],
  ],
  [
    "a pattern that can be another target's file",
    `${RENDER}    b:\n      files: [{ template: t, dest: "{{name}}", forEach: services }]`,
    [
      '7:36 "{{name}}" can be a file that target "a" writes, when a service has that name | use a folder of its own for the files of `forEach`',
    ],
  ],
  ["an empty prefix of secrets", `${RENDER}secret: ['']`, ['6:10 "secret[1]" is an empty prefix, which would be every key']],
  [
    "nothing to do",
    "registry: memory",
    ["undefined:undefined nothing to do: there is neither `register` nor `render` | add one of them, or both"],
  ],
  [
    "no target",
    "registry: memory\nrender: { targets: {} }",
    ['2:20 "render.targets" is empty | add a target: a name, and its files'],
  ],
  [
    "a lease that Consul would refuse",
    "registry: consul-kv://x\nregister: { ttl: 5s, sources: { static: { file: s } } }",
    ['2:18 "register.ttl" is too short: Consul refuses sessions shorter than 10 s | write 10s or more'],
  ],
  [
    "no source",
    "registry: memory\nregister: { sources: {} }",
    ['2:22 "register.sources" is empty | add docker, swarm, static, http, or several of them'],
  ],
  ["YAML that is none", "a: [", ["1:5 Flow sequence in block collection must be sufficiently indented and end with a ]"]],
])("finds %s", (_what, text, expected) => {
  it("with its place", () => {
    expect(problemsOf(text)).toEqual(expected);
  });
});

it("a problem is shown with its line and a mark below", () => {
  const text = "registry: memory\nlog: { level: loud }\nrender: { targets: { a: { files: [{ template: t, dest: d }] } } }";
  const loaded = parseConfig(text, "fairlead.yaml", {});
  expect(loaded.ok ? "" : describeProblem(loaded.problems[0] ?? { message: "", location: { file: "" } }, text)).toBe(
    'fairlead.yaml:2:15: "log.level" has to be one of debug, info, warn, error\n    2 | log: { level: loud }\n      |               ^',
  );
});

it("G11 a line that is shown for a password in it shows none", () => {
  const text = `${FEED}{ url: "http://u:hunter2@h/", path: x }`;
  const loaded = parseConfig(text, FILE, {});
  const shown = loaded.ok ? "" : loaded.problems.map((problem) => describeProblem(problem, text)).join("\n");
  expect(shown).toContain('http: { url: "http://*********@h/"');
  expect(shown).not.toContain("hunter2");
});
