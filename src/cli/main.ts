import { createAbort } from "../core/time.ts";
import { messageOf } from "../model/errors.ts";
import { createContext } from "./context.ts";
import { exitCodeOf, printError } from "./failure.ts";
import { createProgram } from "./program.ts";

const LINGER_MS = 300;

/** The only place that sets the exit code. */
async function main(): Promise<void> {
  const stop = createAbort();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => stop.abort(new Error(`ended by ${name}`)));
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") {
        throw error; // whoever read our output has gone: nobody is left to tell
      }
    });
  }
  const context = createContext(stop.signal);
  try {
    const program = createProgram(context);
    await program.parseAsync(process.argv);
    process.exitCode = context.exitCode;
  } catch (error) {
    process.exitCode = stop.signal.aborted && error === stop.signal.reason ? 130 : exitCodeOf(error);
    printError(context, error);
  }
  if (stop.signal.aborted) {
    // Told to stop and done: a connection that does not close must not hold the process.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`fairlead: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
