/** Renders one file: again without the instances that are to blame, where the file allows that. */

import type { Entry } from "../model/instance.ts";
import type { SetAside } from "../model/provenance.ts";
import { NOTHING, type Selector } from "../model/selector.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { blameInstances, describeAside, NOBODY, withoutAside } from "./aside.ts";
import { readsSecret, withMaskedKeys } from "./secrets.ts";
import type { Attempt, Template } from "./template/engine.ts";
import type { Facts } from "./template/reads.ts";
import { createView, type Read, type View } from "./template/view.ts";

/** Each turn names all who are to blame in it; who comes to light only then is rare, and this many turns deep unheard of. */
const MAX_TURNS = 5;

export interface Order {
  readonly dest: string;
  readonly template: Template;
  readonly facts: Facts;
  readonly onUnsafe: "fail" | "skip-instance";
  /** The service whose file it is, and what the template begins in. */
  readonly service?: string;
}

export interface Rendered {
  readonly dest: string;
  readonly template: Template;
  /** Of all turns. */
  readonly reads: readonly Read[];
  /** Undefined: its service was set aside as a whole, and there is no file. */
  readonly text: string | undefined;
  readonly setAside: readonly SetAside[];
  readonly asideEntries: ReadonlySet<Entry>;
}

export interface Sight {
  readonly snapshot: Snapshot;
  readonly selector: Selector;
}

/**
 * `outside`: it read what the snapshot does not hold.
 * @throws FairleadError as the template does
 */
export function renderFile(order: Order, { snapshot, selector }: Sight): Rendered | { readonly outside: Selector } {
  const reads = new Map<string, Read>();
  let aside = NOBODY;
  for (let turn = 1; ; turn++) {
    const view = createView(snapshot, selector, withoutAside(snapshot, aside));
    const attempt = attemptOrOutside(order, view);
    if (attempt === "outside") {
      return { outside: view.outside };
    }
    for (const read of view.reads) {
      reads.set(`${read.kind} ${read.name}`, read);
    }
    if (attempt === "gone" || attempt.ok) {
      return {
        dest: order.dest,
        template: order.template,
        reads: [...reads.values()],
        text: attempt === "gone" ? undefined : attempt.text,
        setAside: describeAside(aside, order.dest),
        asideEntries: new Set(aside.entries.keys()),
      };
    }
    const wider =
      order.onUnsafe === "skip-instance" && turn < MAX_TURNS
        ? blameInstances(aside, attempt.blames, { snapshot, reads: view.reads })
        : undefined;
    if (wider === undefined) {
      throw attempt.error;
    }
    aside = wider;
  }
}

/** The same text for people's eyes; undefined: nothing secret is in it. */
export function maskedText(
  order: Order,
  rendered: Rendered,
  { snapshot, selector }: Sight,
  prefixes: readonly string[],
): (() => string) | undefined {
  if (!readsSecret(rendered.reads, prefixes)) {
    return undefined;
  }
  return () => {
    const entries = new Map([...rendered.asideEntries].map((entry) => [entry, NO_BLAME]));
    const seen = withMaskedKeys(withoutAside(snapshot, { entries, services: new Set() }), prefixes);
    try {
      const attempt = attemptOrOutside(order, createView(snapshot, selector, seen));
      return typeof attempt === "object" && attempt.ok ? attempt.text : HIDDEN;
    } catch {
      return HIDDEN; // a helper that wants more than a mask, for example fromJson
    }
  };
}

const NO_BLAME = { value: "", reason: "", location: { file: "" }, isForeign: false };
const HIDDEN = "(not shown: the template needs the values of secret keys)\n";

/** What a template makes of empty answers, an error included, means nothing. */
function attemptOrOutside({ template, facts, service }: Order, view: View): Attempt | "outside" | "gone" {
  const context = service === undefined ? undefined : view.oneService(service);
  if (service !== undefined && context === undefined) {
    return "gone";
  }
  try {
    const attempt = template.attempt(view, facts, context);
    return view.outside === NOTHING ? attempt : "outside";
  } catch (error) {
    if (view.outside !== NOTHING) {
      return "outside";
    }
    throw error;
  }
}
