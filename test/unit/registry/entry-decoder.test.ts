import { describe, expect, it } from "vitest";
import { createEntryDecoder, decodeEntry, encodeEntry } from "../../../src/registry/codec.ts";
import { entry } from "../../helpers/snapshot.ts";

const PLACE = { service: "web", id: "1" };
const CANONICAL = [
  entry("web", "n:i1:80", { tags: ["http", "a,b"], meta: { version: "1", note: 'a "b" \\ c' }, weight: 0.5 }),
  entry("web", 'with "quotes"', { address: "2001:db8::1", health: "critical", owner: "" }),
  entry("ü", ',"protocol":', { address: "a-host-with-a-long-name.example", protocol: "udp" }),
].map(encodeEntry);

/** Canonical texts with something wrong, and texts that only look canonical. */
const OTHERS = [
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp","address":"10.0.0.2"}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp","port":81,"v":2}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp","note":[]}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp","tags":[1]}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp","__proto__":{}}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp"',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp"}}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1;","port":80,"protocol":"tcp"}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":65536,"protocol":"tcp"}',
  '{"v":1,"id":"1","service":"web","address":"10.0.0.1","port":080,"protocol":"tcp"}',
  '{"v":1,"id":"\n","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp"}',
  '{"v":2,"id":"1","service":"web","address":"10.0.0.1","port":80,"protocol":"tcp"}',
];

describe("the decoder for very many entries", () => {
  it.each([...CANONICAL, ...OTHERS])("answers like the other one: %s", (text) => {
    const decode = createEntryDecoder();
    for (const _ of [1, 2]) {
      expect(decode(text, PLACE)).toEqual(decodeEntry(text, PLACE)); // the second time from what is remembered
    }
  });

  it("answers like the other one when any character is missing, doubled or another", () => {
    const decode = createEntryDecoder();
    for (const text of CANONICAL) {
      for (let at = 0; at < text.length; at += 1) {
        const [before, char, behind] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
        for (const damaged of ["", char + char, '"', "0", "}", ",", "x"].map((other) => before + other + behind)) {
          expect(decode(damaged, PLACE), damaged).toEqual(decodeEntry(damaged, PLACE));
        }
      }
    }
  });

  it("lets entries share what they have in common", () => {
    const decode = createEntryDecoder();
    const [one, two] = ["a", "b"].map((id, i) => {
      const decoded = decode(encodeEntry(entry("web", id, { port: 80 + i, tags: ["http"], meta: { version: "1" } })), PLACE);
      return decoded.ok ? decoded.value : undefined;
    });
    expect(one?.port).not.toBe(two?.port);
    expect(one?.tags).toBe(two?.tags);
    expect(one?.meta).toBe(two?.meta);
  });
});
