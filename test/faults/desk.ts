/**
 * Where a check and a reload say what they do and are told how to go on: over TCP, because nothing that a check writes outlives its
 * sandbox. Whoever asks waits for the answer, so what it has said stands in the history before fairlead learns how it ended.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Contents } from "./contents.ts";
import type { FileName, History } from "./history.ts";

/** Moments at which fairlead can be killed. */
export type KillPoint = "check-start" | "check-end" | "reload-start" | "reload-end";
export type CheckMode = "fail" | "hang";
export type ReloadMode = "fail-before" | "fail-after" | "hang";

export interface Desk {
  readonly port: number;
  /** Until it is taken back. */
  setCheck(mode: CheckMode | undefined): void;
  setReload(mode: ReloadMode | undefined): void;
  /** The next one that comes to that moment has this process killed, once. */
  killAt(point: KillPoint, pid: number): void;
  /** False: it has happened. */
  cancelKill(): boolean;
  stop(): Promise<void>;
}

export interface DeskOptions {
  readonly history: History;
  readonly contents: Contents;
  readonly files: Readonly<Record<FileName, string>>;
}

type Hashes = Readonly<Record<FileName, string>>;

const HANG_MS = 10;

export async function openDesk({ history, contents, files }: DeskOptions): Promise<Desk> {
  let check: CheckMode | undefined;
  let reload: ReloadMode | undefined;
  let kill: { readonly point: KillPoint; readonly pid: number } | undefined;
  const sockets = new Set<Socket>();

  function comesTo(point: KillPoint): boolean {
    if (kill?.point !== point) {
      return false;
    }
    const { pid } = kill;
    kill = undefined;
    history.add({ kind: "death", pid, asked: true, why: point });
    killNow(pid);
    return true;
  }

  /** Whether the other end is still there when it is over. */
  async function hang(isOver: () => boolean, socket: Socket): Promise<boolean> {
    while (!isOver() && !socket.closed) {
      await sleep(HANG_MS);
    }
    return !socket.closed;
  }

  async function startCheck(seen: Hashes, socket: Socket): Promise<string> {
    comesTo("check-start");
    if (check === undefined) {
      return "go";
    }
    if (check === "fail" || (await hang(() => check !== "hang", socket))) {
      history.add({ kind: "check", ...seen, passed: false });
    }
    return "fail";
  }

  function endCheck(seen: Hashes, code: string): string {
    history.add({ kind: "check", ...seen, passed: code === "0" });
    comesTo("check-end");
    return "go";
  }

  async function startReload(by: number, socket: Socket): Promise<string> {
    const hashes = { upstreams: contents.look(files.upstreams)?.sha ?? "", site: contents.look(files.site)?.sha ?? "" };
    history.add({ kind: "reload-start", by, ...hashes });
    const isKilled = comesTo("reload-start");
    if (!isKilled && (reload === undefined || reload === "fail-after")) {
      return "go";
    }
    if (isKilled || reload === "fail-before" || (await hang(() => reload !== "hang", socket))) {
      history.add({ kind: "reload-end", by, code: 1 });
    }
    return "fail";
  }

  function endReload(by: number, code: string): string {
    comesTo("reload-end");
    const isFine = code === "0" && reload !== "fail-after";
    history.add({ kind: "reload-end", by, code: isFine ? 0 : 1 });
    return isFine ? "go" : "fail";
  }

  async function answer(line: string, socket: Socket): Promise<string> {
    const [what, first = "", second = "", third = ""] = line.split(" ");
    const seen = { upstreams: hashIn(first), site: hashIn(second) };
    switch (what) {
      case "check-start":
        return await startCheck(seen, socket);
      case "check-end":
        return endCheck(seen, third);
      case "reload-start":
        return await startReload(Number(first), socket);
      case "reload-end":
        return endReload(Number(first), second);
      default:
        return "fail";
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    let rest = "";
    socket.on("error", () => undefined); // whoever asked was killed
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      const lines = `${rest}${bytes.toString()}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        void answer(line, socket).then((word) => socket.closed || socket.write(`${word}\n`));
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    setCheck(mode) {
      check = mode;
    },
    setReload(mode) {
      reload = mode;
    },
    killAt(point, pid) {
      kill = { point, pid };
    },
    cancelKill() {
      const isPending = kill !== undefined;
      kill = undefined;
      return isPending;
    },
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    },
  };
}

/** A dash: no such file. */
function hashIn(word: string): string {
  return word === "-" ? "" : word;
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has died of something else meanwhile.
  }
}
