/** One file for apt, below a `sourceparts` folder. */
export interface SourceFile {
  /** Ends in `.list` or `.sources`: apt tells the two formats apart by it. */
  readonly name: string;
  readonly text: string;
}

/** Names that a distribution's own entry may carry instead of the code name. */
const ALIASES = ["stable", "oldstable", "oldoldstable", "testing", "unstable", "sid"];

/**
 * The machine's own package sources for one suite of its distribution. Addresses, keys and options stay as they are: only the name of
 * the suite is replaced, so no address is ever written down by us. Third-party sources are left out.
 *
 * @param files the machine's `sources.list` and `sources.list.d/*`
 * @param codename the machine's own suite, as in os-release
 * @param suite "own" for the machine's, with its updates and security, else a suite's name
 */
export function sourcesFor(files: readonly SourceFile[], codename: string, suite: string): SourceFile[] {
  const own = codename === "" ? ALIASES : [codename, ...ALIASES];
  function replaceSuites(suites: readonly string[]): string[] {
    if (suite === "own") {
      return suites.filter((name) =>
        own.some((known) => name === known || name.startsWith(`${known}-`) || name.startsWith(`${known}/`)),
      );
    }
    return suites.some((name) => own.includes(name)) ? [suite] : [];
  }
  return files
    .map(({ name, text }) => ({
      name,
      text: name.endsWith(".sources") ? stanzas(text, replaceSuites) : lines(text, replaceSuites),
    }))
    .filter(({ text }) => text !== "");
}

function stanzas(text: string, replace: (suites: readonly string[]) => string[]): string {
  return text
    .replaceAll(/^#.*\n?/gm, "")
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      if (!/^types:.*\bdeb\b/im.test(stanza) || !/^components:.*\bmain\b/im.test(stanza) || /^enabled:\s*no\b/im.test(stanza)) {
        return [];
      }
      const suites = replace((/^suites:(.*(?:\n[ \t].*)*)/im.exec(stanza)?.[1] ?? "").trim().split(/\s+/));
      return suites.length === 0 ? [] : [stanza.trim().replace(/^suites:.*(?:\n[ \t].*)*/im, `Suites: ${suites.join(" ")}`)];
    })
    .map((stanza) => `${stanza}\n`)
    .join("\n");
}

function lines(text: string, replace: (suites: readonly string[]) => string[]): string {
  return text
    .split("\n")
    .flatMap((line) => {
      const entry = /^deb\s+(?<options>\[[^\]]*\]\s+)?(?<address>\S+)\s+(?<suite>\S+)\s+(?<components>[^#]*\bmain\b[^#]*)/.exec(
        line.trim(),
      )?.groups;
      const [suite] = entry === undefined ? [] : replace([entry["suite"] ?? ""]);
      return suite === undefined || entry === undefined
        ? []
        : [`deb ${entry["options"] ?? ""}${entry["address"]} ${suite} ${(entry["components"] ?? "").trim()}\n`];
    })
    .join("");
}
