// Answers as Marathon's /v2/tasks does: what tasks.json says, with an ETag. Usage: node server.mjs [PORT]
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const file = new URL("tasks.json", import.meta.url);
const port = Number(process.argv[2] ?? 8090);

createServer(async (request, response) => {
  if (!request.url.startsWith("/v2/tasks")) {
    response.writeHead(404).end();
    return;
  }
  const body = await readFile(file, "utf8").catch(() => "");
  const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
  const status = request.headers["if-none-match"] === etag ? 304 : body === "" ? 503 : 200;
  console.error(`${request.method} ${request.url} ${status}`);
  response.writeHead(status, { etag, "content-type": "application/json" }).end(status === 200 ? body : undefined);
}).listen(port, "127.0.0.1", () => console.error(`listening on http://127.0.0.1:${port}`));
