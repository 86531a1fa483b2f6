import { Agent, request } from "node:http";
import type { FormatName } from "../../../src/render/formats/index.ts";
import { ATTACKS } from "./attacks.ts";
import { renderer } from "./corpus.ts";

/** A request that shows what nginx made of a value. */
export interface Probe {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What of the answer counts. */
  readonly of: "body" | "x-value" | "location";
  readonly want: string;
}

export interface LivePlace {
  readonly name: string;
  /** Within the server's block; `@@` is the value, `NN` the number of the case. */
  readonly text: string;
  /** Outside of it, where there is some. */
  readonly outside?: string;
  /** Whether the directive takes such a value at all: one that it refuses does not pass the check. */
  readonly takes?: (value: string) => boolean;
  /** Whether a request can carry the value there. */
  readonly carries?: (value: string) => boolean;
  readonly probes: (value: string) => readonly Probe[];
}

export interface LiveCase {
  readonly place: LivePlace;
  readonly value: string;
  readonly inside: string;
  readonly outside: string;
  readonly probes: readonly Probe[];
}

/** All values of the corpus that a format lets through, each in every place, numbered. */
export function liveCases(format: FormatName, places: readonly LivePlace[]): readonly LiveCase[] {
  return places
    .flatMap((place) => {
      const renderInside = renderer(format, place.text);
      const renderOutside = renderer(format, place.outside ?? "");
      return ATTACKS.filter(({ value }) => place.takes?.(value) !== false).flatMap(({ value }) => {
        const inside = renderInside(value);
        const outside = renderOutside(value);
        return typeof inside === "string" && typeof outside === "string" ? [{ place, value, inside, outside }] : [];
      });
    })
    .map(({ place, value, inside, outside }, number) => ({
      place,
      value,
      inside: numbered(inside, number),
      outside: numbered(outside, number),
      probes:
        place.carries?.(value) === false
          ? []
          : place.probes(value).map((probe) => ({ ...probe, path: numbered(probe.path, number) })),
    }));
}

function numbered(text: string, number: number): string {
  return text.replaceAll("NN", `n${number}`);
}

export interface Answers {
  readonly probes: number;
  /** At most five. */
  readonly wrong: readonly unknown[];
}

/** Sends all probes to a server, many at a time. */
export async function probeAll(port: number, cases: readonly LiveCase[]): Promise<Answers> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const probes = cases.flatMap(({ place, value, probes }) => probes.map((probe) => ({ ...probe, place: place.name, value })));
  const wrong: unknown[] = [];
  try {
    for (let start = 0; start < probes.length; start += BATCH) {
      await Promise.all(
        probes.slice(start, start + BATCH).map(async (probe) => {
          const got = await ask(agent, port, probe);
          if (got !== probe.want) {
            const { place, value, want } = probe;
            wrong.push({ place, value: value.slice(0, 100), got: got.slice(0, 100), want: want.slice(0, 100) });
          }
        }),
      );
    }
  } finally {
    agent.destroy();
  }
  return { probes: probes.length, wrong: wrong.slice(0, 5) };
}

const BATCH = 64;

/** Headers are bytes: UTF-8 both ways. */
async function ask(agent: Agent, port: number, { path, headers = {}, of }: Probe): Promise<string> {
  const bytes = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]));
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, headers: bytes, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.once("error", reject);
      answer.once("end", () => {
        const header = of === "body" ? undefined : String(answer.headers[of] ?? "");
        resolve(header === undefined ? Buffer.concat(chunks).toString() : Buffer.from(header, "latin1").toString());
      });
    });
    asked.once("error", reject);
    asked.end();
  });
}

/** Blanks at the edges and an empty text get lost in a header, whoever sends it. */
export function inHeader(value: string): boolean {
  return value !== "" && value.trim() === value;
}

/** What the value is not, however a pattern might take it. */
export function other(value: string): string {
  return `${Array.from(value).slice(0, -1).join("")}${value.endsWith("z") ? "y" : "z"}`;
}
