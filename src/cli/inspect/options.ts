import type { RegistryOptions } from "../settings.ts";

export interface InspectOptions extends RegistryOptions {
  readonly docker?: string;
  readonly json?: boolean;
  readonly timeout?: string;
}
