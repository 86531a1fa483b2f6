import { FairleadError, messageOf, systemCode } from "../../model/errors.ts";

/** What a failed call on the folder means; `doing` begins the message: `read`, `write entry …`. An error of ours passes. */
export function fileError(error: unknown, doing: string): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  const code = systemCode(error);
  const message = `cannot ${doing}: ${messageOf(error)}`;
  switch (code) {
    case undefined:
      throw error; // a bug keeps its stack
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new FairleadError("REGISTRY_DENIED", message, { cause: error, hint: "give this process the right to the folder" });
    case "ENAMETOOLONG":
      return new FairleadError("USAGE", message, { cause: error });
    default:
      return new FairleadError("REGISTRY_UNAVAILABLE", message, { cause: error, retryable: true });
  }
}

export function isAbsent(error: unknown): boolean {
  return systemCode(error) === "ENOENT";
}
