import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/helpers/longest-first.ts";

const servers = "test/helpers/servers/global-setup.ts";

export default defineConfig({
  test: {
    // Most tests wait for servers, so that two processors are enough for three; where their bounds are strict it is better to have one each.
    maxWorkers: process.env["CI"] === "true" ? 3 : 2,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", "./test/helpers/closing-line.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/property/**/*.test.ts", "test/golden/**/*.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "servers",
          include: ["test/contract/**/*.test.ts", "test/e2e/**/*.test.ts", "test/faults/**/*.test.ts"],
          globalSetup: [servers],
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
