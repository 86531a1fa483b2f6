import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { compareText } from "../../../model/instance.ts";

const RTF_UP = 0x1;

/**
 * The interface of the default route in the text of `/proc/net/route`: of several the one with the lowest metric, as the kernel has it.
 * Undefined: there is no default route.
 */
export function defaultInterface(routes: string): string | undefined {
  let best: { readonly name: string; readonly metric: number } | undefined;
  for (const line of routes.split("\n").slice(1)) {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    const isUp = (Number.parseInt(flags ?? "", 16) & RTF_UP) !== 0;
    if (name === undefined || destination !== "00000000" || mask !== "00000000" || !isUp) {
      continue;
    }
    const candidate = { name, metric: Number(metric) };
    if (best === undefined || candidate.metric < best.metric) {
      best = candidate;
    }
  }
  return best?.name;
}

export type Interfaces = Readonly<Record<string, readonly Pick<NetworkInterfaceInfo, "address" | "internal">[] | undefined>>;

/**
 * The address under which others most likely reach this machine: of the default route's interface, else of the first one by name that
 * is no bridge of Docker's own. IPv4 before IPv6; neither loopback nor link-local.
 */
export function pickAddress(defaultName: string | undefined, interfaces: Interfaces): string | undefined {
  const names = Object.keys(interfaces).sort(
    (a, b) =>
      Number(b === defaultName) - Number(a === defaultName) || Number(isDockers(a)) - Number(isDockers(b)) || compareText(a, b),
  );
  const usable = names.flatMap((name) =>
    (interfaces[name] ?? [])
      .filter(({ address, internal }) => !internal && !/^fe[89ab]|^169\.254\./i.test(address))
      .map(({ address }) => ({ name, address })),
  );
  const ofDefault = usable.filter(({ name }) => name === defaultName);
  return [ofDefault, usable].flatMap((group) => [...group.filter(({ address }) => !isIPv6(address)), ...group]).at(0)?.address;
}

function isDockers(name: string): boolean {
  return /^(docker|br-|veth)/.test(name);
}

/** Undefined when this machine has no address but loopback. */
export async function defaultAddress(): Promise<string | undefined> {
  let routes = "";
  try {
    routes = await readFile("/proc/net/route", "utf8");
  } catch {
    // Not Linux, or hidden from us: the interfaces alone decide.
  }
  return pickAddress(defaultInterface(routes), networkInterfaces());
}
