// Answers as Marathon's /v2/tasks does: what tasks.json says, with an ETag. Usage: node server.mjs [PORT]
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const file = new URL("tasks.json", import.meta.url);
const port = Number(process.argv[2] ?? 8090);

createServer((request, response) => {
  if (!request.url.startsWith("/v2/tasks")) {
    response.writeHead(404).end();
    return;
  }
  const body = readFileSync(file, "utf8");
  const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
  const status = request.headers["if-none-match"] === etag ? 304 : 200;
  process.stderr.write(`${request.method} ${request.url} ${status}\n`);
  response.writeHead(status, { etag, "content-type": "application/json" }).end(status === 200 ? body : undefined);
}).listen(port, "127.0.0.1", () => process.stderr.write(`listening on http://127.0.0.1:${port}\n`));
