export type Value = string | boolean | readonly string[];

/** One thing that a command line of Registrator says, and what becomes of it. */
export interface Line {
  /** What it was made from: `-ttl`, `consulkv://`, `CONSUL_CACERT`. */
  readonly from: string;
  /** For people: a comment in the configuration. */
  readonly why: string;
  /** The key or block of the configuration that it belongs to, as a path with dots. */
  readonly at: string;
  /** Present: what the key is set to. */
  readonly value?: Value;
  /** Something is lost, changes, or is left to do: a person has to know. */
  readonly isNote?: boolean;
}
