import { describe, expect, test } from "vitest";
import type { Instance } from "../../../../src/model/instance.ts";
import { type MappingOptions, mapContainer } from "../../../../src/sources/docker/mapping.ts";
import { type ContainerSketch, makeContainer, makeOptions } from "./build.ts";

/** The fields of an instance that a row is about, each compared exactly. */
type Wanted = { readonly [K in keyof Instance]?: Instance[K] | undefined };

interface Row {
  readonly name: string;
  readonly container?: ContainerSketch;
  readonly options?: Partial<MappingOptions>;
  readonly wanted: readonly Wanted[];
  /** `reason` or `port: reason`; a pattern where the words do not matter. Default: nothing was skipped. */
  readonly skipped?: readonly (string | RegExp)[];
}

const TWO = ["0.0.0.0:8080->80", "0.0.0.0:8443->443"];
const not = (port: number): RegExp => new RegExp(`^${port}: it is not published$`);

function check(rows: readonly Row[]): void {
  test.each(rows)("$name", ({ container, options, wanted, skipped = [] }) => {
    const mapped = mapContainer(makeContainer(container), makeOptions(options));
    expect(mapped.instances.map((instance, i) => pick(instance, Object.keys(wanted[i] ?? {})))).toEqual(wanted);
    const texts = mapped.skipped.map(({ port, reason }) => (port === undefined ? reason : `${port}: ${reason}`));
    expect(texts).toEqual(skipped.map((text) => (typeof text === "string" ? text : expect.stringMatching(text))));
  });
}

function pick(instance: Instance, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(instance).filter(([key]) => keys.includes(key)));
}

test("everything about an instance, once in full", () => {
  const labels = {
    "fairlead.service": "shop",
    "fairlead.tags": "b,a",
    "fairlead.weight": "3",
    "fairlead.host": "shop.example",
    note: "x",
  };
  expect(mapContainer(makeContainer({ labels, health: "healthy" }), makeOptions())).toEqual({
    instances: [
      {
        id: "n1:web1:80",
        service: "shop",
        address: "10.0.0.1",
        port: 8080,
        protocol: "tcp",
        tags: ["b", "a"],
        meta: { host: "shop.example" },
        health: "passing",
        weight: 3,
      },
    ],
    skipped: [],
  });
});

describe("register at all", () => {
  check([
    { name: "a container without a word is registered", wanted: [{ service: "nginx", tags: [], meta: {} }] },
    ...["false", "0", "no", "off", "FALSE", " Off "].map((word) => ({
      name: `fairlead.enable=${word} skips it`,
      container: { labels: { "fairlead.enable": word } },
      wanted: [],
      skipped: ["fairlead.enable says so"],
    })),
    {
      name: "fairlead.enable=true registers",
      container: { labels: { "fairlead.enable": "true" } },
      wanted: [{ service: "nginx" }],
    },
    {
      name: "fairlead.enable that is no boolean is left out and reported",
      container: { labels: { "fairlead.enable": "maybe" } },
      wanted: [{ service: "nginx" }],
      skipped: ["fairlead.enable is neither true nor false; it was left out"],
    },
    ...["1", "true", "yes", "anything"].map((word) => ({
      name: `SERVICE_IGNORE=${word} skips it`,
      container: { env: { SERVICE_IGNORE: word } },
      wanted: [],
      skipped: ["SERVICE_IGNORE says so"],
    })),
    ...["false", "0", "no", "off", ""].map((word) => ({
      name: `SERVICE_IGNORE="${word}" does not skip it`,
      container: { env: { SERVICE_IGNORE: word } },
      wanted: [{ service: "nginx" }],
    })),
    {
      name: "fairlead.enable beats SERVICE_IGNORE",
      container: { labels: { "fairlead.enable": "true", SERVICE_IGNORE: "1" } },
      wanted: [{ service: "nginx" }],
    },
    {
      name: "one port can be left out; its neighbour keeps its suffix",
      container: { ports: TWO, labels: { SERVICE_443_IGNORE: "1" } },
      wanted: [{ service: "nginx-80", port: 8080 }],
      skipped: ["443: SERVICE_443_IGNORE says so"],
    },
    {
      name: "one port can be let in when the container is not",
      container: { ports: TWO, labels: { "fairlead.enable": "no", "fairlead.443.enable": "yes" } },
      wanted: [{ service: "nginx-443" }],
      skipped: ["80: fairlead.enable says so"],
    },
  ]);
});

