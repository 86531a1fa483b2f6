/** As Linux counts them, whatever system this runs on: the engine may be on another machine. */
const NAMES =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...NAMES.split(" ").map((name, i) => [name, i + 1] as const),
  ["IOT", 6],
  ["CLD", 17],
  ["POLL", 29],
]);
const REALTIME = { MIN: 34, MAX: 64 };

export const SIGKILL = 9;
export const SIGTERM = 15;

/**
 * A signal as engines, images and people write it; undefined when it is none.
 * @example signalNumber("15") === 15; signalNumber("SIGQUIT") === 3; signalNumber("rtmin+3") === 37
 */
export function signalNumber(text: string): number | undefined {
  const word = text.trim().toUpperCase().replace(/^SIG/, "");
  if (/^\d{1,2}$/.test(word)) {
    const number = Number(word);
    return number >= 1 && number <= REALTIME.MAX ? number : undefined;
  }
  const [, end, offset = "+0"] = /^RT(MIN|MAX)([+-]\d{1,2})?$/.exec(word) ?? [];
  if (end === "MIN" || end === "MAX") {
    const number = REALTIME[end] + Number(offset);
    return number >= REALTIME.MIN && number <= REALTIME.MAX ? number : undefined;
  }
  return NUMBERS.get(word);
}
