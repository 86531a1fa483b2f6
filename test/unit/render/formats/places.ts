import { GENERATION_MARK } from "../../../../src/ports.ts";
import { type FormatName, markText, type Resolved, resolve } from "../../../../src/render/formats/index.ts";
import { NGINX_PLACES } from "./nginx-places.ts";

/** A template with one `@@` for the value, and what a reader of the file must get. */
export interface PlaceRow {
  readonly text: string;
  readonly expect: (value: string) => unknown;
  /** There is an escape for everything that can be printed in ASCII. */
  readonly isTotal?: boolean;
}

/** Resolves `text` with one value for each `@@`. */
export function fill(format: FormatName, text: string, ...values: readonly (string | number | boolean | null)[]): Resolved {
  let index = 0;
  return resolve(
    format,
    text.replace(/@@/g, () => markText(index++)),
    values.map((value) => ({ value })),
  );
}

/** The same with the generation for each `@@`. */
export function fillGeneration(format: FormatName, text: string): Resolved {
  let index = 0;
  const marked = text.replace(/@@/g, () => markText(index++));
  return resolve(
    format,
    marked,
    Array.from({ length: index }, () => ({ value: GENERATION_MARK, isGeneration: true })),
  );
}

export const JSON_PLACES: readonly PlaceRow[] = [
  { text: "@@", expect: (v) => v, isTotal: true },
  { text: '{ "a": @@, "b": [1] }', expect: (v) => ({ a: v, b: [1] }), isTotal: true },
  { text: '{"a":@@}', expect: (v) => ({ a: v }), isTotal: true },
  { text: "{ @@: { @@: 1 } }", expect: (v) => ({ [v]: { [v]: 1 } }), isTotal: true },
  { text: '{\n  "b": [\n    @@,\n    @@\n  ]\n}', expect: (v) => ({ b: [v, v] }), isTotal: true },
  { text: '{ "x@@y": "@@" }', expect: (v) => ({ [`x${v}y`]: v }), isTotal: true },
  { text: '{ "x": [ { "y": @@ }, x@@ ] }', expect: (v) => ({ x: [{ y: v }, v] }) },
  { text: '{ "x": "\\u00@@" }', expect: (v) => ({ x: v }) },
  { text: "// @@\n[1]", expect: () => [1] },
  { text: "/* @@ */[1]", expect: () => [1] },
  { text: '["\\"@@\\\\", "@@@@"]', expect: (v) => [`"${v}\\`, v + v], isTotal: true },
];

