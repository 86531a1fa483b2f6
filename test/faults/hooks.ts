/** The check and the reload of a fault run: scripts that do the real thing, tell the desk what they saw, and fail when they are told to. */
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Nginx } from "../helpers/servers/index.ts";
import { type CheckMode, type Desk, type DeskOptions, openDesk } from "./desk.ts";
import type { FileName } from "./history.ts";

export interface Hooks extends Omit<Desk, "port" | "setCheck"> {
  readonly check: readonly string[];
  readonly reload: readonly string[];
  /** Until it is taken back. */
  setCheck(mode: CheckMode | undefined): Promise<void>;
}

export interface HookOptions extends DeskOptions {
  readonly folder: string;
  readonly nginx: Pick<Nginx, "argv" | "pidFile">;
  /** Whether the check can reach the desk. */
  readonly hasNetwork: boolean;
}

export async function createHooks(options: HookOptions): Promise<Hooks> {
  const { folder, nginx, files, hasNetwork } = options;
  const desk = await openDesk(options);
  const control = join(folder, "check-mode");
  const test = [...nginx.argv, "-t"].map(quote).join(" ");
  const write = async (name: string, text: string): Promise<readonly string[]> => {
    const file = join(folder, name);
    await writeFile(file, text);
    await chmod(file, 0o755);
    return ["bash", file];
  };
  return {
    ...desk,
    check: await write("check.sh", hasNetwork ? toldCheck(desk.port, files, test) : silentCheck(control, test)),
    reload: await write("reload.sh", reloadScript(desk.port, nginx.pidFile)),
    async setCheck(mode) {
      desk.setCheck(mode);
      await (mode === undefined ? rm(control, { force: true }) : writeFile(control, mode));
    },
  };
}

function talk(port: number): string {
  return `exec 3<>/dev/tcp/127.0.0.1/${port} || exit 1
ask() { echo "$*" >&3; read -r word <&3; test "$word" = go; }`;
}

function toldCheck(port: number, files: Readonly<Record<FileName, string>>, test: string): string {
  return `${talk(port)}
hash() { sum=$(sha256sum 2>/dev/null < "$1") && echo "\${sum%% *}" || echo -; } 2>/dev/null
seen="$(hash ${quote(files.upstreams)}) $(hash ${quote(files.site)})"
ask check-start "$seen" || exit 1
${test}
code=$?
ask check-end "$seen" $code
exit $code
`;
}

/** Nobody hears of it: what it was told stands in a file, and what it judged is found out by another judge. */
function silentCheck(control: string, test: string): string {
  return `case $(cat ${quote(control)} 2>/dev/null) in
  hang) exec sleep 60 ;;
  fail) exit 1 ;;
esac
exec ${test}
`;
}

function reloadScript(port: number, pidFile: string): string {
  return `${talk(port)}
ask reload-start $PPID || exit 1
kill -HUP "$(cat ${quote(pidFile)})"
ask reload-end $PPID $?
`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
