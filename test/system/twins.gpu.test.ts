// Two models, a GPT and a LLaMA, against PyTorch: from the same weights and batches the same losses, the same gradient of every parameter.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../../runtime/device.js";
import { openNodeDevice } from "../../runtime/node.js";
import { gatherTensor, wholeTensors } from "../../runtime/tensors.js";
import { learningRate } from "../../runtime/train/schedule.js";
import { loadTwins, loadTwinTensors, microBatches, referencePath, relativeDistance, type TwinName } from "../reference/load.js";
import { checked, type Opened, open, positions, setParameters } from "./harness.js";

let device: Device;
beforeAll(async () => {
  device = await openNodeDevice();
});
afterAll(() => device.destroy());

describe.each<TwinName>(["gpt", "llama"])("the %s twin", (name) => {
  test("has PyTorch's first 20 losses, and its gradient of each parameter at steps 1 and 20", { timeout: 300_000 }, async () => {
    const twins = loadTwins();
    const model = checked(referencePath("."), `${name}.elm`);
    const [training] = [...model.trainings.values()];
    if (training === undefined) throw new Error("no training");
    const opened = await open(model, { kind: "train", training: training.name }, device);
    const { executable } = opened;
    setParameters(executable, loadTwinTensors(name, "weights"));
    const spec = executable.artifact.trainings[training.name];
    if (spec?.programs.micro === undefined || spec.programs.update === undefined) throw new Error("no programs for accumulation");

    const losses: number[] = [];
    const far: string[] = [];
    for (let step = 0; step < twins.steps; step++) {
      const batches = microBatches(twins, step, training.batchSize);
      const weight = batches.reduce((sum, batch) => sum + batch.weights.reduce((a, b) => a + b, 0), 0);
      let loss = 0;
      for (const [micro, batch] of batches.entries()) {
        const outputs = await executable.call(spec.programs.micro, {
          ...rows(batch.ids, batch.rows, twins.context),
          weights: batch.weights,
          loss_scale: 1 / weight,
          "accumulate.keep": micro === 0 ? 0 : 1,
          seed: 1,
          step,
        });
        loss += outputs["loss"]?.[0] ?? Number.NaN;
      }
      losses.push(loss);
      if (step === 0 || step === twins.steps - 1)
        far.push(...(await farGradients(opened, name, step === 0 ? "gradient-1" : "gradient-20")));
      await executable.call(spec.programs.update, {
        learning_rate: learningRate(spec.learningRate, step),
        "adam.correction1": 1 / (1 - training.optimizer.betas[0] ** (step + 1)),
        "adam.correction2": 1 / (1 - training.optimizer.betas[1] ** (step + 1)),
      });
    }
    const expected = twins.twins[name].losses;
    const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - (expected[i] ?? 0)) / (expected[i] ?? 1)));
    expect(far).toEqual([]);
    expect(worst).toBeLessThan(1e-4);
    expect(losses.at(-1)).toBeLessThan(0.9 * (losses[0] ?? 0));
    executable.destroy();
  });
});

function rows(ids: Uint32Array, count: number, context: number): { tokens: Uint32Array; targets: Uint32Array; position: Uint32Array } {
  const cut = (first: number) =>
    Uint32Array.from({ length: count * context }, (_, i) => ids[Math.floor(i / context) * (context + 1) + (i % context) + first] ?? 0);
  return { tokens: cut(0), targets: cut(1), position: positions(count, context) };
}

/** Parameters whose gradient differs by more than 1e-4 in norm, with the difference. */
async function farGradients(opened: Opened, name: TwinName, what: "gradient-1" | "gradient-20"): Promise<string[]> {
  const expected = loadTwinTensors(name, what);
  const gradients = wholeTensors(opened.artifact.tensors, new Set(["gradient"]));
  const far: string[] = [];
  for (const [parameter, reference] of expected) {
    const tensor = gradients.find((candidate) => candidate.name === `gradients/${parameter}`);
    if (tensor === undefined) throw new Error(`no gradient of ${parameter}`);
    const { data } = await gatherTensor(opened.executable, tensor);
    const distance = relativeDistance(data, reference.data);
    if (!(distance <= 1e-4)) far.push(`${what} ${parameter}: ${distance.toExponential(2)}`);
  }
  return far;
}
