import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { visit } from "yaml";
import { isRecord } from "../core/json.ts";
import { messageOf } from "../model/errors.ts";
import { type Placed, parsePlaced, sortProblems } from "./document.ts";
import { type Config, finish } from "./finish.ts";
import { explainIssues, type Path, type Problem } from "./problems.ts";
import { configJsonSchema, configSchema } from "./schema.ts";

export type { Config } from "./finish.ts";

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly locate: (path: Path) => Problem["location"] }
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
  const parsedText = parsePlaced(text, file);
  if (!parsedText.ok) {
    return { ok: false, problems: parsedText.problems, text };
  }
  const { placed } = parsedText;
  const problems: Problem[] = [...substitute(placed, env)];
  const raw: unknown = placed.document.toJS() ?? {};
  const parsed = configSchema.safeParse(withBareSections(raw), { reportInput: true });
  if (!parsed.success) {
    for (const issue of explainIssues(parsed.error.issues, configJsonSchema())) {
      const { message, hint } = issue;
      problems.push({ message, location: placed.locate(issue.path, issue.atKey), ...(hint !== undefined && { hint }) });
    }
    return { ok: false, problems: sortProblems(problems), text };
  }
  const baseDir = dirname(resolve(file));
  const locate = (path: Path): Problem["location"] => placed.locate(path);
  const config = finish(parsed.data, resolve(file), baseDir, problems, locate);
  return problems.length > 0 || config === undefined
    ? { ok: false, problems: sortProblems(problems), text }
    : { ok: true, config, locate };
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
function substitute({ document, at }: Placed, env: Environment): readonly Problem[] {
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
