// Small graphs that each fuse in their own way, with numbers to run them on. What structural and device tests share.

import type { Bindings } from "../../compiler/interpret.js";
import {
  add,
  amax,
  Builder,
  binary,
  broadcast,
  concat,
  constantU32,
  div,
  exp,
  fill,
  float,
  log,
  matmul,
  mul,
  reshape,
  slice,
  sub,
  sum,
  transpose,
  unary,
  where,
} from "../../compiler/ir/builder.js";
import { type DType, elements, type Graph, type Value } from "../../compiler/ir/graph.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { simplify } from "../../compiler/passes/simplify.js";
import { generator } from "../ops/cases.js";

export interface Case {
  readonly name: string;
  readonly graph: Graph;
  readonly bindings: Bindings;
}

class Draft {
  readonly b: Builder;
  private readonly inputs: Record<string, Float32Array | Uint32Array> = {};
  private readonly states: Record<string, Float32Array | Uint32Array> = {};
  private readonly scalars: Record<string, number> = {};
  private readonly random = generator(7);

  constructor(name: string) {
    this.b = new Builder(name);
  }

  private numbers(shape: readonly number[], dtype: DType, below: number): Float32Array | Uint32Array {
    const n = elements(shape);
    if (dtype === "u32") return Uint32Array.from({ length: n }, () => Math.floor(this.random() * below));
    return Float32Array.from({ length: n }, () => 2 * this.random() - 1);
  }

  input(name: string, shape: readonly number[], dtype: DType = "f32", below = 5): Value {
    this.inputs[name] = this.numbers(shape, dtype, below);
    return this.b.emit("input", [], { name, dtype, shape });
  }

  state(name: string, shape: readonly number[], dtype: DType = "f32", below = 5): Value {
    this.states[name] = this.numbers(shape, dtype, below);
    return this.b.emit("state", [], { name, dtype, shape });
  }

  scalar(name: string, value: number, dtype: DType = "f32"): Value {
    this.scalars[name] = value;
    return this.b.emit("scalar", [], { name, dtype });
  }

  case(name: string, graph = this.b.finish()): Case {
    return { name, graph, bindings: { inputs: this.inputs, state: this.states, scalars: this.scalars } };
  }

  /** The gradients of the sum of `loss` beside it. */
  gradients(name: string, loss: Value, wrt: readonly string[]): Case {
    this.b.output("value", loss);
    const total = sum(
      this.b,
      loss,
      this.b.type(loss).shape.map((_, axis) => axis),
    );
    this.b.output("loss", total);
    const { graph, gradients } = differentiate(this.b.finish(), { loss: total, wrt });
    const outputs = new Map([...graph.outputs, ...[...gradients].map(([state, value]) => [`d ${state}`, value] as const)]);
    return this.case(name, simplify({ ...graph, outputs }));
  }
}

export function layernorm(rows: number, cols: number): Case {
  const d = new Draft("layernorm");
  const { b } = d;
  const x = d.state("x", [rows, cols]);
  const mean = mul(b, sum(b, x, [1], true), fill(b, 1 / cols));
  const c = sub(b, x, mean);
  const variance = mul(b, sum(b, mul(b, c, c), [1], true), fill(b, 1 / cols));
  const y = add(
    b,
    mul(b, mul(b, c, unary(b, "rsqrt", add(b, variance, fill(b, 0.1)))), d.state("weight", [cols])),
    d.state("bias", [cols]),
  );
  return d.gradients(`layernorm ${rows}×${cols}`, mul(b, y, d.input("g", [rows, cols])), ["x", "weight", "bias"]);
}

export function rmsnorm(rows: number, cols: number): Case {
  const d = new Draft("rmsnorm");
  const { b } = d;
  const x = d.state("x", [rows, cols]);
  const mean = mul(b, sum(b, mul(b, x, x), [1], true), fill(b, 1 / cols));
  const y = mul(b, mul(b, x, unary(b, "rsqrt", add(b, mean, fill(b, 0.1)))), d.state("weight", [cols]));
  return d.gradients(`rmsnorm ${rows}×${cols}`, mul(b, y, d.input("g", [rows, cols])), ["x", "weight"]);
}

export function softmax(rows: number, cols: number): Case {
  const d = new Draft("softmax");
  const { b } = d;
  const x = d.state("x", [rows, cols]);
  const e = exp(b, sub(b, x, amax(b, x, [1], true)));
  return d.gradients(`softmax ${rows}×${cols}`, mul(b, div(b, e, sum(b, e, [1], true)), d.input("g", [rows, cols])), ["x"]);
}

export function crossEntropy(rows: number, cols: number): Case {
  const d = new Draft("crossEntropy");
  const losses = d.b.emit("cross_entropy", [d.state("x", [rows, cols]), d.input("target", [rows], "u32", cols)], {});
  return d.gradients(`cross-entropy ${rows}×${cols}`, mul(d.b, losses, d.input("weights", [rows])), ["x"]);
}

