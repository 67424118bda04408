// Elementwise functions of two tensors, broadcast from the right, and of three (`where`); `cast` and `detach`.
// The gradient of a broadcast operand is summed over the axes along which it was repeated.

import type { Builder } from "../ir/builder.js";
import { add, binary, where as choose, div, fill, log, mul, neg, scale, sub, sumTo } from "../ir/calls.js";
import type { BinaryOp, Node, Value } from "../ir/graph.js";
import { at, broadcastIndex, broadcastShapes, element, fail, type Op, operands, show, take, zeros } from "./op.js";

interface Meaning {
  readonly doc: string;
  readonly comparison?: true;
  /** Over the real numbers; u32 results are taken modulo 2³². */
  value(x: number, y: number): number;
  /** Where absent, the op takes f32 only. */
  word?(x: number, y: number): number;
  /** Gradients of x and y before they are summed to their shapes. */
  gradient(b: Builder, x: Value, y: Value, result: Value, g: Value): readonly [Value | undefined, Value | undefined];
}

const none = () => [undefined, undefined] as const;

function entry(op: BinaryOp, meaning: Meaning): Op<BinaryOp> {
  return {
    doc: meaning.doc,
    attrs: {},
    infer: (inputs) => {
      operands(op, inputs, [undefined, undefined]);
      const [x, y] = [at(inputs, 0), at(inputs, 1)];
      if (x.dtype !== y.dtype) fail(op, `operands ${show(x)} and ${show(y)} differ in dtype`);
      if (x.dtype === "u32" && meaning.word === undefined) fail(op, `does not take ${show(x)}`);
      return [{ dtype: meaning.comparison ? "f32" : x.dtype, shape: broadcastShapes(op, [x.shape, y.shape]) }];
    },
    gradient: (b, node, value, grads) => {
      const [x, y] = [at(node.inputs, 0), at(node.inputs, 1)];
      const [g] = grads;
      if (g === undefined || b.type(x).dtype === "u32") return none();
      const [dx, dy] = meaning.gradient(b, x, y, value, g);
      return [summed(b, dx, x), summed(b, dy, y)];
    },
    evaluate: (inputs, types, outputs) => {
      const out = at(outputs, 0);
      const [x, y] = [at(inputs, 0), at(inputs, 1)];
      const xs = broadcastIndex(at(types, 0).shape, out.shape);
      const ys = broadcastIndex(at(types, 1).shape, out.shape);
      const value = (at(types, 0).dtype === "u32" ? meaning.word : undefined) ?? meaning.value;
      return [zeros(out).map((_, i) => value(element(x, element(xs, i)), element(y, element(ys, i))))];
    },
  };
}

function summed(b: Builder, gradient: Value | undefined, operand: Value): Value | undefined {
  if (gradient === undefined) return undefined;
  const { shape } = b.type(operand);
  return sumTo(b, gradient, shape);
}

/** 1 where x < y, ½ where they are equal: a tie shares the gradient. */
function less(b: Builder, x: Value, y: Value): Value {
  return add(b, binary(b, "lt", x, y), scale(b, binary(b, "eq", x, y), 0.5));
}

const flag = (condition: boolean) => (condition ? 1 : 0);

