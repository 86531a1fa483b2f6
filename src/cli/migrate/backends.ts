import { nearest } from "../../core/nearest.ts";
import { usage } from "../context.ts";
import type { BackendUri, RegistratorCommand } from "./command-line.ts";
import type { Line } from "./line.ts";

export interface BackendRow {
  readonly scheme: string;
  /** For the reference page. */
  readonly becomes: string;
  readonly why: string;
  readonly translate: (command: RegistratorCommand) => readonly Omit<Line, "from">[];
}

const CATALOGUE =
  "Name, ID, Address, Port and Tags are as before; Meta also says whose an entry is, and two checks of each, being alive and being healthy, are " +
  "Consul's word for the lease and the container's health";
const OUTLIVED =
  "Registrator's entries stayed when it ended; fairlead's go `ttl` (15s) after it, unless it is back by then: give a longer `ttl` if an upgrade " +
  "of it takes longer";
const SCRIPTS =
  "SERVICE_CHECK_SCRIPT and SERVICE_CHECK_CMD are not carried out: a label is never a command; http, https, tcp, grpc and ttl checks are";
const NO_SOCKET =
  "there is no way to Consul over a unix socket here: let the agent listen on a port of this machine (`ports { http = 8500 }`, " +
  '`client_addr = "127.0.0.1"`), which is what is written here';
const VERSION_3 =
  "Registrator wrote etcd's old API (v2), fairlead writes v3: programs that read it have to read v3, such as `confd -backend etcdv3`; until " +
  "the last one does, let Registrator run beside fairlead: the two do not see each other's keys";
const NO_STORE =
  "is no registry of fairlead: choose one of consul, consul-kv, etcd and file; the address here only stands for it";

/** All of Registrator's back ends. */
export const BACKENDS: readonly BackendRow[] = [
  {
    scheme: "consul",
    becomes: "`type: consul`",
    why: `${CATALOGUE}. ${capital(OUTLIVED)}. ${SCRIPTS}`,
    translate: ({ backend }) => [...registry("consul", backend, "8500"), { at: "registry", why: CATALOGUE }, ...catalogueNotes()],
  },
  {
    scheme: "consul-tls",
    becomes: "`type: consul`, `tls`",
    why: "as `consul://`; CONSUL_CACERT, CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY count as before",
    translate: ({ backend, container }) => [
      ...registry("consul", backend, "8500"),
      ...(TLS_VARIABLES.some((name) => container?.env.has(name))
        ? []
        : [
            {
              at: "registry.tls",
              value: true,
              why: "the files of CONSUL_CACERT, CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY, where these are set",
            },
          ]),
      { at: "registry", why: CATALOGUE },
      ...catalogueNotes(),
    ],
  },
  {
    scheme: "consul-unix",
    becomes: "`type: consul`, over the agent's port",
    why: NO_SOCKET,
    translate: () => [
      { at: "registry.type", value: "consul", why: "" },
      { at: "registry.endpoints", value: ["127.0.0.1:8500"], why: NO_SOCKET, isNote: true },
      ...catalogueNotes(),
    ],
  },
  {
    scheme: "consulkv",
    becomes: "`type: consul-kv`, `prefix`, `layout: registrator`",
    why: `the same keys and values; whose they are stands below \`fairlead/\`. ${capital(OUTLIVED)}`,
    translate: ({ backend }) => [
      ...registry("consul-kv", backend, "8500"),
      ...keys(backend),
      { at: "register", why: OUTLIVED, isNote: true },
    ],
  },
  {
    scheme: "consulkv-unix",
    becomes: "`type: consul-kv`, over the agent's port",
    why: NO_SOCKET,
    translate: ({ backend }) => {
      const prefix = backend.path.slice(backend.path.lastIndexOf(":") + 1);
      return [
        { at: "registry.type", value: "consul-kv", why: "" },
        { at: "registry.endpoints", value: ["127.0.0.1:8500"], why: NO_SOCKET, isNote: true },
        ...keys({ ...backend, path: backend.path.includes(":") ? prefix : "" }),
        { at: "register", why: OUTLIVED, isNote: true },
      ];
    },
  },
  {
    scheme: "etcd",
    becomes: "`type: etcd`, `prefix`, `layout: registrator`",
    why: `the same keys and values, under one lease. ${VERSION_3}`,
    translate: ({ backend }) => [
      ...registry("etcd", backend, "2379"),
      ...keys(backend),
      { at: "registry", why: VERSION_3, isNote: true },
    ],
  },
  {
    scheme: "skydns2",
    becomes: "nothing",
    why: "no records are written for SkyDNS or CoreDNS; the same etcd can hold its entries, which templates read, but no name server does",
    translate: ({ backend }) => [
      ...registry("etcd", { ...backend, path: "" }, "2379"),
      {
        at: "registry",
        isNote: true,
        why: "no records are written for SkyDNS or CoreDNS; with this there are entries that templates read, and no name server does",
      },
    ],
  },
  {
    scheme: "zookeeper",
    becomes: "nothing",
    why: "ZooKeeper is no registry of fairlead",
    translate: () => [
      { at: "registry.type", value: "etcd", why: "" },
      { at: "registry.endpoints", value: ["127.0.0.1:2379"], why: `ZooKeeper ${NO_STORE}`, isNote: true },
    ],
  },
];

export const TLS_VARIABLES = ["CONSUL_CACERT", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY"] as const;

/** @throws FairleadError `USAGE` for an address that Registrator does not know either */
export function translateBackend(command: RegistratorCommand): readonly Line[] {
  const { scheme } = command.backend;
  const row = BACKENDS.find((candidate) => candidate.scheme === scheme);
  if (row === undefined) {
    const names = BACKENDS.map((candidate) => candidate.scheme);
    const near = nearest(scheme, names);
    throw usage(
      `unrecognized adapter: ${scheme}://`,
      `Registrator has ${names.join(", ")}${near === undefined ? "" : `; did you mean ${near}://?`}`,
    );
  }
  return row.translate(command).map((line) => ({ from: `${scheme}://`, ...line }));
}

function registry(type: string, { host }: BackendUri, port: string): readonly Omit<Line, "from">[] {
  const hasPort = /:\d+$/.test(host);
  const why = hasPort || host === "" ? "" : `it named no port: fairlead takes ${port}, Registrator took 80`;
  return [
    { at: "registry.type", value: type, why: "" },
    ...(host === "" ? [] : [{ at: "registry.endpoints", value: [host], why, isNote: why !== "" }]),
  ];
}

/** The prefix and the form of keys and values. */
function keys({ path }: BackendUri): readonly Omit<Line, "from">[] {
  const prefix = path.replace(/^\/+|\/+$/g, "");
  const why =
    "Registrator wrote to the root of the store, without a prefix; fairlead needs one, and readers have to be told: /services/NAME instead of /NAME";
  return [
    {
      at: "registry.prefix",
      value: prefix === "" ? "services" : prefix,
      ...(prefix === "" ? { why, isNote: true } : { why: "" }),
    },
    { at: "registry.layout", value: "registrator", why: "ip:port at <prefix>/<service>/<id>, as before" },
  ];
}

function catalogueNotes(): readonly Omit<Line, "from">[] {
  return [
    { at: "register", why: OUTLIVED, isNote: true },
    { at: "register.sources.docker", why: SCRIPTS, isNote: true },
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
