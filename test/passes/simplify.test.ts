// Simplification: each rule by what is left of a small graph, and that the numbers stay the same.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpret } from "../../compiler/interpret.js";
import {
  add,
  Builder,
  broadcast,
  concat,
  fill,
  matmul,
  mul,
  neg,
  reshape,
  scale,
  slice,
  sub,
  sum,
  transpose,
  unary,
} from "../../compiler/ir/builder.js";
import type { Graph, Value } from "../../compiler/ir/graph.js";
import { print } from "../../compiler/ir/print.js";
import { removeDead, rewrite } from "../../compiler/ir/rewrite.js";
import { verify } from "../../compiler/ir/verify.js";
import { runPasses } from "../../compiler/passes/pass.js";
import { simplify, simplifyPass } from "../../compiler/passes/simplify.js";
import { generator } from "../ops/cases.js";

const state = { x: Float32Array.from({ length: 6 }, (_, i) => i - 2.5), y: Float32Array.from({ length: 6 }, (_, i) => 1 + i / 2) };

function graphOf(make: (b: Builder, x: Value, y: Value) => Value): Graph {
  const b = new Builder("small");
  const read = (name: string) => b.emit("state", [], { name, dtype: "f32", shape: [2, 3] });
  b.output("r", make(b, read("x"), read("y")));
  return b.finish();
}

/** The ops that are left, without states. */
function left(make: (b: Builder, x: Value, y: Value) => Value): string[] {
  const graph = graphOf(make);
  const simple = simplify(graph);
  expect(verify(simple)).toEqual([]);
  const [before, after] = [graph, simple].map((g) => interpret(g, { state }).outputs.get("r") ?? new Float32Array(0));
  expect(after?.length).toBe(before?.length);
  before?.forEach((value, i) => {
    expect(after?.[i]).toBeCloseTo(value, 5);
  });
  // Once is enough.
  expect(print(simplify(simple))).toBe(print(simple));
  return simple.nodes.flatMap((node) => (node.op === "state" ? [] : [node.op]));
}

