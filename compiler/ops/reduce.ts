// Reductions: f32 [shape] → the axes removed, or 1 with `keep`.
// Sums run in double precision and in order of the elements.

import type { Builder } from "../ir/builder.js";
import { binary, broadcast, div, mul } from "../ir/calls.js";
import type { TensorType, Value } from "../ir/graph.js";
import { at, broadcastIndex, checkAxes, element, f32, type Op, operands, type Tensor } from "./op.js";

export const sum: Op<"sum"> = {
  doc: "f32 [shape] → the sum over `axes`, which are removed, or 1 with `keep`.",
  attrs: { axes: "counts", keep: "boolean" },
  infer: (inputs, attrs) => [reduced("sum", inputs, attrs)],
  gradient: (b, node, _value, [g]) => {
    const { shape } = b.type(at(node.inputs, 0));
    if (g === undefined) return [undefined];
    return [broadcast(b, kept(b, g, shape, node.attrs), shape)];
  },
  evaluate: (inputs, types, _outputs, attrs) => [reduce(at(inputs, 0), at(types, 0), attrs.axes, 0, (a, x) => a + x)],
};

export const amax: Op<"amax"> = {
  doc: "f32 [shape] → the largest over `axes`, which are removed, or 1 with `keep`; equal largest elements share the gradient evenly.",
  attrs: { axes: "counts", keep: "boolean" },
  infer: (inputs, attrs) => [reduced("amax", inputs, attrs)],
  gradient: (b, node, value, [g]) => {
    const x = at(node.inputs, 0);
    const { shape } = b.type(x);
    if (g === undefined) return [undefined];
    const largest = binary(b, "eq", x, kept(b, value, shape, node.attrs));
    const count = b.emit("sum", [largest], { axes: node.attrs.axes, keep: true });
    return [mul(b, div(b, kept(b, g, shape, node.attrs), count), largest)];
  },
  evaluate: (inputs, types, _outputs, attrs) => [reduce(at(inputs, 0), at(types, 0), attrs.axes, Number.NEGATIVE_INFINITY, Math.max)],
};

type Reduction = { readonly axes: readonly number[]; readonly keep: boolean };

function keptShape(shape: readonly number[], axes: readonly number[]): readonly number[] {
  return shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
}

/** A reduction's result or its gradient with the reduced axes as 1, whatever `keep` says. */
function kept(b: Builder, x: Value, shape: readonly number[], attrs: Reduction): Value {
  return attrs.keep ? x : b.emit("reshape", [x], { shape: keptShape(shape, attrs.axes) });
}

function reduced(op: string, inputs: readonly TensorType[], attrs: Reduction): TensorType {
  operands(op, inputs, ["f32"]);
  const { shape } = at(inputs, 0);
  checkAxes(op, attrs.axes, shape.length);
  return f32(attrs.keep ? keptShape(shape, attrs.axes) : shape.filter((_, axis) => !attrs.axes.includes(axis)));
}

function reduce(x: Tensor, type: TensorType, axes: readonly number[], first: number, combine: (a: number, x: number) => number): Tensor {
  const shape = keptShape(type.shape, axes);
  const result = new Float64Array(shape.reduce((a, n) => a * n, 1)).fill(first);
  broadcastIndex(shape, type.shape).forEach((to, from) => {
    result[to] = combine(element(result, to), element(x, from));
  });
  return Float32Array.from(result);
}
