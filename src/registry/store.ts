/** What etcd, Consul and consul-kv have in common before any of them is spoken to. */
import { encodeEntryPath, encodeSegment } from "./codec.ts";

export type Layout = "json" | "registrator";

/** Paths of PEM files; they are read when a connection is made, so that renewed ones are used. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface StoreOptions {
  /** For messages: `etcd://127.0.0.1:2379/fairlead`, without credentials. */
  readonly name: string;
  /** `host:port` each, at least one. */
  readonly endpoints: readonly string[];
  /** Present: TLS, verified against `ca` or the system's authorities. */
  readonly tls?: TlsFiles;
  /** Without slashes at its ends; may hold some inside. */
  readonly prefix: string;
  /** Where configuration keys begin: `""` is the store's root, else without slashes at its ends. */
  readonly kvPrefix: string;
  readonly layout: Layout;
  /** Consul's ACL token, asked for before each call, so that a renewed file is used. */
  readonly token?: () => Promise<string | undefined>;
  /** etcd's user, or HTTP basic authentication in front of Consul. */
  readonly login?: { readonly username: string; readonly password: () => Promise<string> };
}

/** Fairlead's own records live here whatever the layout: ownership of the entries that others read. */
const OWN_PREFIX = "fairlead";

/** Names of keys, without a leading slash. */
export interface KeyLayout {
  /** All entries stand below it; ends in `/`. */
  readonly entriesPrefix: string;
  /** `registrator` only: the ownership records stand below it; ends in `/`. */
  readonly ownersPrefix: string | undefined;
  /** Which owners hold a lease: one key each, which hangs on it; ends in `/`. Keys with more segments below it are none of these. */
  readonly livingPrefix: string;
  /** The prefix of configuration keys: empty or ending in `/`. */
  readonly keysPrefix: string;
  servicePrefix(service: string): string;
  entryKey(instance: { readonly service: string; readonly id: string }): string;
  ownerKey(instance: { readonly service: string; readonly id: string }): string | undefined;
  livingKey(owner: string): string;
  /** The full store key of a configuration key. */
  configKey(key: string): string;
  /** Fairlead's own data, which configuration keys neither show nor overwrite; takes a full store key. */
  isOwn(storeKey: string): boolean;
}

export function keyLayout(options: Pick<StoreOptions, "prefix" | "kvPrefix" | "layout">): KeyLayout {
  const { prefix, kvPrefix, layout } = options;
  const entriesPrefix = layout === "json" ? `${prefix}/services/` : `${prefix}/`;
  const ownersPrefix = layout === "json" ? undefined : `${OWN_PREFIX}/owners/${encodeSegment(prefix)}/`;
  const livingPrefix = layout === "json" ? `${prefix}/owners/` : `${OWN_PREFIX}/living/${encodeSegment(prefix)}/`;
  const hidden = layout === "json" ? `${prefix}/` : `${OWN_PREFIX}/`;
  const keysPrefix = kvPrefix === "" ? "" : `${kvPrefix}/`;
  return {
    entriesPrefix,
    ownersPrefix,
    livingPrefix,
    keysPrefix,
    servicePrefix: (service) => `${entriesPrefix}${encodeSegment(service)}/`,
    entryKey: (instance) => entriesPrefix + encodeEntryPath(instance),
    ownerKey: (instance) => (ownersPrefix === undefined ? undefined : ownersPrefix + encodeEntryPath(instance)),
    livingKey: (owner) => livingPrefix + encodeSegment(owner),
    configKey: (key) => keysPrefix + key,
    isOwn: (storeKey) => storeKey.startsWith(hidden),
  };
}
