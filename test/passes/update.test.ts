// The optimizer's equations against a scalar re-implementation of clip_grad_norm_, AdamW and EMA, parameter by parameter, over several steps,
// at once and by micro-batches.

import { describe, expect, it } from "vitest";
import type { Parameter } from "../../compiler/check/model.js";
import { interpret } from "../../compiler/interpret.js";
import { add, Builder, mul, sum, total } from "../../compiler/ir/builder.js";
import { elements, type Graph, type Value } from "../../compiler/ir/graph.js";
import { verify } from "../../compiler/ir/verify.js";
import { portable } from "../../compiler/kernels/kernel.js";
import { type Differentiated, differentiate } from "../../compiler/passes/differentiate.js";
import { layout } from "../../compiler/passes/layout.js";
import { simplify } from "../../compiler/passes/simplify.js";
import { type UpdateOptions, update } from "../../compiler/passes/update.js";
import { generator } from "../ops/cases.js";

const span = { file: { name: "test", text: "" }, start: 0, end: 0 };
const parameters: readonly Parameter[] = [
  { name: "a", shape: [3, 5], init: { kind: "zeros" }, span },
  { name: "b", shape: [7], init: { kind: "zeros" }, span },
  { name: "c", shape: [11, 2], init: { kind: "zeros" }, span },
  { name: "unused", shape: [2, 2], init: { kind: "zeros" }, span },
];
const places = layout(parameters, (p) => p.shape.length > 1, portable);
const options: Omit<UpdateOptions, "mode"> = { betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.1, clipNorm: 0.5, ema: 0.9 };

/** loss = Σ data · parameter + ½ Σ parameter², so a gradient is data + parameter. */
function lossGraph(): Differentiated {
  const b = new Builder("loss");
  const parts = parameters.slice(0, 3).map(({ name, shape }) => {
    const w = b.emit("state", [], { name, dtype: "f32", shape });
    const data = b.emit("input", [], { name: `data.${name}`, dtype: "f32", shape });
    const half = b.emit("fill", [], { value: 0.5, shape: [] });
    return sum(
      b,
      add(b, mul(b, w, data), mul(b, half, mul(b, w, w))),
      shape.map((_, i) => i),
    );
  });
  const loss = total(b, parts);
  b.output("loss", loss);
  return differentiate(b.finish(), { loss, wrt: parameters.map((p) => p.name) });
}

type Tensors = Record<string, Float32Array>;

/** Views of the parameters in their groups, under their own names, as the planner makes them. */
function withViews(state: Tensors): Tensors {
  const views = places.places.map(
    ({ name, group, offset, shape }) =>
      [name, (state[`parameters.${group}`] as Float32Array).slice(offset, offset + elements(shape))] as const,
  );
  return { ...state, ...Object.fromEntries(views) };
}

function data(step: number): Tensors {
  const random = generator(step + 1);
  return Object.fromEntries(
    parameters
      .slice(0, 3)
      .map(({ name, shape }) => [`data.${name}`, Float32Array.from({ length: elements(shape) }, () => 2 * random() - 1)]),
  );
}

const rateAt = (step: number) => 0.01 * (step + 1);
function scalars(step: number) {
  return { learning_rate: rateAt(step), "adam.correction1": 1 / (1 - 0.9 ** (step + 1)), "adam.correction2": 1 / (1 - 0.99 ** (step + 1)) };
}

function fresh(kinds: readonly string[]): Tensors {
  const random = generator(99);
  const state = Object.fromEntries(
    kinds.flatMap((kind) => places.groups.map((group) => [`${kind}.${group.index}`, new Float32Array(group.size)] as const)),
  );
  for (const { group, offset, shape } of places.places) {
    const target = state[`parameters.${group}`] as Float32Array;
    for (let i = 0; i < elements(shape); i++) target[offset + i] = random() - 0.5;
    state[`ema.${group}`]?.set(target);
  }
  return state;
}

function run(graph: Graph, state: Tensors, step: number, more: Readonly<Record<string, number>> = {}, inputs = data(step)) {
  const result = interpret(graph, { inputs, scalars: { ...scalars(step), ...more }, state: withViews(state) });
  return { state: { ...state, ...(Object.fromEntries(result.updates) as Tensors) }, norm: result.outputs.get("gradient_norm")?.[0] };
}

