/** What the churn run does to containers: drawn from a dice and from what should be there, so that a seed draws the same ones again. */
import type { Dice } from "../faults/random.ts";
import { type Engine, type ImageName, NETWORKS, type RunSpec } from "./engine.ts";
import type { Inspected, Mode } from "./expected.ts";

/** A container as the orders so far should have left it. */
export interface Known {
  name: string;
  readonly image: ImageName;
  status: "running" | "paused" | "stopped";
  isSick: boolean;
  readonly networks: Set<string>;
  readonly restarts: boolean;
}

export interface Operation {
  readonly kind: Kind;
  /** The names that it touches. */
  readonly names: readonly string[];
  run(engine: Engine): Promise<void>;
}

export type Kind = (typeof KINDS)[number];
/** In the order in which they are tried alone: those first of which an event of their own tells. */
export const KINDS = [
  "rename",
  "sicken",
  "pause",
  "disconnect",
  "stop",
  "heal",
  "unpause",
  "connect",
  "start",
  "crash",
  "nudge",
  "remove",
  "run",
  "kill",
  "restart",
] as const;

const WEIGHTS: Readonly<Record<Kind, number>> = {
  run: 18,
  stop: 4,
  kill: 4,
  restart: 4,
  start: 14,
  remove: 6,
  crash: 5,
  pause: 4,
  unpause: 6,
  sicken: 4,
  heal: 4,
  rename: 6,
  connect: 4,
  disconnect: 4,
  nudge: 3,
};

/** Few, so that they are used again and again. */
const NAMES: readonly string[] = Array.from({ length: 26 }, (_, i) => `c${i + 1}`);
/** Its place in the registry is another's. */
export const RESERVED = "reserved";
export const RESERVED_SERVICE = "web";
const MOST = 24;
const FLEET = 12;
const MOST_CHECKED = 5;

/** Those of the next moment, at most `count`, no two of them on one container. */
export function drawWave(known: Known[], count: number, dice: Dice, mode: Mode): readonly Operation[] {
  const busy = new Set<string>();
  const wave: Operation[] = [];
  for (let tries = 0; wave.length < count && tries < 100; tries += 1) {
    // There is to be a fleet, also after the engine has ended it.
    const isFleet = known.filter(isRunning).length >= FLEET || dice.next() < 0.5;
    const kind = isFleet ? drawKind(dice) : dice.pick(["run", "start"]);
    const operation = drawOf(kind, { known, busy, dice, mode });
    if (operation !== undefined) {
      wave.push(operation);
      operation.names.forEach((name) => busy.add(name));
    }
  }
  return wave;
}

/** One of that kind, if there is a container that it fits. */
export function drawOne(known: Known[], kind: Kind, dice: Dice, mode: Mode): Operation | undefined {
  return drawOf(kind, { known, busy: new Set(), dice, mode });
}

interface Table {
  readonly known: Known[];
  /** Names that others touch at the same time. */
  readonly busy: ReadonlySet<string>;
  readonly dice: Dice;
  readonly mode: Mode;
}

function drawOf(kind: Kind, { known, busy, dice, mode }: Table): Operation | undefined {
  const free = known.filter(({ name }) => !busy.has(name));
  const freeNames = NAMES.filter((name) => !busy.has(name) && known.every((other) => other.name !== name));
  if (kind === "run") {
    const isReserved = dice.next() < 0.05 && !busy.has(RESERVED) && known.every(({ name }) => name !== RESERVED);
    const [name] = isReserved ? [RESERVED] : dice.draw(freeNames, 1);
    return name === undefined || known.length >= MOST ? undefined : drawRun(name, known, dice, mode);
  }
  const fitting = free.filter((container) => FITS[kind](container));
  const [container] = dice.draw(fitting, 1);
  if (container === undefined) {
    return undefined;
  }
  const { name } = container;
  const simple = (verb: string, status: Known["status"]): Operation => {
    container.status = status;
    return { kind, names: [name], run: (engine) => engine.order(name, verb) };
  };
  switch (kind) {
    case "stop":
    case "kill":
      return simple(kind, "stopped");
    case "restart":
    case "start":
    case "unpause":
      return simple(kind, "running");
    case "pause":
      return simple(kind, "paused");
    case "remove":
      known.splice(known.indexOf(container), 1);
      return { kind, names: [name], run: (engine) => engine.remove(name) };
    case "crash":
      container.status = container.restarts ? "running" : "stopped";
      return { kind, names: [name], run: (engine) => engine.crash(name) };
    case "sicken":
    case "heal":
      container.isSick = kind === "sicken";
      return { kind, names: [name], run: (engine) => engine.setSick(name, kind === "sicken") };
    case "nudge": // a signal that ends nobody, and is not to change anything
      return { kind, names: [], run: (engine) => engine.order(name, "kill?signal=WINCH") };
    case "rename": {
      const [to] = dice.draw(freeNames, 1);
      if (to === undefined || name === RESERVED) {
        return undefined;
      }
      container.name = to;
      return { kind, names: [name, to], run: (engine) => engine.rename(name, to) };
    }
    case "connect": {
      const [network] = dice.draw(
        NETWORKS.filter((item) => !container.networks.has(item)),
        1,
      );
      if (network === undefined) {
        return undefined;
      }
      container.networks.add(network);
      return { kind, names: [name], run: (engine) => engine.connect(name, network) };
    }
    case "disconnect": {
      const [network] = dice.draw([...container.networks].sort(), 1);
      if (network === undefined) {
        return undefined;
      }
      container.networks.delete(network);
      return { kind, names: [name], run: (engine) => engine.disconnect(name, network) };
    }
  }
}

