export type { ErrorCode } from "./model/errors.ts";
export { FairleadError } from "./model/errors.ts";
export type { Entry, Health, Instance, Protocol } from "./model/instance.ts";
export type { Invalid, Service, Snapshot } from "./model/snapshot.ts";
