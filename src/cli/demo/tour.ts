import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { createApp } from "../../compose/app.ts";
import { parseConfig } from "../../config/load.ts";
import { configError } from "../../config/problems.ts";
import { childAbort, monotonicMs, sleep } from "../../core/time.ts";
import { FairleadError, messageOf } from "../../model/errors.ts";
import type { Log, LogFields, Registry } from "../../ports.ts";
import { type Context, hasColour } from "../context.ts";
import { NGINX_TEMPLATE, prepareFolder, writeConfig } from "./files.ts";
import { ask, findNginx, freePort, type Instance, nginxVersion, startInstance, startNginx } from "./stage.ts";

/** No step takes longer; all together stay far below 30 s. */
const STEP_MS = 6000;
const POLL_MS = 30;

/** The tour's own handles on the world that fairlead looks after. */
interface World {
  readonly folder: string;
  readonly port: number;
  readonly hasNginx: boolean;
  readonly registry: Registry;
  readonly signal: AbortSignal;
  /** What fairlead logged as a warning or error since this was last emptied. */
  readonly complaints: string[];
  readonly say: Narrator;
}

interface Narrator {
  title(text: string): void;
  done(text: string, ms: number): void;
  aside(text: string): void;
}

/** Plays the whole tour. @throws FairleadError when a step did not hold */
export async function playTour(context: Context): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-demo-"));
  const running = childAbort(context.signal);
  const cleanUp: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    await play(context, folder, running.signal, cleanUp);
  } finally {
    running.abort(new Error("the tour is over"));
    running.dispose();
    for (const step of cleanUp.reverse()) {
      await step();
    }
  }
}

async function play(context: Context, folder: string, signal: AbortSignal, cleanUp: (() => Promise<unknown>)[]): Promise<void> {
  const say = createNarrator(context);
  const port = await freePort();
  const binary = findNginx(context.env);
  const version = binary === undefined ? undefined : await nginxVersion(binary, signal);
  const nginx = version === undefined ? undefined : binary;
  say.title(
    nginx === undefined
      ? "no nginx on this machine: the files are shown instead"
      : `this machine has ${version}: it serves on 127.0.0.1:${port}`,
  );
  await prepareFolder(folder);
  if (nginx !== undefined) {
    const server = await startNginx(nginx, join(folder, "nginx"), port);
    cleanUp.push(() => server.stop());
    await until(
      signal,
      "nginx starts",
      async () => (await ask(port, "/")) === undefined && (await exists(join(folder, "nginx/nginx.pid"))),
    );
  }
  const instances: Instance[] = [];
  for (const name of ["web-1", "web-2", "web-3"]) {
    const instance = await startInstance(name);
    instances.push(instance);
    cleanUp.push(() => instance.close());
  }
  const complaints: string[] = [];
  const log = createTourLog(say, complaints);
  const config = writeConfig(folder, nginx);
  await writeFile(join(folder, "fairlead.yaml"), config);
  const env = { ...context.env, DEMO_PORT: String(port) };
  const loaded = parseConfig(config, join(folder, "fairlead.yaml"), env);
  if (!loaded.ok) {
    throw configError(loaded.problems, loaded.text);
  }
  const deps = { env, log, secrets: context.secrets };
  const app = await createApp(loaded.config, deps, signal);
  await app.registry.putKey("app/greeting", "hello", signal);
  const ended = Promise.all([app.registrator?.run(signal), app.renderer?.run(signal)]);
  cleanUp.push(async () => {
    await ended;
    await app.registry.close();
  });
  await playSteps({ folder, port, hasNginx: nginx !== undefined, registry: app.registry, signal, complaints, say }, instances);
}

async function playSteps(world: World, instances: readonly Instance[]): Promise<void> {
  const { say } = world;
  const [first, second, third] = instances as [Instance, Instance, Instance];

  await step(world, "1. first render: one instance in services.yaml", async () => {
    await register(world, [first]);
    await untilServed(world, [first]);
  });
  await step(world, "2. scale up: two more instances", async () => {
    await register(world, [first, second, third]);
    await untilServed(world, [first, second, third]);
  });
  await step(world, "3. an instance goes", async () => {
    await register(world, [first, third]);
    await untilServed(world, [first, third]);
  });
  await step(world, "4. a key changes: the app's env file follows, nginx is not touched", async () => {
    const before = await generationOf(world);
    await world.registry.putKey("app/greeting", "good day", world.signal);
    await until(world.signal, "app.env has the new value", async () => (await readText(world, "app.env")).includes("good day"));
    expect((await generationOf(world)) === before, "nginx was reloaded for a key that it does not read");
    say.aside((await readText(world, "app.env")).trimEnd());
  });
  await step(world, "5. a broken template: everything stays as it was", async () => {
    await unharmed(world, [first, third], `${NGINX_TEMPLATE}{{#each services}}`, "TEMPLATE_SYNTAX");
  });
  await step(world, "6. a template that renders nonsense: the check refuses it, everything stays as it was", async () => {
    await unharmed(world, [first, third], `${NGINX_TEMPLATE}}`, "CHECK_REJECTED");
  });
  await step(world, "7. a reload that fails: the last good files come back, and the change is made up for later", async () => {
    const good = await readText(world, "nginx/nginx.conf");
    await writeFile(join(world.folder, "reload-fails"), "");
    await register(world, [first, second, third]);
    await untilComplained(world, "RELOAD_FAILED");
    expect((await readText(world, "nginx/nginx.conf")) === good, "the last good file is not back");
    await rm(join(world.folder, "reload-fails"));
    await untilServed(world, [first, second, third]);
  });
  say.title(`every step held; the same works with etcd, Consul and Docker: see the README`);
}

