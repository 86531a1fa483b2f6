import { describe } from "vitest";
import { gives, refuses } from "./table.ts";

const QUOTES = 'it needs quotes around it: "{{…}}" for shells and systemd (docker --env-file reads no quotes: use format text)';
const COMMAND = "it would be a command";
const EXPANSION = "it would be a part of an expansion";

describe("env", () => {
  gives("env", [
    ["A=@@\nB=@@\nC=@@", ["a.b:c/d@e%f+g,h=i-j_k", "", 5], "A=a.b:c/d@e%f+g,h=i-j_k\nB=\nC=5"],
    ["A='@@'\nB=\"@@\"", ["it's", '"$(id)`\\'], "A='it'\\''s'\nB=\"\\\"\\$(id)\\`\\\\\""],
    ["export @@=@@\nAPP_@@=x", ["NAME", "v", "1"], "export NAME=v\nAPP_1=x"],
    ["# @@\nA=x # @@", ["web-1", "web-2"], "# web-1\nA=x # web-2"],
    ['A="${B}@@"', ["x y"], 'A="${B}x y"'],
  ]);
  refuses("env", [
    ["A=@@", "x".repeat(30_000), "it makes a line longer than docker --env-file can read (64 KiB)"],
    ["A=@@", "a b", QUOTES],
    ["A=@@", "$HOME", QUOTES],
    ["A=@@", "~", QUOTES],
    ["A=@@", "'x'", QUOTES],
    ["A=@@", "a#b", QUOTES],
    ['A="@@"', "a\nLD_PRELOAD=x", "it holds a line break, which has no escape in an env file"],
    ["A='@@'", "a\rb", "it holds a line break, which has no escape in an env file"],
    ["@@=x", "A B", "it is no name of a variable"],
    ["@@=x", "", "it is no name of a variable"],
    ["APP_@@=x", "a-b", "it is no name of a variable"],
    ["@@", "reboot", COMMAND],
    ["A=x @@", "reboot", COMMAND],
    ["echo @@", "x", "it is no part of a NAME=value line"],
    ['A="$B@@"', "x", "it would make a variable's name longer: write ${name}"],
    ['A="$@@"', "HOME", "it stands behind a $"],
    ['A="\\@@"', "x", "it stands behind a backslash"],
    ["A=~@@", "root", "it is glued to a variable's name or a ~ without quotes"],
    ["# @@", "a\nA=1", "it stands in a comment, where only a plain word is let through"],
  ]);
});

describe("shell", () => {
  gives("shell", [
    ["f @@ @@ @@", ["a", "a b", ""], "f a 'a b' ''"],
    ["f x@@'@@'\"@@\"", ["it's", "it's", 'a"$b\\'], "f x'it'\\''s''it'\\''s'\"a\\\"\\$b\\\\\""],
    ["A=@@ B=$C@@ f", ["$x", "y"], "A='$x' B=$C'y' f"],
    ["f $(g @@) `h` ${x:-y} $((1+2)) @@", ["a;b", "c"], "f $(g 'a;b') `h` ${x:-y} $((1+2)) c"],
    ['f "$(g "@@")"', ["$"], 'f "$(g "\\$")"'],
    ["f {a,@@}", ["b,c"], "f {a,'b,c'}"],
    ["f @@>g", ["2"], "f '2'>g"],
    ["f 2>&1 <<E @@\nit's\nE\ng @@", ["a b", "c d"], "f 2>&1 <<E 'a b'\nit's\nE\ng 'c d'"],
    ["f <<<@@ && g &>x @@", ["a b", "c d"], "f <<<'a b' && g &>x 'c d'"],
    ["f() {\n  g @@\n}\nif f @@; then g; fi", ["a b", "a\nb"], "f() {\n  g 'a b'\n}\nif f 'a\nb'; then g; fi"],
    ["sudo g @@ | sh -x @@", ["a b", "c d"], "sudo g 'a b' | sh -x 'c d'"],
  ]);
  refuses("shell", [
    ["@@ x", "reboot", COMMAND],
    ["f; @@", "reboot", COMMAND],
    ["f && /opt/@@/g", "x", COMMAND],
    ['"@@" x', "reboot", COMMAND],
    ["if @@; then g; fi", "reboot", COMMAND],
    ["f $(@@)", "reboot", COMMAND],
    ["sudo @@", "reboot", COMMAND],
    ["f `g @@`", "x", EXPANSION],
    ["f ${x:-@@}", "x", EXPANSION],
    ["f $((1 + @@))", "x", "it would be a part of an arithmetic expression"],
    ["((x > @@))", "x", "it would be a part of an arithmetic expression"],
    ["f <<E\n@@\nE\n", "x", "it stands in a here-document"],
    ["f <<'@@'\n@@\nE\n", "x", "it stands behind a here-document whose end is uncertain"],
    ["eval 'f @@'", "x", "it would be a word of a command that may run its words as a program"],
    ["unset @@", "x", "it would be a word of a command that may run its words as a program"],
    ["export @@", "LD_PRELOAD=x", "it would be the variable that is set, or an option"],
    ["export B@@", "=x", "it would be the variable that is set, or an option"],
    ['sh -c "f @@"', "x", "it would be a word of a command that may run its words as a program"],
    ["[[ $x -eq @@ ]]", "x", "it would be a word of a command that may run its words as a program"],
    ["f $'a\\'' @@", "x", "it stands behind $'…' or $[…], which shells read differently"],
    ["x=$(case a in a) b;; esac) @@", "x", "it stands behind a case within $( ), which cannot be followed"],
    ["f ${x:-'a'} @@", "x", "it stands behind a ${…} with quotes or a command inside, which cannot be followed"],
    ["f \\@@", "x", "it stands behind a backslash"],
    ["f $@@", "x", "it stands behind a $"],
  ]);
});
