import { describe, expect, test } from "vitest";
import { isPlain, markText, resolve } from "../../../../src/render/formats/index.ts";
import { gives, refuses } from "./table.ts";

describe("text", () => {
  gives("text", [["a @@ @@ @@\n", ["x; {} $y # 'z' \t", 1, null], "a x; {} $y # 'z' \t 1 \n"]]);
  refuses("text", [
    ["@@", "a\nb", "it holds a line break or a control character, and the format is text"],
    ["@@", "a\u0085b", "it holds a line break or a control character, and the format is text"],
    ["@@", "a\u2028b", "it holds a line break or a control character, and the format is text"],
    ["@@", "\u001b[2J", "it holds a line break or a control character, and the format is text"],
  ]);

  test("what prints is plain; the line breaks of a structure are its own", () => {
    expect(["", "a b", "$x;", "é\t"].every((value) => isPlain("text", value))).toBe(true);
    expect(["a\n", "\u0007", "\u2029", "\ud800", "\ue000"].some((value) => isPlain("text", value))).toBe(false);
    expect(resolve("text", markText(0), [{ value: "a:\n  - 1", structure: "a:\n  - 1" }])).toEqual({
      ok: true,
      text: "a:\n  - 1",
    });
  });
});

describe("haproxy", () => {
  gives("haproxy", [
    [" server @@ @@:@@ check", ["web-1", "10.0.0.1", 80], " server web-1 10.0.0.1:80 check"],
    [" d @@ @@", ["a b#c", "x"], " d a\\ b\\#c x"],
    [" d x@@ @@y", ["", ""], ' d x"" ""y'],
    [" d '@@' \"@@\"", ['a"b$', 'a"b$\\'], ' d \'a"b$\' "a\\"b\\$\\\\"'],
    [" acl x hdr(@@) -i @@", ["X-Y", "it's"], " acl x hdr(X-Y) -i it\\'s"],
    ["# @@\n d x", ["web"], "# web\n d x"],
  ]);
  refuses("haproxy", [
    ["@@ x", "global", "it would be a keyword"],
    [" @@", "server", "it would be a keyword"],
    [" d @@", "a\nb", "it holds a line break, which has no escape in haproxy"],
    [" d @@", "%[env(A)]", "it holds a %, which begins an expression in haproxy's log formats"],
    [" d @@", "", "it would be an empty word, which ends the line for HAProxy"],
    [' d "@@"', "", "it would be an empty word, which ends the line for HAProxy"],
    [" d @@'@@'", "", "it would be an empty word, which ends the line for HAProxy"],
    [" d @@", "-f", "its first character has a meaning in haproxy"],
    [" d @@", "}", "its first character has a meaning in haproxy"],
    [" acl x hdr(@@)", "a),lower", "it is an argument in parentheses, where only a plain word is let through"],
    [" d '@@'", "it's", "it holds a single quote, which has no escape in single quotes"],
    [' d "$@@"', "HOME", "it stands behind a $"],
    [" d \\@@", "n", "it stands behind a backslash"],
  ]);
});

describe("ini", () => {
  gives("ini", [
    ["[@@]\n@@ = @@ @@\n", ["main.x", "key", "a = b: c", "d"], "[main.x]\nkey = a = b: c d\n"],
    ['a = "@@"\nb:@@\n; @@', ["x; #y ", "z", "web"], 'a = "x; #y "\nb:z\n; web'],
  ]);
  refuses("ini", [
    ["a = @@", "x\n[evil]", "it holds a line break, which has no escape in an ini file"],
    ["a = @@", "x ; y", 'it holds a quote, a tab, a ; or a #, which needs "…" around it'],
    ["a = @@", '"x"', 'it holds a quote, a tab, a ; or a #, which needs "…" around it'],
    ["a = @@", 'say "x"', 'it holds a quote, a tab, a ; or a #, which needs "…" around it'],
    ["a = @@", " x", 'it has a blank at its edge, which needs "…" around it'],
    ["a = @@", "x\\", "it holds a backslash, a % or ${, which some readers of ini files expand: for others use format text"],
    ["a = $@@", "{x}", "it holds a backslash, a % or ${, which some readers of ini files expand: for others use format text"],
    ["a = @@", "${x}", "it holds a backslash, a % or ${, which some readers of ini files expand: for others use format text"],
    ['a = "@@"', '"', "it holds a double quote, which has no escape in an ini file"],
    ["@@ = 1", "a=b", "it is a part of a key, where only a plain word is let through"],
    ["@@ = 1", "[x]", "it is a part of a key, where only a plain word is let through"],
    ["[@@]", "a]\nb", "it is a part of the name of a section, where only a plain word is let through"],
    ["@@", "x", "it is no part of a key=value line"],
    ["a = \\\n @@=b", "x", "it is no part of a key=value line"],
    ["; @@", "a\nb", "it stands in a comment, where only a plain word is let through"],
  ]);
});

describe("xml", () => {
  gives("xml", [
    ["<a b='@@'>@@</a>", ["<&>\"'\n", "<&>\"'\n"], "<a b='&lt;&amp;&gt;&quot;&apos;&#10;'>&lt;&amp;&gt;\"'\n</a>"],
    ["<@@ @@='x'/>", ["tag", "name"], "<tag name='x'/>"],
    ["<![CDATA[@@@@]]>", ["web-1", "]]>"], "<![CDATA[web-1]]>]]&gt;<![CDATA[]]>"],
  ]);
  refuses("xml", [
    ["<a>@@</a>", "\u0007", "it holds a control character, which XML does not have"],
    ["<a><!-- @@ --></a>", "x--", "it stands in a comment, where only a plain word is let through"],
    ["<@@/>", "a b='c'", "it stands in a tag, where only a plain name is let through"],
    ["<a b=@@/>", "c", "it is an attribute's value without quotes around it"],
    ["<a>&@@;</a>", "lt", "it would be the name of an entity"],
    ["<a b='&#@@;'/>", "60", "it would be the name of an entity"],
    ["<?xml @@?><a/>", "c", "it stands in a processing instruction"],
    ["<!DOCTYPE a [<!ENTITY b '@@'>]><a/>", "c", "it stands in or behind a document type, which can change what text means"],
  ]);
});
