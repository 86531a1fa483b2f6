export type { CompiledTemplate, LeftOut, RenderData, RenderResult, TemplateFinding, TemplateOptions } from "./compose/embed.ts";
export { compile, render } from "./compose/embed.ts";
export type { PlainInstance } from "./compose/plain-data.ts";
export type { ErrorCode, Location } from "./model/errors.ts";
export { ERROR_CODES, FairleadError } from "./model/errors.ts";
export type { Health, Protocol } from "./model/instance.ts";
export type { FormatName } from "./render/formats/index.ts";
export { FORMAT_NAMES, formatForDest } from "./render/formats/index.ts";
