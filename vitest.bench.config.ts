import { defineConfig } from "vitest/config";

/** `npm run bench`: prints figures, judges nothing. One at a time, so that they do not disturb one another. */
export default defineConfig({
  test: {
    include: ["test/bench/**/*.bench.ts"],
    globalSetup: ["test/helpers/servers/global-setup.ts"],
    fileParallelism: false,
    reporters: ["./test/bench/reporter.ts"],
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
