import type { PlaceRow } from "./places.ts";

/** A value in a pattern: each character of PCRE's syntax behind a backslash. */
function literal(value: string): string {
  return value
    .split("")
    .map((char) => (".*+?^$(){}|[]\\# ".includes(char) ? `\\${char}` : char))
    .join("");
}

/** A value as the key of a `map`, where nginx drops one backslash in front. */
function mapKey(value: string): string {
  return /^(~|\\|(default|hostnames|include|volatile)$)/.test(value) ? `\\${value}` : value;
}

const SERVER = "server { listen 127.0.0.1:1; ";

/** What nginx must read: the words of each statement. */
export const NGINX_PLACES: readonly PlaceRow[] = [
  { text: "return 200 @@;", expect: (v) => [["return", "200", v]], isTotal: true },
  { text: "return 200\n  @@  ;", expect: (v) => [["return", "200", v]], isTotal: true },
  { text: "return 200 x@@;", expect: (v) => [["return", "200", `x${v}`]], isTotal: true },
  { text: "return 200 @@y;", expect: (v) => [["return", "200", `${v}y`]], isTotal: true },
  { text: "return 200 @@#;", expect: (v) => [["return", "200", `${v}#`]], isTotal: true },
  { text: "return 200 @@@@@@;", expect: (v) => [["return", "200", v + v + v]], isTotal: true },
  { text: 'return 200 a\\"b"c\\\\d\\e@@"f;', expect: (v) => [["return", "200", `a"b"c\\d\\e${v}"f`]], isTotal: true },
  { text: "return 200 'x@@y';", expect: (v) => [["return", "200", `x${v}y`]], isTotal: true },
  { text: 'return 200 "@@";', expect: (v) => [["return", "200", v]], isTotal: true },
  { text: "return 200 '@@\\\\\\'';", expect: (v) => [["return", "200", `${v}\\'`]], isTotal: true },
  { text: "return 200 ${arg_a}@@/$arg_b;", expect: (v) => [["return", "200", `\${arg_a}${v}/$arg_b`]], isTotal: true },
  { text: "return 200 http://@@:@@/;# @@\n", expect: (v) => [["return", "200", `http://${v}:${v}/`]] },
  { text: "return 200 ${arg_@@};", expect: (v) => [["return", "200", `\${arg_${v}}`]] },
  { text: "return 200 \\@@;", expect: (v) => [["return", "200", `\\${v}`]] },
  { text: "return 302 @@;", expect: (v) => [["return", "302", v]], isTotal: true },
  {
    text: "add_header X @@ always;return 204;",
    expect: (v) => [
      ["add_header", "X", v, "always"],
      ["return", "204"],
    ],
    isTotal: true,
  },
  { text: "add_header @@ x;", expect: (v) => [["add_header", v, "x"]], isTotal: true },
  { text: "set $a @@;", expect: (v) => [["set", "$a", v]], isTotal: true },
  { text: "set $a_@@ x;", expect: (v) => [["set", `$a_${v}`, "x"]] },
  { text: "proxy_set_header X-@@ '@@';", expect: (v) => [["proxy_set_header", `X-${v}`, v]], isTotal: true },
  { text: "proxy_pass http://@@/x;", expect: (v) => [["proxy_pass", `http://${v}/x`]] },
  { text: "proxy_pass @@;", expect: (v) => [["proxy_pass", v]] },
  { text: "auth_basic @@;", expect: (v) => [["auth_basic", v]] },
  { text: "server_name @@ *.@@;", expect: (v) => [["server_name", v, `*.${v}`]] },
  { text: "server_name ~^@@$;", expect: (v) => [["server_name", `~^${literal(v)}$`]] },
  { text: "root /srv/@@;", expect: (v) => [["root", `/srv/${v}`]], isTotal: true },
  { text: "include sites/@@.conf;", expect: (v) => [["include", `sites/${v}.conf`]] },
  { text: "error_page 404 /@@.html;", expect: (v) => [["error_page", "404", `/${v}.html`]], isTotal: true },
  { text: "log_format x '@@ $status';", expect: (v) => [["log_format", "x", `${v} $status`]], isTotal: true },
  { text: "rewrite ^/@@/(.*)$ /@@/$1 last;", expect: (v) => [["rewrite", `^/${literal(v)}/(.*)$`, `/${v}/$1`, "last"]] },
  {
    text: "if ($arg_a = @@ ) { return 200 '@@'; }",
    expect: (v) => [["if", "($arg_a", "=", v, ")"], "{", ["return", "200", v], "}"],
    isTotal: true,
  },
  {
    text: "if ($arg_a = '@@') { return 204; }",
    expect: (v) => [["if", "($arg_a", "=", v, ")"], "{", ["return", "204"], "}"],
    isTotal: true,
  },
  {
    text: 'if ($arg_a ~ "^@@$") { return 204; }',
    expect: (v) => [["if", "($arg_a", "~", `^${literal(v)}$`, ")"], "{", ["return", "204"], "}"],
  },
  { text: "if (@@ = x) { return 204; }", expect: (v) => [["if", `(${v}`, "=", "x)"], "{", ["return", "204"], "}"] },
  { text: "if ($arg_a @@ x) { return 204; }", expect: (v) => [["if", "($arg_a", v, "x)"], "{", ["return", "204"], "}"] },
  { text: "location /@@ { return 204; }", expect: (v) => [["location", `/${v}`], "{", ["return", "204"], "}"], isTotal: true },
  { text: "location @@ { return 204; }", expect: (v) => [["location", v], "{", ["return", "204"], "}"] },
  { text: "location = /@@ { return 204; }", expect: (v) => [["location", "=", `/${v}`], "{", ["return", "204"], "}"] },
  {
    text: "location ~ ^/@@$ { return 204; }",
    expect: (v) => [["location", "~", `^/${literal(v)}$`], "{", ["return", "204"], "}"],
  },
  {
    text: "location ~* '^/@@\\.php' { return 204; }",
    expect: (v) => [["location", "~*", `^/${literal(v)}\\.php`], "{", ["return", "204"], "}"],
  },
  { text: "location ~ ^/[@@]$ { return 204; }", expect: (v) => [["location", "~", `^/[${v}]$`], "{", ["return", "204"], "}"] },
  { text: "upstream @@{ server @@; }", expect: (v) => [["upstream", v], "{", ["server", v], "}"] },
  { text: "map $a $b { x@@ @@; }", expect: (v) => [["map", "$a", "$b"], "{", [`x${v}`, v], "}"], isTotal: true },
  { text: "map $a $b { @@ 1; '@@' 2; }", expect: (v) => [["map", "$a", "$b"], "{", [mapKey(v), "1"], [mapKey(v), "2"], "}"] },
  { text: "map $a $b { ~^@@$ 1; }", expect: (v) => [["map", "$a", "$b"], "{", [`~^${literal(v)}$`, "1"], "}"] },
  { text: "geo $a { @@ 1; }", expect: (v) => [["geo", "$a"], "{", [v, "1"], "}"] },
  { text: "types { text/@@ @@; }", expect: (v) => [["types"], "{", [`text/${v}`, v], "}"] },
  { text: `${SERVER}@@ on; }`, expect: (v) => [["server"], "{", ["listen", "127.0.0.1:1"], [v, "on"], "}"] },
  { text: `${SERVER}@@; }`, expect: (v) => [["server"], "{", ["listen", "127.0.0.1:1"], [v], "}"] },
  { text: `# @@\n${SERVER}}`, expect: () => [["server"], "{", ["listen", "127.0.0.1:1"], "}"] },
  { text: `${SERVER}} # x @@ y`, expect: () => [["server"], "{", ["listen", "127.0.0.1:1"], "}"] },
  { text: "content_by_lua 'say(\"@@\")';", expect: (v) => [["content_by_lua", `say("${v}")`]] },
  { text: 'content_by_lua_block { say("@@") }', expect: () => [] },
];