/** One number at a time, in double precision. */
function plain(steps: number) {
  const initial = withViews(fresh(["parameters"]));
  const all = parameters.flatMap(({ name, shape }) =>
    Array.from({ length: elements(shape) }, (_, i) => ({
      name,
      i,
      decay: shape.length > 1,
      p: initial[name]?.[i] ?? 0,
      m: 0,
      v: 0,
      ema: initial[name]?.[i] ?? 0,
    })),
  );
  let norm = 0;
  for (let step = 0; step < steps; step++) {
    const given = data(step);
    const gradients = all.map(({ name, i, p }) => (name === "unused" ? 0 : p + (given[`data.${name}`]?.[i] ?? 0)));
    norm = Math.sqrt(gradients.reduce((s, g) => s + g * g, 0));
    const factor = Math.min(1, 0.5 / (norm + 1e-6));
    const rate = rateAt(step);
    all.forEach((one, k) => {
      const g = (gradients[k] ?? 0) * factor;
      one.m = 0.9 * one.m + 0.1 * g;
      one.v = 0.99 * one.v + 0.01 * g * g;
      if (one.decay) one.p -= rate * 0.1 * one.p;
      one.p -= (rate * (one.m / (1 - 0.9 ** (step + 1)))) / (Math.sqrt(one.v / (1 - 0.99 ** (step + 1))) + 1e-8);
      one.ema = 0.9 * one.ema + 0.1 * one.p;
    });
  }
  return { all, norm };
}

function compare(state: Tensors, norm: number | undefined, steps: number) {
  const expected = plain(steps);
  expect(norm).toBeCloseTo(expected.norm, 4);
  for (const [kind, field] of [
    ["parameters", "p"],
    ["adam.m", "m"],
    ["adam.v", "v"],
    ["ema", "ema"],
  ] as const) {
    for (const one of expected.all) {
      const place = places.places.find((p) => p.name === one.name);
      const found = state[`${kind}.${place?.group}`]?.[(place?.offset ?? 0) + one.i];
      expect(found, `${kind} ${one.name}[${one.i}]`).toBeCloseTo(one[field], 5);
    }
  }
  // Gaps stay zero.
  const used = places.places.reduce((n, { shape }) => n + elements(shape), 0);
  const nonzero = places.groups.reduce(
    (n, { index }) => n + (state[`parameters.${index}`] ?? new Float32Array(0)).filter((p) => p !== 0).length,
    0,
  );
  expect(nonzero).toBeLessThanOrEqual(used);
}

const kinds = ["parameters", "adam.m", "adam.v", "ema"];

describe("update", () => {
  it("puts decayed and other parameters into groups of their own", () => {
    expect(places.groups.map((group) => group.decay)).toEqual([true, false]);
  });

  it("is AdamW with clipping and EMA", () => {
    for (const pass of [(g: Graph) => g, simplify]) {
      const graph = pass(update(lossGraph(), places, { ...options, mode: "step" }));
      expect(verify(graph)).toEqual([]);
      let state = fresh(kinds);
      let norm: number | undefined;
      for (let step = 0; step < 3; step++) ({ state, norm } = run(graph, state, step));
      compare(state, norm, 3);
    }
  });

  it("adds eps to the root, not under it", () => {
    const wide = { ...options, eps: 0.25, weightDecay: 0 };
    const before = fresh(kinds);
    const { state } = run(update(lossGraph(), places, { ...wide, mode: "step" }), before, 0);
    for (const group of places.groups) {
      state[`parameters.${group.index}`]?.forEach((p, i) => {
        const m = (state[`adam.m.${group.index}`]?.[i] ?? 0) / 0.1;
        const v = (state[`adam.v.${group.index}`]?.[i] ?? 0) / 0.01;
        expect(p).toBeCloseTo((before[`parameters.${group.index}`]?.[i] ?? 0) - (rateAt(0) * m) / (Math.sqrt(v) + 0.25), 6);
      });
    }
  });

  it("does the same by micro-batches", () => {
    const micro = simplify(update(lossGraph(), places, { ...options, mode: "micro" }));
    const empty: Differentiated = { graph: new Builder("update").finish(), loss: 0 as Value, gradients: new Map() };
    const apply = simplify(update(empty, places, { ...options, mode: "update" }));
    for (const graph of [micro, apply]) expect(verify(graph)).toEqual([]);
    expect([...micro.outputs.keys()]).toEqual(["loss"]);
    let state = fresh([...kinds, "gradients"]);
    let norm: number | undefined;
    for (let step = 0; step < 3; step++) {
      // Two micro-batches whose gradients add to the batch's: the second sees data and, through ½ p², no parameters beyond once.
      const whole = data(step);
      state = run(micro, state, step, { "accumulate.keep": 0 }, whole).state;
      const none = Object.fromEntries(Object.entries(whole).map(([name, x]) => [name, negatedParameter(state, name.slice(5), x)]));
      state = run(micro, state, step, { "accumulate.keep": 1 }, none).state;
      ({ state, norm } = run(apply, state, step));
    }
    compare(state, norm, 3);
  });

  it("clips only what is longer than the limit", () => {
    const loose = update(lossGraph(), places, { ...options, clipNorm: 1e6, mode: "step" });
    const { clipNorm: _, ...open } = options;
    const none = update(lossGraph(), places, { ...open, mode: "step" });
    const [a, b] = [run(loose, fresh(kinds), 0), run(none, fresh(kinds), 0)];
    expect(a).toEqual(b);
  });
});

/** Data that make a micro-batch's gradient zero. */
function negatedParameter(state: Tensors, name: string, shape: Float32Array): Float32Array {
  const view = withViews(state)[name] ?? shape;
  return view.map((p) => -p);
}