const isRunning = ({ status }: Known): boolean => status === "running";
const FITS: Readonly<Record<Exclude<Kind, "run">, (container: Known) => boolean>> = {
  stop: isRunning,
  kill: isRunning,
  restart: ({ status }) => status !== "paused",
  start: ({ status }) => status === "stopped",
  remove: () => true,
  crash: isRunning,
  pause: isRunning,
  unpause: ({ status }) => status === "paused",
  sicken: ({ status, image, isSick }) => status === "running" && image === "checked" && !isSick,
  heal: ({ status, image, isSick }) => status === "running" && image === "checked" && isSick,
  rename: () => true,
  connect: isRunning,
  disconnect: ({ status, networks }) => status === "running" && networks.size > 0,
  nudge: isRunning,
};

function drawKind(dice: Dice): Kind {
  let left = dice.next() * Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);
  return KINDS.find((kind) => (left -= WEIGHTS[kind]) < 0) ?? "run";
}

function drawRun(name: string, known: Known[], dice: Dice, mode: Mode): Operation {
  const isReserved = name === RESERVED;
  const checked = known.filter(({ image }) => image === "checked").length;
  const drawn = dice.pick(["plain", "plain", "many", "checked", "checked"] as const);
  const image = isReserved || (drawn === "checked" && checked >= MOST_CHECKED) ? "plain" : drawn;
  const often = (part: number): boolean => dice.next() < part;
  const labels: Record<string, string> = {};
  const env: string[] = [];
  if (isReserved) {
    env.push(`SERVICE_NAME=${RESERVED_SERVICE}`);
  } else {
    if (often(0.4)) env.push(`SERVICE_NAME=${dice.pick(["web", "api", "db"])}`);
    if (often(0.25)) labels["fairlead.service"] = dice.pick(["web", "app"]);
    if (often(0.3)) labels["fairlead.host"] = dice.pick(["a.example.test", "b.example.test"]);
    if (often(0.3)) labels["fairlead.weight"] = dice.pick(["1", "2", "10"]);
    if (often(0.3)) env.push(`SERVICE_TAGS=${dice.pick(["http", "http,public", "b,a"])}`);
    if (image === "many" && often(0.4)) env.push("SERVICE_9090_NAME=metrics");
    if (image === "plain" && often(0.1)) labels["fairlead.id"] = dice.pick(["claimed", "wanted"]);
    if (often(0.06)) env.push("SERVICE_IGNORE=yes");
    if (often(0.06)) labels["fairlead.enable"] = "false";
  }
  const exposed = image === "many" ? ["8080/tcp", "9090/tcp", "5353/udp"] : ["8080/tcp"];
  const wanted = mode === "published" || often(0.6) ? dice.draw(exposed, dice.between(1, exposed.length)) : [];
  const publish = mode === "published" && often(0.1) && !isReserved ? [] : [...wanted].sort();
  const network = dice.pick(["bridge", "bridge", ...NETWORKS]);
  const restart = dice.pick(["no", "no", "always", "on-failure"] as const);
  const spec: RunSpec = { name, image, env, labels, publish, network, restart };
  known.push({ name, image, status: "running", isSick: false, networks: new Set([network]), restarts: restart !== "no" });
  return { kind: "run", names: [name], run: (engine) => engine.run(spec) };
}

/** What there really is, for the next draws: orders may have been refused, and restart policies have their own will. */
export function learn(containers: readonly Inspected[], before: readonly Known[]): Known[] {
  const sick = new Set(before.filter(({ isSick }) => isSick).map(({ name }) => name));
  return [...containers]
    .sort((a, b) => (a.Name < b.Name ? -1 : 1))
    .map(
      ({ Name: path, State: { Status: status }, Config: { Image: image }, NetworkSettings: { Networks: networks }, ...rest }) => {
        const name = path.slice(1);
        return {
          name,
          image: /checked/.test(image) ? "checked" : image === "many" ? "many" : "plain",
          status: status === "running" || status === "paused" ? status : "stopped",
          isSick: sick.has(name),
          networks: new Set(Object.keys(networks)),
          restarts: rest.HostConfig.RestartPolicy.Name !== "no",
        };
      },
    );
}
