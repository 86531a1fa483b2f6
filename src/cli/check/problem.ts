import { type ErrorCode, FairleadError, type Location } from "../../model/errors.ts";

/** As `fairlead check --json` prints it. */
export interface ProblemJson {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly hint?: string;
}

export function problemOf(severity: ProblemJson["severity"], error: FairleadError): ProblemJson {
  const { code, message, location, hint } = error;
  return {
    severity,
    code,
    message,
    file: location?.file ?? "",
    line: location?.line ?? 1,
    column: location?.column ?? 1,
    ...(hint !== undefined && { hint }),
  };
}

export function warningOf(
  code: ErrorCode,
  message: string,
  more: { readonly location: Location; readonly hint: string },
): ProblemJson {
  return problemOf("warning", new FairleadError(code, message, more));
}