const rules: readonly (readonly [string, (b: Builder, x: Value, y: Value) => Value, readonly string[]])[] = [
  ["−x + y", (b, x, y) => add(b, neg(b, x), y), ["sub"]],
  ["(−x) (−y)", (b, x, y) => mul(b, neg(b, x), neg(b, y)), ["mul"]],
  ["x + 0", (b, x) => add(b, x, fill(b, 0, [2, 3])), []],
  ["0 + x", (b, x) => add(b, fill(b, 0), x), []],
  ["x · 1", (b, x) => mul(b, fill(b, 1, [1, 3]), x), []],
  ["x · 0", (b, x) => mul(b, x, fill(b, 0)), ["fill"]],
  ["x · −1", (b, x) => mul(b, x, fill(b, -1)), ["neg"]],
  ["−(−x)", (b, x) => neg(b, neg(b, x)), []],
  ["x + (−y)", (b, x, y) => add(b, x, neg(b, y)), ["sub"]],
  ["x − (−y)", (b, x, y) => sub(b, x, neg(b, y)), ["add"]],
  ["0 − x", (b, x) => sub(b, fill(b, 0), x), ["neg"]],
  ["x / 1", (b, x) => b.emit("div", [x, fill(b, 1)], {}), []],
  ["x / 4", (b, x) => b.emit("div", [x, fill(b, 4)], {}), ["fill", "mul"]],
  ["x · 2 · 3", (b, x) => scale(b, scale(b, x, 2), 3), ["fill", "mul"]],
  ["(2 · 3 + exp 0) x", (b, x) => mul(b, x, add(b, mul(b, fill(b, 2), fill(b, 3)), unary(b, "exp", fill(b, 0)))), ["fill", "mul"]],
  ["x²", (b, x) => b.emit("pow", [x, fill(b, 2)], {}), ["mul"]],
  ["x^0", (b, x) => b.emit("pow", [x, fill(b, 0)], {}), ["fill"]],
  ["x^1", (b, x) => b.emit("pow", [x, fill(b, 1)], {}), []],
  ["x³", (b, x) => b.emit("pow", [x, fill(b, 3)], {}), ["mul", "mul"]],
  ["y^4", (b, _, y) => b.emit("pow", [y, fill(b, 4)], {}), ["mul", "mul"]],
  ["y^½", (b, _, y) => b.emit("pow", [y, fill(b, 0.5)], {}), ["sqrt"]],
  ["1 / y", (b, _, y) => b.emit("pow", [y, fill(b, -1)], {}), ["fill", "div"]],
  ["1 / y²", (b, _, y) => b.emit("pow", [y, fill(b, -2)], {}), ["fill", "mul", "div"]],
  ["y^−½", (b, _, y) => b.emit("pow", [y, fill(b, -0.5)], {}), ["rsqrt"]],
  ["x + a repeated scalar", (b, x) => add(b, x, broadcast(b, fill(b, 5), [2, 3])), ["fill", "add"]],
  ["x + a repeated row", (b, x, y) => add(b, x, broadcast(b, slice(b, y, 0, 0, 1), [2, 3])), ["slice", "add"]],
  ["reshape to its own shape", (b, x) => reshape(b, x, [2, 3]), []],
  ["reshape of reshape", (b, x) => reshape(b, reshape(b, x, [3, 2]), [6]), ["reshape"]],
  ["transpose of transpose", (b, x) => transpose(b, transpose(b, x, [1, 0]), [1, 0]), []],
  [
    "transpose of transpose of three axes",
    (b, x, y) => transpose(b, transpose(b, concat(b, [reshape(b, x, [3, 2, 1]), reshape(b, y, [3, 2, 1])], 2), [1, 2, 0]), [0, 2, 1]),
    ["reshape", "reshape", "concat", "transpose"],
  ],
  ["transpose of an axis of size 1", (b, x) => transpose(b, reshape(b, x, [2, 1, 3]), [1, 0, 2]), ["reshape"]],
  ["broadcast to its own shape", (b, x) => broadcast(b, x, [2, 3]), []],
  ["broadcast that adds axes of size 1", (b, x) => broadcast(b, x, [1, 2, 3]), ["reshape"]],
  ["a slice of all", (b, x) => slice(b, x, 1, 0, 3), []],
  ["a slice of a slice", (b, x) => slice(b, slice(b, x, 1, 1, 3), 1, 1, 2), ["slice"]],
  ["a slice of one part", (b, x, y) => slice(b, concat(b, [x, y], 1), 1, 3, 6), []],
  ["a sum over an axis of size 1", (b, x) => sum(b, reshape(b, x, [2, 1, 3]), [1]), []],
  ["a sum of ones", (b) => sum(b, fill(b, 1, [2, 3]), [1]), ["fill"]],
  [
    "pads side by side",
    (b, x, y) => {
      const pad = (v: Value, before: number) => b.emit("pad", [v], { before: [0, before], after: [0, 6 - before] });
      return add(b, add(b, pad(y, 6), pad(x, 3)), pad(y, 0));
    },
    ["concat"],
  ],
  [
    "a pad and the one before it",
    (b, x, y) => add(b, b.emit("pad", [y], { before: [0, 3], after: [0, 0] }), b.emit("pad", [x], { before: [0, 0], after: [0, 3] })),
    ["concat"],
  ],
  [
    "pads with a gap between",
    (b, x, y) => add(b, b.emit("pad", [x], { before: [0, 0], after: [0, 5] }), b.emit("pad", [y], { before: [0, 5], after: [0, 0] })),
    ["pad", "pad", "add"],
  ],
  ["a concat of one", (b, x) => concat(b, [x], 0), []],
  ["x yᵀ", (b, x, y) => matmul(b, x, transpose(b, y, [1, 0])), ["matmul"]],
  ["xᵀ y", (b, x, y) => matmul(b, transpose(b, x, [1, 0]), y), ["matmul"]],
  ["xᵀ (yᵀ)ᵀ", (b, x, y) => matmul(b, transpose(b, x, [1, 0]), transpose(b, y, [1, 0]), false, true), ["matmul"]],
  ["(xᵀ)ᵀ yᵀ", (b, x, y) => matmul(b, transpose(b, x, [1, 0]), transpose(b, y, [1, 0]), true, false), ["matmul"]],
  ["(xᵀ y)ᵀ", (b, x, y) => transpose(b, matmul(b, x, y, true), [1, 0]), ["matmul"]],
  ["where 1", (b, x, y) => b.emit("where", [fill(b, 1), x, y], {}), []],
  ["where the same", (b, x, y) => b.emit("where", [y, x, x], {}), []],
  ["x cast to f32", (b, x) => b.emit("cast", [x], { dtype: "f32" }), []],
];

