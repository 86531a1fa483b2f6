/** What fairlead does otherwise than Registrator on purpose, whatever the command line: for the reference page, and for the tests that show it. */
export interface Difference {
  readonly id: string;
  readonly registrator: string;
  readonly fairlead: string;
  readonly why: string;
}

export const DIFFERENCES = [
  {
    id: "compose-name",
    registrator: "a container of Compose is named after its image",
    fairlead: "after its Compose service, unless SERVICE_NAME or fairlead.service says otherwise",
    why: "two services of one image are two services. Where others read the image's name, set SERVICE_NAME to it before the change",
  },
  {
    id: "one-off",
    registrator: "what `docker compose run` starts is registered",
    fairlead: "it is not, unless it carries a name of its own or fairlead.enable=true",
    why: "it is a task beside the service, and answers nobody",
  },
  {
    id: "tag-order",
    registrator: "tags come out in reversed order",
    fairlead: "in the order in which they are given",
    why: "the order was an accident of a recursion; in Consul tags are a set for nearly everybody",
  },
  {
    id: "ignore-false",
    registrator: "`SERVICE_IGNORE=false` ignores the container, as any value does",
    fairlead: "`false`, `0`, `no` and `off` do not",
    why: "it says the opposite of what it did",
  },
  {
    id: "key-case",
    registrator: "of labels that differ only in case one wins at random, anew at each start",
    fairlead: "the first in byte order",
    why: "the same containers are the same entries",
  },
  {
    id: "loopback",
    registrator: "a port that is published on 127.0.0.1 is registered with that address",
    fairlead: "it is skipped with that reason, unless `address` is set or the registry is on this machine",
    why: "on every other node it is a wrong address",
  },
  {
    id: "published-address",
    registrator: "without -ip the address is what this machine's host name resolves to, often 127.0.1.1",
    fairlead: "it is that of the default route's interface, unless `address` is set",
    why: "the host name resolves to anything",
  },
  {
    id: "unpublished",
    registrator: "an EXPOSEd port of a container without a network of its own counts as published on the same port",
    fairlead: "it is skipped: nothing listens there",
    why: "an entry that points to nothing",
  },
  {
    id: "user-network",
    registrator: "on a network of one's own the container's address is paired with the port on the host",
    fairlead: "the node's address and the port on the host",
    why: "an entry that points to nothing",
  },
  {
    id: "bindings",
    registrator: "of several bindings of one port the engine's first one is used",
    fairlead: "the lowest host port, IPv4 before IPv6; the others are reported",
    why: "the engine's order changes",
  },
  {
    id: "digest",
    registrator: "an image that is named by its digest is called `app@sha256`",
    fairlead: "`app`",
    why: "the digest is no part of its name",
  },
  {
    id: "same-id",
    registrator: "of two ports with one SERVICE_ID the last one written stays",
    fairlead: "the first port; the other is reported, and of two containers the oldest wins",
    why: "the same every time, and shown",
  },
  {
    id: "odd-name",
    registrator: "a name with a slash or another odd character is put into the key as it is",
    fairlead: "such characters are percent-encoded, in Consul's catalogue too",
    why: "a name from a label cannot leave its place",
  },
  {
    id: "meta",
    registrator: "every other SERVICE_* is Consul metadata, SERVICE_CHECK_* and SERVICE_IGNORE too",
    fairlead: "checks and settings are none",
    why: "they are no data of the service",
  },
  {
    id: "health",
    registrator: "health checks of containers are not looked at",
    fairlead: "`health: ignore` keeps it so, and is written by `fairlead migrate`; without it unhealthy containers are not used",
    why: "take that line out once readers may see containers go that are not healthy",
  },
  {
    id: "lease",
    registrator: "entries outlive it, except in etcd with -ttl",
    fairlead: "they go `ttl` after it has ended, unless it is back by then",
    why: "a dead node's entries are wrong",
  },
] as const satisfies readonly Difference[];
