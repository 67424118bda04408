// `ulmus inspect`: what is in a program, a run folder, an artifact or a weights file. Reads only, needs no driver.

import { existsSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import type { Model } from "../../compiler/check/model.js";
import { NodeFile } from "../../runtime/node-files.js";
import { openSafetensors } from "../../runtime/safetensors.js";
import { artifactData, artifactSummary, readArtifact } from "../artifact-summary.js";
import { exitCodes, wrong } from "../failure.js";
import { type Io, type Speech, speech } from "../io.js";
import { evaluations, readMetrics, steps } from "../metrics.js";
import { checkSource, fileSource, renderDiagnostics, runSource } from "../program.js";
import { checkpoints, isRun, openRun } from "../run-folder.js";
import { parametersOf, summary, summaryData, titled } from "../summary.js";
import { count, duration, size, table } from "../terminal.js";
import type { Finish } from "./command.js";

interface Options {
  readonly json?: boolean;
}

export function registerInspect(program: Command, io: Io, finish: Finish): void {
  program
    .command("inspect")
    .summary("show what is in a file or a run folder")
    .description("Shows what is in an .elm file, a run folder, an artifact (artifact.json) or a weights file (.safetensors).")
    .argument("<path>", "a file or a run folder")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      "\nExamples:\n  ulmus inspect runs/first\n  ulmus inspect artifact.json\n  ulmus inspect runs/first/checkpoints/step-000500.safetensors",
    )
    .action((path: string, options: Options) => finish(() => runInspect(io, path, options)));
}

async function runInspect(io: Io, path: string, options: Options): Promise<number> {
  const say = speech(io, options.json === true);
  const whole = resolve(io.cwd, path);
  if (!existsSync(whole)) throw wrong(`There is nothing at ${path}.`, "The path is taken from the folder you are in.");
  if (statSync(whole).isDirectory() && !isRun(whole))
    throw wrong(
      `${path} is a folder, but no run folder: it has no run.json.`,
      "Name a file in it, or a folder that `ulmus train -o` wrote.",
    );
  if (isRun(whole)) inspectRun(io, say, whole, path);
  else if (path.endsWith(".elm")) inspectProgram(io, say, path);
  else if (path.endsWith(".safetensors")) await inspectWeights(io, say, whole, path);
  else if (path.endsWith(".json")) inspectArtifact(io, say, whole, path);
  else
    throw wrong(
      `${basename(path)} is of no kind that is read here.`,
      "`ulmus inspect` reads .elm files, run folders, artifacts (.json) and .safetensors files.",
    );
  return exitCodes.done;
}

function inspectProgram(io: Io, say: Speech, path: string): void {
  const { model, warnings } = checkSource(fileSource(path, [], io), io);
  say.people.write(renderDiagnostics(io.err, warnings));
  say.emit("program", { ...summaryData(model), vocabularies: vocabularies(model) });
  for (const network of model.networks.values()) {
    for (const { name, shape } of network.parameters) say.emit("parameter", { model: network.name, name, shape });
  }
  if (say.json) return;
  io.out.write(summary(model));
  for (const { name, kind, size: words } of vocabularies(model)) io.out.write(`tokenizer ${name}: ${kind}, ${count(words)} tokens\n`);
  for (const network of model.networks.values()) {
    io.out.write(`parameters of ${network.name}:\n`);
    io.out.write(table(network.parameters.map(({ name, shape }) => [name, `[${shape.join(", ")}]`])));
  }
}

function vocabularies(model: Model): readonly { readonly name: string; readonly kind: string; readonly size: number }[] {
  return [...model.tokenizers.values()].map(({ name, spec, vocabSize }) => ({ name, kind: spec.kind, size: vocabSize }));
}

function inspectRun(io: Io, say: Speech, whole: string, path: string): void {
  const run = openRun(whole, path);
  const { record } = run;
  const { model } = checkSource(runSource(run, []), io);
  const training = model.trainings.get(record.training);
  const network = training === undefined ? undefined : model.networks.get(training.network);
  const metrics = readMetrics(join(whole, "metrics.jsonl"));
  const [last, evaluated] = [steps(metrics).at(-1), evaluations(metrics)];
  const best = [...evaluated].sort((a, b) => a.val_loss - b.val_loss)[0];
  const saved = checkpoints(whole).map((checkpoint) => ({ ...checkpoint, bytes: statSync(checkpoint.path).size }));
  const parameters = network === undefined ? 0 : parametersOf(network);
  say.emit("run", {
    ...record,
    parameters,
    steps: last?.step ?? 0,
    max_steps: training?.maxSteps ?? 0,
    last: last ?? null,
    evaluations: evaluated,
    checkpoints: saved,
  });
  if (say.json) return;
  const rows: string[][] = [
    ["program", `${record.entry}${record.overrides.length === 0 ? "" : ` with ${record.overrides.join(", ")}`}`],
    [
      "trained",
      `${titled("training", record.training)}, seed ${record.seed}, on ${record.adapter}, ulmus ${record.ulmus}, started ${record.started}`,
    ],
    ["model", `${network?.name ?? "?"}, ${count(parameters)} parameters`],
    [
      "steps",
      last === undefined
        ? "none yet"
        : `${count(last.step)} of ${count(training?.maxSteps ?? 0)} in ${duration(last.seconds)}, last loss ${last.loss.toFixed(4)}`,
    ],
  ];
  const final = evaluated.at(-1);
  if (final !== undefined && best !== undefined)
    rows.push([
      "held out",
      `${final.val_loss.toFixed(4)} at step ${count(final.step)}; best ${best.val_loss.toFixed(4)} at step ${count(best.step)}`,
    ]);
  for (const { path: file, bytes } of saved) rows.push(["checkpoint", `${join("checkpoints", basename(file))}, ${size(bytes)}`]);
  rows.push(["samplers", [...model.samplers.keys()].join(", ") || "none"]);
  io.out.write(table(rows, [], ""));
}

function inspectArtifact(io: Io, say: Speech, whole: string, path: string): void {
  const artifact = readArtifact(whole, path);
  say.emit("artifact", artifactData(artifact));
  for (const { name, role, dtype, shape } of artifact.tensors) say.emit("tensor", { name, role, dtype, shape });
  if (say.json) return;
  io.out.write(artifactSummary(artifact));
  io.out.write("tensors:\n");
  io.out.write(table(artifact.tensors.map((tensor) => [tensor.name, tensor.role, `${tensor.dtype} [${tensor.shape.join(", ")}]`])));
}

async function inspectWeights(io: Io, say: Speech, whole: string, path: string): Promise<void> {
  const file = await NodeFile.open(whole);
  try {
    const { tensors, metadata } = await openSafetensors({
      name: path,
      size: file.size,
      read: (offset, length) => file.read(offset, length),
    });
    const elements = [...tensors.values()].reduce((sum, tensor) => sum + tensor.shape.reduce((a, b) => a * b, 1), 0);
    say.emit("weights", { tensors: tensors.size, elements, bytes: file.size, metadata });
    for (const [name, { dtype, shape }] of tensors) say.emit("tensor", { name, dtype, shape });
    if (say.json) return;
    io.out.write(`${count(tensors.size)} tensors, ${count(elements)} numbers, ${size(file.size)}\n`);
    for (const [key, value] of Object.entries(metadata))
      io.out.write(`  ${key} = ${value.length > 200 ? `${value.slice(0, 200)}…` : value}\n`);
    io.out.write(table([...tensors].map(([name, { dtype, shape }]) => [name, `${dtype} [${shape.join(", ")}]`])));
  } finally {
    await file.close();
  }
}
