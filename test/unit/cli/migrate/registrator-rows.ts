/**
 * Containers, what Registrator writes for them, and what fairlead writes. Registrator's side is written down by hand, from its source:
 * `bridge/bridge.go` (names, ids, addresses), `bridge/util.go` (metadata, tags, ports), `consul/`, `consulkv/` and `etcd/` (keys and values).
 */
import type { DIFFERENCES } from "../../../../src/cli/migrate/differences.ts";
import type { ContainerSketch } from "../../sources/docker/build.ts";

/** What stands in a store: the key below the prefix and its value; in Consul's catalogue also tags and Meta. */
export interface Written {
  readonly key: string;
  readonly value: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
}

export interface LayoutRow {
  readonly name: string;
  /** Of Registrator's command line. */
  readonly flags?: readonly string[];
  readonly container?: ContainerSketch;
  readonly registrator: readonly Written[];
  /** Present: what fairlead writes instead, and which of the deliberate differences it is. */
  readonly differs?: { readonly as: (typeof DIFFERENCES)[number]["id"]; readonly fairlead: readonly Written[] };
  /** The migrated configuration without its `health: ignore`. */
  readonly honoursHealth?: boolean;
}

const TWO = ["0.0.0.0:8080->80", "0.0.0.0:8443->443"];
const NGINX: Written = { key: "nginx/web-1:web1:80", value: "10.0.0.1:8080" };

