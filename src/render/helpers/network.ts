import { parseCidr, parseIp } from "./addresses.ts";
import { type Arguments, helpers } from "./entry.ts";
import { isRecord } from "./values.ts";

const WHOSE = "of a text or an instance whether it is one; of a list those that are";

export const NETWORK_HELPERS = helpers("network", [
  {
    signature: "ipv4 x",
    meaning: `An IPv4 address: ${WHOSE}.`,
    example: { template: '{{ipv4 "10.0.0.1"}}', output: "true" },
    run: (args) => each(args, (address) => parseIp(address)?.bits === 32),
  },
  {
    signature: "ipv6 x",
    meaning: `An IPv6 address, without brackets: ${WHOSE}.`,
    example: {
      template: "{{#each (ipv6 instances)}}{{address}}{{/each}}",
      output: "::1",
      data: { instances: [{ address: "10.0.0.1" }, { address: "::1" }] },
    },
    run: (args) => each(args, (address) => parseIp(address)?.bits === 128),
  },
  {
    signature: "hostOf x",
    meaning: "The host of an instance, of `host:port` or of a URL, IPv6 without brackets.",
    example: { template: '{{hostOf "[::1]:8080"}}', output: "::1" },
    run: (args) => hostAndPort(args).host,
  },
  {
    signature: "portOf x",
    meaning: "The port of an instance, of `host:port` or of a URL, as a number; absent when it says none.",
    example: { template: '{{portOf "web:8080"}}', output: "8080" },
    run: (args) => hostAndPort(args).port,
  },
  {
    signature: "inCidr x cidr",
    meaning: `An address in the network \`cidr\`, such as 10.0.0.0/8 or fd00::/8: ${WHOSE}; a host name never is.`,
    example: { template: '{{inCidr "10.1.2.3" "10.0.0.0/8"}}', output: "true" },
    run: (args) => {
      const network = parseCidr(args.text("cidr")) ?? args.fail('"cidr" is no network such as 10.0.0.0/8');
      return each(args, (address) => {
        const ip = parseIp(address);
        return ip !== undefined && ip.bits === network.bits && ip.value >> network.rest === network.value >> network.rest;
      });
    },
  },
]);

/** Asks one address, or picks from a list of them. */
function each(args: Arguments, isOne: (address: string) => boolean): unknown {
  const x = args.value("x");
  if (Array.isArray(x)) {
    return x.filter((item: unknown) => isOne(addressOf(item) ?? args.fail('an item of "x" is neither text nor an instance')));
  }
  return isOne(addressOf(x) ?? args.text("x"));
}

function addressOf(value: unknown): string | undefined {
  if (typeof value === "string") {
    return value;
  }
  const address = isRecord(value) && Object.hasOwn(value, "address") ? value["address"] : undefined;
  return typeof address === "string" ? address : undefined;
}

function hostAndPort(args: Arguments): { readonly host: string; readonly port: number | undefined } {
  const x = args.value("x");
  const address = isRecord(x) ? addressOf(x) : undefined;
  if (isRecord(x) && address !== undefined) {
    return { host: address, port: typeof x["port"] === "number" ? x["port"] : undefined };
  }
  const authority = args.text("x").replace(/^[a-z][a-z0-9+.-]*:\/\/([^/?#]*@)?([^/?#]*).*$/is, "$2");
  if (parseIp(authority)?.bits === 128) {
    return { host: authority, port: undefined };
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(authority) ?? [];
  const host = bracketed ?? plain ?? args.fail('"x" is neither host:port nor a URL');
  const port = digits === undefined ? undefined : Number(digits);
  return port !== undefined && port > 65535 ? args.fail('"x" has a port above 65535') : { host, port };
}
