import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const PROGRAM_FOLDERS = ["usr/sbin", "usr/bin", "sbin", "bin", "usr/libexec/docker"];

/**
 * Gives each program of an unpacked tree a small script in `home/bin` that finds the tree's libraries and other programs, so that the
 * path of the script is all a test needs to know. It replaces itself by the program: the process id stays the same.
 *
 * @param home holds the tree as `home/tree`; may be moved later
 * @throws when the tree has not all of the programs
 */
export async function writeLaunchers(home: string, programs: readonly string[]): Promise<void> {
  const root = join(home, "tree");
  const bin = join(home, "bin");
  await mkdir(bin, { recursive: true });
  const libraries = (await folders(root, 3)).filter((folder) => /^(?:usr\/)?lib\/[^/]+-linux-[^/]+$/.test(folder));
  for (const program of programs) {
    const file = join(bin, program);
    await writeFile(
      file,
      /^ip6?tables$/.test(program) ? firewall(program, libraries) : launcher(await find(root, program), libraries),
    );
    await chmod(file, 0o755);
  }
}

async function find(root: string, program: string): Promise<string> {
  for (const folder of PROGRAM_FOLDERS) {
    if ((await readdir(join(root, folder)).catch((): string[] => [])).includes(program)) {
      return `${folder}/${program}`;
    }
  }
  throw new Error(`the packages hold no program called ${program}`);
}

/** For a static program that has to be a program itself, not a script, because it is copied elsewhere. */
export async function linkProgram(home: string, program: string): Promise<void> {
  await mkdir(join(home, "bin"), { recursive: true });
  await symlink(join("../tree", await find(join(home, "tree"), program)), join(home, "bin", program));
}

/** Programs of the tree come first, except iptables: where the machine has one, its firewall is of that kind. */
function environment(libraries: readonly string[]): string {
  const paths = PROGRAM_FOLDERS.map((folder) => `$home/tree/${folder}`).join(":");
  const libraryPath = libraries.map((folder) => `$home/tree/${folder}`).join(":");
  return `#!/bin/sh
home=$(dirname "$(dirname "$(readlink -f "$0")")")
export PATH="${paths}:$PATH:$home/bin"
${libraryPath === "" ? "" : `export LD_LIBRARY_PATH="${libraryPath}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n`}`;
}

function launcher(program: string, libraries: readonly string[]): string {
  return `${environment(libraries)}exec "$home/tree/${program}" "$@"\n`;
}

/** Which kind the kernel offers is known only where it runs. Its plug-ins are found by a variable that the machine's own must not see. */
function firewall(program: string, libraries: readonly string[]): string {
  return `${environment(libraries)}for plugins in "$home"/tree/usr/lib/*/xtables; do export XTABLES_LIBDIR="$plugins"; done
if "${program}-nft" -t nat -S >/dev/null 2>&1; then kind=nft; else kind=legacy; fi
exec "${program}-$kind" "$@"
`;
}

/** Below `root`, as relative paths. */
async function folders(root: string, depth: number, below = ""): Promise<string[]> {
  if (depth === 0) {
    return [];
  }
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => []);
  const found = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => (below === "" ? entry.name : `${below}/${entry.name}`));
  const deeper = await Promise.all(found.map((folder) => folders(root, depth - 1, folder)));
  return [...found, ...deeper.flat()];
}
