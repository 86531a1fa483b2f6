import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Docker } from "../../helpers/servers/index.ts";

/** Folders as DOCKER_CERT_PATH names them. */
export interface ClientFolder {
  readonly all: string;
  readonly authorityOnly: string;
  readonly none: string;
}

export async function makeClientFolder(engine: Docker): Promise<ClientFolder> {
  const { tls, folder } = engine;
  if (tls === undefined) {
    throw new Error("the engine was not started with certificates");
  }
  const folders = { all: join(folder, "certs-all"), authorityOnly: join(folder, "certs-ca"), none: join(folder, "certs-none") };
  for (const path of Object.values(folders)) {
    await mkdir(path);
  }
  await copyFile(tls.ca, join(folders.all, "ca.pem"));
  await copyFile(tls.cert, join(folders.all, "cert.pem"));
  await copyFile(tls.key, join(folders.all, "key.pem"));
  await copyFile(tls.ca, join(folders.authorityOnly, "ca.pem"));
  return folders;
}
