import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { FairleadError, type Location, messageOf } from "../model/errors.ts";
import { compareText, type Instance } from "../model/instance.ts";
import { type Mistake, readServices } from "./static-values.ts";

const SHOWN_MISTAKES = 5;

/**
 * The text of a services file → its instances, sorted by service and id.
 * @throws FairleadError `SOURCE_UNAVAILABLE` that names every mistake with file, line and column: nothing is taken from a file that is
 * not right as a whole
 */
export function parseServicesFile(text: string, options: { readonly file: string; readonly node: string }): readonly Instance[] {
  const { file, node } = options;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  function at(offset: number): Location {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  }
  const syntax = document.errors.map((error) => ({ message: error.message.split("\n")[0] ?? "", location: at(error.pos[0]) }));
  if (syntax.length > 0) {
    throw broken(syntax);
  }
  if (document.contents === null) {
    // An editor may have cut it on its way to writing it again: that must not empty a service.
    throw broken([
      { message: "the file is empty", hint: "write `services: {}` when there is nothing to register", location: at(0) },
    ]);
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    throw broken([{ message: messageOf(error), location: at(0) }]);
  }
  const { instances, mistakes } = readServices(value, node);
  const placed = mistakes
    .map((mistake) => ({ mistake, offset: offsetOf(document, mistake) }))
    .sort((a, b) => a.offset - b.offset)
    .map(({ mistake: { message, hint }, offset }) => ({ message, ...(hint !== undefined && { hint }), location: at(offset) }));
  if (placed.length > 0) {
    throw broken(placed);
  }
  return [...instances].sort((a, b) => compareText(a.service, b.service) || compareText(a.id, b.id));
}

function offsetOf(document: Document, { path, atKey }: Mistake): number {
  const parent = atKey === true ? document.getIn(path.slice(0, -1), true) : undefined;
  const key = isMap(parent)
    ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === path.at(-1))?.key
    : undefined;
  const node = isNode(key) ? key : nearestNode(document, path);
  return node?.range?.[0] ?? 0;
}

/** The node at the path; where there is none (an alias on the way, a missing key), that of the closest part above. */
function nearestNode(document: Document, path: readonly (string | number)[]): Node | null | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) {
      return node;
    }
  }
  return isNode(document.contents) ? document.contents : undefined;
}

interface Placed {
  readonly message: string;
  readonly hint?: string;
  readonly location: Location;
}

function broken(mistakes: readonly Placed[]): FairleadError {
  const [first] = mistakes;
  const shown = mistakes.slice(0, SHOWN_MISTAKES).map(({ message, location }) => {
    return `${location.file}:${location.line}:${location.column}: ${message}`;
  });
  const more = mistakes.length > SHOWN_MISTAKES ? [`and ${mistakes.length - SHOWN_MISTAKES} more`] : [];
  return new FairleadError("SOURCE_UNAVAILABLE", `cannot use the services file: ${[...shown, ...more].join("; ")}`, {
    retryable: true,
    ...(first?.hint !== undefined && { hint: first.hint }),
    ...(first !== undefined && { location: first.location }),
  });
}
