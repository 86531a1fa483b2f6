import { defineConfig } from "rolldown";

/** Libraries that read their own files at run time, or are loaded only where they are used and by their own name. */
const external = [/^node:/, "etcd3", "pino", "consul", "chokidar"];

export default defineConfig({
  input: { "cli/main": "src/cli/main.ts", index: "src/index.ts" },
  platform: "node",
  external,
  // The same code as the package's main file, without source-map, which only precompiling uses.
  resolve: { alias: { handlebars: "handlebars/dist/handlebars.js" } },
  output: {
    dir: "dist",
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    cleanDir: true,
    // Names stay, so that a stack trace can be read; without white space and comments there is half as much to parse at each start.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    banner: (chunk) => (chunk.name === "cli/main" ? "#!/usr/bin/env node" : ""),
  },
});