export const SAME: readonly LayoutRow[] = [
  { name: "one published port", registrator: [NGINX] },
  {
    name: "two ports: each name carries its port",
    container: { ports: TWO },
    registrator: [
      { key: "nginx-443/web-1:web1:443", value: "10.0.0.1:8443" },
      { key: "nginx-80/web-1:web1:80", value: "10.0.0.1:8080" },
    ],
  },
  {
    name: "SERVICE_NAME",
    container: { labels: { SERVICE_NAME: "shop" } },
    registrator: [{ key: "shop/web-1:web1:80", value: "10.0.0.1:8080" }],
  },
  {
    name: "SERVICE_NAME and two ports",
    container: { ports: TWO, labels: { SERVICE_NAME: "shop" } },
    registrator: [
      { key: "shop-443/web-1:web1:443", value: "10.0.0.1:8443" },
      { key: "shop-80/web-1:web1:80", value: "10.0.0.1:8080" },
    ],
  },
  {
    name: "a name for one port has no suffix, the other port's has",
    container: { ports: TWO, labels: { SERVICE_NAME: "shop", SERVICE_443_NAME: "secure" } },
    registrator: [
      { key: "secure/web-1:web1:443", value: "10.0.0.1:8443" },
      { key: "shop-80/web-1:web1:80", value: "10.0.0.1:8080" },
    ],
  },
  {
    name: "SERVICE_ID",
    container: { labels: { SERVICE_ID: "shop-1" } },
    registrator: [{ key: "nginx/shop-1", value: "10.0.0.1:8080" }],
  },
  {
    name: "an id for one port",
    container: { ports: TWO, labels: { SERVICE_80_ID: "shop-1" } },
    registrator: [
      { key: "nginx-443/web-1:web1:443", value: "10.0.0.1:8443" },
      { key: "nginx-80/shop-1", value: "10.0.0.1:8080" },
    ],
  },
  {
    name: "udp: at the end of the id, and a tag",
    container: { ports: ["0.0.0.0:5353->53/udp"], image: "dns" },
    registrator: [{ key: "dns/web-1:web1:53:udp", value: "10.0.0.1:5353", tags: ["udp"] }],
  },
  {
    name: "tcp and udp of one port are two ports",
    container: { ports: ["0.0.0.0:53->53", "0.0.0.0:53->53/udp"], image: "dns" },
    registrator: [
      { key: "dns-53/web-1:web1:53", value: "10.0.0.1:53" },
      { key: "dns-53/web-1:web1:53:udp", value: "10.0.0.1:53", tags: ["udp"] },
    ],
  },
  { name: "SERVICE_IGNORE", container: { labels: { SERVICE_IGNORE: "yes please" } }, registrator: [] },
  {
    name: "a port that is ignored still counts for the suffix",
    container: { ports: TWO, labels: { SERVICE_443_IGNORE: "1" } },
    registrator: [{ key: "nginx-80/web-1:web1:80", value: "10.0.0.1:8080" }],
  },
  {
    name: "an image with registry, port, path and tag",
    container: { image: "registry.local:5000/team/app:1.2" },
    registrator: [{ key: "app/web-1:web1:80", value: "10.0.0.1:8080" }],
  },
  {
    name: "an unpublished port does not count",
    container: { ports: ["0.0.0.0:8080->80", "9000"] },
    registrator: [NGINX],
  },
  { name: "nothing is published", container: { ports: ["80"] }, registrator: [] },
  { name: "a tag", container: { labels: { SERVICE_TAGS: "http" } }, registrator: [{ ...NGINX, tags: ["http"] }] },
  {
    name: "a tag with an escaped comma, and an empty one",
    container: { labels: { SERVICE_TAGS: "a\\,b,," } },
    registrator: [{ ...NGINX, tags: ["a,b"] }],
  },
  { name: "-tags", flags: ["-tags", "prod"], registrator: [{ ...NGINX, tags: ["prod"] }] },
  {
    name: "another SERVICE_* is Meta, in lower case",
    container: { labels: { SERVICE_REGION: "eu", SERVICE_80_Tier: "Front" } },
    registrator: [{ ...NGINX, meta: { region: "eu", tier: "Front" } }],
  },
  {
    name: "a label beats a variable",
    container: { labels: { SERVICE_NAME: "label" }, env: { SERVICE_NAME: "env" } },
    registrator: [{ key: "label/web-1:web1:80", value: "10.0.0.1:8080" }],
  },
  {
    name: "a variable for the port beats a label for all",
    container: { labels: { SERVICE_NAME: "label" }, env: { SERVICE_80_NAME: "env" } },
    registrator: [{ key: "env/web-1:web1:80", value: "10.0.0.1:8080" }],
  },
  { name: "an empty value is none", container: { labels: { SERVICE_NAME: "", SERVICE_IGNORE: "" } }, registrator: [NGINX] },
  {
    name: "a binding to one address keeps it",
    container: { ports: ["10.0.0.7:8080->80"] },
    registrator: [{ ...NGINX, value: "10.0.0.7:8080" }],
  },
  {
    name: "-ip, whatever the binding says",
    flags: ["-ip", "192.0.2.1"],
    container: { ports: ["10.0.0.7:8080->80"] },
    registrator: [{ ...NGINX, value: "192.0.2.1:8080" }],
  },
  {
    name: "-ip with IPv6",
    flags: ["-ip", "2001:db8::1"],
    registrator: [{ ...NGINX, value: "[2001:db8::1]:8080" }],
  },
  { name: "-internal", flags: ["-internal"], registrator: [{ ...NGINX, value: "172.17.0.2:80" }] },
  {
    name: "-internal: unpublished ports count",
    flags: ["-internal"],
    container: { ports: ["0.0.0.0:8080->80", "9000"] },
    registrator: [
      { key: "nginx-80/web-1:web1:80", value: "172.17.0.2:80" },
      { key: "nginx-9000/web-1:web1:9000", value: "172.17.0.2:9000" },
    ],
  },
  {
    name: "-internal, -ip is ignored",
    flags: ["-internal", "-ip", "192.0.2.1"],
    registrator: [{ ...NGINX, value: "172.17.0.2:80" }],
  },
  {
    name: "-internal on a network of one's own",
    flags: ["-internal"],
    container: { networks: { app: "172.20.0.5" } },
    registrator: [{ ...NGINX, value: "172.20.0.5:80" }],
  },
  {
    name: "the host's network: exposed ports at the host's address",
    container: { ports: ["80"], network: { kind: "host" } },
    registrator: [{ ...NGINX, value: "10.0.0.1:80" }],
  },
  {
    name: "-useIpFromLabel, with a mask",
    flags: ["-useIpFromLabel", "ip"],
    container: { labels: { ip: "192.0.2.9/24" } },
    registrator: [{ ...NGINX, value: "192.0.2.9:8080" }],
  },
  { name: "-useIpFromLabel without that label", flags: ["-useIpFromLabel", "ip"], registrator: [NGINX] },
  { name: "-explicit without a name", flags: ["-explicit"], registrator: [] },
  {
    name: "-explicit with a name for one port",
    flags: ["-explicit"],
    container: { ports: TWO, labels: { SERVICE_80_NAME: "shop" } },
    registrator: [{ key: "shop/web-1:web1:80", value: "10.0.0.1:8080" }],
  },
  { name: "an unhealthy container", container: { health: "unhealthy" }, registrator: [NGINX] },
  { name: "a container that starts up", container: { health: "starting" }, registrator: [NGINX] },
  { name: "a paused container", container: { state: "paused" }, registrator: [NGINX] },
  { name: "a container that does not run", container: { state: "exited" }, registrator: [] },
];

const COMPOSE = { "com.docker.compose.project": "shop", "com.docker.compose.service": "front" };

