/** Small values of the schema that several of its parts hold. */
import { z } from "zod";
import { parseDuration, parseSize } from "./values.ts";

export const duration = z
  .string("is no duration; write 250ms, 5s or 1m")
  .refine((text) => parseDuration(text) !== undefined, "is no duration; write 250ms, 5s or 1m")
  .transform((text) => parseDuration(text) ?? 0);

/** Of what is done again and again: without a floor, a slip of the pen would ask an engine or a server without a pause. */
export const period = duration.refine((ms) => ms >= 100, "is too short; at least 100ms");

export const size = z
  .string("is no size; write 64KiB or 16MiB")
  .refine((text) => parseSize(text) !== undefined, "is no size; write 64KiB or 16MiB")
  .transform((text) => parseSize(text) ?? 0);

export const path = z.string("is no path").min(1, "is an empty path");

export const tls = z.strictObject({
  ca: path.optional().describe("PEM file of the authorities to trust; default: the system's"),
  cert: path.optional().describe("PEM file of the client certificate"),
  key: path.optional().describe("PEM file of its key"),
});
