/** Whether an answer is too small to be believed at once: nothing is left, or less than half. Consul's own faults look like that. */
export function isSuspicious(before: number, after: number): boolean {
  return after < before && (after === 0 || after * 2 < before);
}