/** Bias, gelu and residual after a matmul, and the gradients of all. */
export function mlp(rows: number, width: number, hidden: number): Case {
  const d = new Draft("mlp");
  const { b } = d;
  const x = d.state("x", [rows, width]);
  const h = unary(b, "gelu", add(b, matmul(b, x, d.state("w1", [width, hidden])), d.state("b1", [hidden])));
  const y = add(b, x, add(b, matmul(b, h, d.state("w2", [hidden, width])), d.state("b2", [width])));
  return d.gradients(`mlp ${rows}×${width}×${hidden}`, mul(b, y, d.input("g", [rows, width])), ["x", "w1", "b1", "w2", "b2"]);
}

/** Sums over any axes. */
export function reductions(shape: readonly [number, number, number]): Case {
  const d = new Draft("reductions");
  const { b } = d;
  const x = d.input("x", shape);
  const y = mul(b, x, d.input("y", [shape[2]]));
  for (const axes of [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]]) {
    b.output(`sum ${axes.join()}`, sum(b, y, axes, axes.length === 2));
    b.output(`amax ${axes.join()}`, amax(b, x, axes));
  }
  // All below 0, so that nothing but an element is the largest.
  for (const axes of [[0], [1], [2], [0, 1, 2]]) b.output(`below 0, ${axes.join()}`, amax(b, sub(b, x, fill(b, 2)), axes));
  // What follows a sum over rows: bias gradients added to kept ones.
  b.output("after", mul(b, add(b, sum(b, y, [0, 1]), d.input("kept", [shape[2]])), d.scalar("factor", 3)));
  return d.case(`reductions ${shape.join("×")}`);
}

/** Elements in other orders: slices, transposes, pads, concatenations, all ways of broadcasting. */
export function layouts(): Case {
  const d = new Draft("layouts");
  const { b } = d;
  const x = d.input("x", [3, 4, 5]);
  const y = exp(b, x);
  b.output("transpose", transpose(b, y, [2, 0, 1]));
  b.output("cut", slice(b, mul(b, x, x), 2, 1, 4));
  b.output("rows", mul(b, slice(b, y, 0, 1, 3), fill(b, 2)));
  b.output("pad", b.emit("pad", [y], { before: [1, 0, 2], after: [0, 3, 0] }));
  b.output("concat", concat(b, [x, d.input("z", [3, 4, 2]), y], 2));
  b.output("middle", add(b, x, d.input("middle", [3, 1, 5])));
  b.output("inner", add(b, x, d.input("inner", [4, 1])));
  b.output("outer", add(b, x, d.input("outer", [3, 1, 1])));
  b.output("period", mul(b, x, d.input("period", [4, 5])));
  b.output("table", broadcast(b, d.input("row", [1, 4, 1]), [3, 4, 5]));
  b.output("shape", add(b, reshape(b, transpose(b, x, [1, 0, 2]), [12, 5]), reshape(b, x, [12, 5])));
  b.output("shifted", add(b, slice(b, reshape(b, x, [60]), 0, 1, 60), slice(b, reshape(b, x, [60]), 0, 0, 59)));
  b.output("literal", mul(b, x, b.emit("literal", [], { values: [1, -2, 3, -4, 5], shape: [5] })));
  b.output("filled", b.emit("fill", [], { value: 7, shape: [2, 3] }));
  b.output("range", b.emit("range", [], { n: 6 }));
  const many = [0, 1, 2, 3, 4, 5, 6].map((k) => d.input(`part ${k}`, [2, k + 1]));
  b.output("many", concat(b, many, 1));
  b.output(
    "turned",
    b.emit("rotate", [d.input("q", [2, 3, 2, 6]), d.input("cos", [1, 3, 3]), d.input("sin", [1, 3, 3])], {
      pairs: "adjacent",
      inverse: false,
    }),
  );
  b.output(
    "turned back",
    b.emit("rotate", [d.input("k", [2, 3, 2, 6]), d.input("cos2", [2, 3, 3]), d.input("sin2", [2, 3, 3])], {
      pairs: "halves",
      inverse: true,
    }),
  );
  // Read at its own element and at another, in the call after which nobody needs it: its place is not free yet.
  const square = matmul(b, d.input("left", [12, 5]), d.input("right", [5, 12]));
  b.output("mirrored", add(b, square, transpose(b, square, [1, 0])));
  return d.case("layouts");
}

