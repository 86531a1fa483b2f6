import { expect, it } from "vitest";
import { createHttpSource } from "../../../../src/sources/http/source.ts";
import { recordLog } from "../../../helpers/quiet-log.ts";

it.each([
  ["http://a.example/v2/tasks?token=hunter2", "http http://a.example/v2/tasks"],
  ["https://b.example:8443/list", "http https://b.example:8443/list"],
])("a source at %s is told apart from another one in messages, without its query", (url, name) => {
  const more = { intervalMs: 1000, timeoutMs: 1000, maxBytes: 1000, path: "", node: "n1", log: recordLog() };
  expect(createHttpSource({ url, ...more }).name).toBe(name);
});
