// A decoder of one layer, in primitives, small enough for finite differences: rmsnorm, rotary attention with grouped keys, swiglu, dropout,
// a tied or separate head, weighted cross-entropy. What whole-graph tests run on.

import type { Bindings } from "../../compiler/interpret.js";
import {
  add,
  amax,
  Builder,
  binary,
  detach,
  div,
  exp,
  fill,
  float,
  matmul,
  mul,
  reshape,
  sub,
  sum,
  transpose,
  unary,
  where,
} from "../../compiler/ir/builder.js";
import { elements, type Graph, type Value } from "../../compiler/ir/graph.js";
import { generator } from "../ops/cases.js";

export const sizes = { B: 2, T: 5, D: 6, H: 2, G: 1, hidden: 7, V: 11 } as const;

export interface Sample {
  readonly graph: Graph;
  readonly loss: Value;
  /** Parameters' names and shapes. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  readonly bindings: Bindings;
}

/** `columns`: the head's weight is [D, V] instead of [V, D]; `tied`: it is the embedding table. */
export function transformer(options: { readonly tied?: boolean; readonly columns?: boolean; readonly dropout?: boolean } = {}): Sample {
  const { B, T, D, H, G, hidden, V } = sizes;
  const { tied = true, columns = false, dropout = true } = options;
  const b = new Builder("transformer");
  const parameters = new Map<string, readonly number[]>();
  const parameter = (name: string, shape: readonly number[]) => {
    parameters.set(name, shape);
    return b.emit("state", [], { name, dtype: "f32", shape });
  };
  const input = (name: string, dtype: "f32" | "u32") => b.emit("input", [], { name, dtype, shape: [B, T] });
  const scalar = (name: string) => b.emit("scalar", [], { name, dtype: "u32" });
  const linear = (x: Value, name: string, out: number) => {
    const [, , width = 1] = b.type(x).shape;
    return matmul(b, x, transpose(b, parameter(`${name}.weight`, [out, width]), [1, 0]));
  };
  const norm = (x: Value, name: string) => {
    const mean = mul(b, sum(b, mul(b, x, x), [2], true), fill(b, 1 / D));
    return mul(b, mul(b, x, unary(b, "rsqrt", add(b, mean, fill(b, 1e-5)))), parameter(`${name}.weight`, [D]));
  };

  const table = parameter("embedding.weight", [V, D]);
  let x = b.emit("gather", [table, input("tokens", "u32")], { first: 0 });
  const h = norm(x, "norm1");
  const P = D / H / 2;
  const width = 2 * Math.ceil(P);
  const frequencies = exp(b, mul(b, b.emit("range", [], { n: width / 2 }), fill(b, -0.5)));
  const angle = mul(b, reshape(b, float(b, input("position", "u32")), [B, T, 1]), frequencies);
  const [cos, sin] = [unary(b, "cos", angle), unary(b, "sin", angle)];
  const heads = (y: Value, n: number) => reshape(b, y, [B, T, n, width]);
  const turn = (y: Value) => b.emit("rotate", [y, cos, sin], { pairs: "halves", inverse: false });
  const q = turn(heads(linear(h, "q", H * width), H));
  const k = turn(heads(linear(h, "k", G * width), G));
  const v = heads(linear(h, "v", G * width), G);
  const attention = b.emit("attention", [q, k, v], { bound: "causal", window: 0, segmented: false, scale: 1 / Math.sqrt(width) });
  const o = reshape(b, b.emit("pick", [attention], { index: 0 }), [B, T, H * width]);
  x = add(b, x, linear(o, "o", D));
  const m = norm(x, "norm2");
  const swiglu = mul(b, unary(b, "silu", linear(m, "gate", hidden)), linear(m, "up", hidden));
  const down = linear(swiglu, "down", D);
  x = add(b, x, dropout ? dropped(down) : down);
  x = norm(x, "norm");
  const weight = tied ? table : parameter("head.weight", columns ? [D, V] : [V, D]);
  const logits = matmul(b, x, columns && !tied ? weight : transpose(b, weight, [1, 0]));
  const losses = b.emit("cross_entropy", [logits, input("targets", "u32")], {});
  const loss = sum(b, mul(b, losses, input("weights", "f32")), [0, 1]);
  b.output("loss", loss);
  return { graph: b.finish(), loss, parameters, bindings: { ...inputs(), state: weights(parameters) } };

  function dropped(y: Value): Value {
    const u = b.emit("uniform", [scalar("seed"), scalar("step")], { place: 3, shape: [B, T, D] });
    return where(b, binary(b, "lt", u, fill(b, 0.25)), fill(b, 0), mul(b, y, fill(b, 1 / 0.75)));
  }
}

/** A softmax over the last axis, as it is lowered. */
export function softmax(b: Builder, x: Value): Value {
  const axes = [b.type(x).shape.length - 1];
  const e = exp(b, sub(b, x, detach(b, amax(b, x, axes, true))));
  return div(b, e, sum(b, e, axes, true));
}

function inputs(): Bindings {
  const { B, T, V } = sizes;
  const random = generator(11);
  const ids = () => Uint32Array.from({ length: B * T }, () => Math.floor(random() * V));
  return {
    inputs: {
      tokens: ids(),
      targets: ids(),
      position: Uint32Array.from({ length: B * T }, (_, i) => i % T),
      weights: Float32Array.from({ length: B * T }, (_, i) => (i === 3 ? 0 : 1 / (B * T))),
    },
    scalars: { seed: 1, step: 2 },
  };
}

function weights(parameters: ReadonlyMap<string, readonly number[]>): Readonly<Record<string, Float32Array>> {
  const random = generator(5);
  return Object.fromEntries(
    [...parameters].map(([name, shape]) => [
      name,
      Float32Array.from({ length: elements(shape) }, () => Math.round((random() - 0.5) * 256) / 128),
    ]),
  );
}
