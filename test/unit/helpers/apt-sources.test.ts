import { describe, expect, test } from "vitest";
import { sourcesFor } from "../../helpers/servers/apt-sources.ts";

const list = [
  "# deb http://mirror.example/debian bookworm main",
  "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # ours",
  "deb-src http://mirror.example/debian bookworm main",
  "deb http://mirror.example/security bookworm-security main",
  "deb http://vendor.example/apt cloud-sdk-bookworm main",
  "deb http://vendor.example/docker bookworm stable",
].join("\n");

const sources = `Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
Suites: bookworm
  bookworm-updates
Components: main
Signed-By:
 -----BEGIN
 .
 x

Types: deb
URIs: http://vendor.example/node
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
`;

const rows = [
  {
    title: "the machine's own suite with updates and security",
    name: "a.list",
    text: list,
    suite: "own",
    expected:
      "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n" +
      "deb http://mirror.example/security bookworm-security main\n",
  },
  {
    title: "another suite, at the same addresses",
    name: "a.list",
    text: list,
    suite: "bullseye",
    expected: "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bullseye main contrib\n",
  },
  {
    title: "the machine's own suite from stanzas",
    name: "a.sources",
    text: sources,
    suite: "own",
    expected:
      "Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n" +
      "Signed-By:\n -----BEGIN\n .\n x\n",
  },
  {
    title: "another suite from stanzas",
    name: "a.sources",
    text: sources,
    suite: "bullseye",
    expected:
      "Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bullseye\nComponents: main\nSigned-By:\n -----BEGIN\n .\n x\n",
  },
];

describe("sourcesFor()", () => {
  test.each(rows)("gives $title", ({ name, text, suite, expected }) => {
    expect(sourcesFor([{ name, text }], "bookworm", suite)).toEqual([{ name, text: expected }]);
  });

  test("knows a suite by its alias", () => {
    const text = "deb http://mirror.example/debian stable main\n";
    expect(sourcesFor([{ name: "a.list", text }], "bookworm", "bullseye")).toEqual([
      { name: "a.list", text: "deb http://mirror.example/debian bullseye main\n" },
    ]);
  });

  test("gives nothing where no entry is of the distribution", () => {
    expect(sourcesFor([{ name: "a.list", text: "deb http://vendor.example/apt nodistro main" }], "bookworm", "bullseye")).toEqual(
      [],
    );
  });
});
