import { rm } from "node:fs/promises";
import { removeFolder } from "./folders.ts";
import type { ServerProcess } from "./process.ts";

/** What a test can do to every real server. */
export interface Server {
  /** Of the running process. */
  readonly pid: number | undefined;
  /** Everything this server has, below the system's temporary folder. */
  readonly folder: string;
  /** Ends it and removes its folder; nothing is left. Idempotent. */
  stop(): Promise<void>;
  /** Ends it politely if it runs and starts it again at the same address with the same data; ready when it resolves. */
  restart(): Promise<void>;
  /** A crash. `restart()` brings it back. */
  kill(): Promise<void>;
  /** Hangs with open connections until `resume()`. */
  pause(): void;
  resume(): void;
  /** Everything it has said. */
  output(): string;
}

/** A server whose data can be lost. */
export interface StoreServer extends Server {
  /** Starts again at the same address without any data: a replaced machine. */
  wipe(): Promise<void>;
}

export interface StoreOptions {
  readonly process: ServerProcess;
  readonly folder: string;
  readonly dataFolder: string;
  /** Runs after the first start and after each wipe, when there is no data yet. */
  readonly setUp?: () => Promise<void>;
}

/** Starts the process. When that fails, nothing is left of it, its folder neither. */
export async function startStore(options: StoreOptions): Promise<StoreServer> {
  const { process, folder, dataFolder, setUp } = options;
  async function startEmpty(): Promise<void> {
    await process.start();
    await setUp?.();
  }
  async function stop(): Promise<void> {
    await process.stop();
    await removeFolder(folder);
  }
  try {
    await startEmpty();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    get pid() {
      return process.pid;
    },
    folder,
    stop,
    async restart() {
      await process.stop();
      await process.start();
    },
    async wipe() {
      await process.stop();
      await rm(dataFolder, { recursive: true, force: true });
      await startEmpty();
    },
    kill: () => process.kill(),
    pause: () => process.pause(),
    resume: () => process.resume(),
    output: () => process.output(),
  };
}