describe("simplify", () => {
  it.each(rules)("%s", (_, make, expected) => {
    expect(left(make)).toEqual(expected);
  });

  it("keeps a state that gets a next value", () => {
    const b = new Builder("momentum");
    const m = b.emit("state", [], { name: "m", dtype: "f32", shape: [3] });
    b.update("m", add(b, scale(b, m, 0), fill(b, 1, [3])));
    expect(runPasses(b.finish(), [simplifyPass]).updates.size).toBe(1);
  });

  it("does not compute a product twice for its transpose's sake", () => {
    expect(left((b, x, y) => matmul(b, matmul(b, x, y, false, true), transpose(b, matmul(b, x, y, false, true), [1, 0])))).toEqual([
      "matmul",
      "matmul",
    ]);
    const both = left((b, x, y) => {
      const product = matmul(b, x, y, false, true);
      return add(b, product, transpose(b, product, [1, 0]));
    });
    expect(both).toEqual(["matmul", "transpose", "add"]);
  });

  it("never changes what random graphs compute", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 25 }), (seed, length) => {
        const random = generator(seed);
        const graph = graphOf((b, x, y) => {
          const values = [x, y, fill(b, 0, [2, 3]), fill(b, 1), fill(b, 2, [1, 3])];
          const any = () => values[Math.floor(random() * values.length)] as Value;
          for (let i = 0; i < length; i++) {
            const [p, q] = [any(), any()];
            const start = Math.floor(random() * 4);
            const whole = (v: Value) => broadcast(b, v, [2, 3]);
            const kinds = [
              () => add(b, p, q),
              () => sub(b, p, q),
              () => scale(b, mul(b, p, q), 0.25),
              () => neg(b, p),
              () => b.emit("max", [p, q], {}),
              () => unary(b, "tanh", p),
              () => transpose(b, matmul(b, transpose(b, whole(p), [1, 0]), matmul(b, whole(q), whole(p), false, true)), [1, 0]),
              () => broadcast(b, sum(b, whole(p), [1], true), [2, 3]),
              () => reshape(b, transpose(b, reshape(b, whole(p), [1, 2, 3]), [1, 0, 2]), [2, 3]),
              () => slice(b, concat(b, [whole(p), whole(q)], 1), 1, start, start + 3),
            ];
            const make = kinds[Math.floor(random() * kinds.length)] as () => Value;
            // Kept small, so that rounding stays what it is compared with.
            values.push(unary(b, "sin", make()));
          }
          return broadcast(b, values[values.length - 1] as Value, [2, 3]);
        });
        const simple = runPasses(graph, [simplifyPass]);
        const [before, after] = [graph, simple].map((g) => interpret(g, { state }).outputs.get("r") ?? new Float32Array(0));
        before?.forEach((value, i) => {
          expect(Math.abs((after?.[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-4 * (1 + Math.abs(value)));
        });
        expect(simple.nodes.length).toBeLessThanOrEqual(graph.nodes.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("rewrite", () => {
  it("drops dead nodes and keeps the order of the others", () => {
    const b = new Builder("order");
    const inputs = ["c", "a", "b"].map((name) => b.emit("input", [], { name, dtype: "f32", shape: [2] }));
    add(b, inputs[0] as Value, inputs[1] as Value);
    b.output("y", add(b, inputs[2] as Value, inputs[0] as Value));
    const graph = removeDead(b.finish());
    expect(graph.nodes.map((node) => (node.op === "input" ? node.attrs.name : node.op))).toEqual(["c", "b", "add"]);
  });

  it("replaces a tuple's picks by the values put in its place", () => {
    const b = new Builder("tuple");
    const q = b.emit("input", [], { name: "q", dtype: "f32", shape: [1, 1, 1, 2] });
    const tuple = b.emit("attention", [q, q, q], { bound: "all", window: 0, segmented: false, scale: 1 });
    b.output("lse", b.emit("pick", [tuple], { index: 1 }));
    const graph = rewrite(b.finish(), (c, node, inputs) =>
      node.op === "attention" ? [inputs[0] as Value, fill(c, 7, [1, 1, 1])] : undefined,
    );
    expect(interpret(graph, { inputs: { q: Float32Array.of(1, 2) } }).outputs.get("lse")).toEqual(Float32Array.of(7));
  });

  it("runs passes with the verifier after each", () => {
    const b = new Builder("broken");
    b.output("y", fill(b, 1, [2]));
    const spoil = { name: "spoil", doc: "", run: (graph: Graph): Graph => ({ ...graph, updates: new Map([["w", 0 as Value]]) }) };
    expect(() => runPasses(b.finish(), [simplifyPass, spoil])).toThrow(/pass spoil broke graph broken:\n {2}update w: no node reads/);
  });
});
