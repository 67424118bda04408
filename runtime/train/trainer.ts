// In: an artifact's training section, an executable, rows of data. Out: trained parameters on the device; losses, scores and checkpoints by callback.
// Invariant: step s depends on the states before it, the seed and s only, so a resumed run goes on exactly. The host never waits for the step it has
// just submitted: losses are read back some submissions later.

import type { Program, TrainingSpec } from "../artifact.js";
import type { TextData } from "../data/text.js";
import type { Executable, Outputs, UploadValues } from "../executable.js";
import { type Rows, totalWeight } from "../rows.js";
import { emaPairs } from "../tensors.js";
import { adamCorrections, learningRate } from "./schedule.js";

/** One step, as it is reported when its loss has been read. */
export interface StepReport {
  /** From 0. */
  readonly step: number;
  /** Weighted mean over the step's predicted tokens, nats. */
  readonly loss: number;
  /** Global norm before clipping; undefined where the program does not compute it. */
  readonly gradientNorm: number | undefined;
  readonly learningRate: number;
  /** Since the run (or its resumption) began. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** An estimate of the time to the last step. */
  readonly secondsLeft: number;
}

/** The score of one part of the data. */
export interface EvaluationReport {
  /** Steps done. */
  readonly step: number;
  readonly split: string;
  /** Weighted mean over all predicted tokens of the split, nats. */
  readonly loss: number;
  readonly seconds: number;
  /** Whether the EMA copy was scored. */
  readonly ema: boolean;
}

/** What is trained on what, from where to where, and who is told. */
export interface TrainOptions {
  readonly executable: Executable;
  /** Name of the training section. */
  readonly training: string;
  readonly data: TextData;
  /** Steps done before, from a checkpoint. */
  readonly start?: number;
  /** Instead of the section's. */
  readonly seed?: number;
  readonly maxSteps?: number;
  /** Read the loss of every n-th step only; NaN is then found up to n steps late. */
  readonly readEvery?: number;
  /** Parts of the data; `train`, and `val` or the second where there is one. */
  readonly trainSplit?: string;
  readonly evaluateSplit?: string;
  /** When aborted, the step under way is finished, an evaluation other than the last is broken off, the run saved and left. */
  readonly signal?: AbortSignal;
  readonly onStep?: (report: StepReport) => void;
  readonly onEvaluate?: (report: EvaluationReport) => void | Promise<void>;
  /** Called every `checkpoint_every` steps, at the end and at a stop, with the steps done. */
  readonly save?: (step: number) => Promise<void>;
}

/** How a training ended. */
export interface TrainResult {
  /** Steps done in all. */
  readonly step: number;
  readonly stopped: boolean;
  /** The last evaluation. */
  readonly evaluation: EvaluationReport | undefined;
}

/** A loss or gradient that is no number: training can not go on. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  readonly step: number;

  /** `what` ends in the step: "loss of step 12". */
  constructor(step: number, what: string, rate?: number) {
    super(
      `The ${what} is not a finite number${rate === undefined ? "" : `, at a learning rate of ${rate}`}. Go back to a checkpoint, with a lower learning rate or a longer warm-up.`,
    );
    this.step = step;
  }
}

/** Submissions whose outputs may be outstanding: enough that the device never waits, few enough that a stop is quick. */
const IN_FLIGHT = 3;

/** Trains from `start` to `max_steps`. Throws `DivergenceError`, `DeviceLostError`, or what the data throws. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { executable, data, signal } = options;
  const spec = trainingOf(executable, options.training);
  const start = options.start ?? 0;
  const maxSteps = options.maxSteps ?? spec.maxSteps;
  const clock = stopwatch();
  const reader = readLosses({ start, maxSteps, clock, onStep: options.onStep });
  const runner = stepRunner(executable, spec, options, reader);
  const scored =
    options.evaluateSplit ??
    data.splits.find((name) => name === "val") ??
    data.splits.find((name) => name !== (options.trainSplit ?? "train"));
  let evaluation: EvaluationReport | undefined;
  let saved = -1;
  const save = async (step: number): Promise<void> => {
    if (saved === step || options.save === undefined) return;
    await reader.drain();
    clock.pause();
    await options.save(step);
    clock.go();
    saved = step;
  };
  let step = start;
  while (step < maxSteps && signal?.aborted !== true) {
    await runner(step);
    step += 1;
    const last = step === maxSteps;
    // What is trained is on the disk before it is scored: scoring takes its time, and may be broken off.
    if (last) await save(step);
    if (scored !== undefined && ((spec.evaluateEvery > 0 && step % spec.evaluateEvery === 0) || last)) {
      await reader.drain();
      clock.pause();
      // The last one is worth waiting for: a run that is done is not gone on with.
      const report = await score(executable, options.training, data, scored, { step, ...(last ? {} : { signal }) });
      if (report !== undefined) await options.onEvaluate?.(report);
      evaluation = report ?? evaluation;
      clock.go();
    }
    if (spec.checkpointEvery > 0 && step % spec.checkpointEvery === 0 && !last) await save(step);
  }
  await reader.drain();
  await save(step);
  return { step, stopped: step < maxSteps, evaluation };
}

/** The mean loss over a whole part of the data, in windows side by side; with the EMA copy where there is one, unless `raw`. */
export async function evaluate(
  executable: Executable,
  training: string,
  data: TextData,
  split: string,
  options: { readonly step?: number; readonly raw?: boolean } = {},
): Promise<EvaluationReport> {
  const report = await score(executable, training, data, split, options);
  if (report === undefined) throw new Error("internal error: an evaluation that nothing stops has ended early");
  return report;
}