describe("register: labelled", () => {
  const options = { register: "labelled" } as const;
  const refused = [/^`register` is `labelled`, and it carries neither/];
  check([
    { name: "a container without a word is not registered", options, wanted: [], skipped: refused },
    { name: "tags are not enough", options, container: { labels: { "fairlead.tags": "a" } }, wanted: [], skipped: refused },
    {
      name: "a Compose name is not enough",
      options,
      container: { labels: { "com.docker.compose.service": "shop" } },
      wanted: [],
      skipped: refused,
    },
    {
      name: "SERVICE_IGNORE=false is not enough",
      options,
      container: { labels: { SERVICE_IGNORE: "false" } },
      wanted: [],
      skipped: refused,
    },
    {
      name: "fairlead.enable=true lets it in",
      options,
      container: { labels: { "fairlead.enable": "true" } },
      wanted: [{ service: "nginx" }],
    },
    {
      name: "fairlead.service lets it in",
      options,
      container: { labels: { "fairlead.service": "a" } },
      wanted: [{ service: "a" }],
    },
    { name: "SERVICE_NAME lets it in", options, container: { env: { SERVICE_NAME: "a" } }, wanted: [{ service: "a" }] },
    {
      name: "VIRTUAL_HOST lets it in",
      options,
      container: { env: { VIRTUAL_HOST: "a.example" } },
      wanted: [{ meta: { host: "a.example" } }],
    },
    {
      name: "fairlead.host lets it in",
      options,
      container: { labels: { "fairlead.host": "a.example" } },
      wanted: [{ service: "nginx" }],
    },
    {
      name: "a host that is none does not",
      options,
      container: { labels: { "fairlead.host": "a b" } },
      wanted: [],
      skipped: refused,
    },
    {
      name: "a name for one port admits that port only",
      options,
      container: { ports: TWO, labels: { "fairlead.443.service": "tls" } },
      wanted: [{ service: "tls", port: 8443 }],
      skipped: ["80: `register` is `labelled`, and only other ports carry a name or a host"],
    },
    {
      name: "fairlead.enable=false beats a name",
      options,
      container: { labels: { "fairlead.enable": "false", "fairlead.service": "a" } },
      wanted: [],
      skipped: ["fairlead.enable says so"],
    },
  ]);
});