export const YAML_PLACES: readonly PlaceRow[] = [
  { text: "@@", expect: (v) => v, isTotal: true },
  { text: "@@\n", expect: (v) => v, isTotal: true },
  { text: "--- @@\n...\n", expect: (v) => v, isTotal: true },
  { text: "a: @@", expect: (v) => ({ a: v }), isTotal: true },
  { text: "a: @@\nb: 1\n", expect: (v) => ({ a: v, b: 1 }), isTotal: true },
  { text: "a: @@\r\nb: 1\r\n", expect: (v) => ({ a: v, b: 1 }), isTotal: true },
  { text: "a: @@ # why\nb: 1\n", expect: (v) => ({ a: v, b: 1 }), isTotal: true },
  { text: "a:\n  @@\nb: 1\n", expect: (v) => ({ a: v, b: 1 }), isTotal: true },
  { text: "a:\n  k: @@\n\n# end\nb: 1\n", expect: (v) => ({ a: { k: v }, b: 1 }), isTotal: true },
  { text: "@@: 1\nb: 2\n", expect: (v) => ({ [v]: 1, b: 2 }), isTotal: true },
  { text: "a:\n  @@ : 1\n", expect: (v) => ({ a: { [v]: 1 } }), isTotal: true },
  { text: "a:\n- @@\n- @@\nb: 1\n", expect: (v) => ({ a: [v, v], b: 1 }), isTotal: true },
  { text: "- @@: 1\n  k: @@\n- - @@\n", expect: (v) => [{ [v]: 1, k: v }, [v]], isTotal: true },
  { text: "? @@\n: @@\n", expect: (v) => ({ [v]: v }), isTotal: true },
  { text: "a: x@@y\nb: 1\n", expect: (v) => ({ a: `x${v}y`, b: 1 }), isTotal: true },
  { text: "a: x @@ y # c\nb: 1\n", expect: (v) => ({ a: `x ${v} y`, b: 1 }), isTotal: true },
  { text: "a: @@/@@\nb: 1\n", expect: (v) => ({ a: `${v}/${v}`, b: 1 }), isTotal: true },
  { text: "a: @@@@\nb: 1\n", expect: (v) => ({ a: v + v, b: 1 }), isTotal: true },
  { text: "a: 1@@\nb: 1\n", expect: (v) => ({ a: `1${v}`, b: 1 }), isTotal: true },
  { text: "a: 0@@0\nb: 1\n", expect: (v) => ({ a: `0${v}0`, b: 1 }), isTotal: true },
  { text: "a: -@@\nb: 1\n", expect: (v) => ({ a: `-${v}`, b: 1 }), isTotal: true },
  { text: "a: tr@@\nb: 1\n", expect: (v) => ({ a: `tr${v}`, b: 1 }), isTotal: true },
  { text: 'a: x"\\@@"\\\nb: 1\n', expect: (v) => ({ a: `x"\\${v}"\\`, b: 1 }), isTotal: true },
  { text: "a: http://@@:@@/p#@@\nb: 1\n", expect: (v) => ({ a: `http://${v}:${v}/p#${v}`, b: 1 }), isTotal: true },
  { text: "a_@@_z: 1\nb: 1\n", expect: (v) => ({ [`a_${v}_z`]: 1, b: 1 }), isTotal: true },
  { text: "[@@, @@]", expect: (v) => [v, v], isTotal: true },
  { text: "a: {k: @@, @@: x}\nb: 1\n", expect: (v) => ({ a: { k: v, [v]: "x" }, b: 1 }), isTotal: true },
  { text: "a: [x@@, @@y,\n  z @@\n  ]\nb: 1\n", expect: (v) => ({ a: [`x${v}`, `${v}y`, `z ${v}`], b: 1 }), isTotal: true },
  { text: "a: [x\n  @@, 1]\nb: 1\n", expect: (v) => ({ a: [`x ${v}`, 1], b: 1 }) },
  { text: 'a: {"k":@@}\nb: 1\n', expect: (v) => ({ a: { k: v }, b: 1 }), isTotal: true },
  { text: 'a: "x@@y"\nb: 1\n', expect: (v) => ({ a: `x${v}y`, b: 1 }), isTotal: true },
  { text: 'a: "@@"\nb: "@@@@"\n', expect: (v) => ({ a: v, b: v + v }), isTotal: true },
  { text: 'a: "x\n  @@\n  y"\nb: 1\n', expect: (v) => ({ a: `x ${v} y`, b: 1 }) },
  { text: 'a: "x @@\n  @@ y"\nb: 1\n', expect: (v) => ({ a: `x ${v} ${v} y`, b: 1 }) },
  { text: "a: 'x@@y'\nb: 1\n", expect: (v) => ({ a: `x${v}y`, b: 1 }), isTotal: true },
  { text: "a: '@@'\nb: '''@@'''\n", expect: (v) => ({ a: v, b: `'${v}'` }), isTotal: true },
  { text: "a: 'x\n  @@\n  y'\nb: 1\n", expect: (v) => ({ a: `x ${v} y`, b: 1 }) },
  { text: "'@@': 1\n\"@@b\": 1\n", expect: (v) => ({ [v]: 1, [`${v}b`]: 1 }), isTotal: true },
  { text: "a: |\n  x @@\nb: 1\n", expect: (v) => ({ a: `x ${v}\n`, b: 1 }), isTotal: true },
  { text: "a: |\n  @@\nb: 1\n", expect: (v) => ({ a: v === "" ? "" : `${v}\n`, b: 1 }) },
  { text: "a: |-\n  x\n  @@\nb: 1\n", expect: (v) => ({ a: v === "" ? "x" : `x\n${v}`, b: 1 }), isTotal: true },
  { text: "a: |+\n  @@\n    x\n  @@\n  z\n\nb: 1\n", expect: (v) => ({ a: `${v}\n  x\n${v}\nz\n\n`, b: 1 }) },
  { text: "a: |2\n  @@\n  z\nb: 1\n", expect: (v) => ({ a: `${v}\nz\n`, b: 1 }), isTotal: true },
  { text: "- |\n x@@\n-   k: |\n       @@x\n    b: 1\n", expect: (v) => [`x${v}\n`, { k: `${v}x\n`, b: 1 }] },
  { text: "a: >\n  x @@ y\n  z\nb: 1\n", expect: (v) => ({ a: `x ${v} y z\n`, b: 1 }), isTotal: true },
  { text: "a: >-\n  x\n  @@\n  z\nb: 1\n", expect: (v) => ({ a: `x ${v} z`, b: 1 }) },
  { text: "a: x\n  @@ y\nb: 1\n", expect: (v) => ({ a: `x ${v} y`, b: 1 }) },
  { text: "a: @@\n  y\nb: 1\n", expect: (v) => ({ a: `${v} y`, b: 1 }) },
  { text: "# @@\na: 1 # x @@\nb: 1\n", expect: () => ({ a: 1, b: 1 }) },
  { text: "a: !@@ x\nb: 1\n", expect: () => undefined },
  { text: "a: &@@ x\nb: *@@\n", expect: () => ({ a: "x", b: "x" }) },
  { text: "%TAG ! tag:@@\n---\na: 1\n", expect: () => ({ a: 1 }) },
  { text: "? |\n  x @@\n: @@\nb: 1\n", expect: (v) => ({ [`x ${v}\n`]: v, b: 1 }) },
  { text: "a: |-@@\n  x\nb: 1\n", expect: () => ({ a: "x", b: 1 }) },
  { text: "a: !!str @@\nb: &x @@\nc: *x\n", expect: (v) => ({ a: v, b: v, c: v }), isTotal: true },
];