/** The same; undefined where `signal` stopped it. The parameters are in their places again afterwards. */
async function score(
  executable: Executable,
  training: string,
  data: TextData,
  split: string,
  options: { readonly step?: number; readonly raw?: boolean; readonly signal?: AbortSignal | undefined },
): Promise<EvaluationReport | undefined> {
  const { step = 0, signal } = options;
  const started = performance.now();
  const name = trainingOf(executable, training).programs.evaluate;
  const { batch, length } = rowsOf(programOf(executable, name), name);
  const pairs = options.raw === true ? [] : emaPairs(executable);
  await executable.swap(pairs);
  try {
    let loss = 0;
    let weight = 0;
    const pending: Promise<Outputs>[] = [];
    const take = async (): Promise<void> => {
      const outputs = await pending.shift();
      loss += only(outputs, "loss_sum") ?? Number.NaN;
    };
    const batches = data.evaluationBatches(split, batch, length);
    for (let index = 0; index < batches && signal?.aborted !== true; index++) {
      const rows = await data.evaluationRows(split, batch, length, index);
      weight += totalWeight(rows);
      if (pending.length >= IN_FLIGHT) await take();
      pending.push(executable.run(name, inputsOf(rows), { read: true }).read());
    }
    while (pending.length > 0) await take();
    if (signal?.aborted === true) return undefined;
    const mean = loss / weight;
    if (!Number.isFinite(mean)) throw new DivergenceError(step, `mean loss over \`${split}\` after ${step} steps`);
    return { step, split, loss: mean, seconds: (performance.now() - started) / 1000, ema: pairs.length > 0 };
  } finally {
    if (executable.device.lost === undefined) await executable.swap(pairs);
  }
}

/** The section of that name. */
export function trainingOf(executable: Executable, name: string): TrainingSpec {
  const spec = executable.artifact.trainings[name];
  if (spec === undefined)
    throw new Error(`The artifact has no training "${name}"; it has ${Object.keys(executable.artifact.trainings).join(", ")}.`);
  return spec;
}

/** Rows as upload values, each under the name that programs know it by. */
function inputsOf(rows: Rows): UploadValues {
  const { tokens, targets, weights, position, row, column, predicted, segment } = rows;
  return { tokens, targets, weights, position, row, column, predicted, segment };
}

/** Submits all runs of a step; resolves when they are submitted, not when they are done. */
function stepRunner(
  executable: Executable,
  spec: TrainingSpec,
  options: TrainOptions,
  reader: LossReader,
): (step: number) => Promise<void> {
  const { step: whole, micro, update } = spec.programs;
  const seed = (options.seed ?? spec.seed) >>> 0;
  const readEvery = options.readEvery ?? 1;
  const split = options.trainSplit ?? "train";
  const main = whole ?? micro;
  if (main === undefined || (whole === undefined && update === undefined))
    throw new Error(`Training "${spec.name}" has neither a \`step\` program nor \`micro\` and \`update\`.`);
  const { batch, length } = rowsOf(programOf(executable, main), main);
  const accumulate = whole === undefined ? spec.accumulate : 1;
  return async (step) => {
    const micros: Rows[] = [];
    for (let index = 0; index < accumulate; index++)
      micros.push(await options.data.rows(split, { seed, step, micro: index, batch, accumulate, length }));
    const weight = micros.reduce((sum, rows) => sum + totalWeight(rows), 0);
    const [correction1, correction2] = adamCorrections(spec.betas, step);
    const scalars = {
      learning_rate: learningRate(spec.learningRate, step),
      "adam.correction1": correction1,
      "adam.correction2": correction2,
      loss_scale: weight > 0 ? 1 / weight : 0,
      seed,
    };
    const read = (step + 1) % readEvery === 0;
    const reads: Promise<Outputs>[] = [];
    for (const [index, rows] of micros.entries()) {
      if (read) await reader.room();
      // Random numbers of a micro-batch (dropout) must differ from those of the others.
      const values = { ...scalars, ...inputsOf(rows), step: (step * accumulate + index) >>> 0, "accumulate.keep": index === 0 ? 0 : 1 };
      const submission = executable.run(main, values, { read });
      if (read) reads.push(reader.track(submission.read()));
    }
    if (whole === undefined && update !== undefined) {
      const reads2 = read && programOf(executable, update).readbackBytes > 0;
      const submission = executable.run(update, { ...scalars, step: step >>> 0 }, { read: reads2 });
      if (reads2) reads.push(reader.track(submission.read()));
    }
    if (read) reader.add({ step, rate: scalars.learning_rate, tokens: batch * length * accumulate * readEvery, reads });
    else if ((step + 1) % IN_FLIGHT === 0) await executable.idle();
  };
}

