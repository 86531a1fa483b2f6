import { expect, it } from "vitest";
import { compileTemplate } from "../../../../src/render/template/engine.ts";

function told(text: string): string {
  const [first] = compileTemplate({ file: "t.hbs", text, format: "nginx", allowRaw: false, partials: new Map() }).findings;
  const { line, column } = first?.location ?? {};
  return first === undefined ? "nothing" : `${line}:${column} ${first.message} | ${first.hint ?? ""}`;
}

it.each<[string, string, string]>([
  [
    "a brace of nginx behind a block",
    "server {\n{{#each services}}x {{/each}}}\n",
    "2:28 cannot be parsed: unexpected CLOSE_UNESCAPED | a literal `}` right",
  ],
  [
    "a brace of nginx behind a value",
    "a\n    return 200 {{node}}};",
    "2:22 cannot be parsed: unexpected CLOSE_UNESCAPED | a literal",
  ],
  ["two braces behind a value", "{{node}}}}", "1:7 cannot be parsed: unexpected CLOSE_RAW_BLOCK | literal braces"],
  ["a brace in front of a value", "upstream x {{{node}}", "1:19 cannot be parsed: unexpected CLOSE | `{{{` needs `}}}`"],
  ["a block without #", "a\n{{if node}}b{{/if}}", "2:13 cannot be parsed: unexpected OPEN_ENDBLOCK | it closes nothing"],
  ["an end without a block", "a\n\nb {{/if}}", "3:3 cannot be parsed: unexpected OPEN_ENDBLOCK | it closes nothing"],
  ["else without a block", "x\n{{else}}", "2:1 cannot be parsed: unexpected INVERSE | {{else}} stands in a block"],
  ["two elses", "{{#if node}}{{else}}{{else}}{{/if}}", "1:21 cannot be parsed: unexpected INVERSE | {{else}} stands"],
  ["a comparison", "{{#if node == 1}}{{/if}}", "1:13 cannot be parsed: unexpected EQUALS | comparisons are helpers"],
  ["a logical operator", "a\n  {{#if node && x}}{{/if}}", "2:14 cannot be parsed: unexpected INVALID | comparisons are helpers"],
  ["a pipe", "{{node | lower}}", "1:8 cannot be parsed: unexpected CLOSE_BLOCK_PARAMS | helpers stand in front"],
  ["a path of Go", "{{ .Address }}", "1:4 cannot be parsed: unexpected SEP | a path does not begin with a point"],
  ["an index of JavaScript", "{{tags[0]}}", "1:3 cannot be parsed: unexpected INVALID | an item of a list is {{x.[0]}}"],
  ["an index with a point", "{{tags.0}}", "1:8 cannot be parsed: unexpected NUMBER | an item of a list is {{x.[0]}}"],
  [
    "a parenthesis that is not closed",
    "{{#if (eq node 1}}{{/if}}",
    "1:17 cannot be parsed: unexpected CLOSE | a parenthesis is not closed",
  ],
  ["a mustache with one brace", "{{ node }", "1:9 cannot be parsed: unexpected INVALID | `{{` is not closed with `}}`"],
  ["a mustache that is not closed", "a {{", "1:5 cannot be parsed: unexpected EOF | `{{` is not closed"],
  ["a quote that is not closed", "{{key 'a/b}}", "1:7 cannot be parsed: unexpected INVALID | a quote is not closed"],
  [
    "a space in front of #",
    "{{ # each services}}{{/each}}",
    "1:4 cannot be parsed: unexpected INVALID | no space between {{ and #",
  ],
  ["a comment that is not closed", "a\n{{!-- c }}", "2:1 cannot be parsed | a comment is not closed"],
  ["a path into the parent behind a name", "{{a/../b}}", "1:3 cannot be parsed: Invalid path: a/.."],
])("%s is explained at its place", (_what, text, expected) => {
  expect(told(text)).toContain(expected);
});
