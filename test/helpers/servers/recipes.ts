/** What a distribution package gives. */
export interface PackageSource {
  readonly kind: "package";
  /** The suite of the same distribution to take it from; "own" is the machine's, with its updates. */
  readonly suite: string;
  readonly packages: readonly string[];
  /** The programs of the unpacked tree that get a launcher; the first one is the server. */
  readonly programs: readonly string[];
}

/** What is built from source with a person's own Go. */
export interface GoSource {
  readonly kind: "go";
  readonly module: string;
  readonly version: string;
}

export type ServerName = "etcd34" | "etcd36" | "consul" | "nginx" | "haproxy" | "docker" | "busybox" | "openssl" | "xmllint";

export interface Recipe {
  readonly title: string;
  /** Names a program to use and nothing else. */
  readonly variable: string;
  /** As it is called on PATH. */
  readonly program: string;
  readonly versionArgs: readonly string[];
  /** Must be found in what the program says about itself; the first group is the version. */
  readonly version: RegExp;
  readonly wanted: string;
  /** Other programs that have to be on PATH for the one on PATH to be of use. */
  readonly companions?: readonly string[];
  readonly mustBeStatic?: true;
  readonly needsRoot?: true;
  /** Tried in this order. */
  readonly sources: readonly (PackageSource | GoSource)[];
}

function fromPackage(suite: string, packages: readonly string[], programs: readonly string[]): PackageSource {
  return { kind: "package", suite, packages, programs };
}

const ENGINE = ["dockerd", "docker", "containerd", "runc", "iptables", "ip6tables"];

/** Adding a server is adding a row. */
export const recipes: Readonly<Record<ServerName, Recipe>> = {
  etcd34: {
    title: "etcd 3.4",
    variable: "FAIRLEAD_TEST_ETCD34",
    program: "etcd",
    versionArgs: ["--version"],
    version: /etcd Version: (3\.4\.\S+)/,
    wanted: "etcd 3.4",
    sources: [fromPackage("own", ["etcd-server"], ["etcd"]), fromPackage("bookworm", ["etcd-server"], ["etcd"])],
  },
  etcd36: {
    title: "etcd 3.6",
    variable: "FAIRLEAD_TEST_ETCD36",
    program: "etcd",
    versionArgs: ["--version"],
    version: /etcd Version: (3\.6\.\S+)/,
    wanted: "etcd 3.6",
    sources: [{ kind: "go", module: "go.etcd.io/etcd/server/v3", version: "v3.6.16" }],
  },
  consul: {
    title: "Consul",
    variable: "FAIRLEAD_TEST_CONSUL",
    program: "consul",
    versionArgs: ["version"],
    version: /Consul v(1\.\S+)/,
    wanted: "Consul 1",
    sources: [fromPackage("own", ["consul"], ["consul"]), fromPackage("bullseye", ["consul"], ["consul"])],
  },
  nginx: {
    title: "nginx",
    variable: "FAIRLEAD_TEST_NGINX",
    program: "nginx",
    versionArgs: ["-v"],
    version: /nginx version: \S+?\/(1\.\S+)/,
    wanted: "nginx 1",
    sources: [fromPackage("own", ["nginx-light", "libnginx-mod-stream"], ["nginx"])],
  },
  haproxy: {
    title: "HAProxy",
    variable: "FAIRLEAD_TEST_HAPROXY",
    program: "haproxy",
    versionArgs: ["-v"],
    version: /HAProxy version (\d\S+)/,
    wanted: "HAProxy",
    sources: [fromPackage("own", ["haproxy"], ["haproxy"])],
  },
  docker: {
    title: "Docker engine",
    variable: "FAIRLEAD_TEST_DOCKERD",
    program: "dockerd",
    versionArgs: ["--version"],
    version: /Docker version (\d[^\s,]*)/,
    wanted: "a Docker engine",
    companions: ["docker", "containerd", "runc", "iptables"],
    needsRoot: true,
    sources: [
      // Since Debian 13 the command line client is a package of its own.
      fromPackage("own", ["docker.io", "docker-cli", "iptables"], ENGINE),
      fromPackage("own", ["docker.io", "iptables"], ENGINE),
    ],
  },
  busybox: {
    title: "busybox (for images)",
    variable: "FAIRLEAD_TEST_BUSYBOX",
    program: "busybox",
    versionArgs: ["--help"],
    version: /BusyBox v(\S+)/,
    wanted: "a statically linked BusyBox",
    mustBeStatic: true,
    sources: [fromPackage("own", ["busybox-static"], ["busybox"])],
  },
  openssl: {
    title: "openssl (for certificates)",
    variable: "FAIRLEAD_TEST_OPENSSL",
    program: "openssl",
    versionArgs: ["version"],
    version: /OpenSSL (\S+)/,
    wanted: "OpenSSL",
    sources: [fromPackage("own", ["openssl"], ["openssl"])],
  },
  xmllint: {
    title: "xmllint (reads XML with libxml2)",
    variable: "FAIRLEAD_TEST_XMLLINT",
    program: "xmllint",
    versionArgs: ["--version"],
    version: /using libxml version (\d+)/,
    wanted: "xmllint",
    sources: [fromPackage("own", ["libxml2-utils"], ["xmllint"])],
  },
};

export const serverNames = Object.keys(recipes) as readonly ServerName[];
