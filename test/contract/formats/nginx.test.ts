import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { describeWith, reservePort, startNginx } from "../../helpers/servers/index.ts";
import { readNginx } from "../../unit/render/formats/nginx-tokens.ts";
import { renderer } from "./corpus.ts";
import { type LiveCase, type LivePlace, liveCases, probeAll } from "./live.ts";
import { LIVE_PLACES } from "./nginx-live.ts";

describeWith(["nginx"], "G2: a value in nginx's configuration, read by nginx", () => {
  test("a running nginx reads every value of the corpus whole, and no directive more", async () => {
    const cases = liveCases("nginx", LIVE_PLACES);
    expect(cases.length).toBeGreaterThanOrEqual(5000);
    const neutrals = new Map(LIVE_PLACES.map((place) => [place, neutralOf(place)]));
    const neutral = cases.flatMap(({ place }) => neutrals.get(place) ?? []);
    const echo = await startEcho();
    const port = await reservePort();
    const conf = configuration(cases, port).replaceAll("PORT", String(echo));
    expect(readNginx(conf).map(wordCount)).toEqual(readNginx(configuration(neutral, port)).map(wordCount));

    const nginx = await startNginx({ files: { "conf.d/site.conf": conf } });
    onTestFinished(() => nginx.stop());
    await nginx.check();
    const { probes, wrong } = await probeAll(port, cases);
    expect(wrong).toEqual([]);
    expect(probes).toBeGreaterThanOrEqual(7000);
  });
});

function neutralOf({ text, outside = "" }: LivePlace): Pick<LiveCase, "inside" | "outside"> {
  return { inside: String(renderer("nginx", text)("neutral")), outside: String(renderer("nginx", outside)("neutral")) };
}

/** Answers with the header `X-Value` that it got. */
async function startEcho(): Promise<number> {
  const server: Server = createServer((incoming, outgoing) => {
    outgoing.end(Buffer.from(String(incoming.headers["x-value"] ?? ""), "latin1"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port; // it listens on TCP
}

/** nginx takes the parenthesis that ends an `if` as a part of a word and as a word of its own. */
function wordCount(statement: unknown): unknown {
  return Array.isArray(statement) ? statement.length - (statement[0] === "if" && statement.at(-1) === ")" ? 1 : 0) : statement;
}

function configuration(cases: readonly Pick<LiveCase, "inside" | "outside">[], port: number): string {
  return [
    "map_hash_bucket_size 16384; map_hash_max_size 65536; variables_hash_max_size 65536; variables_hash_bucket_size 256;",
    ...cases.map(({ outside }) => outside),
    `server { listen 127.0.0.1:${port}; merge_slashes off; large_client_header_buffers 8 32k; keepalive_requests 100000;`,
    "location = /yes { return 200 yes; }",
    ...cases.map(({ inside }) => inside),
    "}\n",
  ].join("\n");
}