interface Pending {
  readonly step: number;
  readonly rate: number;
  readonly tokens: number;
  readonly reads: readonly Promise<Outputs>[];
}

interface LossReader {
  /** Waits until one more readback may be started. */
  room(): Promise<void>;
  track(read: Promise<Outputs>): Promise<Outputs>;
  add(pending: Pending): void;
  /** Waits for and reports everything that is outstanding. */
  drain(): Promise<void>;
}

interface Stopwatch {
  pause(): void;
  go(): void;
  seconds(): number;
}

/** Reports steps in order as their outputs come in. A failure is thrown by the next call. */
function readLosses(run: {
  readonly start: number;
  readonly maxSteps: number;
  readonly clock: Stopwatch;
  readonly onStep: TrainOptions["onStep"];
}): LossReader {
  const flying: Promise<Outputs>[] = [];
  const queue: Pending[] = [];
  let tokens = 0;
  const settle = async (pending: Pending): Promise<void> => {
    const outputs = await Promise.all(pending.reads);
    const loss = outputs.reduce((sum, each) => sum + (only(each, "loss") ?? 0), 0);
    const gradientNorm = outputs.map((each) => only(each, "gradient_norm")).find((value) => value !== undefined);
    tokens += pending.tokens;
    if (!Number.isFinite(loss)) throw new DivergenceError(pending.step, `loss of step ${pending.step}`, pending.rate);
    if (gradientNorm !== undefined && !Number.isFinite(gradientNorm))
      throw new DivergenceError(pending.step, `norm of the gradient of step ${pending.step}`, pending.rate);
    const seconds = run.clock.seconds();
    const done = pending.step + 1 - run.start;
    run.onStep?.({
      step: pending.step,
      loss,
      gradientNorm,
      learningRate: pending.rate,
      seconds,
      tokensPerSecond: tokens / seconds,
      secondsLeft: (seconds / done) * (run.maxSteps - pending.step - 1),
    });
  };
  return {
    room: async () => {
      while (flying.length >= IN_FLIGHT) {
        await flying.shift();
        // Outputs of one step come in order, so the steps that are whole now are the first of the queue.
        while (queue[0]?.reads.every((read) => !flying.includes(read)) === true) {
          const ready = queue.shift();
          if (ready !== undefined) await settle(ready);
        }
      }
    },
    track: (read) => {
      flying.push(read);
      return read;
    },
    add: (pending) => {
      queue.push(pending);
    },
    drain: async () => {
      flying.length = 0;
      for (let ready = queue.shift(); ready !== undefined; ready = queue.shift()) await settle(ready);
    },
  };
}

/** Runs but for the pauses of evaluation and saving. */
function stopwatch(): Stopwatch {
  let since: number | undefined = performance.now();
  let before = 0;
  return {
    pause: () => {
      if (since !== undefined) before += performance.now() - since;
      since = undefined;
    },
    go: () => {
      since ??= performance.now();
    },
    seconds: () => (before + (since === undefined ? 0 : performance.now() - since)) / 1000,
  };
}

function programOf(executable: Executable, name: string): Program {
  const program = executable.artifact.programs[name];
  if (program === undefined) throw new Error(`The artifact has no program "${name}".`);
  return program;
}

/** Batch and context length of a program's `tokens`. */
function rowsOf(program: Program, name: string): { readonly batch: number; readonly length: number } {
  const [batch, length] = program.inputs.find((input) => input.name === "tokens")?.shape ?? [];
  if (batch === undefined || length === undefined) throw new Error(`Program "${name}" has no input "tokens" of [batch, context_length].`);
  return { batch, length };
}

function only(outputs: Outputs | undefined, name: string): number | undefined {
  return outputs?.[name]?.[0];
}
