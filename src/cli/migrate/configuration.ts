import { stringify } from "yaml";
import type { Line, Value } from "./line.ts";

const WIDTH = 110;

/** A key of the configuration: a block of others, or a value, with what is to be said about it. */
interface Node {
  readonly comments: string[];
  readonly children: Map<string, Node>;
  value: Value | undefined;
}

/** The lines as a configuration file, each with its comment at its place: what is short before what is long. */
export function writeConfiguration(head: readonly string[], lines: readonly Line[]): string {
  const root = newNode();
  for (const { from, why, at, value } of lines.toSorted((a, b) => rankOf(a) - rankOf(b))) {
    let node = root;
    for (const name of at.split(".")) {
      const child = node.children.get(name) ?? newNode();
      node.children.set(name, child);
      node = child;
    }
    if (why !== "") {
      node.comments.push(from === "" ? why : `${from}: ${why}`);
    }
    node.value = value ?? node.value;
  }
  return `${[...head.flatMap((text) => comment(text, "")), ...printBlock(root, "")].join("\n")}\n`;
}

function rankOf({ at }: Line): number {
  return ["node", "registry", "register", "register.sources"].findLastIndex(
    (start) => at === start || at.startsWith(`${start}.`),
  );
}

function newNode(): Node {
  return { comments: [], children: new Map(), value: undefined };
}

function printBlock(block: Node, indent: string): readonly string[] {
  return [...block.children].flatMap(([name, node]) => {
    const said = [...(indent === "" ? [""] : []), ...node.comments.flatMap((text) => comment(text, indent))];
    if (node.children.size > 0) {
      return [...said, `${indent}${name}:`, ...printBlock(node, `${indent}  `)];
    }
    const value =
      node.value === undefined
        ? "{}"
        : stringify(node.value, { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
    return [...said, `${indent}${name}: ${value}`];
  });
}

/** Lines of a comment. */
function comment(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + word.length + 3 > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].map((part) => `${indent}# ${part}`);
}
