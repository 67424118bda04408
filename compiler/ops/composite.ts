// Elementwise functions that are made of others: their values and what they are made of. An entry here is the whole of a new one: the language gets
// a function of its name, gradients go through the decomposition, and no kernel needs to know it, since `decompose` expands it before kernels are made.

import type { Builder } from "../ir/builder.js";
import { add, binary, exp, fill, log, mul, neg, sub, unary, where } from "../ir/calls.js";
import type { Value } from "../ir/graph.js";

export interface Composite {
  /** `x → …`, one line. */
  readonly doc: string;
  /** In double precision, for tests and constants. */
  value(x: number): number;
  /** Must not overflow anywhere in f32. */
  decompose(b: Builder, x: Value): Value;
}

export const composites = {
  elu: {
    doc: "x → x where x > 0, else eˣ − 1 (Clevert et al. 2015)",
    value: (x) => (x > 0 ? x : Math.expm1(x)),
    decompose: (b, x) => where(b, unary(b, "step", x), x, sub(b, exp(b, binary(b, "min", x, fill(b, 0))), fill(b, 1))),
  },
  log_sigmoid: {
    doc: "x → log(1 / (1 + e⁻ˣ))",
    value: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
    decompose: (b, x) => sub(b, binary(b, "min", x, fill(b, 0)), log(b, add(b, fill(b, 1), exp(b, neg(b, unary(b, "abs", x)))))),
  },
  softplus: {
    doc: "x → log(1 + eˣ)",
    value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    decompose: (b, x) => add(b, binary(b, "max", x, fill(b, 0)), log(b, add(b, fill(b, 1), exp(b, neg(b, unary(b, "abs", x)))))),
  },
  square: {
    doc: "x → x²",
    value: (x) => x * x,
    decompose: (b, x) => mul(b, x, x),
  },
} satisfies Readonly<Record<string, Composite>>;

export type CompositeOp = keyof typeof composites;
