/** What Registrator left on an agent. Pure. */
import { encodeSegment } from "../codec.ts";
import type { AgentService } from "./agent-view.ts";

/** `<host>:<container>:<port>`, with `:udp` behind it: what Registrator itself takes for its own. */
const ID = /^(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]+):[0-9]+(?::udp)?$/;

/** Of services that no owner accounts for, those of these hosts, whose ids fairlead would store as they are: they are kept. */
export function orphansOf(foreign: readonly AgentService[], hosts: readonly string[]): readonly AgentService[] {
  return foreign.filter(({ agentId }) => {
    const host = ID.exec(agentId)?.[1];
    return host !== undefined && hosts.includes(host) && encodeSegment(agentId) === agentId;
  });
}
