// A training from its first look at the device to its last checkpoint. In: a checked model and a run folder to make or to go on with.
// Out: checkpoints, metrics.jsonl and loss.svg in the folder, the held-out loss on stdout. Invariant: whatever ends it, the folder can be gone on with.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Training } from "../compiler/check/model.js";
import { compile } from "../compiler/compile.js";
import type { Artifact } from "../runtime/artifact.js";
import type { Device } from "../runtime/device.js";
import { Executable } from "../runtime/executable.js";
import { openNodeDevice } from "../runtime/node.js";
import { NodeFile, writeFileAtomically } from "../runtime/node-files.js";
import { initialise } from "../runtime/tensors.js";
import { checkpointChunks, loadCheckpoint } from "../runtime/train/checkpoint.js";
import { type EvaluationReport, type StepReport, train as trainSteps } from "../runtime/train/trainer.js";
import { memoryLine, memoryOf, parameterCount } from "./artifact-summary.js";
import { lossCurve } from "./curve.js";
import { type OpenData, openData } from "./data.js";
import { exitCodes, Failure } from "./failure.js";
import type { Io, Speech } from "./io.js";
import { type Metrics, openMetrics } from "./metrics.js";
import { neighbourLoss } from "./neighbour.js";
import type { Checked } from "./program.js";
import { checkpointPath, checkpoints, createRun, dropOldCheckpoints, RUN_FORMAT, type RunFolder, writeRecord } from "./run-folder.js";
import { storedTexts } from "./stored-texts.js";
import { titled, tokensOfStep } from "./summary.js";
import { count, duration, type Progress, paint, progress } from "./terminal.js";
import { version } from "./version.js";
import { loadParameters, weightsFile } from "./weights.js";

export interface Request {
  readonly checked: Checked;
  readonly training: string;
  /** The run folder, absolute, and as people typed it. */
  readonly folder: string;
  readonly shown: string;
  /** The run that is gone on with; undefined: a new one. */
  readonly run: RunFolder | undefined;
  readonly adapter: string | undefined;
}

export async function train(io: Io, say: Speech, request: Request): Promise<number> {
  const { model, source } = request.checked;
  const training = model.trainings.get(request.training);
  if (training === undefined) throw new Error(`internal error: no training ${request.training}`);
  const start = request.run === undefined ? undefined : checkpoints(request.folder).at(-1);
  if (start !== undefined && start.step >= training.maxSteps) {
    throw new Failure(`${request.shown} is done: it has made all of its ${count(training.maxSteps)} steps.`, {
      exitCode: exitCodes.wrong,
      remedy: `Write with it: ulmus generate ${request.shown}; or go on for longer: --resume --set ${training.name}.max_steps=${2 * training.maxSteps}`,
    });
  }
  const opened = await openData(model, training, source.folder, io);
  const device = await openNodeDevice(request.adapter === undefined ? {} : { adapter: request.adapter });
  let executable: Executable | undefined;
  try {
    const { artifact } = compile(model, { kind: "train", training: training.name }, device.capability);
    announce(say, request, training, artifact, device, opened);
    executable = await ready(say, artifact, device);
    await setWeights(executable, request, training, start?.path);
    keepProgram(request, training, device);
    return await run(io, say, { request, training, opened, executable, start: start?.step ?? 0 });
  } finally {
    executable?.destroy();
    device.destroy();
    await opened.close();
  }
}

interface Work {
  readonly request: Request;
  readonly training: Training;
  readonly opened: OpenData;
  readonly executable: Executable;
  /** Steps done before. */
  readonly start: number;
}

