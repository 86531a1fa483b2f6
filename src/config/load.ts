import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from "yaml";
import { messageOf } from "../model/errors.ts";
import { explainIssues, type Path, type Problem } from "./problems.ts";
import { parseRegistryUrl, type RegistrySettings } from "./registry.ts";
import { type ConfigFile, configJsonSchema, configSchema } from "./schema.ts";

/** The configuration with absolute paths and the registry's URL taken apart. */
export interface Config extends Omit<ConfigFile, "registry"> {
  readonly file: string;
  readonly registry: RegistrySettings;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  /** `text` is the file, for showing lines of it; absent when it could not be read. */
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly text?: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks a configuration file. Never throws for what a person wrote: all problems come back at once. */
export async function loadConfig(file: string, env: Environment): Promise<Loaded> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return { ok: false, problems: [{ message: `cannot be read: ${messageOf(error)}`, location: { file } }] };
  }
  return parseConfig(text, file, env);
}

export function parseConfig(text: string, file: string, env: Environment): Loaded {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Problem["location"] => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const problems: Problem[] = document.errors.map((error) => ({ message: error.message, location: at(error.pos[0]) }));
  if (problems.length > 0) {
    return { ok: false, problems, text };
  }
  problems.push(...substitute(document, env, at));
  const raw: unknown = document.toJS() ?? {};
  const parsed = configSchema.safeParse(withBareSections(raw), { reportInput: true });
  if (!parsed.success) {
    for (const issue of explainIssues(parsed.error.issues, configJsonSchema())) {
      const { message, hint } = issue;
      problems.push({ message, location: at(offsetOf(document, issue.path, issue.atKey)), ...(hint !== undefined && { hint }) });
    }
    return { ok: false, problems: sorted(problems), text };
  }
  const baseDir = dirname(resolve(file));
  const locate = (path: Path): Problem["location"] => at(offsetOf(document, path, false));
  const config = finish(parsed.data, resolve(file), baseDir, problems, locate);
  return problems.length > 0 || config === undefined ? { ok: false, problems: sorted(problems), text } : { ok: true, config };
}

/** `docker:` with nothing behind it means all defaults. */
function withBareSections(raw: unknown): unknown {
  const register = isRecord(raw) ? raw["register"] : undefined;
  const sources = isRecord(register) ? register["sources"] : undefined;
  if (!isRecord(raw) || !isRecord(register) || !isRecord(sources) || sources["docker"] !== null) {
    return raw;
  }
  return { ...raw, register: { ...register, sources: { ...sources, docker: {} } } };
}

/** Puts `${NAME}` and `${NAME:-default}` into the document's texts. */
function substitute(document: Document, env: Environment, at: (offset: number) => Problem["location"]): readonly Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === "key" || typeof node.value !== "string") {
        return;
      }
      node.value = node.value.replace(
        /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
        (_, name: string, fallback: string | undefined) => {
          const value = env[name];
          if (value !== undefined && (value !== "" || fallback === undefined)) {
            return value;
          }
          if (fallback === undefined) {
            problems.push({
              message: `environment variable "${name}" is not set`,
              location: at(node.range?.[0] ?? 0),
              hint: `set it, or give a default: \${${name}:-…}`,
            });
          }
          return fallback ?? "";
        },
      );
    },
  });
  return problems;
}

function offsetOf(document: Document, path: Path, atKey: boolean): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true) as Node | undefined;
    const key = path[length - 1];
    if (atKey && length === path.length && isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
      const start = (pair?.key as Node | undefined)?.range?.[0];
      if (start !== undefined) {
        return start;
      }
    }
    const start = (document.getIn(path.slice(0, length), true) as Node | undefined)?.range?.[0];
    if (start !== undefined) {
      return start;
    }
  }
  return 0;
}

