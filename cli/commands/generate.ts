// `ulmus generate`: what a run has learned, as text on stdout, streamed while it is drawn. With a program whose model loads its weights, that program.

import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import type { Model, Sampler } from "../../compiler/check/model.js";
import { compile } from "../../compiler/compile.js";
import type { Target } from "../../compiler/kernels/kernel.js";
import { TooLargeError } from "../../compiler/passes/plan.js";
import type { Artifact } from "../../runtime/artifact.js";
import type { Executable } from "../../runtime/executable.js";
import { type Generated, generate, type Sample } from "../../runtime/generate.js";
import { openNodeDevice } from "../../runtime/node.js";
import { openSequence } from "../../runtime/sequences.js";
import { openTokenizers } from "../../runtime/tokenizers/index.js";
import { exitCodes, wrong } from "../failure.js";
import { type Io, type Speech, speech } from "../io.js";
import { choose, fieldOf, seed, setting, whole } from "../options.js";
import { type Checked, checkSource, fileSource, renderDiagnostics, runSource } from "../program.js";
import { isRun, latestCheckpoint, openRun } from "../run-folder.js";
import { count, duration } from "../terminal.js";
import { ready } from "../training.js";
import { checkpointFile, loadParameters, type WeightsFile, weightsFile } from "../weights.js";
import type { Finish } from "./command.js";
import { CHUNK } from "./compile.js";

/** Sequences that are drawn side by side at most; more are drawn one group after the other. */
const MOST_LANES = 32;

interface Options {
  readonly number: number;
  readonly seed?: number;
  readonly set?: readonly string[];
  readonly adapter?: string;
  readonly json?: boolean;
}

export function registerGenerate(program: Command, io: Io, finish: Finish): void {
  program
    .command("generate")
    .summary("write with what a run has learned")
    .description(
      "Draws what is missing of a sampler's sequence and streams it to stdout. Fields given as field=value go before the sampler's own.",
    )
    .argument("<path>", "a run folder, or an `.elm` file whose model loads its weights")
    .argument("[words...]", "the sampler, where there are several, and fields: field=value, with \\n for a new line")
    .option("-n, --number <n>", "how many samples", whole(1), 1)
    .option("--seed <n>", "the seed of what is drawn; without it another at each call", seed)
    .option("--set <sampler.setting=value>", "set a setting; may be repeated", setting)
    .option("--adapter <name>", "part of the name of the adapter to use")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      '\nExamples:\n  ulmus generate runs/first\n  ulmus generate runs/first text="Call me " --seed 3\n  ulmus generate runs/first narrator -n 4 --set narrator.temperature=0.5',
    )
    .action((path: string, words: string[], options: Options) => finish(() => runGenerate(io, path, words, options)));
}

async function runGenerate(io: Io, path: string, words: readonly string[], options: Options): Promise<number> {
  const say = speech(io, options.json === true);
  const { name, given } = wordsOf(words);
  const run = isRun(resolve(io.cwd, path)) || !path.endsWith(".elm") ? openRun(resolve(io.cwd, path), path) : undefined;
  const checked = checkSource(run === undefined ? fileSource(path, options.set ?? [], io) : runSource(run, options.set ?? []), io);
  const { model } = checked;
  if (run === undefined) say.people.write(renderDiagnostics(io.err, checked.warnings));
  const sampler = model.samplers.get(choose([...model.samplers.keys()], name, "sampler", path));
  if (sampler === undefined) throw new Error("internal error: the chosen sampler is not there");
  const beginning = beginningOf(model, sampler, given);
  const trained = run === undefined ? undefined : model.trainings.get(run.record.training)?.network;
  const weights =
    trained === sampler.network ? checkpointFile(latestCheckpoint(resolve(io.cwd, path), path).path) : ownWeights(checked, sampler, path);
  const drawn = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  return draw(io, say, { model, sampler, given, beginning, weights, number: options.number, seed: drawn, adapter: options.adapter });
}

/** The sampler's name and the fields among the words. */
function wordsOf(words: readonly string[]): { readonly name: string | undefined; readonly given: Readonly<Record<string, string>> } {
  const given: Record<string, string> = {};
  let name: string | undefined;
  for (const word of words) {
    const field = fieldOf(word);
    if (field !== undefined) {
      if (Object.hasOwn(given, field.name)) throw wrong(`The field \`${field.name}\` is given twice.`);
      given[field.name] = field.value;
    } else if (name === undefined) name = word;
    else
      throw wrong(
        `\`${word}\` is neither a field nor the sampler, which is \`${name}\` already.`,
        'A field is given as field=value, in quotes where the value has spaces: text="Call me ".',
      );
  }
  return { name, given };
}

