import { parseTags } from "../../sources/docker/mapping/values.ts";
import type { RegistratorCommand } from "./command-line.ts";
import type { FlagSpec } from "./go-flags.ts";
import type { Line } from "./line.ts";

export interface FlagRow extends FlagSpec {
  /** For the reference page. */
  readonly becomes: string;
  readonly why: string;
  /** What the flag comes to when it is given with this value; a line of a kind that the row's `why` explains has none of its own. */
  readonly translate: (value: string, command: RegistratorCommand) => Omit<Line, "from" | "why"> & { readonly why?: string };
}

const DOCKER = "register.sources.docker";

/** All of Registrator's flags. */
export const FLAGS: readonly FlagRow[] = [
  {
    name: "ip",
    kind: "text",
    becomes: "`address`",
    why: "the address of every published port, whatever its binding says",
    translate(value, { flags }) {
      if (value === "") {
        return { at: DOCKER, why: "empty: as if it were not given" };
      }
      return flags.get("internal") === "true"
        ? { at: DOCKER, isNote: true, why: "Registrator ignores it together with -internal, so it is left out" }
        : { at: `${DOCKER}.address`, value };
    },
  },
  {
    name: "internal",
    kind: "bool",
    becomes: "`mode: internal`",
    why:
      "the containers' own addresses and ports, unpublished ones too; of several networks Registrator took an arbitrary one, here `networks: " +
      "[NAME]` says which, and a container for which it does not is skipped with that reason",
    translate: (value) =>
      value === "true"
        ? { at: `${DOCKER}.mode`, value: "internal" }
        : { at: DOCKER, why: "off: published ports, which is the default here too" },
  },
  {
    name: "explicit",
    kind: "bool",
    becomes: "`register: named`",
    why: "only what carries a name of its own, for the container or for the port",
    translate: (value) =>
      value === "true"
        ? { at: `${DOCKER}.register`, value: "named" }
        : { at: DOCKER, why: "off: all containers, which is the default here too" },
  },
  {
    name: "useIpFromLabel",
    kind: "text",
    becomes: "`addressLabel`",
    why: "the container's label that holds its address; a mask behind it is cut off",
    translate: (value) =>
      value === "" ? { at: DOCKER, why: "empty: as if it were not given" } : { at: `${DOCKER}.addressLabel`, value },
  },
  {
    name: "ttl",
    kind: "number",
    becomes: "`ttl`",
    why: "how long entries live when nobody renews them",
    translate(value, { backend }) {
      if (value === "0") {
        return { at: "register", why: "0: entries never ended by themselves; here they always go with their node, see `ttl`" };
      }
      return backend.scheme === "etcd" || backend.scheme === "skydns2"
        ? { at: "register.ttl", value: `${value}s` }
        : {
            at: "register",
            isNote: true,
            why: `Registrator used it with etcd:// and skydns2:// only, so it is left out; \`ttl\`, 15s unless it is set, counts for every registry here`,
          };
    },
  },
  {
    name: "ttl-refresh",
    kind: "number",
    becomes: "always so",
    why: "the lease is renewed every third of `ttl`, and no value is written again for it",
    translate: () => ({ at: "register" }),
  },
  {
    name: "resync",
    kind: "number",
    becomes: "`resync`",
    why: "everything is compared at least this often, ± 20 %; only differences are written, so that nobody's watch fires for nothing",
    translate: (value) =>
      Number(value) > 0
        ? { at: "register.resync", value: `${value}s` }
        : { at: "register", why: "0: never; here everything is compared every 30s unless `resync` says otherwise" },
  },
  {
    name: "cleanup",
    kind: "bool",
    becomes: "always so",
    why:
      "entries of this node that no container accounts for are removed in every pass, from every registry; those that Registrator left behind, " +
      "when fairlead is started with `fairlead run --adopt`",
    translate: () => ({ at: "register" }),
  },
  {
    name: "deregister",
    kind: "text",
    becomes: "`always`: always so; `on-success`: nothing",
    why: "what does not run is not registered, whatever it ended with",
    translate: (value) =>
      value === "always"
        ? { at: "register" }
        : {
            at: "register",
            isNote: true,
            why:
              "on-success has no equivalent: an entry of a container that failed points to nothing, and Registrator gave a restarted container its " +
              "old port back; what does not run is not registered",
          },
  },
  {
    name: "tags",
    kind: "text",
    becomes: "`tags`",
    why: "for every instance, behind its own tags; in the order they are given in, which Registrator reversed",
    translate(value) {
      if (value.includes("{{")) {
        return {
          at: DOCKER,
          isNote: true,
          why: "templates in it have no equivalent: a label of the container, SERVICE_TAGS or fairlead.tags, says what it is tagged with",
        };
      }
      const tags = parseTags(value);
      return tags.length === 0 ? { at: DOCKER, why: "empty: as if it were not given" } : { at: `${DOCKER}.tags`, value: tags };
    },
  },
  {
    name: "retry-attempts",
    kind: "number",
    becomes: "always so, without end",
    why: "a registry that cannot be reached ends nothing: it is tried again and again, at the start and later",
    translate: () => ({ at: "registry" }),
  },
  {
    name: "retry-interval",
    kind: "number",
    becomes: "always so",
    why: "tries are 0.1 to 10 seconds apart, longer each time",
    translate: () => ({ at: "registry" }),
  },
];

/** The one that stands alone, and makes nothing run. */
export const VERSION_ROW = { flag: "--version", becomes: "nothing", why: "`fairlead --version` prints fairlead's" } as const;

export function translateFlags(command: RegistratorCommand): readonly Line[] {
  return FLAGS.flatMap((row): readonly Line[] => {
    const value = command.flags.get(row.name);
    return value === undefined ? [] : [{ from: `-${row.name}`, why: row.why, ...row.translate(value, command) }];
  });
}