/** Makes paths absolute and finds what the schema cannot see. */
function finish(
  data: ConfigFile,
  file: string,
  baseDir: string,
  problems: Problem[],
  locate: (path: Path) => Problem["location"],
): Config | undefined {
  const absolute = (path: string): string => resolve(baseDir, path);
  const registry = finishRegistry(data.registry, baseDir, problems, locate);
  if (data.register === undefined && data.render === undefined) {
    problems.push({
      message: "nothing to do: there is neither `register` nor `render`",
      location: { file },
      hint: "add one of them, or both",
    });
  }
  const { register, render } = data;
  if (register !== undefined && register.sources.docker === undefined && register.sources.static === undefined) {
    problems.push({
      message: '"register.sources" is empty',
      location: locate(["register", "sources"]),
      hint: "add docker, static, or both",
    });
  }
  if (render !== undefined) {
    if (Object.keys(render.targets).length === 0) {
      problems.push({
        message: '"render.targets" is empty',
        location: locate(["render", "targets"]),
        hint: "add a target: a name, and its files",
      });
    }
    problems.push(...findSharedDestinations(render.targets, absolute, locate));
  }
  if (registry === undefined) {
    return undefined;
  }
  return {
    ...data,
    file,
    registry,
    ...(data.stateDir !== undefined && { stateDir: absolute(data.stateDir) }),
    ...(register !== undefined && {
      register: {
        ...register,
        sources: {
          ...(register.sources.docker && {
            docker: {
              ...register.sources.docker,
              ...(register.sources.docker.certPath !== undefined && { certPath: absolute(register.sources.docker.certPath) }),
            },
          }),
          ...(register.sources.static && { static: { file: absolute(register.sources.static.file) } }),
        },
      },
    }),
    ...(render !== undefined && {
      render: {
        ...render,
        ...(render.partials !== undefined && { partials: absolute(render.partials) }),
        targets: Object.fromEntries(
          Object.entries(render.targets).map(([name, target]) => [name, finishTarget(target, absolute)]),
        ),
      },
    }),
  };
}

type TargetConfig = NonNullable<ConfigFile["render"]>["targets"][string];

function finishTarget(target: TargetConfig, absolute: (path: string) => string): TargetConfig {
  const { reload } = target;
  return {
    ...target,
    files: target.files.map((file) => ({ ...file, template: absolute(file.template), dest: absolute(file.dest) })),
    ...(reload !== undefined && "pidFile" in reload && { reload: { ...reload, pidFile: absolute(reload.pidFile) } }),
  };
}

function finishRegistry(
  registry: ConfigFile["registry"],
  baseDir: string,
  problems: Problem[],
  locate: (path: Path) => Problem["location"],
): RegistrySettings | undefined {
  try {
    if (typeof registry === "string") {
      return parseRegistryUrl(registry, baseDir);
    }
    const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(baseDir, path));
    const tls = typeof registry.tls === "object" ? registry.tls : undefined;
    return {
      ...registry,
      dir: absolute(registry.dir),
      tokenFile: absolute(registry.tokenFile),
      passwordFile: absolute(registry.passwordFile),
      ...(tls !== undefined && { tls: { ca: absolute(tls.ca), cert: absolute(tls.cert), key: absolute(tls.key) } }),
    };
  } catch (error) {
    problems.push({ message: messageOf(error), location: locate(["registry"]), ...hintOf(error) });
    return undefined;
  }
}

function findSharedDestinations(
  targets: NonNullable<ConfigFile["render"]>["targets"],
  absolute: (path: string) => string,
  locate: (path: Path) => Problem["location"],
): readonly Problem[] {
  const claimed = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, target] of Object.entries(targets)) {
    for (const [index, { dest }] of target.files.entries()) {
      const holder = claimed.get(absolute(dest));
      if (holder === undefined) {
        claimed.set(absolute(dest), name);
      } else {
        const location = locate(["render", "targets", name, "files", index, "dest"]);
        problems.push({
          message: `"${dest}" is written by target "${holder}" already`,
          location,
          hint: "a file belongs to one target, once",
        });
      }
    }
  }
  return problems;
}

function hintOf(error: unknown): { readonly hint?: string } {
  return typeof error === "object" && error !== null && "hint" in error && typeof error.hint === "string"
    ? { hint: error.hint }
    : {};
}

function sorted(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort(
    (a, b) => (a.location.line ?? 0) - (b.location.line ?? 0) || (a.location.column ?? 0) - (b.location.column ?? 0),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
