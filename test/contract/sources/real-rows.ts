/** Rows of the contract table as containers of a real engine, and what became of them in the row's own words. */
import type { Container } from "../../../src/sources/docker/container.ts";
import type { Row } from "../../helpers/docker-table/row.ts";
import type { RealContainer } from "../../helpers/docker-table/row-words.ts";
import { type Docker, reservePorts } from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { type ContainerSketch, makeContainer } from "../../unit/sources/docker/build.ts";

/** The address of a row that stands for one of the machine's own that is no loopback one. */
const SINGLE_ADDRESS = "192.168.7.1";
const AT_ONCE = 4;

interface Images {
  /** Of the bridge, on this machine. */
  readonly singleAddress: string;
  /** Makes the image known under that name. @returns what to create a container from */
  name(image: string, exposed: readonly string[]): Promise<string>;
}

/** There is one root for all images, which get their names as they are needed. */
async function prepareImages(engine: Docker): Promise<Images> {
  const plain = await engine.importImage("plain:1", { cmd: ["sleep", "1000"] });
  const id = await engine.docker(["image", "inspect", "--format", "{{.Id}}", plain]);
  const known = new Map<string, Promise<string>>();
  async function make(image: string, exposed: readonly string[]): Promise<string> {
    if (image.startsWith("sha256:")) {
      return id;
    }
    if (exposed.length === 0) {
      await engine.docker(["tag", plain, image]);
      return image;
    }
    // The engine exposes nothing by an option in another container's network.
    const name = `exposed-${exposed.join("-").replaceAll("/", "-")}/${image}`;
    return await engine.importImage(name, { cmd: ["sleep", "1000"], expose: exposed.map((port) => port as `${number}/tcp`) });
  }
  return {
    singleAddress: await engine.docker(["network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "bridge"]),
    name(image, exposed) {
      const key = `${image} ${exposed.join(" ")}`;
      const made = known.get(key) ?? make(image, exposed);
      known.set(key, made);
      return made;
    },
  };
}

/** Networks that rows name; each has to be there before the containers. */
function networksOf(rows: readonly Row[]): readonly string[] {
  const sketches = rows.flatMap(({ container = {}, others = [] }) => [container, ...others]);
  const names = sketches.flatMap(({ networks }) => Object.keys(networks ?? {})).filter((name) => name !== "bridge");
  return [...new Set(names)];
}

/** The containers of all rows, a few at once, in the order of the rows. */
export async function createRows(engine: Docker, rows: readonly Row[]): Promise<readonly RealContainer[]> {
  const images = await prepareImages(engine);
  for (const network of networksOf(rows)) {
    await engine.docker(["network", "create", network]);
  }
  const made: RealContainer[] = [];
  const queue = rows.entries();
  async function work(): Promise<void> {
    for (const [i, row] of queue) {
      made[i] = await createRow(engine, images, row, i);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return made;
}

async function createRow(engine: Docker, images: Images, row: Row, number: number): Promise<RealContainer> {
  const { others = [] } = row;
  const made: (readonly [ContainerSketch, string])[] = [];
  for (const sketch of [...others, row.container ?? {}]) {
    const name = `${makeContainer(sketch).name}-${number}`;
    const { network } = sketch;
    const partner =
      network?.kind === "shared" ? made.find(([other]) => [other.id, other.name].includes(network.with)) : undefined;
    await createContainer(engine, images, { sketch, name, partner: partner?.[1] });
    made.push([sketch, name]);
  }
  const found = await Promise.all(
    made.map(([sketch, name]) => wordsOf(engine, makeContainer(sketch), name, images.singleAddress)),
  );
  return {
    name: made.at(-1)?.[1] ?? "",
    words: found.flatMap(({ words }) => words),
    ports: new Map(found.flatMap(({ ports }) => [...ports])),
  };
}

interface Wish {
  readonly sketch: ContainerSketch;
  readonly name: string;
  /** The container whose network it shares. */
  readonly partner: string | undefined;
}

async function createContainer(engine: Docker, images: Images, { sketch, name, partner }: Wish): Promise<void> {
  const container = makeContainer(sketch);
  const { network, ports, labels, env, state, health } = container;
  const isShared = network.kind === "shared";
  const exposed = isShared ? ports.map(({ port, protocol }) => `${port}/${protocol}`) : [];
  const image = await images.name(container.image, exposed);
  const [first, ...others] = network.kind === "own" ? network.attached : [];
  const mode = network.kind === "host" ? "host" : isShared ? `container:${partner ?? network.with}` : (first?.network ?? "none");
  const args = [
    "--name",
    name,
    "--network",
    mode,
    "--stop-signal",
    "KILL",
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    ...(isShared ? [] : (await Promise.all(ports.map((port) => portArgs(port, images.singleAddress)))).flat()),
    ...healthArgs(health),
    image,
  ];
  await engine.docker(["create", ...args, ...(state === "exited" ? ["true"] : [])]);
  for (const { network: other } of others) {
    await engine.docker(["network", "connect", other, name]);
  }
  if (state === "created") {
    return;
  }
  await tell(engine, name, "start");
  if (state === "paused") {
    await tell(engine, name, "pause");
  }
  const wanted = state === "exited" ? "exited" : state === "running" && health !== "none" ? health : undefined;
  if (wanted !== undefined) {
    const isThere = async (): Promise<boolean> => {
      const { State: is } = await inspect(engine, name);
      return is.Status === wanted || is.Health?.Status === wanted;
    };
    await waitFor(isThere, { timeoutMs: 30_000, what: `${name} to be ${wanted}` });
  }
}

/** Over the API, since starting the command line client takes longer than what it asks for. */
async function tell(engine: Docker, name: string, what: "start" | "pause"): Promise<void> {
  const { status, text } = await engine.http(`/containers/${name}/${what}`, { method: "POST" });
  if (status !== 204) {
    throw new Error(`${what} ${name}: ${status} ${text}`);
  }
}

async function inspect(engine: Docker, name: string): Promise<Inspected> {
  return JSON.parse((await engine.http(`/containers/${name}/json`)).text) as Inspected;
}

async function portArgs({ port, protocol, bindings }: Container["ports"][number], single: string): Promise<readonly string[]> {
  if (bindings.length === 0) {
    return ["--expose", `${port}/${protocol}`];
  }
  // The engine's own choice for one address may be taken on all of them.
  const hostPorts = await reservePorts(bindings.length);
  return bindings.flatMap(({ address }, i) => [
    "--publish",
    `${address === SINGLE_ADDRESS ? single : address}:${hostPorts[i]}:${port}/${protocol}`,
  ]);
}

function healthArgs(health: Container["health"]): readonly string[] {
  const check = { none: undefined, healthy: "true", unhealthy: "false", starting: "true" }[health];
  return check === undefined
    ? []
    : ["--health-cmd", check, "--health-interval", health === "starting" ? "1h" : "200ms", "--health-retries", "1"];
}

interface Inspected {
  readonly State: { readonly Status: string; readonly Health?: { readonly Status: string } };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>> | null;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

/** What the engine chose, for what the row says. */
async function wordsOf(
  engine: Docker,
  container: Container,
  name: string,
  single: string,
): Promise<Pick<RealContainer, "words" | "ports">> {
  const { NetworkSettings: settings } = await inspect(engine, name);
  const words: (readonly [string, string])[] = [[name, container.name]];
  const ports = new Map<number, number>();
  for (const { port, protocol, bindings } of container.ports) {
    for (const { address, port: wanted } of bindings) {
      const real = settings.Ports?.[`${port}/${protocol}`]?.find(
        ({ HostIp: ip }) => ip === (address === SINGLE_ADDRESS ? single : address),
      );
      if (real !== undefined) {
        ports.set(Number(real.HostPort), wanted);
        words.push([`:${real.HostPort}`, `:${wanted}`]);
      }
    }
  }
  for (const { network, address } of container.network.kind === "own" ? container.network.attached : []) {
    const real = settings.Networks[network]?.IPAddress ?? "";
    if (real !== "") {
      words.push([real, address]);
    }
  }
  return { words: [...words, [single, SINGLE_ADDRESS]], ports };
}