async function run(io: Io, say: Speech, work: Work): Promise<number> {
  const { request, training, opened, executable, start } = work;
  const before = Date.now();
  const metrics = openMetrics(join(request.folder, "metrics.jsonl"), start);
  const earlier = metrics.all.at(-1)?.seconds ?? 0;
  const neighbour = opened.heldOut === undefined ? undefined : await neighbourLoss(opened.data, opened.vocabSize, "train", opened.heldOut);
  const draw = () => writeFileSync(join(request.folder, "loss.svg"), lossCurve(request.shown, metrics.all, neighbour));
  const bar = progress(say.people, "step", training.maxSteps, "step");
  const stop = interruptible(io, say, bar);
  try {
    const result = await trainSteps({
      executable,
      training: training.name,
      data: opened.data,
      start,
      signal: stop.signal,
      onStep: (report) => onStep(say, bar, metrics, { start, seconds: earlier }, report),
      onEvaluate: (report) => {
        onEvaluate(say, bar, metrics, opened, neighbour, report);
        draw();
      },
      save: async (step) => {
        await writeFileAtomically(checkpointPath(request.folder, step), checkpointChunks(executable, { step, seed: training.seed }));
        dropOldCheckpoints(request.folder);
        metrics.flush();
        say.emit("checkpoint", { step, path: checkpointPath(request.folder, step) });
      },
    });
    bar.end();
    metrics.flush();
    draw();
    return finish(io, say, work, result, neighbour, (Date.now() - before) / 1000);
  } catch (error) {
    bar.end();
    metrics.flush();
    throw withCheckpoint(error, request);
  } finally {
    stop.release();
  }
}

function onStep(
  say: Speech,
  bar: Progress,
  metrics: Metrics,
  before: { readonly start: number; readonly seconds: number },
  report: StepReport,
): void {
  const step = report.step + 1;
  const metric = { step, loss: report.loss, learning_rate: report.learningRate, seconds: before.seconds + report.seconds };
  metrics.add(metric);
  bar.update(step, `loss ${report.loss.toFixed(4)}`, {
    perSecond: (step - before.start) / report.seconds,
    secondsLeft: report.secondsLeft,
  });
  say.emit("step", {
    ...metric,
    gradient_norm: report.gradientNorm ?? null,
    tokens_per_second: report.tokensPerSecond,
    seconds_left: report.secondsLeft,
  });
}

function onEvaluate(
  say: Speech,
  bar: Progress,
  metrics: Metrics,
  opened: OpenData,
  neighbour: number | undefined,
  report: EvaluationReport,
): void {
  const last = metrics.all.at(-1)?.seconds ?? 0;
  const metric = { step: report.step, val_loss: report.loss, tokens: opened.data.tokens(report.split), seconds: last + report.seconds };
  metrics.add(metric);
  const beside = neighbour === undefined ? "" : `, left-neighbour table ${neighbour.toFixed(4)}`;
  bar.line(
    `step ${report.step}: loss on ${report.split} ${report.loss.toFixed(4)}${report.ema ? " (averaged parameters)" : ""}${beside}; ${duration(report.seconds)}`,
  );
  say.emit("evaluation", { ...metric, split: report.split, ema: report.ema, left_neighbour_loss: neighbour ?? null });
}

/** The last words: what was reached, where it is, what can be done with it. */
function finish(
  io: Io,
  say: Speech,
  work: Work,
  result: { readonly step: number; readonly stopped: boolean; readonly evaluation: EvaluationReport | undefined },
  neighbour: number | undefined,
  seconds: number,
): number {
  const { request, training, opened } = work;
  const { evaluation } = result;
  say.emit("end", {
    step: result.step,
    stopped: result.stopped,
    val_loss: evaluation?.loss ?? null,
    left_neighbour_loss: neighbour ?? null,
    seconds,
  });
  if (result.stopped) {
    say.people.write(
      `Stopped at step ${count(result.step)} of ${count(training.maxSteps)}; saved in ${request.shown}.\nGo on with: ulmus train ${request.shown} --resume\n`,
    );
    return exitCodes.interrupted;
  }
  if (!say.json && evaluation !== undefined) {
    const tokens = count(opened.data.tokens(evaluation.split));
    io.out.write(`loss over the whole held-out part (${evaluation.split}, ${tokens} tokens): ${evaluation.loss.toFixed(4)} nats a token\n`);
    if (neighbour !== undefined) io.out.write(`loss of the text's own left-neighbour table there: ${neighbour.toFixed(4)} nats a token\n`);
  }
  say.people.write(
    `Trained in ${duration(seconds)}; saved in ${request.shown} (loss.svg shows the curve).\nWrite with it: ulmus generate ${request.shown}\n`,
  );
  return exitCodes.done;
}

