/** Numbers that only depend on `seed`: a failure can be repeated. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const SYNTAX = "\"'\\`{}[]()<>:;,.#$%&*!?|@~=+-_/^ \t\n\r0123456789abcdefnxyz".split("");
const ODD = "é¦ü¦日¦😀¦\u0085¦\u00a0¦\u2028¦\u2029¦\ufeff¦\u007f¦\u0007¦\u001b¦\ufffe¦\u0000¦\ud800".split("¦");
const WORDS = [
  "yes¦No¦null¦~¦true¦on¦y¦.inf¦.nan¦-.INF¦1e3¦08¦0x1F¦0o7¦1_000¦22:22¦190:20:30.5¦-5¦1.5¦e1¦2001-01-01¦2001-12-14t21:59:43.10-05:00",
  "---¦...¦--- a¦- a¦a: b¦a:b¦: ¦ #¦#¦# x¦? a¦! x¦&a¦*a¦<<¦=¦|¦>¦|-\n x¦%YAML¦{a: b}¦[a, b]¦\n- x¦\nb: 2¦\n  b¦a\n¦\na¦a\n\nb¦a\n  ",
  "\"¦''¦\"\"\"¦'''¦\\¦\\n¦\\u0041¦${HOME}¦$HOME¦$(id)¦`id`¦$¦$1¦~root¦../..¦/etc/passwd¦; return 200¦} server {¦default¦include",
  " a¦a ¦  ¦ ¦¦\t¦-¦--¦-->¦<![CDATA[¦]]>¦<b>¦&amp;¦*/¦//¦/*¦__proto__¦constructor¦%[env(A)]¦LD_PRELOAD=x",
  '10.0.0.1:80¦[::1]:80¦web-1¦a_b¦héllo wörld¦it\'s¦say "hi"¦http://h/p?q=1&r=2#f¦p@ss w0rd!',
].flatMap((line) => line.split("¦"));

/** A value from outside: what a parser could stumble over, more often than not. */
export function hostileValue(random: (below: number) => number): string {
  const kind = random(10);
  if (kind === 0) {
    return pick(random, WORDS);
  }
  const length = random(kind < 6 ? 4 : 12);
  let value = "";
  for (let i = 0; i <= length; i += 1) {
    value +=
      kind < 3 && random(2) === 0
        ? pick(random, WORDS)
        : random(kind > 7 ? 8 : 60) === 0
          ? oddCharacter(random)
          : pick(random, SYNTAX);
  }
  return value;
}

/** One that readers trip over, or any one that there is. */
function oddCharacter(random: (below: number) => number): string {
  return random(3) === 0 ? String.fromCodePoint(random(random(2) === 0 ? 0x3000 : 0x11_0000)) : pick(random, ODD);
}

function pick(random: (below: number) => number, from: readonly string[]): string {
  return from[random(from.length)] ?? "";
}

/** What can be printed in ASCII, and nothing else. */
export function isPrintableAscii(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}
