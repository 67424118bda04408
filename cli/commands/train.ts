// `ulmus train`: the words of the command line → a run that is to be started or gone on with. What is done then stands in cli/training.ts.

import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { Command } from "commander";
import { wrong } from "../failure.js";
import { type Io, speech } from "../io.js";
import { choose, seed, setting } from "../options.js";
import { type Checked, checkSource, fileSource, renderDiagnostics, runSource, type Source } from "../program.js";
import { isRun, openRun, type RunFolder } from "../run-folder.js";
import { type Request, train } from "../training.js";
import type { Finish } from "./command.js";

interface Options {
  readonly output?: string;
  readonly resume?: boolean;
  readonly set?: readonly string[];
  readonly seed?: number;
  readonly adapter?: string;
  readonly json?: boolean;
}

export function registerTrain(program: Command, io: Io, finish: Finish): void {
  program
    .command("train")
    .summary("train a program's model into a run folder")
    .description(
      "Trains a model and keeps all of it in a run folder: program, measures, checkpoints. Ctrl-C saves; --resume goes on from there.",
    )
    .argument("<path>", "the `.elm` file, or a run folder to go on with")
    .argument("[training]", "which training, where there are several")
    .option("-o, --output <run>", "the run folder")
    .option("--resume", "go on with the run from its last checkpoint")
    .option("--set <section.setting=value>", "set a setting; may be repeated", setting)
    .option("--seed <n>", "the seed of weights, order and dropout", seed)
    .option("--adapter <name>", "part of the name of the adapter to use")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      "\nExamples:\n  ulmus train model.elm -o runs/first\n  ulmus train runs/first --resume\n  ulmus train model.elm -o runs/small --set gpt.n_layers=2 --seed 7",
    )
    .action((path: string, training: string | undefined, options: Options) => finish(() => runTrain(io, path, training, options)));
}

function runTrain(io: Io, path: string, wanted: string | undefined, options: Options): Promise<number> {
  const say = speech(io, options.json === true);
  const found = options.resume === true ? resumed(io, path, options) : fresh(io, path, options);
  const checked = checkSource(found.source, io);
  say.people.write(renderDiagnostics(io.err, checked.warnings));
  const training = choose([...checked.model.trainings.keys()], wanted ?? found.run?.record.training, "training", path);
  if (found.run !== undefined && training !== found.run.record.training) {
    throw wrong(
      `${found.output.shown} trains \`${found.run.record.training}\`, not \`${training}\`.`,
      "Another training goes into a folder of its own: give another -o.",
    );
  }
  const request: Request = {
    checked: seeded(checked, training, found.run?.record.seed ?? options.seed),
    training,
    folder: found.output.whole,
    shown: found.output.shown,
    run: found.run,
    adapter: options.adapter,
  };
  return train(io, say, request);
}

interface Found {
  readonly source: Source;
  readonly output: Output;
  /** The run that is gone on with. */
  readonly run: RunFolder | undefined;
}

interface Output {
  readonly whole: string;
  /** As people typed it. */
  readonly shown: string;
}

function outputOf(io: Io, shown: string): Output {
  return { whole: resolve(io.cwd, shown), shown };
}

/** A new run. Refuses a folder that holds something. */
function fresh(io: Io, path: string, options: Options): Found {
  const again = isRun(resolve(io.cwd, path));
  const shown = options.output ?? (again ? path : undefined);
  if (shown === undefined) throw wrong("Where is the run to be kept?", `Name a folder: ulmus train ${path} -o runs/${nameOf(path)}`);
  const output = outputOf(io, shown);
  if (isRun(output.whole))
    throw wrong(`${shown} is a run already.`, `Go on with it: ulmus train ${shown} --resume; or give another folder with -o.`);
  if (existsSync(output.whole) && !statSync(output.whole).isDirectory())
    throw wrong(`${shown} is a file, and a run is kept in a folder.`, "Give a folder that is empty or not there yet with -o.");
  if (existsSync(output.whole) && readdirSync(output.whole).length > 0)
    throw wrong(`${shown} is a folder with other files in it.`, "Give a folder that is empty or not there yet with -o.");
  const source = again ? runSource(openRun(resolve(io.cwd, path), path), options.set ?? []) : fileSource(path, options.set ?? [], io);
  return { source, output, run: undefined };
}

/** A run that is gone on with, by the program that it has stored. */
function resumed(io: Io, path: string, options: Options): Found {
  const again = isRun(resolve(io.cwd, path));
  const shown = again ? path : options.output;
  if (shown === undefined) throw wrong("Which run is to be gone on with?", "Name its folder: ulmus train RUN --resume");
  if (again && options.output !== undefined && resolve(io.cwd, options.output) !== resolve(io.cwd, path)) {
    throw wrong(
      `--resume goes on in ${path} itself; -o names another folder.`,
      `Leave one of them out: \`ulmus train ${path} --resume\`, or \`ulmus train ${path} -o ${options.output}\` to start anew.`,
    );
  }
  const output = outputOf(io, shown);
  const run = openRun(output.whole, shown);
  if (options.seed !== undefined && options.seed !== run.record.seed) {
    throw wrong(
      `${shown} was started with seed ${run.record.seed}, and goes on with it.`,
      "Leave out --seed, or start another run with another -o.",
    );
  }
  if (!again) refuseOther(io, path, run);
  return { source: runSource(run, options.set ?? []), output, run };
}

/** A file that is named beside --resume must be the one that the run was started with. */
function refuseOther(io: Io, path: string, run: RunFolder): void {
  const { host, entry } = fileSource(path, [], io);
  const changed = [...run.files].find(
    ([name, text]) => name.endsWith(".elm") && host.read(name === run.record.entry ? entry : name) !== text,
  );
  if (changed === undefined) return;
  const now = changed[0] === run.record.entry ? path : relative(io.cwd, resolve(io.cwd, dirname(path), changed[0]));
  throw wrong(
    `${now} has changed since ${run.path} was started with it.`,
    `A run goes on with the program it has stored: ulmus train ${run.path} --resume. The changed one is trained with another -o.`,
  );
}

/** The model with the training's seed replaced. */
function seeded(checked: Checked, training: string, value: number | undefined): Checked {
  const section = checked.model.trainings.get(training);
  if (section === undefined || value === undefined) return checked;
  const trainings = new Map(checked.model.trainings).set(training, { ...section, seed: value });
  return { ...checked, model: { ...checked.model, trainings } };
}

function nameOf(path: string): string {
  return path.replace(/^.*[\\/]/, "").replace(/\.elm$/, "");
}