/** Random numbers, whole numbers, conditions. */
export function numbers(): Case {
  const d = new Draft("numbers");
  const { b } = d;
  const ids = d.input("ids", [3, 5], "u32", 9);
  const u = b.emit("uniform", [d.scalar("seed", 11, "u32"), d.scalar("step", 4, "u32")], { place: 9, shape: [4, 33] });
  b.output("uniform", u);
  b.output("dropout", where(b, binary(b, "lt", u, fill(b, 0.3)), fill(b, 0), fill(b, 2)));
  const kept = where(
    b,
    binary(
      b,
      "lt",
      b.emit("uniform", [d.scalar("seed", 11, "u32"), d.scalar("step", 4, "u32")], { place: 5, shape: [3, 64] }),
      fill(b, 0.3),
    ),
    fill(b, 0),
    d.input("rows", [3, 64]),
  );
  b.output("dropped rows", mul(b, kept, sum(b, kept, [1], true)));
  b.output("wide", b.emit("uniform", [d.scalar("seed", 11, "u32"), d.scalar("step", 4, "u32")], { place: 2, shape: [64] }));
  b.output("narrow", b.emit("uniform", [d.scalar("seed", 11, "u32"), d.scalar("step", 4, "u32")], { place: 3, shape: [7] }));
  b.output("next", add(b, ids, constantU32(b, 3)));
  b.output("less", binary(b, "lt", ids, constantU32(b, 4)));
  b.output("same", binary(b, "eq", ids, ids));
  b.output("product", mul(b, float(b, ids), d.input("x", [3, 5])));
  b.output("largest", binary(b, "max", ids, constantU32(b, 4)));
  b.output("chosen", where(b, binary(b, "le", ids, constantU32(b, 2)), ids, constantU32(b, 100)));
  b.output("back", b.emit("cast", [mul(b, float(b, ids), fill(b, 1.5))], { dtype: "u32" }));
  b.output("scalar", log(b, d.scalar("rate", 2.5)));
  return d.case("numbers");
}

/** States whose old value is read here and there, swapped, packed, written into. */
export function states(): Case {
  const d = new Draft("states");
  const { b } = d;
  const s = d.state("s", [70]);
  const t = d.state("t", [70]);
  b.output("before", mul(b, s, t));
  b.update("s", add(b, s, exp(b, t)));
  b.update("t", s);
  const u = d.state("u", [64]);
  const next = mul(b, u, d.scalar("factor", 0.5));
  b.update("u", next);
  b.output("reversed", transpose(b, reshape(b, u, [8, 8]), [1, 0]));
  b.output("after", add(b, next, fill(b, 1)));
  const kept = d.state("kept", [5]);
  b.output("kept", kept);
  b.update("kept", mul(b, kept, kept));
  const x = d.input("x", [3, 7]);
  const packed = b.emit("pack", [exp(b, x), sum(b, x, [0]), reshape(b, matmul(b, x, d.input("w", [7, 4])), [12]), x, exp(b, x)], {
    name: "packed",
    offsets: [0, 64, 128, 192, 256],
    size: 300,
  });
  b.output("norm", sum(b, mul(b, packed, packed), [0]));
  const m = d.state("m", [300]);
  b.update("m", add(b, mul(b, m, fill(b, 0.9)), mul(b, packed, fill(b, 0.1))));
  return d.case("states");
}

/** A cache whose old rows are wanted after its new ones are known: it can not be written in place. */
export function late(): Case {
  const d = new Draft("late");
  const { b } = d;
  const cache = d.state("cache", [2, 5, 3]);
  const next = b.emit("cache_write", [cache, d.input("x", [2, 1, 3]), d.input("place", [2, 1], "u32", 5)], {});
  b.update("cache", next);
  b.output("moved", add(b, mul(b, cache, sum(b, next, [0, 1, 2])), matmul(b, next, d.input("w", [3, 3]))));
  return d.case("late");
}

/** One decoding step's bookkeeping: caches, counters, positions. */
export function decoding(lanes: number, rows: number): Case {
  const d = new Draft("decoding");
  const { b } = d;
  const place = d.state("place", [lanes, rows], "u32", 6);
  const cache = d.state("cache", [lanes, 5, 2, 4]);
  const x = d.input("x", [lanes, rows, 2, 4]);
  const written = b.emit("cache_write", [cache, mul(b, x, fill(b, 2)), place], {});
  b.update("cache", written);
  b.output("seen", sum(b, written, [3]));
  const ids = d.input("ids", [lanes], "u32", 7);
  const counts = d.state("counts", [lanes, 7], "u32", 3);
  b.output("counted", float(b, counts));
  b.update("counts", b.emit("tally", [counts, ids], {}));
  const next = add(b, place, constantU32(b, 1));
  b.update("place", next);
  const history = d.state("history", [lanes, 8], "u32", 9);
  b.update("history", b.emit("cache_write", [history, reshape(b, slice(b, next, 1, 0, 1), [lanes, 1]), reshape(b, ids, [lanes, 1])], {}));
  // A cache whose old value is wanted as well is not written in place.
  const both = d.state("both", [lanes, 5, 3]);
  b.output("fresh", b.emit("cache_write", [both, d.input("y", [lanes, rows, 3]), place], {}));
  b.output("old", both);
  return d.case(`decoding ${lanes}×${rows}`);
}
