/** What Registrator left on an agent. Pure. */
import { encodeSegment } from "../../codec.ts";
import { isIdOfHost } from "../../left-behind.ts";
import type { AgentService } from "./agent-view.ts";

/** Of services that no owner accounts for, those of these hosts, whose ids fairlead would store as they are: they are kept. */
export function orphansOf(foreign: readonly AgentService[], hosts: readonly string[]): readonly AgentService[] {
  return foreign.filter(({ agentId }) => isIdOfHost(agentId, hosts) && encodeSegment(agentId) === agentId);
}
