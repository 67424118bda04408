// What the table of ops says of gradients, from the table itself: every f32 operand of every op that can be differentiated is compared with finite
// differences of the op's plain evaluation, and every decomposition with that evaluation.

import { describe, expect, it } from "vitest";
import { evaluateAll } from "../../compiler/interpret.js";
import { Builder, fill, mul, pick, sum, total } from "../../compiler/ir/builder.js";
import { elements, type OpName, type Value } from "../../compiler/ir/graph.js";
import type { Tensor } from "../../compiler/ops/op.js";
import { opOf, ops } from "../../compiler/ops/table.js";
import { decompose } from "../../compiler/passes/decompose.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { type Case, cases, generator, type Operand, words, x } from "./cases.js";

const names = Object.keys(ops) as OpName[];
const differentiable = names.filter((op) => ops[op].gradient !== undefined || ops[op].decompose !== undefined);

/** Ops without f32 operands, and those that no gradient passes. */
const without: readonly OpName[] = [
  "input",
  "scalar",
  "state",
  "fill",
  "literal",
  "range",
  "attention_gradient",
  "cache_write",
  "tally",
  "sample",
];

function operandState(b: Builder, operand: Operand, i: number): Value {
  return b.emit("state", [], { name: `x${i}`, dtype: operand.dtype, shape: operand.shape });
}

function bindings(inputs: readonly Operand[]): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(inputs.map((operand, i) => [`x${i}`, operand.data]));
}

/** The op's results as values of a builder. */
function results(b: Builder, op: OpName, { inputs, attrs }: Case): readonly Value[] {
  const value = b.emit(
    op,
    inputs.map((operand, i) => operandState(b, operand, i)),
    attrs,
  );
  const { types } = b.node(value);
  return types.length === 1 ? [value] : types.map((_, i) => pick(b, value, i));
}

/** Random weights, which make a scalar of a result. */
function weights(n: number): Float32Array {
  const random = generator(n + 3);
  return Float32Array.from({ length: n }, () => 2 * random() - 1);
}

function gradientsOf(op: OpName, one: Case): ReadonlyMap<string, Float32Array> {
  const b = new Builder("case");
  const all = results(b, op, one);
  const chosen = (one.results ?? all.map((_, i) => i)).map((i) => all[i] as Value);
  const parts = chosen.map((value) => {
    const { shape } = b.type(value);
    const w = b.emit("literal", [], { values: [...weights(elements(shape))], shape });
    return sum(
      b,
      mul(b, value, w),
      shape.map((_, axis) => axis),
    );
  });
  const loss = total(b, parts);
  b.output("loss", loss);
  const wrt = one.inputs.flatMap((operand, i) => (operand.dtype === "f32" ? [`x${i}`] : []));
  const result = differentiate(b.finish(), { loss, wrt });
  const values = evaluateAll(result.graph, { state: bindings(one.inputs) }, [...result.gradients.values()]);
  return new Map([...result.gradients].map(([name, value]) => [name, values.get(value)?.[0] as Float32Array]));
}

function lossOf(op: OpName, one: Case, inputs: readonly Operand[]): number {
  const b = new Builder("case");
  const all = results(b, op, one);
  const chosen = (one.results ?? all.map((_, i) => i)).map((i) => all[i] as Value);
  const values = evaluateAll(b.finish(), { state: bindings(inputs) }, chosen);
  return chosen.reduce((loss, value) => {
    const result: readonly number[] = [...(values.get(value)?.[0] ?? [])];
    const w = weights(result.length);
    return result.reduce((partial, element, i) => partial + element * (w[i] ?? 0), loss);
  }, 0);
}

const STEP = 1 / 64;

/** Central difference of fourth order: error O(STEP⁴) and some 1e-5 of rounding. */
function difference(op: OpName, one: Case, operand: number, element: number): number {
  const moved = (steps: number) => {
    const inputs = one.inputs.map((input, i) => {
      if (i !== operand) return input;
      const data = Float32Array.from(input.data);
      data[element] = (data[element] ?? 0) + steps * STEP;
      return { ...input, data };
    });
    return lossOf(op, one, inputs);
  };
  return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * STEP);
}

