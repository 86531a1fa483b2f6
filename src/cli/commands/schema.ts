import { configJsonSchema } from "../../config/schema.ts";
import { type Context, printJson } from "../context.ts";

export async function run(context: Context): Promise<void> {
  printJson(context, configJsonSchema());
}
