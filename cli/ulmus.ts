// The command line as a function. In: words and a process's streams. Out: the exit code. Invariant: what goes wrong is a message with a remedy,
// never a stack trace (ULMUS_DEBUG=1 shows it).

import { Command, CommanderError } from "commander";
import { registerCheck } from "./commands/check.js";
import { registerCompile } from "./commands/compile.js";
import { registerDoctor } from "./commands/doctor.js";
import { registerGenerate } from "./commands/generate.js";
import { registerInspect } from "./commands/inspect.js";
import { registerTrain } from "./commands/train.js";
import { exitCodes, failureOf, renderFailure } from "./failure.js";
import { type Io, speech } from "./io.js";
import { Rejected, renderDiagnostics } from "./program.js";
import { version } from "./version.js";

const examples = `
Examples:
  ulmus check model.elm                       what is wrong, and what is in it
  ulmus train model.elm -o runs/first         train it into a folder
  ulmus generate runs/first text="Once "      write with what was trained
  ulmus doctor                                does this machine have a driver?

Exit codes: 0 done, 1 the run failed, 2 the program or the arguments are wrong, 130 interrupted.`;

/** Runs `ulmus` with the words after its name. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = new Command("ulmus")
    .description("A language for generative models over tokens: trains an .elm file and writes with what it learned.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      getOutHelpWidth: () => Math.min(io.out.width, 100),
      getErrHelpWidth: () => Math.min(io.err.width, 100),
      outputError: (text, write) => write(renderUsage(text)),
    })
    .addHelpText("after", examples);
  const finish = async (body: () => Promise<number>): Promise<void> => {
    exitCode = await body();
  };
  for (const register of [registerCheck, registerCompile, registerTrain, registerGenerate, registerInspect, registerDoctor])
    register(program, io, finish);
  if (argv.length === 0) {
    program.outputHelp();
    return exitCodes.wrong;
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrong;
    return tell(error, io, argv.includes("--json"));
  }
}

/** Says what went wrong and gives its exit code. */
function tell(error: unknown, io: Io, json: boolean): number {
  const failure = failureOf(error);
  speech(io, json).emit("error", { message: failure.message, remedy: failure.remedy ?? null, exit_code: failure.exitCode });
  if (failure instanceof Rejected) io.err.write(renderDiagnostics(io.err, failure.diagnostics));
  io.err.write(renderFailure(io.err, failure));
  if (io.env.ULMUS_DEBUG !== undefined) {
    for (let cause: unknown = failure; cause instanceof Error; cause = cause.cause) io.err.write(`${cause.stack ?? cause.message}\n`);
  }
  return failure.exitCode;
}

/** Commander's own words in the shape of our messages. */
function renderUsage(text: string): string {
  return `${text.trimEnd()}\n  = help: \`ulmus --help\` and \`ulmus COMMAND --help\` show what is understood.\n`;
}
