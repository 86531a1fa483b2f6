/** What can be said about templates without a registry. */
import { createFilePlan, createTemplateLibrary } from "../../compose/render.ts";
import type { Config } from "../../config/load.ts";
import type { Path } from "../../config/problems.ts";
import { FairleadError, type Location } from "../../model/errors.ts";
import type { Template } from "../../render/template/engine.ts";
import { type ProblemJson, problemOf, warningOf } from "./problem.ts";

type RenderConfig = NonNullable<Config["render"]>;
type TargetConfig = RenderConfig["targets"][string];
type Locate = (path: Path) => Location;

/** Directives and blocks as no other format has them. */
const LOOKS_LIKE_NGINX =
  /^\s*(upstream\s+\S+|server|location\s[^\n{]*|map\s[^\n{]*|http)\s*\{|^\s*(proxy_pass|listen|server_name)\s[^\n]*;/m;

/** A template that several files use is judged once for each way it is used. */
export async function checkTemplates(render: RenderConfig, locate: Locate): Promise<readonly ProblemJson[]> {
  const library = createTemplateLibrary(render);
  const problems: ProblemJson[] = [];
  for (const [name, target] of Object.entries(render.targets)) {
    const templates: Template[] = [];
    for (const [index, file] of target.files.entries()) {
      try {
        const template = await library.load(createFilePlan(file).template);
        templates.push(template);
        problems.push(
          ...[...template.findings, ...template.lint()].map(({ severity, ...finding }) => problemOf(severity, errorOf(finding))),
        );
        if (
          file.format === undefined &&
          createFilePlan(file).template.format === "text" &&
          LOOKS_LIKE_NGINX.test(template.text)
        ) {
          problems.push(unknownFormat(file.dest, locate(["render", "targets", name, "files", index, "dest"])));
        }
      } catch (error) {
        problems.push(problemOf("error", asFailure(error)));
      }
    }
    if (templates.length === target.files.length && expectsGeneration(target) && !templates.some((one) => one.namesGeneration)) {
      problems.push(neverProven(name, locate(["render", "targets", name, "verify"])));
    }
  }
  return problems;
}

function errorOf({ code, message, location, hint }: Omit<Template["findings"][number], "severity">): FairleadError {
  return new FairleadError(code, message, { location, ...(hint !== undefined && { hint }) });
}

function asFailure(error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  throw error;
}

function unknownFormat(dest: string, location: Location): ProblemJson {
  return warningOf("CONFIG_INVALID", `the name "${dest}" says nothing about the format, and the template looks like nginx`, {
    location,
    hint: "add `format: nginx` to the file, so that values are escaped for it; as it is, it is plain text",
  });
}

function expectsGeneration({ verify }: TargetConfig): boolean {
  if (verify === undefined) {
    return false;
  }
  const wanted =
    "exec" in verify ? verify.exec.join(" ") : (verify.contains ?? (verify.status === undefined ? "{{generation}}" : ""));
  return wanted.includes("{{generation}}");
}

function neverProven(target: string, location: Location): ProblemJson {
  const message = `"verify" of target "${target}" waits for the generation, which no file of the target prints`;
  const hint =
    'print {{generation}} where the program answers it, for nginx: return 200 "{{generation}}\\n"; or say `status` or `contains`';
  return problemOf("error", new FairleadError("CONFIG_INVALID", message, { location, hint }));
}
