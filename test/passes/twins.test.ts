// The whole mathematics against PyTorch, on the CPU: the twins' programs, lowered, differentiated and given their update, run by the ops' plain
// definitions. Losses and gradient norms of the first steps, every parameter's gradient at the first; clipping bites, rows come as 2 + 3.

import { describe, expect, it } from "vitest";
import { folderHost } from "../../cli/host.js";
import { check } from "../../compiler/check/check.js";
import { interpret } from "../../compiler/interpret.js";
import { elements, type Value } from "../../compiler/ir/graph.js";
import { portable } from "../../compiler/kernels/kernel.js";
import { decomposePass } from "../../compiler/passes/decompose.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { layout } from "../../compiler/passes/layout.js";
import { runPasses } from "../../compiler/passes/pass.js";
import { trainingLoss } from "../../compiler/passes/programs.js";
import { simplifyPass } from "../../compiler/passes/simplify.js";
import { splitPass } from "../../compiler/passes/split.js";
import { update } from "../../compiler/passes/update.js";
import { loadTwins, loadTwinTensors, microBatches, referencePath, relativeDistance, type TwinName } from "../reference/load.js";

const twins = loadTwins();
const STEPS = 2;

type Tensors = Record<string, Float32Array>;

function programs(name: TwinName, logitsBytes: number) {
  const { model } = check(`${name}.elm`, folderHost(referencePath(".")), []);
  const training = model === undefined ? undefined : [...model.trainings.values()][0];
  const network = model?.networks.get(training?.network ?? "");
  if (model === undefined || training === undefined || network === undefined) throw new Error(`${name}.elm does not check`);
  const { betas, eps, weightDecay, decay } = training.optimizer;
  const places = layout(network.parameters, (p) => decay === "all" || p.shape.length > 1, portable);
  const front = runPasses(trainingLoss(model, training, 3), [simplifyPass, splitPass(places, { logitsBytes })]);
  const loss = front.outputs.get("loss") as Value;
  const result = differentiate(front, { loss, wrt: places.places.map((place) => place.name) });
  const options = { betas, eps, weightDecay, ...(training.clipNorm === undefined ? {} : { clipNorm: training.clipNorm }) };
  const back = [decomposePass, simplifyPass];
  const bare = { ...result, graph: { ...result.graph, outputs: new Map() } };
  return {
    places,
    micro: runPasses(update(result, places, { mode: "micro", ...options }), back),
    apply: runPasses(update(bare, places, { mode: "update", ...options }), back),
  };
}

/** Steps from the twin's own weights; what PyTorch recorded of each. */
function train(name: TwinName, steps: number, logitsBytes: number) {
  const { places, micro, apply } = programs(name, logitsBytes);
  const weights = loadTwinTensors(name, "weights");
  let state: Tensors = Object.fromEntries(
    ["parameters", "gradients", "adam.m", "adam.v"].flatMap((kind) =>
      places.groups.map((group) => [`${kind}.${group.index}`, new Float32Array(group.size)] as const),
    ),
  );
  for (const { name: parameter, group, offset } of places.places)
    state[`parameters.${group}`]?.set(weights.get(parameter)?.data ?? [], offset);
  const view = (kind: string, { group, offset, shape }: (typeof places.places)[number]) =>
    (state[`${kind}.${group}`] as Float32Array).slice(offset, offset + elements(shape));

  const losses: number[] = [];
  const norms: number[] = [];
  let first: ReadonlyMap<string, Float32Array> = new Map();
  for (let step = 0; step < steps; step++) {
    const batches = microBatches(twins, step, 3);
    const total = batches.flatMap((batch) => [...batch.weights]).reduce((a, b) => a + b);
    const row = twins.context + 1;
    let loss = 0;
    batches.forEach((batch, i) => {
      const token = (shift: number) =>
        Uint32Array.from(
          { length: 3 * twins.context },
          (_, at) => batch.ids[Math.floor(at / twins.context) * row + (at % twins.context) + shift] ?? 0,
        );
      const position = Uint32Array.from({ length: 3 * twins.context }, (_, at) => at % twins.context);
      const views = Object.fromEntries(places.places.map((place) => [place.name, view("parameters", place)] as const));
      const result = interpret(micro, {
        inputs: { tokens: token(0), targets: token(1), position, weights: batch.weights },
        scalars: { loss_scale: 1 / total, "accumulate.keep": i === 0 ? 0 : 1 },
        state: { ...state, ...views },
      });
      loss += result.outputs.get("loss")?.[0] ?? Number.NaN;
      state = { ...state, ...(Object.fromEntries(result.updates) as Tensors) };
    });
    losses.push(loss);
    if (step === 0) first = new Map(places.places.map((place) => [place.name, view("gradients", place)]));
    const scalars = {
      learning_rate: twins.rates[step] ?? Number.NaN,
      "adam.correction1": 1 / (1 - 0.9 ** (step + 1)),
      "adam.correction2": 1 / (1 - 0.95 ** (step + 1)),
    };
    const result = interpret(apply, { scalars, state });
    norms.push(result.outputs.get("gradient_norm")?.[0] ?? Number.NaN);
    state = { ...state, ...(Object.fromEntries(result.updates) as Tensors) };
  }
  return { losses, norms, first };
}

const runs = [
  { name: "gpt", logitsBytes: 2 ** 24, how: "all logits at once" },
  { name: "llama", logitsBytes: 2 ** 24, how: "all logits at once" },
  { name: "llama", logitsBytes: 4 * 3 * 37 * 64, how: "logits in chunks of 64" },
] as const;

describe.each(runs)("the $name twin, $how", ({ name, logitsBytes }) => {
  it("has PyTorch's losses, gradient norms and gradients", { timeout: 120_000 }, () => {
    const expected = twins.twins[name];
    const { losses, norms, first } = train(name, logitsBytes < 2 ** 20 ? 1 : STEPS, logitsBytes);
    losses.forEach((loss, step) => {
      expect(Math.abs(loss / (expected.losses[step] ?? 0) - 1), `loss of step ${step + 1}: ${loss}`).toBeLessThan(1e-5);
    });
    norms.forEach((norm, step) => {
      expect(Math.abs(norm / (expected.gradientNorms[step] ?? 0) - 1), `norm of step ${step + 1}: ${norm}`).toBeLessThan(1e-5);
    });
    for (const [parameter, { data }] of loadTwinTensors(name, "gradient-1")) {
      expect(relativeDistance(first.get(parameter) ?? [], data), parameter).toBeLessThan(1e-5);
    }
  });
});
