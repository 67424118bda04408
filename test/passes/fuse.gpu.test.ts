// Fused and planned programs on a device against the plain interpreter.

import { describe, expect, it } from "vitest";
import { interpret } from "../../compiler/interpret.js";
import type { Graph } from "../../compiler/ir/graph.js";
import type { Bindings } from "../../compiler/interpret.js";
import { printPlan } from "../../compiler/passes/plan/print.js";
import { homesOf, type Homes } from "../../compiler/passes/homes.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { layout } from "../../compiler/passes/layout.js";
import { simplify } from "../../compiler/passes/simplify.js";
import { update } from "../../compiler/passes/update.js";
import { portable } from "../../compiler/kernels/kernel.js";
import { elements } from "../../compiler/ir/graph.js";
import { generator } from "../ops/cases.js";
import { openDevice } from "../kernels/device.js";
import { runGraph } from "./run.js";
import { transformer } from "./transformer.js";

const context = await openDevice();

async function compare(graph: Graph, bindings: Bindings, homes: Homes = new Map()): Promise<void> {
  if (!context) throw new Error("no device");
  const ran = await runGraph(context, graph, bindings, homes);
  if (process.env["PLAN"]) console.log(printPlan(ran.plan));
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

describe.skipIf(context === undefined)("fused programs", () => {
  it("runs a decoder's forward", async () => {
    const { graph, bindings } = transformer();
    await compare(graph, bindings);
  });

  it("runs a decoder's training step", async () => {
    const { graph, loss, parameters, bindings } = transformer();
    const span = { file: { name: "test", text: "" }, start: 0, end: 0 };
    const list = [...parameters].map(([name, shape]) => ({ name, shape, init: { kind: "zeros" as const }, span }));
    const places = layout(list, (p) => p.shape.length > 1, portable);
    const differentiated = differentiate(graph, { loss, wrt: list.map((p) => p.name) });
    const step = simplify(update(differentiated, places, { mode: "step", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.1, clipNorm: 0.5, ema: 0.9 }));
    const random = generator(3);
    const flat = (low: number) => Object.fromEntries(places.groups.map((g) => [g.index, Float32Array.from({ length: g.size }, () => low + random())] as const));
    const [weights, m, v, ema] = [flat(-0.5), flat(-0.5), flat(0), flat(-0.5)];
    const state = {
      ...Object.fromEntries(places.groups.flatMap(({ index }) => [[`parameters.${index}`, weights[index]], [`adam.m.${index}`, m[index]], [`adam.v.${index}`, v[index]], [`ema.${index}`, ema[index]]])),
      ...Object.fromEntries(places.places.map((p) => [p.name, weights[p.group]?.slice(p.offset, p.offset + elements(p.shape))])),
    } as Record<string, Float32Array>;
    const scalars = { ...bindings.scalars, learning_rate: 0.1, "adam.correction1": 2, "adam.correction2": 3 };
    await compare(step, { inputs: bindings.inputs ?? {}, scalars, state }, homesOf(places));
  });
});
