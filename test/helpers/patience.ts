/**
 * Bounds in the tests are for a quiet machine. Where several suites share two cores (CI=true, or FAIRLEAD_TEST_PATIENCE) they are this many
 * times as long; nothing waits longer for it that goes well.
 */
export const PATIENCE = Number(process.env["FAIRLEAD_TEST_PATIENCE"] ?? (process.env["CI"] === "true" ? 4 : 1));