/** What is about to be done, before anything is allocated. */
function announce(say: Speech, request: Request, training: Training, artifact: Artifact, device: Device, opened: OpenData): void {
  const { model } = request.checked;
  const { people } = say;
  const tokens = tokensOfStep(model, training);
  const splits = opened.data.splits.map((name) => `${name} ${count(opened.data.tokens(name))}`).join(", ");
  people.write(
    `${paint(people, "bold", titled("training", training.name))} on ${device.description.description}${device.capability.software ? " (a software driver)" : ""}\n`,
  );
  people.write(`  model ${training.network}: ${count(parameterCount(artifact))} parameters\n`);
  people.write(`  memory: ${memoryLine(artifact)}\n`);
  people.write(
    `  data ${training.data}: ${splits} tokens; ${count(tokens)} tokens a step, ${count(training.maxSteps)} steps, seed ${training.seed}\n`,
  );
  say.emit("start", {
    training: training.name,
    model: training.network,
    run: request.folder,
    adapter: device.description.description,
    parameters: parameterCount(artifact),
    memory: memoryOf(artifact),
    tokens_a_step: tokens,
    max_steps: training.maxSteps,
    seed: training.seed,
    splits: Object.fromEntries(opened.data.splits.map((name) => [name, opened.data.tokens(name)])),
  });
}

/** Buffers and pipelines on the device, with a bar while kernels are compiled. */
export async function ready(say: Speech, artifact: Artifact, device: Device): Promise<Executable> {
  let bar: Progress | undefined;
  const executable = await Executable.open(artifact, device, {
    onProgress: ({ done, total, label }) => {
      bar ??= progress(say.people, "compiling kernels", total, "kernel");
      bar.update(done, label);
    },
  });
  bar?.clear();
  return executable;
}

/** From the checkpoint, the file that the program loads, or the seed. */
async function setWeights(executable: Executable, request: Request, training: Training, checkpoint: string | undefined): Promise<void> {
  if (checkpoint === undefined) {
    await initialise(executable, training.seed);
    const weights = request.checked.model.networks.get(training.network)?.weights;
    if (weights !== undefined) await loadParameters(executable, weightsFile(weights, request.checked.source.folder), training.seed);
    return;
  }
  const file = await NodeFile.open(checkpoint);
  try {
    await loadCheckpoint(executable, file);
  } finally {
    await file.close();
  }
}

/** Makes the run folder, or notes the lines that were set anew in the one that is gone on with. */
function keepProgram(request: Request, training: Training, device: Device): void {
  const { source } = request.checked;
  const record = {
    format: RUN_FORMAT,
    entry: source.entry,
    overrides: source.overrides,
    training: training.name,
    seed: training.seed,
    ulmus: version,
    adapter: device.description.description,
    base: source.folder,
    started: request.run?.record.started ?? new Date().toISOString(),
  } as const;
  if (request.run === undefined) createRun(request.folder, record, storedTexts(request.checked));
  else writeRecord(request.folder, record);
}

interface Stop {
  readonly signal: AbortSignal;
  release(): void;
}

/** The first interrupt ends training after the step under way, the second ends the process. */
function interruptible(io: Io, say: Speech, bar: Progress): Stop {
  const controller = new AbortController();
  const release = io.onInterrupt(() => {
    if (controller.signal.aborted) io.leave(exitCodes.interrupted);
    bar.line("Stopping after this step; another Ctrl-C leaves at once, without saving.");
    say.emit("stopping", {});
    controller.abort();
  });
  return { signal: controller.signal, release };
}

/** A run that failed says where it can be gone on from. */
function withCheckpoint(error: unknown, request: Request): unknown {
  if (!(error instanceof Error) || error.name !== "DivergenceError") return error;
  const saved = checkpoints(request.folder).at(-1);
  const where = saved === undefined ? "There is no checkpoint yet." : `The last checkpoint is of step ${count(saved.step)}.`;
  return new Failure(`${error.message} ${where}`, {
    cause: error,
    remedy: `For example: ulmus train FILE.elm -o RUN --set ${request.training}.clip_norm=1.0, or a smaller learning_rate.`,
  });
}
