import type { Instance } from "../../../src/model/instance.ts";

/** A container that was made, with what its row says and what the engine chose. */
export interface RealContainer {
  readonly name: string;
  /** From the engine's names, ports and addresses to those of the row. */
  readonly words: readonly (readonly [real: string, row: string])[];
  readonly ports: ReadonlyMap<number, number>;
}

export function inWordsOfRow(real: RealContainer, text: string): string {
  return real.words.reduce((done, [from, to]) => done.replaceAll(from, to), text);
}

export function instanceInWordsOfRow(real: RealContainer, instance: Instance): Instance {
  const exact = new Map(real.words);
  return {
    ...instance,
    id: inWordsOfRow(real, instance.id),
    address: exact.get(instance.address) ?? instance.address,
    port: real.ports.get(instance.port) ?? instance.port,
  };
}
