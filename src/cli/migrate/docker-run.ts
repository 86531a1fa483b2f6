import { basename } from "node:path";
import { usage } from "../context.ts";

/** What a `docker run` line says about the Registrator in it. */
export interface DockerRun {
  /** The command line of the container's program. */
  readonly command: readonly string[];
  /** Variables with a value; one that is only named is taken from the caller's environment. */
  readonly env: ReadonlyMap<string, string>;
  readonly hostname: string | undefined;
  readonly isOnHostNetwork: boolean;
  /** The path on the host of what is mounted as `/tmp/docker.sock`. */
  readonly socket: string | undefined;
}

const PROGRAMS = new Set(["docker", "podman", "nerdctl"]);
/** All other options take a value. */
const SWITCHES = new Set([
  "--detach",
  "--disable-content-trust",
  "--init",
  "--interactive",
  "--no-healthcheck",
  "--oom-kill-disable",
  "--privileged",
  "--publish-all",
  "--quiet",
  "--read-only",
  "--rm",
  "--sig-proxy",
  "--tty",
]);
const LONG_NAMES: Readonly<Record<string, string>> = { e: "--env", h: "--hostname", v: "--volume" };

/** Undefined: it is none. */
export function readDockerRun(words: readonly string[]): DockerRun | undefined {
  const [program = "", ...rest] = words[0] === "sudo" ? words.slice(1) : words;
  const at = rest.indexOf("run");
  if (!PROGRAMS.has(basename(program)) || at < 0) {
    return undefined;
  }
  const options = new Map<string, string[]>();
  const queue = rest.slice(at + 1);
  while (queue[0]?.startsWith("-") === true) {
    const word = queue.shift() ?? "";
    const { name, value } = splitOption(word);
    if (!SWITCHES.has(name)) {
      options.set(name, [...(options.get(name) ?? []), value ?? queue.shift() ?? ""]);
    }
  }
  const [image, ...command] = queue;
  if (image === undefined) {
    throw usage(
      "this `docker run` line names no image",
      "give it as a whole: docker run … gliderlabs/registrator:latest consul://…",
    );
  }
  const all = (...names: readonly string[]): readonly string[] => names.flatMap((name) => options.get(name) ?? []);
  return {
    command,
    env: new Map(all("--env").flatMap(splitPair)),
    hostname: all("--hostname").at(-1),
    isOnHostNetwork: all("--net", "--network").includes("host"),
    socket: all("--volume").flatMap(socketSource).at(-1),
  };
}

/** `-dite NAME=x`, `-eNAME=x`, `--env=NAME=x`, `--env NAME=x`: a value that stands in a word of its own is left to the caller. */
function splitOption(word: string): { readonly name: string; readonly value: string | undefined } {
  if (word.startsWith("--")) {
    const cut = word.indexOf("=");
    const name = cut < 0 ? word : word.slice(0, cut);
    return { name, value: cut < 0 ? undefined : word.slice(cut + 1) };
  }
  const at = word.search(/[^-ditPq]/);
  if (at < 0) {
    return { name: "--detach", value: undefined }; // switches only, one as good as another
  }
  const letter = word.charAt(at);
  const value = word.slice(at + 1).replace(/^=/, "");
  return { name: LONG_NAMES[letter] ?? `-${letter}`, value: value === "" ? undefined : value };
}

function splitPair(text: string): readonly (readonly [string, string])[] {
  const cut = text.indexOf("=");
  return cut < 0 ? [] : [[text.slice(0, cut), text.slice(cut + 1)]];
}

function socketSource(volume: string): readonly string[] {
  const [source = "", target] = volume.split(":");
  return target === "/tmp/docker.sock" ? [source] : [];
}
