/** What the registry holds in a fault run, and the files that have to come of it: made here by hand, not by the renderer. */
import { createHash } from "node:crypto";
import type { FileName, Services } from "./history.ts";
import type { Dice } from "./random.ts";

export interface Backend {
  readonly id: string;
  readonly port: number;
  readonly isUsable: boolean;
}

export interface State {
  /** Counts the changes; stands in every file. */
  readonly serial: number;
  readonly web: readonly Backend[];
  readonly api: readonly Backend[];
  /** nginx refuses anything that is no time. */
  readonly timeout: string;
  readonly message: string;
}

export const EMPTY: State = { serial: 0, web: [], api: [], timeout: "5s", message: "none" };

/** Another state: instances come and go, at least one of `web` stays. */
export function nextState(state: State, ports: readonly number[], dice: Dice): State {
  const backends = (service: string, least: number): readonly Backend[] =>
    dice
      .draw(ports, dice.between(least, ports.length))
      .map((port) => ({ id: `node:${service}-${port}:80`, port, isUsable: least > 0 || dice.next() < 0.8 }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  const changed = dice.between(0, 2);
  return {
    serial: state.serial + 1,
    web: changed === 0 || state.web.length === 0 ? backends("web", 1) : state.web,
    api: changed === 1 ? backends("api", 0) : state.api,
    timeout: `${dice.between(5, 60)}s`,
    message: dice.pick(["none", "hello world", "it's; {odd}", "a#b"]),
  };
}

/** As they are stored. */
export function entriesOf(state: State): ReadonlyMap<string, string> {
  const entries = Object.entries({ web: state.web, api: state.api }).flatMap(([service, backends]) =>
    backends.map(({ id, port, isUsable }): [string, string] => [
      `/fairlead/services/${service}/${id}`,
      JSON.stringify({ v: 1, address: "127.0.0.1", port, health: isUsable ? "passing" : "critical", owner: "writer" }),
    ]),
  );
  // Hangs on the same lease: what the writer takes away is taken away by an owner that lives.
  return new Map([...entries, ["/fairlead/owners/writer", JSON.stringify({ v: 1, owner: "writer" })]]);
}

export function keysOf(state: State): ReadonlyMap<string, string> {
  return new Map([
    ["/app/serial", String(state.serial)],
    ["/app/timeout", state.timeout],
    ["/app/message", state.message],
  ]);
}

export const TEMPLATES: Readonly<Record<FileName, string>> = {
  upstreams: `map "" $serial { default {{key "app/serial" default="0"}}; }
{{#each services}}
{{#if instances}}
upstream {{name}} {
{{#each instances}}
    server {{addr}};
{{/each}}
}
{{/if}}
{{/each}}
`,
  site: `server {
    listen 127.0.0.1:{{env "FAULTS_PORT"}};
    # serial {{key "app/serial" default="0"}}
    keepalive_timeout {{key "app/timeout" default="5s"}};
    add_header X-Message "{{key "app/message" default="none"}}";
    location = /-/generation { return 200 "{{generation}} $serial\\n"; }
    location / {
{{#if (service "web")}}
        proxy_pass http://web;
{{else}}
        return 200 "nobody\\n";
{{/if}}
    }
}
`,
};

/** The whole files, with `GENERATION` for the generation. */
export function textsOf(state: State, sitePort: number): Readonly<Record<FileName, string>> {
  const site = [
    "server {",
    `    listen 127.0.0.1:${sitePort};`,
    `    # serial ${state.serial}`,
    `    keepalive_timeout ${state.timeout};`,
    `    add_header X-Message "${state.message}";`,
    '    location = /-/generation { return 200 "GENERATION $serial\\n"; }',
    "    location / {",
    state.web.length > 0 ? "        proxy_pass http://web;" : '        return 200 "nobody\\n";',
    "    }",
    "}",
  ];
  return { upstreams: upstreamsOf(state.serial, portsOf(state)), site: `${site.join("\n")}\n` };
}

function upstreamsOf(serial: number, services: Services): string {
  const upstream = (name: keyof Services): string[] => {
    const servers = services[name].map((port) => `    server 127.0.0.1:${port};`);
    return servers.length === 0 ? [] : [`upstream ${name} {`, ...servers, "}"];
  };
  return [`map "" $serial { default ${serial}; }`, ...upstream("api"), ...upstream("web"), ""].join("\n");
}

/** What can be used. */
export function portsOf(state: State): Services {
  const ports = (backends: readonly Backend[]): readonly number[] =>
    backends.filter(({ isUsable }) => isUsable).map(({ port }) => port);
  return { api: ports(state.api), web: ports(state.web) };
}

/** The services in a file of upstreams; undefined: it is none, or not one that is wholly made of them. */
export function servicesIn(text: string): Services | undefined {
  const ports = (name: string): readonly number[] => {
    const block = new RegExp(`^upstream ${name} \\{([^}]*)\\}`, "m").exec(text)?.[1] ?? "";
    return [...block.matchAll(/:(\d+);/g)].map(([, port]) => Number(port));
  };
  const services = { api: ports("api"), web: ports("web") };
  const serial = Number(/default (\d+)/.exec(text)?.[1]);
  return upstreamsOf(serial, services) === text ? services : undefined;
}

export function expectedHashes(state: State, sitePort: number): Readonly<Record<FileName, string>> {
  const { upstreams, site } = textsOf(state, sitePort);
  return { upstreams: hashText(upstreams), site: hashText(site) };
}

export function hashText(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex");
}
