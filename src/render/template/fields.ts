/** Objects whose field names are known, and how they are told from data. */
import { type Entry, hostPort } from "../../model/instance.ts";

/** Marks objects whose field names are known; everything else that a template sees is data, where names come and go. */
const KNOWN_FIELDS: object = Object.freeze({});

/**
 * What a template sees of an instance. A class, because a hundred thousand of them are made: setting the prototype of each costs several
 * times as much.
 */
export class InstanceView {
  readonly id: string;
  readonly service: string;
  readonly address: string;
  readonly port: number;
  /** `host:port`, IPv6 in brackets. */
  readonly addr: string;
  readonly protocol: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly health: string;
  /** 1 when nobody said otherwise. */
  readonly weight: number;
  /** The owner; empty for entries of other programs. */
  readonly node: string;

  constructor(entry: Entry) {
    this.id = entry.id;
    this.service = entry.service;
    this.address = entry.address;
    this.port = entry.port;
    this.addr = hostPort(entry.address, entry.port);
    this.protocol = entry.protocol;
    this.tags = entry.tags;
    this.meta = entry.meta;
    this.health = entry.health;
    this.weight = entry.weight ?? 1;
    this.node = entry.owner;
  }
}

/** The same object, frozen: a field that it lacks is a typo. */
export function withKnownFields<T extends object>(fields: T): T {
  return Object.freeze(Object.setPrototypeOf(fields, KNOWN_FIELDS) as T);
}

export function hasKnownFields(value: object): boolean {
  return value instanceof InstanceView || Object.getPrototypeOf(value) === KNOWN_FIELDS;
}
