import { expect, test } from "vitest";
import { type Instance, sameEntry } from "../../../../../src/model/instance.ts";
import { decodeEntry, encodeEntry, encodeEntryPath, isAddress } from "../../../../../src/registry/codec.ts";
import { mapContainer } from "../../../../../src/sources/docker/mapping/mapping.ts";
import { isHostName, isPath } from "../../../../../src/sources/docker/mapping/values.ts";
import { ATTACKS } from "../../../../contract/formats/attacks.ts";
import { type ContainerSketch, makeContainer, makeOptions } from "../build.ts";

const TEXTS: readonly string[] = [
  ...ATTACKS.map(({ value }) => value),
  "../../owners/n1",
  "..",
  "a/../../b",
  "\ud800",
  "\uFFFD",
  "x".repeat(10_240),
  "é".repeat(5000),
];

/** Each place of a label or variable into which a stranger's text can be put. */
const PLACES: Readonly<Record<string, (text: string) => ContainerSketch>> = {
  ...Object.fromEntries(
    [
      "fairlead.enable",
      "fairlead.service",
      "fairlead.id",
      "fairlead.tags",
      "fairlead.port",
      "fairlead.weight",
      "fairlead.drain",
      "fairlead.host",
      "fairlead.path",
      "fairlead.dest",
      "fairlead.proto",
      "fairlead.strip",
      "fairlead.note",
      "fairlead.80.service",
      "fairlead.80.note",
      "SERVICE_NAME",
      "SERVICE_IGNORE",
      "SERVICE_80_ID",
      "VIRTUAL_HOST",
      "VIRTUAL_PORT",
      "SERVICE_CHECK_HTTP",
      "SERVICE_CHECK_SCRIPT",
      "SERVICE_CHECK_CMD",
      "SERVICE_CHECK_GRPC",
      "SERVICE_CHECK_TTL",
      "SERVICE_CHECK_TCP",
      "com.docker.compose.service",
      "com.docker.compose.oneoff",
      "net.ip",
    ].map((key) => [key, (text: string): ContainerSketch => ({ labels: { [key]: text } })]),
  ),
  "the method of a check": (text) => ({ env: { SERVICE_CHECK_HTTP: "/", SERVICE_CHECK_HTTP_METHOD: text } }),
  "the interval of a check": (text) => ({ env: { SERVICE_CHECK_HTTP: "/", SERVICE_CHECK_INTERVAL: text } }),
  "the name of a label": (text) => ({ labels: { [`fairlead.${text}`]: "x" } }),
  "the name of a check": (text) => ({ labels: { [`SERVICE_CHECK_${text}`]: "x" } }),
  "the port of a word": (text) => ({ labels: { [`SERVICE_${text}_NAME`]: "x" } }),
  "the image": (text) => ({ image: text }),
  "the container's name": (text) => ({ name: text }),
};

test("so many attacks are tried", () => {
  expect(TEXTS.length * Object.keys(PLACES).length).toBeGreaterThan(10_000);
});

test.each(Object.entries(PLACES))(
  "G2: no attack in %s leaves its place: not its segment of a key, not its line, not its kind, and no command comes of it",
  (_, sketch) => {
    const wrong = TEXTS.flatMap((text) => {
      const { instances, skipped } = mapContainer(makeContainer(sketch(text)), makeOptions({ addressLabel: "net.ip" }));
      const problems = [...instances.flatMap(problemsOf), ...skipped.flatMap(({ reason }) => reasonProblems(reason))];
      return problems.map((problem) => `${JSON.stringify(text).slice(0, 100)}: ${problem}`);
    });
    expect(wrong).toEqual([]);
  },
);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const BAD_TEXT = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]|\p{Surrogate}/u;
const PROTOS = ["http", "https", "grpc", "grpcs", "fastcgi", "uwsgi"];

function problemsOf(instance: Instance): readonly string[] {
  const { service, id, address, port, tags, meta, healthCheck: check } = instance;
  const entry = { ...instance, owner: "n1" };
  const decoded = decodeEntry(encodeEntry(entry), { service, id });
  const texts = [service, id, ...tags, ...Object.keys(meta), ...Object.values(meta)];
  const path = check?.kind === "http" || check?.kind === "https" ? check.path : "/";
  const host = meta["host"];
  const found: Readonly<Record<string, boolean>> = {
    "the key has other segments than two": !/^(?!\.{1,2}\/)[A-Za-z0-9._:%-]+\/(?!\.{1,2}$)[A-Za-z0-9._:%-]+$/.test(
      encodeEntryPath(entry),
    ),
    // What a registry that runs checks is asked for is no part of an entry.
    "it is not read back as it was stored": !decoded.ok || !sameEntry(decoded.value, { ...decodeless(entry), owner: "n1" }),
    "a text has a control character, or is no UTF-8": texts.some((text) => BAD_TEXT.test(text)),
    "a text is very long": texts.some((text) => Buffer.byteLength(text) > 4096),
    "the address is none": !isAddress(address),
    "the port is another one": port !== 8080,
    "a host is none": host !== undefined && !host.split(",").every(isHostName),
    "a path is none": [meta["path"], meta["dest"]].some((text) => text !== undefined && !isPath(text)),
    "a proto is none": meta["proto"] !== undefined && !PROTOS.includes(meta["proto"]),
    "a check is of another kind": check !== undefined && !["http", "https", "tcp", "grpc", "ttl"].includes(check.kind),
    "the path of a check could end its line": !/^\/[!-~]*$/.test(path) || /[\s"<>\\^`{|}#]/.test(path),
    "the method of a check is none": check !== undefined && "method" in check && !/^[A-Z]+$/.test(check.method ?? ""),
  };
  return Object.entries(found)
    .filter(([, isSo]) => isSo)
    .map(([problem]) => problem);
}

function decodeless(instance: Instance): Instance {
  const { healthCheck: _, ...rest } = instance;
  return rest;
}

function reasonProblems(reason: string): readonly string[] {
  return BAD_TEXT.test(reason) || reason.length > 400 ? [`the reason ${JSON.stringify(reason).slice(0, 200)}`] : [];
}
