import { FairleadError, type Location } from "../../model/errors.ts";

/** Something that is wrong or doubtful about a template's text. */
export interface Finding {
  readonly code: "TEMPLATE_SYNTAX" | "TEMPLATE_UNSAFE";
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly location: Location;
  readonly hint?: string;
}

/** The error of a template that cannot be used: the first finding, with the count of the others. */
export function syntaxError(findings: readonly Finding[]): FairleadError | undefined {
  const errors = findings.filter((finding) => finding.severity === "error");
  const [first] = errors;
  if (first === undefined) {
    return undefined;
  }
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new FairleadError("TEMPLATE_SYNTAX", first.message + more, {
    location: first.location,
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}