describe("service names", () => {
  const images: readonly [string, string][] = [
    ["nginx", "nginx"],
    ["nginx:1.25", "nginx"],
    ["library/nginx", "nginx"],
    ["registry.local:5000/team/app:2", "app"],
    ["registry.local:5000/app", "app"],
    ["app@sha256:0123456789abcdef", "app"],
    ["team/app:2@sha256:0123456789abcdef", "app"],
  ];
  check([
    ...images.map(([image, service]) => ({ name: `image ${image} is ${service}`, container: { image }, wanted: [{ service }] })),
    {
      name: "an image known by its id alone gives no name",
      container: { image: `sha256:${"ab".repeat(32)}` },
      wanted: [],
      skipped: ["it has no service name, and its image has none either; set fairlead.service"],
    },
    {
      name: "Compose's name beats the image",
      container: { labels: { "com.docker.compose.service": "shop" } },
      wanted: [{ service: "shop" }],
    },
    {
      name: "Swarm's name beats the image",
      container: { labels: { "com.docker.swarm.service.name": "stack_shop" } },
      wanted: [{ service: "stack_shop" }],
    },
    {
      name: "SERVICE_NAME beats Compose",
      container: { labels: { "com.docker.compose.service": "shop" }, env: { SERVICE_NAME: "own" } },
      wanted: [{ service: "own" }],
    },
    {
      name: "several ports get a suffix",
      container: { ports: TWO, labels: { "fairlead.service": "shop" } },
      wanted: [{ service: "shop-80" }, { service: "shop-443" }],
    },
    {
      name: "a port with a name of its own gets none, and its neighbour keeps one",
      container: { ports: TWO, labels: { "fairlead.service": "shop", "fairlead.443.service": "tls" } },
      wanted: [{ service: "shop-80" }, { service: "tls" }],
    },
    {
      name: "tcp and udp of one port are two ports",
      container: { ports: ["0.0.0.0:53->53", "0.0.0.0:53->53/udp"] },
      wanted: [
        { id: "n1:web1:53", service: "nginx-53", protocol: "tcp", tags: [] },
        { id: "n1:web1:53:udp", service: "nginx-53", protocol: "udp", tags: ["udp"] },
      ],
    },
    {
      name: "unpublished ports do not count for the suffix",
      container: { ports: ["0.0.0.0:8080->80", "443"] },
      wanted: [{ service: "nginx" }],
      skipped: [not(443)],
    },
    {
      name: "a port chosen by fairlead.port needs no suffix",
      container: { ports: TWO, labels: { "fairlead.port": "443" } },
      wanted: [{ service: "nginx", port: 8443 }],
      skipped: ["80: fairlead.port names another port"],
    },
    {
      name: "an empty fairlead.service skips the container",
      container: { labels: { "fairlead.service": "", SERVICE_NAME: "old" } },
      wanted: [],
      skipped: ["its service name is empty"],
    },
    { name: "an empty SERVICE_NAME is none", container: { env: { SERVICE_NAME: "" } }, wanted: [{ service: "nginx" }] },
    {
      name: "a name that is too long skips the container",
      container: { labels: { "fairlead.service": "x".repeat(201) } },
      wanted: [],
      skipped: ["its service name is too long to be stored (201 bytes when encoded, at most 200)"],
    },
    {
      name: "the longest name is stored",
      container: { labels: { "fairlead.service": "x".repeat(200) } },
      wanted: [{ port: 8080 }],
    },
    {
      name: "what counts is the encoded length",
      container: { labels: { "fairlead.service": "ä".repeat(40) } },
      wanted: [],
      skipped: [/240 bytes when encoded/],
    },
    {
      name: "a name with a line break skips the container",
      container: { labels: { "fairlead.service": "a\nb" } },
      wanted: [],
      skipped: ["its service name holds a control character"],
    },
    {
      name: "one port's bad name hurts only that port",
      container: { ports: TWO, labels: { "fairlead.443.service": "x".repeat(201) } },
      wanted: [{ service: "nginx-80" }],
      skipped: [/^443: its service name is too long/],
    },
    {
      name: "a bad general name does not matter to ports with their own",
      container: { labels: { "fairlead.service": "x".repeat(201), "fairlead.80.service": "web" } },
      wanted: [{ service: "web" }],
    },
  ]);
});