/** What the variable `A` must hold after `sh` has read the text; `B` is `bee` before. */
export const ENV_PLACES: readonly PlaceRow[] = [
  { text: "A=@@", expect: (v) => v },
  { text: "A=x@@y", expect: (v) => `x${v}y` },
  { text: "A=@@:@@ # note", expect: (v) => `${v}:${v}` },
  { text: "export A=@@\n", expect: (v) => v },
  { text: "A='@@'", expect: (v) => v, isTotal: true },
  { text: 'A="@@"\n', expect: (v) => v, isTotal: true },
  { text: "export A='x@@'", expect: (v) => `x${v}`, isTotal: true },
  { text: "A='x@@y@@'", expect: (v) => `x${v}y${v}`, isTotal: true },
  { text: 'A="\\"@@\\\\"', expect: (v) => `"${v}\\`, isTotal: true },
  { text: `A='x@@'"@@"@@`, expect: (v) => `x${v}${v}${v}` },
  { text: 'A="${B}@@"', expect: (v) => `bee${v}`, isTotal: true },
  { text: 'A="$B/@@"', expect: (v) => `bee/${v}`, isTotal: true },
  { text: "# @@\nA=x # @@\n", expect: () => "x" },
  { text: "@@=x\nA=x\n", expect: () => "x" },
  { text: "A_@@=x\nA=x\n", expect: () => "x" },
  { text: "A=x\n@@\n", expect: () => "x" },
  { text: "A=$@@", expect: (v) => `$${v}` },
  { text: 'A="$@@"', expect: (v) => `$${v}` },
  { text: "A=${@@}", expect: (v) => v },
  { text: "A=$(@@)", expect: (v) => v },
  { text: "A=`@@`", expect: (v) => v },
  { text: "A=~@@", expect: (v) => `~${v}` },
  { text: "A=\\@@", expect: (v) => v },
  { text: "A='x'@@", expect: (v) => `x${v}` },
  { text: "A=x;export @@\n", expect: () => "x" },
  { text: "C='@@' A=\"@@\"", expect: (v) => v, isTotal: true },
];