describe("gradients", () => {
  it("have a case for every op that can be differentiated", () => {
    expect(names.filter((op) => !differentiable.includes(op)).sort()).toEqual([...without].sort());
    expect(differentiable.filter((op) => cases[op] === undefined)).toEqual(["uniform", "pick"]);
  });

  for (const op of differentiable) {
    if (op === "detach") continue;
    (cases[op] ?? []).forEach((one: Case, index) => {
      it(`${op} ${index}: ${one.inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join(" ")}`, () => {
        const gradients = gradientsOf(op, one);
        one.inputs.forEach((input, i) => {
          if (input.dtype !== "f32") return;
          const gradient = gradients.get(`x${i}`) ?? new Float32Array(input.data.length);
          expect(gradient.length).toBe(input.data.length);
          gradient.forEach((value, element) => {
            const expected = difference(op, one, i, element);
            expect(Math.abs(value - expected), `operand ${i}, element ${element}: ${value}, differences give ${expected}`).toBeLessThan(
              2e-4 * (1 + Math.abs(expected)),
            );
          });
        });
      });
    });
  }

  it("stop at detach", () => {
    expect(gradientsOf("detach", { inputs: [x([3])], attrs: {} }).size).toBe(0);
  });

  it("share evenly where largest elements are equal", () => {
    const tie = { dtype: "f32", shape: [4], data: Float32Array.of(2, 1, 2, 2) } as const;
    const [w = 0] = weights(1);
    const amax = gradientsOf("amax", { inputs: [tie], attrs: { axes: [0], keep: false } });
    expect([...(amax.get("x0") ?? [])].map((g) => g / w)).toEqual([1 / 3, 0, 1 / 3, 1 / 3].map((g) => expect.closeTo(g, 6)));
    for (const op of ["max", "min"] as const) {
      const both = gradientsOf(op, {
        inputs: [
          { ...tie, shape: [1], data: Float32Array.of(2) },
          { ...tie, shape: [1], data: Float32Array.of(2) },
        ],
        attrs: {},
      });
      expect(both.get("x0")?.[0]).toBeCloseTo(w / 2, 6);
      expect(both.get("x1")?.[0]).toBeCloseTo(w / 2, 6);
    }
  });
});

describe("decompositions", () => {
  for (const op of differentiable.filter((name) => opOf(name).decompose !== undefined)) {
    (cases[op] ?? []).forEach((one: Case, index) => {
      it(`${op} ${index} equals its evaluation`, () => {
        const b = new Builder("case");
        results(b, op, one).forEach((value, i) => {
          b.output(`${i}`, value);
        });
        const whole = b.finish();
        const parts = decompose(whole, new Set());
        expect(parts.nodes.some((node) => node.op === op)).toBe(false);
        const state = bindings(one.inputs);
        const [expected, actual] = [whole, parts].map((graph) => evaluateAll(graph, { state }, [...graph.outputs.values()]));
        for (const [name, value] of whole.outputs) {
          const plain = expected?.get(value)?.[0] ?? new Float32Array(0);
          const decomposed = actual?.get(parts.outputs.get(name) as Value)?.[0] ?? new Float32Array(0);
          expect(decomposed.length).toBe(plain.length);
          plain.forEach((element: number, i: number) => {
            expect(Math.abs((decomposed[i] ?? Number.NaN) - element)).toBeLessThan(3e-6 * (1 + Math.abs(element)));
          });
        }
      });
    });
  }

  it("of sigmoid keeps its relative precision far out", () => {
    const far = { dtype: "f32", shape: [4], data: Float32Array.of(-80, -20, 20, 80) } as const;
    const b = new Builder("far");
    b.output("y", b.emit("sigmoid", [operandState(b, far, 0)], {}));
    const graph = decompose(b.finish(), new Set());
    const [value] = evaluateAll(graph, { state: { x0: far.data } }, [...graph.outputs.values()]).get(graph.outputs.get("y") as Value) ?? [];
    far.data.forEach((v, i) => {
      expect((value?.[i] ?? 0) / (1 / (1 + Math.exp(-v)))).toBeCloseTo(1, 5);
    });
  });
});

describe("the table", () => {
  it("has a line of documentation for every op", () => {
    for (const op of names) expect(ops[op].doc.length, op).toBeGreaterThan(3);
  });

  it("refuses operands that an op does not take", () => {
    const b = new Builder("misuse");
    const [a, c] = [fill(b, 1, [2, 3]), fill(b, 1, [2, 4])];
    const u = operandState(b, words([2, 3], 0, 0, 0, 0, 0, 0), 0);
    expect(() => mul(b, a, c)).toThrow("op mul: shapes [2,3] and [2,4] do not broadcast");
    expect(() => mul(b, a, u)).toThrow("op mul: operands f32[2,3] and u32[2,3] differ in dtype");
    expect(() => b.emit("neg", [u], {})).toThrow("op neg: operand 0 must be f32, not u32[2,3]");
    expect(() => b.emit("matmul", [a, c], { transposeA: false, transposeB: false })).toThrow("op matmul: f32[2,3] by f32[2,4]");
    expect(() => b.emit("reshape", [a], { shape: [5] })).toThrow("op reshape");
    expect(() => b.emit("div", [u, u], {})).toThrow("op div: does not take u32[2,3]");
  });
});