export const DIFFERENT: readonly LayoutRow[] = [
  {
    name: "a container of Compose",
    container: { labels: COMPOSE },
    registrator: [NGINX],
    differs: { as: "compose-name", fairlead: [{ ...NGINX, key: "front/web-1:web1:80" }] },
  },
  {
    name: "a container of Compose that says its name",
    container: { labels: { ...COMPOSE, SERVICE_NAME: "nginx" } },
    registrator: [NGINX],
  },
  {
    name: "a task of Compose",
    container: { labels: { ...COMPOSE, "com.docker.compose.oneoff": "True" } },
    registrator: [NGINX],
    differs: { as: "one-off", fairlead: [] },
  },
  {
    name: "two tags",
    container: { labels: { SERVICE_TAGS: "a,b" } },
    registrator: [{ ...NGINX, tags: ["b", "a"] }],
    differs: { as: "tag-order", fairlead: [{ ...NGINX, tags: ["a", "b"] }] },
  },
  {
    name: "tags of its own and -tags",
    flags: ["-tags", "prod"],
    container: { labels: { SERVICE_TAGS: "a,b" } },
    registrator: [{ ...NGINX, tags: ["b", "a", "prod"] }],
    differs: { as: "tag-order", fairlead: [{ ...NGINX, tags: ["a", "b", "prod"] }] },
  },
  {
    name: "SERVICE_IGNORE=false",
    container: { labels: { SERVICE_IGNORE: "false" } },
    registrator: [],
    differs: { as: "ignore-false", fairlead: [NGINX] },
  },
  {
    name: "labels that differ only in case: Registrator takes this one or the other",
    container: { labels: { SERVICE_NAME: "first", SERVICE_name: "second" } },
    registrator: [{ ...NGINX, key: "second/web-1:web1:80" }],
    differs: { as: "key-case", fairlead: [{ ...NGINX, key: "first/web-1:web1:80" }] },
  },
  {
    name: "published on loopback",
    container: { ports: ["127.0.0.1:8080->80"] },
    registrator: [{ ...NGINX, value: "127.0.0.1:8080" }],
    differs: { as: "loopback", fairlead: [] },
  },
  {
    name: "published on loopback, with -ip",
    flags: ["-ip", "192.0.2.1"],
    container: { ports: ["127.0.0.1:8080->80"] },
    registrator: [{ ...NGINX, value: "192.0.2.1:8080" }],
  },
  {
    name: "exposed, without a network",
    container: { ports: ["80"], networks: {} },
    registrator: [{ ...NGINX, value: "10.0.0.1:80" }],
    differs: { as: "unpublished", fairlead: [] },
  },
  {
    name: "published, on a network of one's own",
    container: { networks: { app: "172.20.0.5" } },
    registrator: [{ ...NGINX, value: "172.20.0.5:8080" }],
    differs: { as: "user-network", fairlead: [NGINX] },
  },
  {
    name: "two bindings of one port: Registrator takes the one that the engine names first",
    container: { ports: ["0.0.0.0:8081->80", "0.0.0.0:8080->80"] },
    registrator: [{ ...NGINX, value: "10.0.0.1:8081" }],
    differs: { as: "bindings", fairlead: [NGINX] },
  },
  {
    name: "an image by its digest",
    container: { image: "team/app@sha256:0f00" },
    registrator: [{ ...NGINX, key: "app@sha256/web-1:web1:80" }],
    differs: { as: "digest", fairlead: [{ ...NGINX, key: "app/web-1:web1:80" }] },
  },
  {
    name: "one id for two ports: in Consul's catalogue the last one written replaces the other",
    container: { ports: TWO, labels: { SERVICE_ID: "one" } },
    registrator: [{ key: "nginx-443/one", value: "10.0.0.1:8443" }],
    differs: { as: "same-id", fairlead: [{ key: "nginx-80/one", value: "10.0.0.1:8080" }] },
  },
  {
    name: "a name with a slash",
    container: { labels: { SERVICE_NAME: "a/b" } },
    registrator: [{ ...NGINX, key: "a/b/web-1:web1:80" }],
    differs: { as: "odd-name", fairlead: [{ ...NGINX, key: "a%2Fb/web-1:web1:80" }] },
  },
  {
    name: "a check",
    container: { labels: { SERVICE_CHECK_HTTP: "/health", SERVICE_REGION: "eu" } },
    registrator: [{ ...NGINX, meta: { check_http: "/health", region: "eu" } }],
    differs: { as: "meta", fairlead: [{ ...NGINX, meta: { region: "eu" } }] },
  },
  {
    name: "an unhealthy container, once `health: ignore` is taken out",
    honoursHealth: true,
    container: { health: "unhealthy" },
    registrator: [NGINX],
    differs: { as: "health", fairlead: [] },
  },
];