export const binaryOps: { readonly [K in BinaryOp]: Op<K> } = {
  add: entry("add", {
    doc: "x + y; u32 wraps",
    value: (x, y) => x + y,
    word: (x, y) => (x + y) >>> 0,
    gradient: (_b, _x, _y, _r, g) => [g, g],
  }),
  sub: entry("sub", {
    doc: "x − y; u32 wraps",
    value: (x, y) => x - y,
    word: (x, y) => (x - y) >>> 0,
    gradient: (b, _x, _y, _r, g) => [g, neg(b, g)],
  }),
  mul: entry("mul", {
    doc: "x · y; u32 wraps",
    value: (x, y) => x * y,
    word: (x, y) => Math.imul(x, y) >>> 0,
    gradient: (b, x, y, _r, g) => [mul(b, g, y), mul(b, g, x)],
  }),
  div: entry("div", {
    doc: "x / y",
    value: (x, y) => x / y,
    gradient: (b, _x, y, r, g) => {
      const dx = div(b, g, y);
      return [dx, neg(b, mul(b, dx, r))];
    },
  }),
  pow: entry("pow", {
    doc: "xʸ; the gradient of y takes x > 0",
    value: (x, y) => x ** y,
    gradient: (b, x, y, r, g) => [mul(b, g, mul(b, y, binary(b, "pow", x, sub(b, y, fill(b, 1))))), mul(b, g, mul(b, r, log(b, x)))],
  }),
  max: entry("max", {
    doc: "the larger; equal operands share the gradient",
    value: Math.max,
    word: Math.max,
    gradient: (b, x, y, _r, g) => [mul(b, g, less(b, y, x)), mul(b, g, less(b, x, y))],
  }),
  min: entry("min", {
    doc: "the smaller; equal operands share the gradient",
    value: Math.min,
    word: Math.min,
    gradient: (b, x, y, _r, g) => [mul(b, g, less(b, x, y)), mul(b, g, less(b, y, x))],
  }),
  lt: entry("lt", {
    doc: "1 where x < y, else 0",
    comparison: true,
    value: (x, y) => flag(x < y),
    word: (x, y) => flag(x < y),
    gradient: none,
  }),
  le: entry("le", {
    doc: "1 where x ≤ y, else 0",
    comparison: true,
    value: (x, y) => flag(x <= y),
    word: (x, y) => flag(x <= y),
    gradient: none,
  }),
  eq: entry("eq", {
    doc: "1 where x = y, else 0",
    comparison: true,
    value: (x, y) => flag(x === y),
    word: (x, y) => flag(x === y),
    gradient: none,
  }),
};

export const where: Op<"where"> = {
  doc: "(condition, a, b) → a where condition ≠ 0, else b; all three broadcast.",
  attrs: {},
  infer: (inputs) => {
    operands("where", inputs, [undefined, undefined, undefined]);
    const [, x, y] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    if (x.dtype !== y.dtype) fail("where", `operands ${show(x)} and ${show(y)} differ in dtype`);
    const shape = broadcastShapes(
      "where",
      inputs.map((type) => type.shape),
    );
    return [{ dtype: x.dtype, shape }];
  },
  gradient: (b, node: Node<"where">, _value, grads) => {
    const [g] = grads;
    const [condition, x, y] = [at(node.inputs, 0), at(node.inputs, 1), at(node.inputs, 2)];
    if (g === undefined || b.type(x).dtype === "u32") return [undefined, undefined, undefined];
    const zero = fill(b, 0);
    return [undefined, summed(b, choose(b, condition, g, zero), x), summed(b, choose(b, condition, zero, g), y)];
  },
  evaluate: (inputs, types, outputs) => {
    const out = at(outputs, 0);
    const index = types.map((type) => broadcastIndex(type.shape, out.shape));
    const value = (k: number, i: number) => element(at(inputs, k), element(at(index, k), i));
    return [zeros(out).map((_, i) => (value(0, i) !== 0 ? value(1, i) : value(2, i)))];
  },
};

export const cast: Op<"cast"> = {
  doc: "x → the same numbers in another dtype; to u32 cut towards 0, at least 0.",
  attrs: { dtype: "dtype" },
  infer: (inputs, attrs) => {
    operands("cast", inputs, [undefined]);
    return [{ dtype: attrs.dtype, shape: at(inputs, 0).shape }];
  },
  gradient: (b, node, _value, [g]) => [b.type(at(node.inputs, 0)).dtype === "f32" && node.attrs.dtype === "f32" ? g : undefined],
  evaluate: ([x], _types, _outputs, attrs) => [
    attrs.dtype === "f32"
      ? Float32Array.from(x ?? [])
      : Uint32Array.from(x ?? [], (value) => Math.min(Math.max(Math.trunc(value), 0), 0xffffffff)),
  ],
};

export const detach: Op<"detach"> = {
  doc: "x → x; no gradient flows back through it.",
  attrs: {},
  infer: (inputs) => {
    operands("detach", inputs, [undefined]);
    return [at(inputs, 0)];
  },
  gradient: () => [undefined],
  decompose: (_b, inputs) => [at(inputs, 0)],
  evaluate: ([x]) => [
    take(
      x ?? new Float32Array(0),
      Uint32Array.from(x ?? [], (_, i) => i),
    ),
  ],
};
