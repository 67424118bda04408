// Elementwise functions of one f32 tensor: their values, gradients and decompositions.
// y is the node itself, so that a gradient can reuse what the forward computed.

import type { Builder } from "../ir/builder.js";
import { add, binary, div, exp, fill, mul, neg, scale, sub, unary, where } from "../ir/calls.js";
import type { UnaryOp, Value } from "../ir/graph.js";
import { type CompositeOp, composites } from "./composite.js";
import { at, f32, type Op, operands } from "./op.js";

interface Meaning {
  readonly doc: string;
  value(x: number): number;
  /** Gradient of x given x, y = f(x) and the gradient g of y; undefined where it is zero everywhere it exists. */
  gradient?(b: Builder, x: Value, y: Value, g: Value): Value | undefined;
  decompose?(b: Builder, x: Value): Value;
}

function entry<K extends UnaryOp | CompositeOp>(op: K, meaning: Meaning): Op<UnaryOp | CompositeOp> {
  const { gradient, decompose } = meaning;
  return {
    doc: meaning.doc,
    attrs: {},
    infer: (inputs) => {
      operands(op, inputs, ["f32"]);
      return [f32(at(inputs, 0).shape)];
    },
    ...(gradient && {
      gradient: (b: Builder, node: { readonly inputs: readonly Value[] }, value: Value, grads: readonly (Value | undefined)[]) => {
        const [g] = grads;
        return [g === undefined ? undefined : gradient(b, at(node.inputs, 0), value, g)];
      },
    }),
    ...(decompose && { decompose: (b: Builder, inputs: readonly Value[]) => [decompose(b, at(inputs, 0))] }),
    evaluate: ([x]) => [Float32Array.from(x ?? [], meaning.value)],
  };
}

/** 2/√π ∫₀ˣ exp(−t²) dt: its Maclaurin series for |x| < 3, a continued fraction of the complement beyond (Abramowitz and Stegun 7.1.5, 7.1.14). */
export function erfOf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = a;
  for (let n = 60; n >= 1; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
}

const sigmoidOf = (x: number) => 1 / (1 + Math.exp(-x));
/** √(2/π), of the tanh form of GELU (Hendrycks and Gimpel 2016). */
const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBE = 0.044715;

export const unaryOps: { readonly [K in UnaryOp]: Op<K> } = {
  neg: entry("neg", { doc: "x → −x", value: (x) => -x, gradient: (b, _x, _y, g) => neg(b, g) }),
  exp: entry("exp", { doc: "x → eˣ", value: Math.exp, gradient: (b, _x, y, g) => mul(b, g, y) }),
  log: entry("log", { doc: "x → natural logarithm", value: Math.log, gradient: (b, x, _y, g) => div(b, g, x) }),
  sqrt: entry("sqrt", { doc: "x → √x", value: Math.sqrt, gradient: (b, _x, y, g) => div(b, scale(b, g, 0.5), y) }),
  rsqrt: entry("rsqrt", {
    doc: "x → 1/√x",
    value: (x) => 1 / Math.sqrt(x),
    gradient: (b, _x, y, g) => mul(b, scale(b, g, -0.5), mul(b, y, mul(b, y, y))),
  }),
  sin: entry("sin", { doc: "x → sin x", value: Math.sin, gradient: (b, x, _y, g) => mul(b, g, unary(b, "cos", x)) }),
  cos: entry("cos", { doc: "x → cos x", value: Math.cos, gradient: (b, x, _y, g) => neg(b, mul(b, g, unary(b, "sin", x))) }),
  tanh: entry("tanh", {
    doc: "x → tanh x",
    value: Math.tanh,
    gradient: (b, _x, y, g) => mul(b, g, sub(b, fill(b, 1), mul(b, y, y))),
  }),
  abs: entry("abs", {
    doc: "x → |x|; the gradient at 0 is 0",
    value: Math.abs,
    gradient: (b, x, _y, g) => mul(b, g, sub(b, unary(b, "step", x), unary(b, "step", neg(b, x)))),
  }),
  floor: entry("floor", { doc: "x → the largest integer ≤ x; no gradient", value: Math.floor, gradient: () => undefined }),
  erf: entry("erf", {
    doc: "x → 2/√π ∫₀ˣ exp(−t²) dt",
    value: erfOf,
    gradient: (b, x, _y, g) => mul(b, scale(b, g, 2 / Math.sqrt(Math.PI)), exp(b, neg(b, mul(b, x, x)))),
  }),
  step: entry("step", { doc: "x → 1 where x > 0, else 0; no gradient", value: (x) => (x > 0 ? 1 : 0), gradient: () => undefined }),
  sigmoid: entry("sigmoid", {
    doc: "x → 1 / (1 + e⁻ˣ)",
    value: sigmoidOf,
    gradient: (b, _x, y, g) => mul(b, g, mul(b, y, sub(b, fill(b, 1), y))),
    // Only ever a power of e below 1: nothing overflows, and small results keep their relative precision.
    decompose: (b, x) => {
      const e = exp(b, neg(b, unary(b, "abs", x)));
      const one = fill(b, 1);
      return div(b, where(b, unary(b, "step", x), one, e), add(b, one, e));
    },
  }),
  silu: entry("silu", {
    doc: "x → x · sigmoid(x)",
    value: (x) => x * sigmoidOf(x),
    decompose: (b, x) => mul(b, x, unary(b, "sigmoid", x)),
  }),
  gelu: entry("gelu", {
    doc: "x → x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))",
    value: (x) => 0.5 * x * (1 + Math.tanh(GELU_SCALE * (x + GELU_CUBE * x ** 3))),
    // (1 + tanh u) / 2 = sigmoid(2u): no cancellation in the negative tail.
    decompose: (b, x) => {
      const inner = mul(b, x, add(b, fill(b, 1), scale(b, mul(b, x, x), GELU_CUBE)));
      return mul(b, x, unary(b, "sigmoid", scale(b, inner, 2 * GELU_SCALE)));
    },
  }),
  gelu_exact: entry("gelu_exact", {
    doc: "x → x/2 · (1 + erf(x/√2))",
    value: (x) => 0.5 * x * (1 + erfOf(x / Math.SQRT2)),
    decompose: (b, x) => mul(b, scale(b, x, 0.5), add(b, fill(b, 1), unary(b, "erf", scale(b, x, Math.SQRT1_2)))),
  }),
  relu: entry("relu", {
    doc: "x → max(x, 0); the gradient at 0 is 0",
    value: (x) => Math.max(x, 0),
    gradient: (b, x, _y, g) => mul(b, g, unary(b, "step", x)),
    decompose: (b, x) => binary(b, "max", x, fill(b, 0)),
  }),
};

/** The composites as ops: differentiated through what they are made of. */
export const compositeOps: { readonly [K in CompositeOp]: Op<K> } = mapValues(composites, (name, meaning) => entry(name, meaning));

function mapValues<K extends string, A, B>(table: { readonly [N in K]: A }, make: (name: K, value: A) => B): { readonly [N in K]: B } {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, make(name as K, value as A)])) as { readonly [N in K]: B };
}
