// `ulmus check`: is the program right? Diagnostics on stderr, a short summary on stdout; exit code 2 where it has errors.

import type { Command } from "commander";
import type { Diagnostic } from "../../grammar/diagnostic.js";
import { positionAt } from "../../grammar/source.js";
import { exitCodes } from "../failure.js";
import { type Io, speech } from "../io.js";
import { setting } from "../options.js";
import { checkSource, fileSource, Rejected, renderDiagnostics } from "../program.js";
import { summary, summaryData } from "../summary.js";
import type { Finish } from "./command.js";

interface Options {
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export function registerCheck(program: Command, io: Io, finish: Finish): void {
  program
    .command("check")
    .summary("find what is wrong in a program")
    .description("Checks a program: names, settings and shapes. Nothing is run, and no graphics driver is needed.")
    .argument("<file>", "the `.elm` file")
    .option("--set <section.setting=value>", "set a setting; may be repeated", setting)
    .option("--json", "one JSON object a line")
    .addHelpText("after", "\nExamples:\n  ulmus check model.elm\n  ulmus check model.elm --set training.batch_size=8")
    .action((file: string, options: Options) => finish(() => runCheck(io, file, options)));
}

async function runCheck(io: Io, file: string, options: Options): Promise<number> {
  const say = speech(io, options.json === true);
  const tell = (diagnostics: readonly Diagnostic[]) => {
    for (const diagnostic of diagnostics) say.emit("diagnostic", diagnosticData(diagnostic));
    say.people.write(renderDiagnostics(io.err, diagnostics));
  };
  try {
    const { model, warnings } = checkSource(fileSource(file, options.set ?? [], io), io);
    tell(warnings);
    say.emit("summary", summaryData(model));
    if (options.json !== true) io.out.write(summary(model));
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    tell(error.diagnostics);
    say.people.write(`${error.message}\n`);
    return error.exitCode;
  }
}

/** A diagnostic as data, with lines and columns. */
export function diagnosticData(diagnostic: Diagnostic): Readonly<Record<string, unknown>> {
  const { span } = diagnostic.at;
  const place = positionAt(span.file, span.start);
  const { fix } = diagnostic;
  return {
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: diagnostic.message,
    file: span.file.name,
    ...place,
    start: span.start,
    end: span.end,
    label: diagnostic.at.text,
    notes: diagnostic.notes,
    ...(fix === undefined ? {} : { fix: { title: fix.title, start: fix.span.start, end: fix.span.end, replacement: fix.replacement } }),
  };
}
