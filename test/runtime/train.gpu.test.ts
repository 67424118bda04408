// The trainer over a unigram model: the loss reaches the text's entropy, runs resume exactly, accumulation adds up, and what goes wrong is named.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arraySource } from "../../runtime/bytes.js";
import type { Device } from "../../runtime/device.js";
import { Executable } from "../../runtime/executable.js";
import { NodeFile, openNodeDevice, writeFileAtomically } from "../../runtime/node.js";
import { openSafetensors } from "../../runtime/safetensors.js";
import { openSequence } from "../../runtime/sequences.js";
import { initialise } from "../../runtime/tensors.js";
import { openTokenizers } from "../../runtime/tokenizers/index.js";
import {
  checkpointChunks,
  DivergenceError,
  evaluate,
  loadCheckpoint,
  loadWeights,
  openTextData,
  type StepReport,
  type TextData,
  train,
  weightChunks,
} from "../../runtime/train/index.js";
import { countCalls } from "./count-calls.js";
import { passage, unigram } from "./small-artifacts.js";

const letters = "aaaabbbccd".repeat(40);

describe("train", () => {
  let device: Device;
  let data!: TextData;
  const folder = mkdtempSync(join(tmpdir(), "ulmus-"));
  beforeAll(async () => {
    device = await openNodeDevice();
    const artifact = unigram();
    const spec = artifact.data.letters;
    if (spec === undefined) throw new Error("no data");
    const tokenizers = openTokenizers(artifact.tokenizers);
    data = await openTextData(
      spec,
      [arraySource(new TextEncoder().encode(letters), "letters.txt")],
      openSequence(passage, tokenizers),
      tokenizers.get("chars"),
    );
  });
  afterAll(() => {
    device.destroy();
    rmSync(folder, { recursive: true });
  });

  async function opened(options: Parameters<typeof unigram>[0] = {}): Promise<Executable> {
    const executable = await Executable.open(unigram(options), device);
    await initialise(executable, 3);
    return executable;
  }
  const base = { training: "training", data } as const;
  const run = (executable: Executable, extra: Partial<Parameters<typeof train>[0]> = {}) => train({ ...base, data, executable, ...extra });

  test("falls to the entropy of the letters, reports every step, scores with the EMA copy", async () => {
    const executable = await opened({ evaluateEvery: 20 });
    const reports: StepReport[] = [];
    const scores: number[] = [];
    const result = await run(executable, {
      onStep: (report) => reports.push(report),
      onEvaluate: (report) => void scores.push(report.loss),
    });
    expect(result).toMatchObject({ step: 40, stopped: false });
    expect(reports.map((report) => report.step)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(reports[0]?.loss).toBeCloseTo(Math.log(5), 1);
    expect(reports.every((report) => (report.gradientNorm ?? 0) > 0)).toBe(true);
    expect(reports[1]?.learningRate).toBe(0.1);
    expect(scores.length).toBe(2);
    const entropy = -[0.4, 0.3, 0.2, 0.1].reduce((sum, p) => sum + p * Math.log(p), 0);
    expect(scores[1]).toBeGreaterThan(entropy - 0.01);
    expect(scores[1]).toBeLessThan(entropy + 0.1);
    const before = await executable.readTensor("logits");
    const raw = await evaluate(executable, "training", data, "val", { raw: true });
    const averaged = await evaluate(executable, "training", data, "val");
    expect(averaged.loss).toBeCloseTo(scores[1] ?? 0, 6);
    expect([raw.ema, averaged.ema]).toEqual([false, true]);
    expect(raw.loss).not.toBe(averaged.loss);
    expect(await executable.readTensor("logits")).toEqual(before);
    executable.destroy();
  });

  test("submits once and writes once a step, and creates nothing", async () => {
    const executable = await opened();
    await run(executable, { maxSteps: 2, evaluateSplit: "val" });
    const counted = countCalls(device.gpu);
    await run(executable, { start: 2, maxSteps: 3, evaluateSplit: "val" });
    const one = { ...counted.calls };
    await run(executable, { start: 3, maxSteps: 14, evaluateSplit: "val" });
    counted.restore();
    const more = Object.fromEntries(Object.entries(counted.calls).map(([name, n]) => [name, n - 2 * (one[name] ?? 0)]));
    // Ten steps more than twice the one: evaluation is the same in all.
    expect(more).toEqual({ createCommandEncoder: 10, submit: 10, writeBuffer: 10 });
    executable.destroy();
  });

  test("resumes exactly from a checkpoint written by a stop", async () => {
    const whole = await opened();
    await run(whole);
    const path = join(folder, "checkpoint.safetensors");
    const first = await opened({ checkpointEvery: 8 });
    const stop = new AbortController();
    const saves: number[] = [];
    const stopped = await run(first, {
      signal: stop.signal,
      onStep: ({ step }) => step === 16 && stop.abort(),
      save: async (step) => {
        saves.push(step);
        await writeFileAtomically(path, checkpointChunks(first, { step, seed: 3 }));
      },
    });
    expect(stopped.stopped).toBe(true);
    expect(stopped.step).toBeLessThan(22);
    expect(saves).toEqual([8, 16, stopped.step]);
    expect(readdirSync(folder)).toEqual(["checkpoint.safetensors"]);
    const second = await opened();
    const file = await NodeFile.open(path);
    const state = await loadCheckpoint(second, file);
    await file.close();
    expect(state).toEqual({ step: stopped.step, seed: 3 });
    await run(second, { start: state.step, seed: state.seed });
    for (const name of ["logits", "adam.m/logits", "adam.v/logits", "ema/logits"])
      expect(await second.readTensor(name)).toEqual(await whole.readTensor(name));
    // Weights alone: the EMA copy under the parameter's name; from a checkpoint it goes before the raw one.
    const chunks: Uint8Array[] = [];
    for await (const chunk of weightChunks(whole)) chunks.push(chunk);
    const weights = await openSafetensors(arraySource(new Uint8Array(Buffer.concat(chunks)), "weights"));
    expect([...weights.tensors.keys()]).toEqual(["logits"]);
    expect((await weights.read("logits")).data).toEqual(await whole.readTensor("ema/logits"));
    await loadWeights(second, arraySource(readFileSync(path), "checkpoint"));
    expect(await second.readTensor("logits")).toEqual(await first.readTensor("ema/logits"));
    await expect(loadCheckpoint(second, arraySource(new Uint8Array(Buffer.concat(chunks)), "weights"))).rejects.toThrow("no step and seed");
    await expect(loadCheckpoint(second, arraySource(readFileSync(path).subarray(0, 300), "half"))).rejects.toThrow(
      "not a whole safetensors file",
    );
    for (const executable of [whole, first, second]) executable.destroy();
  });

  test("accumulates: every micro-batch counts by its predicted tokens, the norm comes from the update", async () => {
    const executable = await opened({ accumulate: 3 });
    const reports: StepReport[] = [];
    // The first step's gradient by hand: softmax of the logits, less the shares of the letters in all three micro-batches.
    const logits = [...(await executable.readTensor("logits"))];
    const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
    const gradient = logits.map((x) => Math.exp(x) / total);
    for (const micro of [0, 1, 2]) {
      const { targets } = await data.rows("train", { seed: 3, step: 0, micro, batch: 2, accumulate: 3, length: 4 });
      for (const id of targets) gradient[id] = (gradient[id] ?? 0) - 1 / 24;
    }
    await run(executable, { maxSteps: 12, onStep: (report) => reports.push(report) });
    expect(reports.length).toBe(12);
    expect(reports[0]?.loss).toBeCloseTo(Math.log(5), 1);
    expect(reports[0]?.gradientNorm).toBeCloseTo(Math.hypot(...gradient), 5);
    expect(reports[11]?.loss).toBeLessThan(1.5);
    expect(reports.every((report) => (report.gradientNorm ?? 0) > 0)).toBe(true);
    executable.destroy();
  });

  test("reads losses as rarely as asked", async () => {
    const executable = await opened();
    const steps: number[] = [];
    await run(executable, { readEvery: 8, onStep: ({ step }) => steps.push(step) });
    expect(steps).toEqual([7, 15, 23, 31, 39]);
    executable.destroy();
  });

  test("names the step at which the loss is no number, and does not save it", async () => {
    const executable = await opened();
    executable.write("logits", Float32Array.of(0, 0, Number.NaN, 0, 0));
    const failure = run(executable, { save: () => Promise.reject(new Error("saved")) });
    await expect(failure).rejects.toThrow(DivergenceError);
    await expect(failure).rejects.toThrow("The loss of step 0 is not a finite number");
    executable.destroy();
  });

  test("a stop breaks an evaluation off, and leaves the parameters in their places", async () => {
    const whole = await opened();
    await run(whole, { maxSteps: 8, evaluateSplit: "val" });
    const executable = await opened({ evaluateEvery: 8 });
    const stop = new AbortController();
    const evaluations: number[] = [];
    // The step before the evaluation is reported when its loss is read, right before the evaluation begins.
    const stopped = await run(executable, {
      signal: stop.signal,
      evaluateSplit: "val",
      onStep: ({ step }) => step === 7 && stop.abort(),
      onEvaluate: ({ step }) => void evaluations.push(step),
    });
    expect(stopped).toEqual({ step: 8, stopped: true, evaluation: undefined });
    expect(evaluations).toEqual([]);
    for (const name of ["logits", "ema/logits"]) expect(await executable.readTensor(name)).toEqual(await whole.readTensor(name));
    whole.destroy();
    executable.destroy();
  });
});