async function step(world: World, title: string, work: () => Promise<void>): Promise<void> {
  const { say, signal } = world;
  world.complaints.length = 0;
  say.title(title);
  const startedAt = monotonicMs();
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    throw new FairleadError("TIMEOUT", `step "${title}" did not hold: ${messageOf(error)}`);
  }
  say.done("as promised", monotonicMs() - startedAt);
}

/** Replaces the template by a bad one, sees that nothing changes but a complaint, and puts the good one back. */
async function unharmed(world: World, served: readonly Instance[], template: string, code: string): Promise<void> {
  const before = await readText(world, "nginx/nginx.conf");
  await replaceFile(join(world.folder, "nginx.conf.hbs"), template);
  await untilComplained(world, code);
  expect((await readText(world, "nginx/nginx.conf")) === before, "nginx.conf has changed");
  await untilServed(world, served);
  await replaceFile(join(world.folder, "nginx.conf.hbs"), NGINX_TEMPLATE);
}

/** Writes the static source's file, as a person or a deploy script would. */
async function register(world: World, instances: readonly Instance[]): Promise<void> {
  const web = instances.map(({ name, port }) => ({ id: name, address: "127.0.0.1", port }));
  await replaceFile(join(world.folder, "services.yaml"), stringify({ services: { web } }));
}

/** With nginx: it is asked until exactly these answer. Without: the file is read. */
async function untilServed(world: World, instances: readonly Instance[]): Promise<void> {
  const names = instances.map((instance) => instance.name).join(", ");
  if (world.hasNginx) {
    await until(world.signal, `exactly ${names} answer through nginx`, () => answersFromExactly(world, instances));
    world.say.aside(`GET http://127.0.0.1:${world.port}/ is answered by ${names}`);
    return;
  }
  await until(world.signal, `nginx.conf names exactly ${names}`, async () => {
    const found = [...(await readText(world, "nginx/nginx.conf")).matchAll(/server 127\.0\.0\.1:(\d+);/g)].map((match) =>
      Number(match[1]),
    );
    return sameSet(
      found,
      instances.map((instance) => instance.port),
    );
  });
  const upstream = /upstream web \{[^}]*\}/.exec(await readText(world, "nginx/nginx.conf"))?.[0] ?? "";
  world.say.aside(upstream);
}

async function answersFromExactly(world: World, instances: readonly Instance[]): Promise<boolean> {
  const answers = new Set<string>();
  for (let i = 0; i < instances.length * 4; i++) {
    answers.add(((await ask(world.port, "/")) ?? "nobody").trim());
  }
  return sameSet(
    [...answers],
    instances.map((instance) => instance.name),
  );
}

function sameSet<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

async function untilComplained(world: World, code: string): Promise<void> {
  await until(world.signal, `fairlead reports ${code}`, async () => world.complaints.some((line) => line.includes(code)));
}

async function generationOf(world: World): Promise<string> {
  let answer: string | undefined;
  await until(world.signal, "nginx tells its generation", async () => {
    answer = world.hasNginx ? await ask(world.port, "/-/generation") : await readText(world, "nginx/nginx.conf");
    return answer !== undefined;
  });
  return answer ?? "";
}

function readText(world: World, name: string): Promise<string> {
  return readFile(join(world.folder, name), "utf8").catch(() => "");
}

async function exists(file: string): Promise<boolean> {
  return await readFile(file).then(
    () => true,
    () => false,
  );
}

/** Never half a file: the source and the renderer may look at any moment. */
async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) {
    throw new Error(otherwise);
  }
}

async function until(signal: AbortSignal, what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = monotonicMs() + STEP_MS;
  while (!(await holds())) {
    if (monotonicMs() > deadline) {
      throw new Error(`not within ${STEP_MS / 1000} s: ${what}`);
    }
    await sleep(POLL_MS, signal);
  }
}

function createNarrator(context: Context): Narrator {
  const colour = hasColour(context, context.stdout);
  const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const write = (text: string): void => {
    context.stdout.write(`${text}\n`);
  };
  return {
    title: (text) => write(paint("1", text)),
    done: (text, ms) => write(`   ${paint("32", "ok")} ${text} (${Math.round(ms)} ms)`),
    aside: (text) => write(paint("2", text.replace(/^/gm, "   | "))),
  };
}

/** Complaints are part of the show: they are what a person would find in the log. */
function createTourLog(say: Narrator, complaints: string[]): Log {
  function complain(message: string, fields: LogFields = {}): void {
    const line = [message, fields["code"], fields["error"]].filter((part) => typeof part === "string").join("  ");
    complaints.push(line);
    say.aside(`fairlead: ${line}`);
  }
  return { debug: () => undefined, info: () => undefined, warn: complain, error: complain };
}
