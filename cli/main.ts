// The program `ulmus`: started by cli/setup/launch.mjs once the driver's environment is right. Importing this file runs it.

import { processIo } from "./io.js";
import { main } from "./ulmus.js";

// A reader that has seen enough (`ulmus generate … | head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
// What goes to stderr is for people: where nobody reads it any more (`2>&1 | head`), training still goes on to its end.
process.stderr.on("error", () => undefined);

const code = await main(process.argv.slice(2), processIo());
// Dawn keeps the process alive; it is left once all that was written has gone out.
process.stdout.write("", () => process.exit(code));
