/** The check and the reload of a fault run: scripts that do the real thing, write down what they saw, and fail when they are told to. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Nginx } from "../helpers/servers/index.ts";
import type { FileName } from "./history.ts";

/** Moments at which a hook can kill fairlead. */
export type KillPoint = "check-start" | "check-end" | "reload-start" | "reload-end";
export type CheckMode = "fail" | "hang";
export type ReloadMode = "fail-before" | "fail-after" | "hang";

export interface Hooks {
  readonly check: readonly string[];
  readonly reload: readonly string[];
  /** Until it is taken back. */
  setCheck(mode: CheckMode | undefined): Promise<void>;
  setReload(mode: ReloadMode | undefined): Promise<void>;
  /** The next hook that comes to that moment kills this process, once. */
  killAt(point: KillPoint, pid: number): Promise<void>;
  /** False: it has happened. */
  cancelKill(): Promise<boolean>;
}

export interface HookOptions {
  readonly folder: string;
  readonly history: string;
  readonly nginx: Pick<Nginx, "argv" | "pidFile">;
  readonly files: Readonly<Record<FileName, string>>;
}

export async function createHooks({ folder, history, nginx, files }: HookOptions): Promise<Hooks> {
  const control = join(folder, "control");
  await mkdir(control);
  const common = `#!/bin/sh
event() { printf '{"at":%s,%s}\\n' "$(date +%s%3N)" "$1" >> '${history}'; }
hash() { test -e "$1" && sha256sum < "$1" | cut -c1-64; }
hashes() { printf '"upstreams":"%s","site":"%s"' "$(hash '${files.upstreams}')" "$(hash '${files.site}')"; }
mode() { cat "${control}/$1" 2>/dev/null; }
killed() {
  test "$(mode kill-at)" = "$1" || return 1
  # Whoever takes the order away carries it out.
  mv '${control}/kill-at' '${control}/killed' 2>/dev/null || return 1
  pid=$(mode kill-pid)
  event "\\"kind\\":\\"death\\",\\"pid\\":$pid,\\"asked\\":true,\\"why\\":\\"$1\\""
  kill -9 "$pid"
}
`;
  const check = `${common}
seen=$(hashes)
killed check-start
case $(mode check) in
  hang) while test "$(mode check)" = hang; do sleep 0.05; done; event "\\"kind\\":\\"check\\",$seen,\\"passed\\":false"; exit 1 ;;
  fail) event "\\"kind\\":\\"check\\",$seen,\\"passed\\":false"; exit 1 ;;
esac
if ${nginx.argv.map(quote).join(" ")} -t; then passed=true; code=0; else passed=false; code=1; fi
event "\\"kind\\":\\"check\\",$seen,\\"passed\\":$passed"
killed check-end
exit $code
`;
  const reload = `${common}
end() { event "\\"kind\\":\\"reload-end\\",\\"by\\":$PPID,\\"code\\":$1"; exit "$1"; }
event "\\"kind\\":\\"reload-start\\",\\"by\\":$PPID,$(hashes)"
killed reload-start && end 1
case $(mode reload) in
  hang) while test "$(mode reload)" = hang; do sleep 0.05; done; end 1 ;;
  fail-before) end 1 ;;
esac
kill -HUP "$(cat '${nginx.pidFile}')" || end 1
killed reload-end
test "$(mode reload)" = fail-after && end 1
end 0
`;
  const write = async (name: string, text: string): Promise<readonly string[]> => {
    const file = join(folder, name);
    await writeFile(file, text);
    await chmod(file, 0o755);
    return ["sh", file];
  };
  const set = (name: string) => async (mode: string | undefined) =>
    mode === undefined ? rm(join(control, name), { force: true }) : writeFile(join(control, name), mode);

  return {
    check: await write("check.sh", check),
    reload: await write("reload.sh", reload),
    setCheck: set("check"),
    setReload: set("reload"),
    async killAt(point, pid) {
      await writeFile(join(control, "kill-pid"), String(pid));
      await writeFile(join(control, "kill-at"), point);
    },
    async cancelKill() {
      return await rm(join(control, "kill-at")).then(
        () => true,
        () => false,
      );
    },
  };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
