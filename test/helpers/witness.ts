/** Sees whatever leaves a sandbox: files that change, packets and connections that arrive, processes that live on. */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { chmod, lstat, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";

/** Every file, folder and link below: its kind, mode, owner, times and content. */
export async function listing(folder: string, withContent = true): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const stat = await lstat(path, { bigint: true });
    const content =
      withContent && stat.isFile()
        ? createHash("sha256")
            .update(await readFile(path))
            .digest("hex")
        : "";
    found[path] = [stat.mode, stat.uid, stat.gid, stat.size, stat.mtimeNs, content].join(" ");
  }
  return found;
}

export interface Witness {
  readonly tcpPort: number;
  readonly udpPort: number;
  readonly socket: string;
  /** What arrived, one word each. */
  readonly arrived: string[];
  close(): Promise<void>;
}

/** Listens on the loopback interface and on a socket that everybody may write to. */
export async function startWitness(socket: string): Promise<Witness> {
  const arrived: string[] = [];
  const tcp = createServer((connection) => {
    arrived.push("tcp");
    connection.destroy();
  });
  const unix = createServer((connection) => {
    arrived.push("unix");
    connection.destroy();
  });
  const udp = createSocket("udp4", () => arrived.push("udp"));
  await listen(tcp, { port: 0, host: "127.0.0.1" });
  await listen(unix, { path: socket });
  await chmod(socket, 0o777);
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const address = tcp.address();
  return {
    tcpPort: typeof address === "object" && address !== null ? address.port : 0,
    udpPort: udp.address().port,
    socket,
    arrived,
    async close() {
      await Promise.all([tcp, unix].map((server) => new Promise((resolve) => server.close(resolve))));
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await rm(socket, { force: true });
    },
  };
}

function listen(server: Server, where: { port: number; host: string } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => resolve());
  });
}

/** Process ids whose environment holds this text; those that are dead and not yet reaped do not count. */
export async function processesWith(text: string): Promise<readonly number[]> {
  const ids = (await readdir("/proc")).map(Number).filter((id) => id > 0 && id !== process.pid);
  const found = await Promise.all(
    ids.map(async (id) => {
      const environment = await readFile(`/proc/${id}/environ`, "utf8").catch(() => "");
      return environment.includes(text) ? [id] : [];
    }),
  );
  return found.flat();
}
