// Fused and planned programs on a device against the plain interpreter, at sizes that nothing divides.

import { describe, expect, it } from "vitest";
import { type Bindings, interpret } from "../../compiler/interpret.js";
import { elements, type Graph } from "../../compiler/ir/graph.js";
import { portable, type Target } from "../../compiler/kernels/kernel.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { type Homes, homesOf } from "../../compiler/passes/homes.js";
import { layout } from "../../compiler/passes/layout.js";
import { simplify } from "../../compiler/passes/simplify.js";
import { update } from "../../compiler/passes/update.js";
import { openDevice } from "../kernels/device.js";
import { generator } from "../ops/cases.js";
import {
  type Case,
  crossEntropy,
  decoding,
  late,
  layernorm,
  layouts,
  mlp,
  numbers,
  reductions,
  rmsnorm,
  softmax,
  states,
} from "./graphs.js";
import { checkPlan } from "./invariants.js";
import { runGraph } from "./run.js";
import { transformer } from "./transformer.js";

const context = await openDevice();

async function compare(graph: Graph, bindings: Bindings, homes: Homes = new Map(), target?: Target): Promise<void> {
  if (!context) throw new Error("no device");
  const ran = await runGraph(context, graph, bindings, homes, target ?? context.target);
  checkPlan(ran.plan, target ?? context.target);
  const expected = interpret(graph, bindings);
  for (const [name, values] of expected.outputs) close(ran.outputs.get(name), values, name);
  for (const [name, values] of expected.updates) close(ran.updates.get(name), values, name);
}

function close(found: ArrayLike<number> | undefined, expected: ArrayLike<number>, name: string): void {
  expect(found?.length, name).toBe(expected.length);
  const largest = Math.max(1e-3, ...Array.from(expected, Math.abs));
  let worst = 0;
  let where = -1;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs((found?.[i] ?? Number.NaN) - (expected[i] ?? 0)) / largest;
    if (!(error <= worst)) {
      worst = error;
      where = i;
    }
  }
  expect(worst, `${name}[${where}]: ${found?.[where]} for ${expected[where]}`).toBeLessThan(2e-5);
}

const run = ({ name, graph, bindings }: Case) =>
  it(name, async () => {
    await compare(graph, bindings);
  });

describe.skipIf(context === undefined)("fused programs", () => {
  for (const cols of [1, 7, 65, 1000]) {
    run(rmsnorm(cols === 65 ? 37 : 3, cols));
    run(softmax(cols === 7 ? 37 : 1, cols));
    run(crossEntropy(cols === 65 ? 37 : 1, cols));
  }
  run(layernorm(37, 7));
  run(layernorm(1, 64));
  run(mlp(5, 7, 11));
  run(mlp(37, 12, 20));
  run(reductions([3, 5, 7]));
  run(reductions([2, 4500, 3]));
  run(reductions([1, 70, 3]));
  run(reductions([1, 1, 1]));
  run(layouts());
  run(numbers());
  run(states());
  run(late());
  run(decoding(1, 1));
  run(decoding(3, 2));

  it("runs without subgroups, and with the fewest bindings a device may have", async () => {
    for (const { graph, bindings } of [rmsnorm(3, 65), softmax(2, 300), layernorm(5, 7), states()])
      await compare(graph, bindings, new Map(), portable);
  });

  it("runs a decoder's forward", async () => {
    const { graph, bindings } = transformer();
    await compare(graph, bindings);
  });

  it("runs a decoder's training step, parameters in flat groups", async () => {
    const { graph, loss, parameters, bindings } = transformer();
    const span = { file: { name: "test", text: "" }, start: 0, end: 0 };
    const list = [...parameters].map(([name, shape]) => ({ name, shape, init: { kind: "zeros" as const }, span }));
    const places = layout(list, (p) => p.shape.length > 1, portable);
    const differentiated = differentiate(graph, { loss, wrt: list.map((p) => p.name) });
    const step = simplify(
      update(differentiated, places, { mode: "step", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.1, clipNorm: 0.5, ema: 0.9 }),
    );
    const random = generator(3);
    const flat = (low: number) =>
      new Map(places.groups.map((g) => [g.index, Float32Array.from({ length: g.size }, () => low + random())] as const));
    const kinds = new Map([
      ["parameters", flat(-0.5)],
      ["adam.m", flat(-0.5)],
      ["adam.v", flat(0)],
      ["ema", flat(-0.5)],
    ]);
    const state: Record<string, Float32Array> = {};
    for (const [kind, groups] of kinds) for (const [index, values] of groups) state[`${kind}.${index}`] = values;
    for (const { name, group, offset, shape } of places.places) {
      const whole = state[`parameters.${group}`];
      if (whole) state[name] = whole.slice(offset, offset + elements(shape));
    }
    const scalars = { ...bindings.scalars, learning_rate: 0.1, "adam.correction1": 2, "adam.correction2": 3 };
    await compare(step, { inputs: bindings.inputs ?? {}, scalars, state }, homesOf(places));
  });
});