/** The text that stands before what is drawn, in the field that is drawn. Throws what is wrong with the fields, before any device is opened. */
function beginningOf(model: Model, sampler: Sampler, given: Readonly<Record<string, string>>): string {
  const spec = model.sequences.get(sampler.sequence);
  if (spec === undefined) throw new Error(`internal error: no sequence ${sampler.sequence}`);
  const tokenizers = openTokenizers(Object.fromEntries([...model.tokenizers].map(([name, { spec: each }]) => [name, each])));
  const fields = { ...sampler.given, ...given };
  return fields[openSequence(spec, tokenizers).prompt(fields).field] ?? "";
}

function ownWeights({ model, source }: Checked, sampler: Sampler, path: string): WeightsFile {
  const weights = model.networks.get(sampler.network)?.weights;
  if (weights !== undefined) return weightsFile(weights, source.folder);
  throw wrong(
    `The model \`${sampler.network}\` of ${path} has no weights.`,
    `Train it and name the run: ulmus train ${path} -o RUN; or give the model \`weights = load("…")\`.`,
  );
}

interface Drawing {
  readonly model: Model;
  readonly sampler: Sampler;
  readonly given: Readonly<Record<string, string>>;
  readonly beginning: string;
  readonly weights: WeightsFile;
  readonly number: number;
  readonly seed: number;
  readonly adapter: string | undefined;
}

async function draw(io: Io, say: Speech, drawing: Drawing): Promise<number> {
  const { model, sampler } = drawing;
  const device = await openNodeDevice(drawing.adapter === undefined ? {} : { adapter: drawing.adapter });
  try {
    const executable = await ready(say, compiled(model, sampler, Math.min(drawing.number, MOST_LANES), device.capability), device);
    try {
      const { left } = await loadParameters(executable, drawing.weights, 0);
      if (left.length > 0)
        say.people.write(
          `note: ${count(left.length)} tensors of ${dirname(drawing.weights.shown) === "." ? drawing.weights.shown : drawing.weights.path} are not used: ${left.slice(0, 3).join(", ")}${left.length > 3 ? ", …" : ""}\n`,
        );
      return await stream(io, say, drawing, executable);
    } finally {
      executable.destroy();
    }
  } finally {
    device.destroy();
  }
}

/** With half the lanes as long as the caches of all are larger than the device binds. */
function compiled(model: Model, sampler: Sampler, lanes: number, target: Target): Artifact {
  const chunk = Math.min(CHUNK, model.networks.get(sampler.network)?.contextLength ?? CHUNK);
  try {
    return compile(model, { kind: "generate", sampler: sampler.name, lanes, chunk }, target).artifact;
  } catch (error) {
    if (!(error instanceof TooLargeError) || lanes === 1) throw error;
    return compiled(model, sampler, Math.ceil(lanes / 2), target);
  }
}

async function stream(
  io: Io,
  say: Speech,
  { sampler, given, beginning, number, seed: drawn }: Drawing,
  executable: Executable,
): Promise<number> {
  const controller = new AbortController();
  const release = io.onInterrupt(() => {
    if (controller.signal.aborted) io.leave(exitCodes.interrupted);
    controller.abort();
  });
  const single = number === 1;
  let end = "\n";
  const write = (text: string) => {
    if (text === "") return;
    if (say.json) say.emit("text", { index: 0, text });
    else io.out.write(text);
    end = text.endsWith("\n") ? "" : "\n";
  };
  try {
    if (single) write(beginning);
    const generated = await generate(executable, sampler.name, given, {
      count: number,
      seed: drawn,
      signal: controller.signal,
      ...(single ? { onText: write } : {}),
    });
    if (single && !say.json) io.out.write(end);
    if (!single) for (const sample of generated.samples) label(io, say, sample, beginning);
    closing(say, generated, drawn);
    return controller.signal.aborted ? exitCodes.interrupted : exitCodes.done;
  } finally {
    release();
  }
}

function label(io: Io, say: Speech, sample: Sample, prompt: string): void {
  if (say.json) return;
  const text = `${prompt}${sample.text}`;
  io.out.write(`--- ${sample.index + 1} ---\n${text}${text.endsWith("\n") ? "" : "\n"}`);
}

function closing(say: Speech, generated: Generated, drawn: number): void {
  for (const { index, prompt, ids, text, reason } of generated.samples) say.emit("sample", { index, prompt, ids, text, reason });
  const rate = generated.tokens / generated.seconds;
  say.emit("end", { tokens: generated.tokens, seconds: generated.seconds, tokens_per_second: rate, seed: drawn });
  say.people.write(
    `${count(generated.tokens)} tokens in ${duration(generated.seconds)}, ${rate.toFixed(rate < 10 ? 1 : 0)} a second; seed ${drawn}\n`,
  );
}
