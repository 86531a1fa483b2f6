import { expect, it } from "vitest";
import type { Instance } from "../../../src/model/instance.ts";
import { createReport } from "../../../src/registrator/report.ts";
import { recordLog } from "../../helpers/quiet-log.ts";

const PLACE = { service: "web", id: "a" };
const INSTANCE: Instance = {
  ...PLACE,
  address: "10.0.0.1",
  port: 80,
  protocol: "tcp",
  tags: [],
  meta: {},
  health: "critical",
};

it("what is registered is told with its health: an entry that turns critical is no new one", () => {
  const log = recordLog();
  createReport(log).tell({ ...PLACE, outcome: "written" }, { instance: INSTANCE });
  expect(log.lines).toMatchObject([{ message: "registered", fields: { ...PLACE, health: "critical" } }]);
});

it("the holder of an entry that another program wrote has no name, and none is told", () => {
  const log = recordLog();
  const report = createReport(log, (holder) => ({ hint: holder === "" ? "another program's" : "a fairlead's" }));
  report.tell({ ...PLACE, outcome: "conflict", holder: "" });
  report.tell({ ...PLACE, outcome: "conflict", holder: "n2" });
  expect(log.lines.map(({ fields }) => fields)).toEqual([
    { ...PLACE, hint: "another program's" },
    { ...PLACE, holder: "n2", hint: "a fairlead's" },
  ]);
});
