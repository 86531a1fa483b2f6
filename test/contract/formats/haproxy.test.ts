import { writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { requireProgram } from "../../helpers/servers/acquire.ts";
import { runCommand } from "../../helpers/servers/command.ts";
import { describeWith, makeFolder, removeFolder, reservePort } from "../../helpers/servers/index.ts";
import { ServerProcess } from "../../helpers/servers/process.ts";
import { inHeader, type LivePlace, liveCases, other, probeAll } from "./live.ts";

const BODY = { of: "body" } as const;
const RETURN = "http-request return status 200 content-type text/plain";

function inBody(name: string, words: string, want: (value: string) => string): LivePlace {
  return {
    name,
    text: `  ${RETURN} string ${words} if { path /NN }`,
    takes: (v) => v.length < 16_000,
    probes: (v) => [{ path: "/NN", ...BODY, want: want(v) }],
  };
}

function byHeader(name: string, match: string): LivePlace {
  return {
    name,
    text: `  ${RETURN} string yes if { path /NN } { req.fhdr(x-value) ${match} }\n  ${RETURN} string no if { path /NN }`,
    takes: (v) => v.length < 8000,
    carries: inHeader,
    probes: (v) => [
      { path: "/NN", headers: { "x-value": v }, ...BODY, want: "yes" },
      { path: "/NN", headers: { "x-value": other(v) }, ...BODY, want: "no" },
    ],
  };
}

const LIVE_PLACES: readonly LivePlace[] = [
  inBody("a word of its own", "@@", (v) => v),
  inBody("in double quotes", '"@@"', (v) => v),
  inBody("in single quotes", "'@@'", (v) => v),
  inBody("glued", "x@@y@@", (v) => `x${v}y${v}`),
  inBody("glued to quotes", "<'@@'\"@@\"@@>", (v) => `<${v}${v}${v}>`),
  {
    name: "a header, which is a log format",
    text: `  ${RETURN} hdr X-Value "<@@>" string x if { path /NN }`,
    takes: (v) => v.length < 8000,
    probes: (v) => [{ path: "/NN", of: "x-value", want: `<${v}>` }],
  },
  byHeader("a text to compare with", "-m str @@"),
  byHeader("a text to compare with, in quotes", '-m str -- "@@"'),
];

describeWith(["haproxy"], "G2: a value in HAProxy's configuration, read by HAProxy", () => {
  test("a running HAProxy reads every value of the corpus whole", async () => {
    const cases = liveCases("haproxy", LIVE_PLACES);
    const { path } = await requireProgram("haproxy");
    const folder = await makeFolder("haproxy");
    const port = await reservePort();
    const file = join(folder, "haproxy.cfg");
    await writeFile(
      file,
      configuration(
        cases.map(({ inside }) => inside),
        port,
      ),
    );
    await runCommand([path, "-c", "-f", file], { timeoutMs: 60_000 });
    const haproxy = new ServerProcess({
      name: "haproxy",
      argv: () => [path, "-db", "-f", file],
      logFile: join(folder, "haproxy.log"),
      isReady: () => canConnect(port),
    });
    onTestFinished(async () => {
      await haproxy.stop();
      await removeFolder(folder);
    });
    await haproxy.start();
    const { probes, wrong } = await probeAll(port, cases);
    expect(wrong).toEqual([]);
    expect({ cases: cases.length >= 1800, probes: probes >= 2200 }).toEqual({ cases: true, probes: true });
  });
});

function configuration(rules: readonly string[], port: number): string {
  return [
    "global",
    "  tune.bufsize 131072",
    "defaults",
    "  mode http",
    "  timeout client 60s",
    "  timeout server 60s",
    "  timeout connect 5s",
    "frontend f",
    `  bind 127.0.0.1:${port}`,
    ...rules,
    "",
  ].join("\n");
}

async function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
