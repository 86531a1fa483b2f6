import { dirname } from "node:path";
import { FairleadError, messageOf, systemCode } from "../../model/errors.ts";

/** What the system said about a destination, as an error with what to do about it. */
export function refused(path: string, error: unknown): FairleadError {
  if (error instanceof FairleadError) {
    return error;
  }
  const { reason, hint } = explain(systemCode(error), path) ?? { reason: messageOf(error), hint: undefined };
  return new FairleadError("DEST_REFUSED", `cannot write "${path}": ${reason}`, {
    cause: error,
    retryable: true,
    ...(hint !== undefined && { hint }),
  });
}

function explain(code: string | undefined, path: string): { readonly reason: string; readonly hint: string } | undefined {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return { reason: "the disk is full", hint: "the old file is untouched; free some space, it is tried again" };
    case "EACCES":
    case "EPERM":
      return { reason: "permission denied", hint: `let this user write to the folder "${dirname(path)}"` };
    case "EROFS":
      return { reason: "the file system is read-only", hint: "mount it writable, or choose another destination" };
    case "ENOTDIR":
      return { reason: `"${dirname(path)}" is not a folder`, hint: "choose another destination" };
    case "EBUSY":
      return { reason: "it is a mount point of its own", hint: `mount the folder "${dirname(path)}" instead of the single file` };
    case "ELOOP":
      return { reason: "it is a symbolic link", hint: "name the file that it points to" };
    default:
      return undefined;
  }
}