/** Where an env file refuses what it cannot quote, a script quotes it; neither has an escape behind such text. */
function isQuotable(text: string): boolean {
  return !/#|^@@|_@@=|\n@@|[$`~\\{(]@@|export @@/.test(text);
}

/** The same for a script. */
export const SHELL_PLACES: readonly PlaceRow[] = [
  ...ENV_PLACES.map((row) => ({ ...row, isTotal: row.isTotal === true || isQuotable(row.text) })),
  { text: "A=$B@@", expect: (v) => `bee${v}`, isTotal: true },
  { text: "A=$(printf '%s.' @@); A=${A%.}", expect: (v) => v, isTotal: true },
  { text: 'A="$(printf "%s." "x@@")"; A=${A%.}', expect: (v) => `x${v}`, isTotal: true },
  { text: "A=$(printf '%s.' a@@'b@@'\"@@\"); A=${A%.}", expect: (v) => `a${v}b${v}${v}`, isTotal: true },
  { text: "set -- @@ x@@ @@y; A=$1,$2,$3,$#", expect: (v) => `${v},x${v},${v}y,3`, isTotal: true },
  { text: 'if test "$B" = bee; then\n  A=@@ # why\nfi', expect: (v) => v, isTotal: true },
  { text: "f() { A=$1; }\nf @@", expect: (v) => v, isTotal: true },
  { text: "A=\nfor x in @@ @@; do A=$A[$x]; done", expect: (v) => `[${v}][${v}]`, isTotal: true },
  { text: "case @@ in nothing-like-it) A=y ;; *) A=x ;; esac", expect: () => "x", isTotal: true },
  { text: "A=x\ncat <<'END' >/dev/null\n'\nEND\nA=@@", expect: (v) => v, isTotal: true },
  { text: "A=x; : <<-END\n\tit's\n\tEND\n[ @@ = 'yet another' ] || A=z", expect: () => "z", isTotal: true },
  { text: "A=x; (A=@@); [ $((1 + 2)) = 3 ] && A=@@", expect: (v) => v, isTotal: true },
  { text: "A=x; cat >/dev/null <<END\n@@\nEND\n", expect: () => "x" },
  { text: "A=x; cat >/dev/null <<'END'\n@@\nEND\n", expect: () => "x" },
  { text: "A=x; cat >/dev/null <<@@\n@@\n@@\n", expect: () => "x" },
  { text: "A=$((1 + @@))", expect: () => "1" },
  { text: "A=x; @@ 2>/dev/null", expect: () => "x" },
  { text: "A=x; eval @@", expect: () => "x" },
  { text: "A=x; . @@", expect: () => "x" },
  { text: "A=x; sh -c @@", expect: () => "x" },
  { text: "A=x; unset @@", expect: () => "x" },
  { text: "A=x; export B@@", expect: () => "x" },
  { text: "A=${B:-@@}", expect: () => "bee" },
  { text: "A=x; true & @@", expect: () => "x" },
  { text: "A=x; if @@; then :; fi", expect: () => "x" },
  { text: "A=x; (exit 3) || : @@", expect: () => "x", isTotal: true },
  { text: "A=x; case x in @@) A=y ;; esac", expect: (v) => (v === "x" ? "y" : "x") },
  { text: "A=\"x$B\"'@@'\n", expect: (v) => `xbee${v}`, isTotal: true },
  { text: "printf '%s' @@ 2>&1 >/dev/null; A=@@", expect: (v) => v, isTotal: true },
];

