import { defineConfig } from "vitest/config";

const servers = "test/helpers/servers/global-setup.ts";

export default defineConfig({
  test: {
    maxWorkers: 2,
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
