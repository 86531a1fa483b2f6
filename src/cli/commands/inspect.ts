import { nearest } from "../../core/nearest.ts";
import { type Context, usage } from "../context.ts";
import type { InspectOptions } from "../inspect/options.ts";

const SUBJECTS = ["docker", "swarm", "http", "hosts", "registry"];

export async function run(context: Context, [what = "", name]: readonly string[], options: InspectOptions): Promise<void> {
  if (name !== undefined && what !== "docker") {
    throw usage(`only \`inspect docker\` takes a name, and "${what}" is not it`);
  }
  switch (what) {
    case "docker": {
      const { inspectDocker } = await import("../inspect/docker.ts");
      return await inspectDocker(context, name, options);
    }
    case "swarm": {
      const { inspectSwarm } = await import("../inspect/swarm.ts");
      return await inspectSwarm(context, options);
    }
    case "http": {
      const { inspectHttp } = await import("../inspect/http.ts");
      return await inspectHttp(context, options);
    }
    case "hosts": {
      const { inspectHosts } = await import("../inspect/hosts.ts");
      return await inspectHosts(context, options);
    }
    case "registry": {
      const { inspectRegistry } = await import("../inspect/registry.ts");
      return await inspectRegistry(context, options);
    }
    default: {
      const near = nearest(what, SUBJECTS);
      throw usage(
        `cannot inspect "${what}"`,
        near === undefined ? `known are ${SUBJECTS.join(", ")}` : `did you mean "${near}"?`,
      );
    }
  }
}