export const TOML_PLACES: readonly PlaceRow[] = [
  { text: "kA = @@\nb = 1\n", expect: (v) => ({ kA: v, b: 1 }), isTotal: true },
  { text: "kA = @@ # why\r\nb = 1\r\n", expect: (v) => ({ kA: v, b: 1 }), isTotal: true },
  { text: "@@ = 1\n", expect: (v) => ({ [v]: 1 }), isTotal: true },
  { text: "[x.@@]\nb = @@\n", expect: (v) => ({ x: { [v]: { b: v } } }), isTotal: true },
  { text: "[[@@]]\nb.@@.c = 1\n", expect: (v) => ({ [v]: [{ b: { [v]: { c: 1 } } }] }), isTotal: true },
  { text: "x_@@ = 1\n", expect: (v) => ({ [`x_${v}`]: 1 }) },
  { text: "kA = [@@,\n  @@, # c\n]\nb = { @@ = @@, kC = 1 }\n", expect: (v) => ({ kA: [v, v], b: { [v]: v, kC: 1 } }) },
  { text: 'kA = "x@@y"\n"@@" = 1\n', expect: (v) => ({ kA: `x${v}y`, [v]: 1 }) },
  { text: "kA = 'x@@y'\nb = 1\n", expect: (v) => ({ kA: `x${v}y`, b: 1 }) },
  { text: 'kA = """\n@@ "@@"\n  @@"""\nb = 1\n', expect: (v) => ({ kA: `${v} "${v}"\n  ${v}`, b: 1 }), isTotal: true },
  { text: 'kA = """x \\\n   @@"""\nb = 1\n', expect: (v) => ({ kA: `x ${v}`, b: 1 }), isTotal: true },
  { text: "kA = '''\n@@ '@@'\n  @@'''\nb = 1\n", expect: (v) => ({ kA: `${v} '${v}'\n  ${v}`, b: 1 }) },
  { text: "# @@\nkA = 1 # @@\n", expect: () => ({ kA: 1 }) },
  { text: "kA = 1@@\n", expect: (v) => ({ kA: `1${v}` }) },
  { text: "kA = { kB = @@ }\n", expect: (v) => ({ kA: { kB: v } }), isTotal: true },
  { text: "kA = [\"@@\", '@@']\n", expect: (v) => ({ kA: [v, v] }) },
  { text: 'kA = "\\u@@"\n', expect: (v) => ({ kA: v }) },
  { text: "'@@' = 1\n", expect: (v) => ({ [v]: 1 }) },
  { text: '[kA."@@"]\nb = 1\n', expect: (v) => ({ kA: { [v]: { b: 1 } } }), isTotal: true },
];

/** `[name, attributes, [child or text, …]]`, adjacent texts joined. */
export const XML_PLACES: readonly PlaceRow[] = [
  { text: "<a>@@</a>", expect: (v) => ["a", {}, v], isTotal: true },
  { text: "<a>x@@y</a>", expect: (v) => ["a", {}, `x${v}y`], isTotal: true },
  { text: "<a b='@@' c=\"x@@\">@@</a>", expect: (v) => ["a", { b: v, c: `x${v}` }, v], isTotal: true },
  { text: "<a><!-- @@ --><![CDATA[x]@@]]></a>", expect: (v) => ["a", {}, `x]${v}`] },
  { text: "<a><![CDATA[@@]]></a>", expect: (v) => ["a", {}, v], isTotal: true },
  { text: "<?xml version='1.0'?>\n<a @@='@@'>]]@@</a>", expect: (v) => ["a", { [v]: v }, `]]${v}`] },
  { text: "<a b='@@'/>", expect: (v) => ["a", { b: v }, ""], isTotal: true },
  { text: "<a b=@@/>", expect: (v) => ["a", { b: v }, ""] },
  { text: "<a><b>x</b>@@<!-- c --></a>", expect: (v) => ["a", {}, `x${v}`], isTotal: true },
  { text: "<a>&@@;</a>", expect: (v) => ["a", {}, v] },
  { text: "<a>&#@@;</a>", expect: (v) => ["a", {}, v] },
  { text: "<!-- x @@ y --><a/>", expect: () => ["a", {}, ""] },
  { text: "<?p @@?><a/>", expect: () => ["a", {}, ""] },
  { text: "<!DOCTYPE a [<!ENTITY b '@@'>]><a>&b;</a>", expect: (v) => ["a", {}, v] },
  { text: "<a><![CDATA[x]]>@@<![CDATA[]]>]]&gt;</a>", expect: (v) => ["a", {}, `x${v}]]>`], isTotal: true },
  { text: "<@@>@@</@@>", expect: (v) => [v, {}, v] },
];

