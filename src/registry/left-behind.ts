/**
 * Whether Registrator would give an instance this id on one of these hosts: `<host>:<container name>:<port>`, for udp with `:udp` behind it.
 * Nothing less is enough to take an entry for one that it left behind: `<host>:` alone may begin anybody's id.
 * @example isIdOfHost("web-1:api:8080", ["web-1"]) // true
 */
export function isIdOfHost(id: string, hosts: readonly string[]): boolean {
  return hosts.some((host) => host !== "" && id.startsWith(`${host}:`) && CONTAINER_AND_PORT.test(id.slice(host.length + 1)));
}
/** A container's name as Docker allows it. */
const CONTAINER_AND_PORT = /^[A-Za-z0-9][A-Za-z0-9_.-]+:\d{1,5}(?::udp)?$/;