describe("words", () => {
  check([
    {
      name: "tags keep their order, \\, is a comma, spaces around and empty ones go",
      container: { labels: { "fairlead.tags": "b, a\\,c,,b2 ," } },
      wanted: [{ tags: ["b", "a,c", "b2"] }],
    },
    { name: "SERVICE_TAGS is read", container: { env: { SERVICE_TAGS: "x,y" } }, wanted: [{ tags: ["x", "y"] }] },
    {
      name: "udp is tagged once",
      container: { ports: ["0.0.0.0:53->53/udp"], labels: { "fairlead.tags": "udp,dns" } },
      wanted: [{ tags: ["udp", "dns"] }],
    },
    { name: "a weight may be a fraction", container: { labels: { "fairlead.weight": "0.5" } }, wanted: [{ weight: 0.5 }] },
    {
      name: "a weight that is none is left out and reported",
      container: { labels: { "fairlead.weight": "-1" } },
      wanted: [{ weight: undefined }],
      skipped: ["fairlead.weight is no number of at least 0; it was left out"],
    },
    { name: "fairlead.id is the id", container: { labels: { "fairlead.id": "a" } }, wanted: [{ id: "a" }] },
    { name: "SERVICE_ID is the id", container: { env: { SERVICE_ID: "a" } }, wanted: [{ id: "a" }] },
    {
      name: "an id that is too long skips the port",
      container: { labels: { "fairlead.id": "x".repeat(300) } },
      wanted: [],
      skipped: [/^80: its instance id is too long/],
    },
    {
      name: "every proxy word becomes metadata",
      container: {
        labels: {
          "fairlead.host": "a.example",
          "fairlead.path": "/x",
          "fairlead.proto": "HTTPS",
          "fairlead.dest": "/y",
          "fairlead.strip": "true",
        },
      },
      wanted: [{ meta: { host: "a.example", path: "/x", proto: "https", dest: "/y", strip: "true" } }],
    },
    {
      name: "so do docker-gen's",
      container: {
        env: {
          VIRTUAL_HOST: "a.example, *.b.example",
          VIRTUAL_PATH: "/x",
          VIRTUAL_PROTO: "http",
          VIRTUAL_DEST: "/",
          VIRTUAL_PORT: "80",
          VIRTUAL_NETWORK: "n",
        },
      },
      wanted: [{ meta: { host: "a.example,*.b.example", path: "/x", proto: "http", dest: "/" } }],
    },
    {
      name: "a host, path or proto that is none is left out and reported, the rest lives on",
      container: {
        labels: {
          "fairlead.host": "a.example; return 200",
          "fairlead.path": "no-slash",
          "fairlead.proto": "gopher",
          "fairlead.version": "2",
        },
      },
      wanted: [{ meta: { version: "2" } }],
      skipped: [
        "fairlead.host is no host name; it was left out",
        "fairlead.path is no path that begins with / and is percent-encoded where needed; it was left out",
        "fairlead.proto is none of http, https, grpc, grpcs, fastcgi, uwsgi; it was left out",
      ],
    },
    {
      name: "of several hosts only the bad one is left out",
      container: { labels: { "fairlead.host": "a.example,b example" } },
      wanted: [{ meta: { host: "a.example" } }],
      skipped: ["fairlead.host is a list with something that is no host name; it was left out"],
    },
    {
      name: "any other word is metadata in lower case",
      container: { labels: { "fairlead.Region.Zone": "eu" }, env: { SERVICE_REGION: "eu", SERVICE_Some_Thing: "1" } },
      wanted: [{ meta: { "region.zone": "eu", region: "eu", some_thing: "1" } }],
    },
    {
      name: "checks and foreign words are no metadata",
      container: { env: { SERVICE_CHECK_HTTP: "/", SERVICE_80_CHECK_TCP: "1", PATH: "/bin", SERVICE: "x", Service_x: "y" } },
      wanted: [{ meta: {} }],
      skipped: ["80: SERVICE_80_CHECK_TCP asks for a second check beside SERVICE_CHECK_HTTP; it was left out"],
    },
    {
      name: "a name that means something to JavaScript is metadata like any other",
      container: { labels: { "fairlead.constructor": "x", "fairlead.__proto__": "y" } },
      wanted: [{ meta: JSON.parse('{"__proto__":"y","constructor":"x"}') as Record<string, string> }],
    },
  ]);
});

