import { describe, expect, test } from "vitest";
import { isPlain } from "../../../../src/render/formats/index.ts";
import { fill } from "./places.ts";
import { gives, refuses } from "./table.ts";

const NAME = "it would be the name of a directive";
const VARIABLE = "it would be a part of a variable's name";
const CLASS = "it stands in a part of a pattern that is no text: a [ ], a { } or the head of a group";
const DOLLAR = "it holds a $, which has no escape in nginx";

describe("nginx", () => {
  gives("nginx", [
    ["return 200 @@;", ["a.b:c/[d]@e%f+g,h=i~j-k_L0"], "return 200 a.b:c/[d]@e%f+g,h=i~j-k_L0;"],
    ["return 200 @@;", [""], 'return 200 "";'],
    ["return 200 @@;", [8080], "return 200 8080;"],
    ["return 200 @@;", [null], 'return 200 "";'],
    ["return 200 @@;", ['"already quoted"'], 'return 200 "\\"already quoted\\"";'],
    ["return 200 @@;", ["a\\"], 'return 200 "a\\\\";'],
    ["return 200 '@@';", [`it's "x" \\`], `return 200 'it\\'s "x" \\\\';`],
    ['return 200 "@@";', [`it's "x" \\`], `return 200 "it's \\"x\\" \\\\";`],
    ["proxy_pass http://@@:@@/x;", ["10.0.0.1", 80], "proxy_pass http://10.0.0.1:80/x;"],
    ["proxy_pass http://@@/x;", ["a b"], 'proxy_pass "http://a b/x";'],
    ['return 200 a"@@"\\"b;', ["x;y"], 'return 200 "a\\"x;y\\"\\"b";'],
    ["return 200 @@#;", [""], 'return 200 "#";'],
    ["return 200 @@{", ["a b"], 'return 200 "a b"{'],
    ["return 200 ${x}@@$y;", ["a{"], 'return 200 "${x}a{$y";'],
    ["proxy_pass http://$up@@;", ["/x"], "proxy_pass http://$up/x;"],
    ["proxy_pass http://$up@@;", [""], 'proxy_pass "http://$up";'],
    ["if ($a = @@) {}", ["b"], "if ($a = b) {}"],
    ["if ($a = @@) {}", [""], 'if ($a = "") {}'],
    ["if ($a = @@) {}", ["a)"], 'if ($a = "a)") {}'],
    ["server_name @@ *.@@;", ["web", "a.example"], "server_name web *.a.example;"],
    ["# upstream @@\nx y;", ["web-1"], "# upstream web-1\nx y;"],
    ["include vhost.d/@@.conf;", ["web.example"], "include vhost.d/web.example.conf;"],
    ["map $a $b { @@ @@; }", ["key", "value x"], 'map $a $b { key "value x"; }'],
    ["map $a $b { @@ x; @@ x; @@ x; }", ["default", "~a", "\\a"], 'map $a $b { "\\\\default" x; "\\\\~a" x; "\\\\\\\\a" x; }'],
    ["map $a $b { '@@' x; @@.x y; }", ["include", "include"], "map $a $b { '\\\\include' x; \"\\\\include.x\" y; }"],
    ["geo $a { @@ x; }", ["10.0.0.0/8"], "geo $a { 10.0.0.0/8 x; }"],
    ["types { @@ @@; }", ["text/html", "htm"], "types { text/html htm; }"],
    ["location @@ { }", ["/a b"], 'location "/a b" { }'],
    ["location ~ ^/@@ { }", ["~a"], "location ~ ^/~a { }"],
    ["location ~ ^/@@$ { }", ["a.b"], 'location ~ "^/a\\\\.b$" { }'],
    ["location ~* '^/@@\\.php$' { }", [".*"], "location ~* '^/\\\\.\\\\*\\.php$' { }"],
    ["location ~@@ { }", ["* (x|y)"], 'location "~\\\\*\\\\ \\\\(x\\\\|y\\\\)" { }'],
    ["rewrite ^/@@+x /@@ last;", ["a.b", "c.d"], 'rewrite "^/(?:a\\\\.b)+x" /c.d last;'],
    ["if ($a ~ ^@@) { }", ["a|b"], 'if ($a ~ "^a\\\\|b") { }'],
    ["if ($a = @@) { }", ["a|b"], 'if ($a = "a|b") { }'],
    ["server_name ~^@@$;", ["a.example"], 'server_name "~^a\\\\.example$";'],
    ["map $a $b { ~^@@$ @@; }", ["a.b", "c.d"], 'map $a $b { "~^a\\\\.b$" c.d; }'],
    ["proxy_pass http://@@;", ["unix.example"], "proxy_pass http://unix.example;"],
  ]);

  refuses("nginx", [
    ["return 200 @@;", "a$b", DOLLAR],
    ["return 200 '@@';", "$", DOLLAR],
    ["return 200 @@;", "a\nb", "it holds a line break, which has no escape in nginx"],
    ["return 200 @@;", "a\r", "it holds a line break, which has no escape in nginx"],
    ["return 200 '@@';", "a\tb", "it holds a control character, which has no escape in nginx"],
    ["return 200 @@;", "a".repeat(5000), "it makes a word longer than nginx can read (4 KiB)"],
    ["return 200 $@@;", "host", VARIABLE],
    ["return 200 ${@@};", "host", VARIABLE],
    ["return 200 ${a@@};", "b", VARIABLE],
    ['return 200 "$a@@";', "b", VARIABLE],
    ["return 200 $a@@b;", "", VARIABLE],
    ["return 200 a\\@@;", "x", "it stands behind a backslash"],
    ["return 200 'a'@@;", "x", "it is glued to a closing quote"],
    ["@@ on;", "gzip", NAME],
    ["@@;", "internal", NAME],
    ["proxy_@@ on;", "buffering", NAME],
    ["server { '@@' on; }", "root", NAME],
    ["geo $a { @@ x; }", "include", 'it would be a word with a meaning in "geo"'],
    ["types { incl@@ x; }", "ude", 'it would be a word with a meaning in "types"'],
    ["include @@;", "/etc/passwd", 'it would choose a file for "include"'],
    ["include d/@@;", "../x", 'it would choose a file for "include"'],
    ["include d/@@;", "*", 'it would choose a file for "include"'],
    ["load_module @@;", "x.so", 'it would choose a file for "load_module"'],
    ["location @@ { }", "~ .*", 'its beginning has a meaning in "location"'],
    ["location @@ { }", "=/x", 'its beginning has a meaning in "location"'],
    ["server_name a @@;", "~.*", 'its beginning has a meaning in "server_name"'],
    ["proxy_pass http://@@;", "unix:/run/docker.sock:/x", 'its beginning has a meaning in "proxy_pass"'],
    ["proxy_pass @@;", "http://unix:/run/docker.sock:/x", 'its beginning has a meaning in "proxy_pass"'],
    ["upstream a { server @@; }", "unix:/run/docker.sock", 'its beginning has a meaning in "server"'],
    ["auth_basic @@;", "off", 'its beginning has a meaning in "auth_basic"'],
    ["location ~ ^/[@@] { }", "a", CLASS],
    ["location ~ '^/a{@@}' { }", "3", CLASS],
    ["location ~ ^/(?<@@>x) { }", "a", CLASS],
    ["location ~ ^/(a)\\1@@ { }", "0", "it would be a part of an escape in a pattern"],
    ["if ( @@ = x) { }", "-f", 'it would be the test of an "if"'],
    ["if ($a @@ x) { }", "~", 'it would be the test of an "if"'],
    ["if (@@ = x) { }", "-f", 'it would be the test of an "if"'],
    ["content_by_lua 'ngx.say(\"@@\")';", "x", 'it would be program text in "content_by_lua"'],
    ['x_by_lua_block { f("@@") }', "x", "it stands behind the beginning of a Lua block, which is not nginx's own syntax"],
    ["perl_set $x 'sub { @@ }';", "x", 'it would be program text in "perl_set"'],
    ["# a\n # @@ \n", "a b", "it stands in a comment, where only a plain word is let through"],
  ]);

  test("plain is what begins with a digit or a bracket: no directive, path, variable or pattern does", () => {
    expect(["10.0.0.1:80", "[::1]:80", "8080", "0.5s"].filter((value) => !isPlain("nginx", value))).toEqual([]);
    expect(
      ["root", "/x", "~a", "-f", "", "a b", "$a", "1 2", "1;", "Host", "=x", "1".repeat(300)].filter((value) =>
        isPlain("nginx", value),
      ),
    ).toEqual([]);
  });

  test("two values in one word are one word", () => {
    expect(fill("nginx", "return 200 @@@@;", "a b", 'c"')).toEqual({ ok: true, text: 'return 200 "a bc\\"";' });
  });
});
