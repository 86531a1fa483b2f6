/** An engine with as many containers as one likes, in the shapes that a real engine gave them, behind a real socket. */
import { readFileSync } from "node:fs";
import { type FakeEngine, startFakeEngine } from "../../unit/sources/docker/fake-engine.ts";

export interface Crowd {
  readonly host: string;
  readonly size: number;
  /** The names of those that run, sorted. */
  names(): readonly string[];
  /** `labels` beside those that it was recorded with. */
  start(name: string, labels?: Readonly<Record<string, string>>): void;
  /** Told to stop, dead, gone. */
  remove(name: string): void;
  /** An event that changes nothing. */
  stir(name: string): void;
  /** Since the last call. */
  count(): Counted;
  stop(): Promise<void>;
}

interface Counted {
  readonly lists: number;
  readonly inspections: number;
  /** Of each kind at once. */
  readonly mostLists: number;
  readonly mostInspections: number;
}

type Json = Readonly<Record<string, unknown>>;

/** A quick engine's time to answer. */
const ANSWER_MS = 2;

/** Each runs, and publishes one port or more. */
const SHAPES = ["/web1", "/two-bindings", "/two"];

export async function startCrowd(size: number): Promise<Crowd> {
  const folder = new URL("../../fixtures/docker/api-1.41/", import.meta.url);
  const listed = JSON.parse(readFileSync(new URL("containers.json", folder), "utf8")) as readonly Json[];
  const details = JSON.parse(readFileSync(new URL("inspect.json", folder), "utf8")) as Readonly<Record<string, Json>>;
  const shapes = SHAPES.map((name) => listed.find(({ Names }) => (Names as readonly string[]).includes(name)) ?? {});
  const engine: FakeEngine = await startFakeEngine();
  const running = new Map<string, Json>();
  let made = 0;

  const idle: Counted = { lists: 0, inspections: 0, mostLists: 0, mostInspections: 0 };
  let counted: Counted = idle;
  const open = { lists: 0, inspections: 0 };
  engine.intercept = (path, response) => {
    const kind = path.includes("/containers/json") ? "lists" : path.includes("/containers/") ? "inspections" : undefined;
    engine.requests.length = 0;
    if (kind === undefined) {
      return undefined;
    }
    open[kind] += 1;
    counted = {
      ...counted,
      [kind]: counted[kind] + 1,
      mostLists: Math.max(counted.mostLists, open.lists),
      mostInspections: Math.max(counted.mostInspections, open.inspections),
    };
    // A moment later, so that calls at once are seen as such. It is over before the client has the answer, and may ask again.
    setTimeout(() => {
      open[kind] -= 1;
      const body = kind === "lists" ? engine.containers : engine.details[/containers\/(\w+)\/json/.exec(path)?.[1] ?? ""];
      const missing = { message: "No such container" };
      response
        .writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
        .end(JSON.stringify(body ?? missing));
    }, ANSWER_MS);
    return "handled";
  };

  function emit(name: string, Action: string, attributes: Json = {}): void {
    const ID = running.get(name)?.["Id"];
    const now = Date.now();
    const Actor = { ID, Attributes: { image: "web:1.0", name, ...attributes } };
    engine.emit({ Type: "container", Action, Actor, scope: "local", time: Math.floor(now / 1000), timeNano: now * 1e6 });
  }

  function add(name: string, labels: Readonly<Record<string, string>> = {}): void {
    const shape = shapes[made % shapes.length] ?? {};
    made += 1;
    const Id = made.toString(16).padStart(64, "0");
    const Labels = { ...(shape["Labels"] as object), ...labels };
    running.set(name, { ...shape, Id, Names: [`/${name}`], Created: 1_700_000_000 + made, Labels });
    engine.details[Id] = { ...details[String(shape["Id"])], Id, Name: `/${name}` };
    engine.containers = [...running.values()];
  }

  for (let i = 0; i < size; i += 1) {
    add(`c${i}`);
  }
  return {
    host: engine.host,
    size,
    names: () => [...running.keys()].sort(),
    start(name, labels) {
      add(name, labels);
      emit(name, "start");
    },
    remove(name) {
      emit(name, "kill", { signal: "15" });
      emit(name, "die", { exitCode: "0" });
      emit(name, "destroy");
      const id = String(running.get(name)?.["Id"]);
      running.delete(name);
      delete engine.details[id];
      engine.containers = [...running.values()];
    },
    stir: (name) => emit(name, "health_status: healthy"),
    count() {
      const before = counted;
      counted = idle;
      return before;
    },
    stop: () => engine.stop(),
  };
}
