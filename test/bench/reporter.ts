import type { Reporter, TestModule } from "vitest/node";

/** Figures go to stdout as they come; here only what went wrong. */
export default class BenchReporter implements Reporter {
  onUserConsoleLog({ content, type }: { readonly content: string; readonly type: "stdout" | "stderr" }): void {
    process[type].write(content);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        for (const error of test.result().errors ?? []) {
          process.stderr.write(`${test.fullName}: ${error.message}\n`);
        }
      }
    }
    for (const error of errors) {
      process.stderr.write(`${String(error)}\n`);
    }
  }
}
