import { afterEach, describe, expect, it } from "vitest";
import { createHints } from "../../../src/core/hints.ts";
import { FairleadError } from "../../../src/model/errors.ts";
import type { Instance } from "../../../src/model/instance.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import { createExclusiveHosts } from "../../../src/registrator/exclusive-hosts.ts";
import { createRegistrator } from "../../../src/registrator/registrator.ts";
import { createMemoryRegistry } from "../../../src/registry/memory.ts";
import { createMemoryWorld, type MemoryWorld } from "../../../src/registry/memory-world.ts";
import { PATIENCE } from "../../helpers/patience.ts";
import { recordLog } from "../../helpers/quiet-log.ts";
import { waitFor } from "../../helpers/wait.ts";

function instance(service: string, host: string): Instance {
  return {
    id: `${service}-1`,
    service,
    address: "10.0.0.1",
    port: 80,
    protocol: "tcp",
    tags: [],
    meta: { host },
    health: "passing",
  };
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

/** A node that wants these instances, over a registry that others see too. */
function startNode(
  owner: string,
  world: MemoryWorld,
  first: readonly Instance[],
  options: { readonly exclusive: boolean; readonly isLate?: () => Promise<void> } = { exclusive: true },
) {
  let desired = first;
  const hints = createHints();
  hints.notify();
  const log = recordLog();
  const stop = new AbortController();
  const registrator = createRegistrator({
    writer: createMemoryRegistry({ world }),
    sources: [{ name: "puppet", list: async () => desired, changes: (signal) => hints.read(signal) }],
    owner,
    ttlMs: 3000,
    resyncMs: 60_000,
    mark: "a process",
    onStop: "keep",
    settle: { quietMs: 0, maxMs: 0 },
    hosts: options.exclusive
      ? createExclusiveHosts({
          open: async () => {
            await options.isLate?.();
            return createMemoryRegistry({ world });
          },
          owner,
          resyncMs: 60_000,
          log,
        })
      : undefined,
    log,
  });
  const ended = registrator.run(stop.signal);
  const end = async (): Promise<void> => (stop.abort(), await ended, await registrator.leave());
  ends.push(end);
  return {
    log,
    end,
    want(next: readonly Instance[]) {
      desired = next;
      hints.notify();
    },
    warnings: () =>
      log.lines.filter(({ level }) => level === "warn").map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`),
  };
}

async function isRegistered(world: MemoryWorld, ...services: readonly string[]): Promise<void> {
  const reader = createMemoryRegistry({ world });
  const names = async (): Promise<string> =>
    [...(await reader.read(EVERYTHING, { signal: new AbortController().signal })).services.keys()].join(" ");
  let last = "";
  await waitFor(async () => (last = await names()) === services.join(" "), {
    timeoutMs: 5000 * PATIENCE,
    what: `only ${services.join(" ")}`,
  }).catch((error: unknown) => {
    throw new Error(`there is ${last}`, { cause: error });
  });
  await reader.close();
}

const REFUSED = "host belongs to another service; the instance is not registered";

describe("exclusive hosts", () => {
  it("stay with the service that came first, which is told once, and go to the next when it is gone", async () => {
    const world = createMemoryWorld();
    const first = startNode("n1", world, [instance("web", "h.example")]);
    await isRegistered(world, "web");
    const second = startNode("n2", world, [instance("api", "h.example"), instance("db", "d.example")]);
    await isRegistered(world, "db", "web");
    second.want([instance("api", "h.example"), instance("db", "d.example"), instance("more", "m.example")]);
    await isRegistered(world, "db", "more", "web");
    expect(second.warnings()).toEqual([
      `${REFUSED} ${JSON.stringify({ service: "api", id: "api-1", host: "h.example", path: "/", holder: "web" })}`,
    ]);
    expect(first.warnings()).toEqual([]);
    first.want([]);
    await isRegistered(world, "api", "db", "more");
  });

  it("that two nodes took at once stay with the first name, and the other withdraws, on whichever node it is", async () => {
    for (const [one, two] of [
      ["api", "web"],
      ["web", "api"],
    ] as const) {
      const world = createMemoryWorld();
      // Registered by two that did not see each other.
      const blind = [
        startNode("n1", world, [instance(one, "h.example")], { exclusive: false }),
        startNode("n2", world, [instance(two, "h.example")], { exclusive: false }),
      ];
      await isRegistered(world, "api", "web");
      await Promise.all(blind.map((node) => node.end()));
      // The same two nodes, with eyes now: their entries are their own from before.
      startNode("n1", world, [instance(one, "h.example")]);
      startNode("n2", world, [instance(two, "h.example")]);
      await isRegistered(world, "api");
    }
  });

  it("are not taken before it is known who has them; what claims none does not wait", async () => {
    const world = createMemoryWorld();
    let open: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => {
      open = resolve;
    });
    startNode("n1", world, [instance("web", "h.example"), { ...instance("plain", ""), meta: {} }], {
      exclusive: true,
      isLate: () => isOpen,
    });
    await isRegistered(world, "plain");
    open();
    await isRegistered(world, "plain", "web");
  });

  it("are not lost to another source of the same node while the source that they come from has not answered yet", async () => {
    const world = createMemoryWorld();
    const before = startNode("n1", world, [instance("web", "h.example")]);
    await isRegistered(world, "web");
    await before.end();
    // The same node, restarted: a second source wants the host, with a name that would come first.
    const second = recordLog();
    const slow = createHints();
    let isUp = false;
    const stop = new AbortController();
    const registrator = createRegistrator({
      writer: createMemoryRegistry({ world }),
      sources: [
        {
          name: "quick",
          list: async () => [instance("api", "h.example"), instance("db", "d.example")],
          changes: (signal) => slow.read(signal),
        },
        {
          name: "slow",
          list: async () => {
            if (!isUp) {
              throw new FairleadError("SOURCE_UNAVAILABLE", "not yet", { retryable: true });
            }
            return [instance("web", "h.example")];
          },
          changes: (signal) => slow.read(signal),
        },
      ],
      owner: "n1",
      mark: "a process",
      ttlMs: 3000,
      resyncMs: 60_000,
      onStop: "keep",
      settle: { quietMs: 0, maxMs: 0 },
      hosts: createExclusiveHosts({
        open: async () => createMemoryRegistry({ world }),
        owner: "n1",
        resyncMs: 60_000,
        log: second,
      }),
      log: second,
    });
    const ended = registrator.run(stop.signal);
    ends.push(async () => (stop.abort(), await ended));
    await isRegistered(world, "db", "web");
    isUp = true;
    slow.notify();
    await waitFor(() => second.lines.filter(({ message }) => message === REFUSED).length > 0, {
      timeoutMs: 5000 * PATIENCE,
      what: "the refusal",
    });
    await isRegistered(world, "db", "web");
  });

  it("are shared where nobody asked for anything else", async () => {
    const world = createMemoryWorld();
    startNode("n1", world, [instance("blue", "h.example")], { exclusive: false });
    startNode("n2", world, [instance("green", "h.example")], { exclusive: false });
    await isRegistered(world, "blue", "green");
  });
});
