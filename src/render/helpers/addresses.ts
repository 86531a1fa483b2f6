/** An IP address as a number of 32 or 128 bits. */
export interface Ip {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** A network: what an address is left with after `value >> rest`. */
export interface Network extends Ip {
  readonly rest: bigint;
}

/**
 * Reads an IPv4 address (four numbers without leading zeros) or an IPv6 address (with `::`, an IPv4 tail or a zone, which is dropped).
 * @example parseIp("10.0.0.1")?.bits === 32
 */
export function parseIp(text: string): Ip | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) {
    return { bits: 32, value: v4 };
  }
  const groups = parseGroups(text.replace(/%[A-Za-z0-9._-]+$/, ""));
  return groups === undefined
    ? undefined
    : { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n) };
}

/** Reads `address/prefix`; bits behind the prefix are allowed and mean nothing. */
export function parseCidr(text: string): Network | undefined {
  const [, address = "", prefix = ""] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? [];
  const ip = parseIp(address);
  return ip === undefined || Number(prefix) > ip.bits ? undefined : { ...ip, rest: BigInt(ip.bits - Number(prefix)) };
}

function parseV4(text: string): bigint | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1) ?? [];
  const isValid = parts.length === 4 && parts.every((part) => Number(part) <= 255 && String(Number(part)) === part);
  return isValid ? parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) : undefined;
}

/** The eight groups of an IPv6 address. */
function parseGroups(text: string): readonly number[] | undefined {
  const tail = text.slice(text.lastIndexOf(":") + 1);
  const v4 = text.includes(":") ? parseV4(tail) : undefined;
  const hex =
    v4 === undefined ? text : `${text.slice(0, -tail.length)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  const halves = hex.split("::");
  const [head = [], rest = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - rest.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) {
    return undefined;
  }
  const groups = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...rest];
  return groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}