describe("which word wins", () => {
  check([
    {
      name: "fairlead.* beats SERVICE_* beats VIRTUAL_*",
      container: {
        labels: {
          "fairlead.host": "f.example",
          SERVICE_HOST: "s.example",
          VIRTUAL_HOST: "v.example",
          SERVICE_PATH: "/s",
          VIRTUAL_PATH: "/v",
        },
      },
      wanted: [{ meta: { host: "f.example", path: "/s" } }],
    },
    {
      name: "the family beats the place: an environment variable of fairlead beats a label of Registrator",
      container: { labels: { SERVICE_TAGS: "s" }, env: { "fairlead.tags": "f" } },
      wanted: [{ tags: ["f"] }],
    },
    {
      name: "a label beats an environment variable",
      container: { labels: { SERVICE_NAME: "label" }, env: { SERVICE_NAME: "env" } },
      wanted: [{ service: "label" }],
    },
    {
      name: "one port's word beats the general one, whatever their families",
      container: {
        labels: { "fairlead.tags": "f", "fairlead.version": "1" },
        env: { SERVICE_80_TAGS: "p", SERVICE_80_VERSION: "2" },
      },
      wanted: [{ tags: ["p"], meta: { version: "2" } }],
    },
    {
      name: "for one port fairlead.* beats SERVICE_* too",
      container: { labels: { "fairlead.80.service": "f", SERVICE_80_NAME: "s" } },
      wanted: [{ service: "f" }],
    },
    {
      name: "of keys that differ only in case the first in byte order wins",
      container: { labels: { "fairlead.tags": "lower", "fairlead.TAGS": "upper", "fairlead.Tags": "mixed" } },
      wanted: [{ tags: ["upper"] }],
    },
    {
      name: "one port's bad word is left out, and does not let the general one through",
      container: { labels: { "fairlead.host": "a.example", "fairlead.80.host": "b example" } },
      wanted: [{ meta: {} }],
      skipped: ["80: fairlead.80.host is no host name; it was left out"],
    },
    {
      name: "words for a port that the container does not have are reported",
      container: { labels: { "fairlead.8080.service": "x" } },
      wanted: [{ service: "nginx" }],
      skipped: ["8080: it is named by labels or environment variables, but the container has no such port"],
    },
    ...["080", "0", "65536", "99999999999"].map((port) => ({
      name: `a word for port ${port}, which is none, is left out and reported`,
      container: { labels: { [`fairlead.${port}.x`]: "1" }, env: { [`SERVICE_${port}_NAME`]: "y" } },
      wanted: [{ service: "nginx", meta: {} }],
      skipped: [
        `fairlead.${port}.x names a port that is none; it was left out`,
        `SERVICE_${port}_NAME names a port that is none; it was left out`,
      ],
    })),
  ]);
});

describe("fairlead.port", () => {
  check([
    ...["http", "0", "65536", "80/tcp", "-1"].map((port) => ({
      name: `"${port}" skips the container`,
      container: { labels: { "fairlead.port": port } },
      wanted: [],
      skipped: ["fairlead.port is no port"],
    })),
    {
      name: "a port that is exposed but not published is skipped",
      container: { ports: ["0.0.0.0:8080->80", "443"], labels: { "fairlead.port": "443" } },
      wanted: [],
      skipped: ["80: fairlead.port names another port", not(443)],
    },
    {
      name: "a port that is not even exposed is skipped when published ports count",
      container: { labels: { "fairlead.port": "9000" } },
      wanted: [],
      skipped: ["80: fairlead.port names another port", not(9000)],
    },
    ...(["internal", "any"] as const).map((mode) => ({
      name: `a port that is not exposed counts under ${mode}`,
      options: { mode },
      container: { ports: [], labels: { "fairlead.port": "9000" } },
      wanted: [{ address: "172.17.0.2", port: 9000, id: "n1:web1:9000" }],
    })),
    {
      name: "fairlead.port beats VIRTUAL_PORT",
      container: { ports: TWO, labels: { "fairlead.port": "80" }, env: { VIRTUAL_PORT: "443" } },
      wanted: [{ port: 8080 }],
      skipped: ["443: fairlead.port names another port"],
    },
  ]);
});
