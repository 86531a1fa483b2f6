/** Which services and hosts may come from where. Pure; whoever lists containers asks it about each instance. */
import { createGlob } from "../core/glob.ts";
import { hostsOf } from "../model/hosts.ts";
import type { Instance } from "../model/instance.ts";

/** What is known of whom an instance comes from. */
export interface Origin {
  /** The reference that it was made from. */
  readonly image: string;
  readonly networks: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

type Patterns = string | readonly string[];

/** In patterns `*` stands for any text. */
export interface PolicyRule {
  /** Whom the rule is for: all that is given has to match, and of a list one. Nothing given: everyone. */
  readonly from: {
    readonly image?: Patterns | undefined;
    /** The Compose project or Swarm stack. */
    readonly project?: Patterns | undefined;
    /** One of its networks; `host` for the host's own. */
    readonly network?: Patterns | undefined;
    /** `name`, or `name=value`. */
    readonly label?: Patterns | undefined;
  };
  readonly services: readonly string[];
  readonly hosts: readonly string[];
}

/** Why an instance may not be registered, as one sentence; undefined: it may. */
export type Judge = (origin: Origin, instance: Pick<Instance, "service" | "meta">) => string | undefined;

/**
 * What all the rules for an origin allow together is allowed: its service by one of them, and each of its hosts by one of them. Anything
 * else leaves out the whole instance: a service without one of its hosts would look as if all were well.
 */
export function createJudge(rules: readonly PolicyRule[]): Judge {
  const ready = rules.map(({ from, services, hosts }, i) => ({
    number: i + 1,
    isFor: createMatcher(from),
    allowsService: anyOf(services),
    // Names of hosts are the same in any case.
    allowsHost: anyOf(hosts.map((host) => host.toLowerCase())),
  }));
  return (origin, instance) => {
    const { service } = instance;
    const mine = ready.filter((rule) => rule.isFor(origin));
    if (mine.length === 0) {
      return "no rule of the policy is for it";
    }
    const numbers = mine.map(({ number }) => number).join(", ");
    const who = `policy: ${mine.length === 1 ? `rule ${numbers} does` : `rules ${numbers} do`} not allow`;
    if (!mine.some((rule) => rule.allowsService(service))) {
      return `${who} the service ${JSON.stringify(service)}`;
    }
    const refused = hostsOf(instance).find((host) => !mine.some((rule) => rule.allowsHost(host)));
    return refused === undefined ? undefined : `${who} the host ${JSON.stringify(refused)}`;
  };
}

function createMatcher({ image, project, network, label }: PolicyRule["from"]): (origin: Origin) => boolean {
  const tests: ((origin: Origin) => boolean)[] = [];
  if (image !== undefined) {
    const matches = anyOf(image);
    tests.push((origin) => matches(origin.image));
  }
  if (project !== undefined) {
    const matches = anyOf(project);
    tests.push(({ labels }) => PROJECT_LABELS.some((name) => Object.hasOwn(labels, name) && matches(labels[name] ?? "")));
  }
  if (network !== undefined) {
    const matches = anyOf(network);
    tests.push(({ networks }) => networks.some(matches));
  }
  if (label !== undefined) {
    const matches = (Array.isArray(label) ? label : [label]).map(createLabelMatcher);
    tests.push(({ labels }) => matches.some((match) => match(labels)));
  }
  return (origin) => tests.every((test) => test(origin));
}

const PROJECT_LABELS = ["com.docker.compose.project", "com.docker.stack.namespace"];

function createLabelMatcher(pattern: string): (labels: Origin["labels"]) => boolean {
  const at = pattern.indexOf("=");
  const isName = createGlob(at === -1 ? pattern : pattern.slice(0, at));
  const isValue = createGlob(at === -1 ? "*" : pattern.slice(at + 1));
  return (labels) => Object.entries(labels).some(([name, value]) => isName(name) && isValue(value));
}

function anyOf(patterns: Patterns): (text: string) => boolean {
  const globs = (typeof patterns === "string" ? [patterns] : patterns).map(createGlob);
  return (text) => globs.some((matches) => matches(text));
}
