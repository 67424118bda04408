// `ulmus compile`: a program to an artifact, or one of its levels as text. Without a device it compiles for the least that WebGPU promises, so that the
// result is the same on every machine; `--target device` asks the machine's adapter.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { Model } from "../../compiler/check/model.js";
import { compile, type Job } from "../../compiler/compile.js";
import { portable, type Target } from "../../compiler/kernels/kernel.js";
import { openNodeDevice } from "../../runtime/node.js";
import { artifactData, artifactSummary } from "../artifact-summary.js";
import { type CompiledLevel, compiledLevels, emitCompiled, emitSource, type SourceLevel, sourceLevels } from "../emit.js";
import { exitCodes, wrong } from "../failure.js";
import { type Io, speech } from "../io.js";
import { choose, setting, whole } from "../options.js";
import { checkSource, fileSource, renderDiagnostics } from "../program.js";
import { size } from "../terminal.js";
import type { Finish } from "./command.js";

/** Rows of a prompt that are read at once. */
export const CHUNK = 64;

interface Options {
  readonly output?: string;
  readonly emit?: SourceLevel | CompiledLevel;
  readonly job?: "train" | "generate";
  readonly training?: string;
  readonly sampler?: string;
  readonly lanes: number;
  readonly target: "portable" | "device";
  readonly adapter?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export function registerCompile(program: Command, io: Io, finish: Finish): void {
  program
    .command("compile")
    .summary("write a program's kernels and step lists, or show one of its levels")
    .description(
      "Compiles a program to an artifact: kernels, step lists and a memory plan, for a runtime without compiler. `--emit` shows a level instead.",
    )
    .argument("<file>", "the `.elm` file")
    .option("-o, --output <artifact.json>", "where to write the artifact")
    .addOption(new Option("--emit <level>", "print a level of the program").choices([...sourceLevels, ...compiledLevels]))
    .addOption(new Option("--job <job>", "what is compiled; by default training, where the program has one").choices(["train", "generate"]))
    .option("--training <name>", "which training, where there are several")
    .option("--sampler <name>", "which sampler, where there are several")
    .option("--lanes <n>", "sequences that are generated side by side", whole(1), 1)
    .addOption(
      new Option("--target <target>", "the least of WebGPU, or what this machine's adapter can do")
        .choices(["portable", "device"])
        .default("portable"),
    )
    .option("--adapter <name>", "part of the name of the adapter to ask; means --target device")
    .option("--set <section.setting=value>", "set a setting; may be repeated", setting)
    .option("--json", "one JSON object a line")
    .addHelpText("after", "\nExamples:\n  ulmus compile model.elm -o artifact.json\n  ulmus compile model.elm --emit graph --job generate")
    .action((file: string, options: Options) => finish(() => runCompile(io, file, options)));
}

async function runCompile(io: Io, file: string, options: Options): Promise<number> {
  const say = speech(io, options.json === true);
  const { model, warnings } = checkSource(fileSource(file, options.set ?? [], io), io);
  say.people.write(renderDiagnostics(io.err, warnings));
  const { emit } = options;
  const show = (text: string) => (options.json === true ? say.emit("text", { level: emit, text }) : io.out.write(text));
  if (emit !== undefined && isSource(emit)) {
    show(emitSource(emit, model));
    return exitCodes.done;
  }
  const job = jobOf(model, file, options);
  const compiled = compile(model, job, await targetOf(options));
  if (options.output !== undefined) {
    const text = `${JSON.stringify(compiled.artifact)}\n`;
    writeFileSync(resolve(io.cwd, options.output), text);
    say.people.write(`${options.output}: ${size(text.length)}\n`);
  }
  if (emit !== undefined) show(emitCompiled(emit, compiled));
  else {
    say.emit("artifact", artifactData(compiled.artifact));
    if (options.json !== true) io.out.write(artifactSummary(compiled.artifact));
  }
  return exitCodes.done;
}

function jobOf(model: Model, file: string, options: Options): Job {
  const kind =
    options.job ?? (options.sampler === undefined && (options.training !== undefined || model.trainings.size > 0) ? "train" : "generate");
  if (kind === "train" && options.sampler !== undefined)
    throw wrong("--sampler belongs to --job generate.", "Leave out --job train, or name a --training.");
  if (kind === "generate" && options.training !== undefined)
    throw wrong("--training belongs to --job train.", "Leave out --job generate, or name a --sampler.");
  return kind === "train"
    ? { kind, training: choose([...model.trainings.keys()], options.training, "training", file) }
    : { kind, sampler: choose([...model.samplers.keys()], options.sampler, "sampler", file), lanes: options.lanes, chunk: CHUNK };
}

async function targetOf(options: Options): Promise<Target> {
  if (options.target === "portable" && options.adapter === undefined) return portable;
  const device = await openNodeDevice(options.adapter === undefined ? {} : { adapter: options.adapter });
  try {
    return device.capability;
  } finally {
    device.destroy();
  }
}

function isSource(level: SourceLevel | CompiledLevel): level is SourceLevel {
  return (sourceLevels as readonly string[]).includes(level);
}