/** What haproxy must hand to the directive `d`, whose words are in question. */
export const HAPROXY_PLACES: readonly PlaceRow[] = [
  { text: "d @@", expect: (v) => [v] },
  { text: "d x@@y", expect: (v) => [`x${v}y`], isTotal: true },
  { text: 'd "x@@" # @@', expect: (v) => [`x${v}`] },
  { text: "d 'x@@'", expect: (v) => [`x${v}`] },
  { text: 'd a\\ b@@"\\"c @@"', expect: (v) => [`a b${v}"c ${v}`], isTotal: true },
  { text: "@@ x", expect: (v) => [v, "x"] },
  { text: "d f(@@)", expect: (v) => [`f(${v})`] },
  { text: "d -@@ x", expect: (v) => [`-${v}`, "x"], isTotal: true },
  { text: "d \\@@", expect: (v) => [v] },
  { text: 'd "$@@"', expect: (v) => [v] },
  { text: 'd "${@@}"', expect: (v) => [v] },
  { text: "d 'x'@@\"y\"", expect: (v) => [`x${v}y`], isTotal: true },
  { text: "d x:@@ y", expect: (v) => [`x:${v}`, "y"], isTotal: true },
  { text: "d x # @@ y", expect: () => ["x"] },
  { text: 'd x@@ "${ARG}@@"', expect: (v) => [`x${v}`, `arg${v}`], isTotal: true },
];

/** What Python's configparser, and git where it has the same words, must read: keys of the section `s`. */
export const INI_PLACES: readonly PlaceRow[] = [
  { text: "[s]\na = @@\nb = 1\n", expect: (v) => ({ s: { a: v, b: "1" } }) },
  { text: "[s]\na=x@@y\nb = 1\n", expect: (v) => ({ s: { a: `x${v}y`, b: "1" } }) },
  { text: '[s]\na = "@@"\nb = 1\n', expect: (v) => ({ s: { a: `"${v}"`, b: "1" } }) },
  { text: "[s]\na = http://@@/@@\nb = 1\n", expect: (v) => ({ s: { a: `http://${v}/${v}`, b: "1" } }) },
  { text: "[s]\na = $@@\nb = 1\n", expect: (v) => ({ s: { a: `$${v}`, b: "1" } }) },
  { text: "[s]\na = x\\@@\nb = 1\n", expect: (v) => ({ s: { a: `x\\${v}`, b: "1" } }) },
  { text: "[s]\n@@ = 1\n", expect: (v) => ({ s: { [v]: "1" } }) },
  { text: "[s]\nk@@ = 1\n", expect: (v) => ({ s: { [`k${v}`]: "1" } }) },
  { text: "[@@]\na = 1\n", expect: (v) => ({ [v]: { a: "1" } }) },
  { text: "; @@\n# @@\n[s]\na = 1\n", expect: () => ({ s: { a: "1" } }) },
  { text: "[s]\na = 1\n  @@\n", expect: (v) => ({ s: { a: `1\n${v}` } }) },
  { text: "[s]\na = 1\n@@\n", expect: () => ({ s: { a: "1" } }) },
  { text: "[s]\n@@", expect: () => ({ s: {} }) },
];

/** As it is, on its line. */
const TEXT_PLACES: readonly PlaceRow[] = [
  { text: "@@", expect: (v) => v, isTotal: true },
  { text: "x @@ y\nz", expect: (v) => `x ${v} y\nz`, isTotal: true },
  { text: "# @@\n@@@@", expect: (v) => `# ${v}\n${v}${v}`, isTotal: true },
];

/** Every place of every format. */
export const PLACES: Readonly<Record<FormatName, readonly PlaceRow[]>> = {
  nginx: NGINX_PLACES,
  haproxy: HAPROXY_PLACES,
  json: JSON_PLACES,
  yaml: YAML_PLACES,
  toml: TOML_PLACES,
  env: ENV_PLACES,
  shell: SHELL_PLACES,
  ini: INI_PLACES,
  xml: XML_PLACES,
  text: TEXT_PLACES,
};
