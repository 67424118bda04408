// Cross-entropy of logits that exist, and of logits x Wᵀ that never exist all at once.
// Both subtract the largest logit, which is detached: its gradient cancels. A target outside [0, V) counts as a logit of 0.

import type { Builder } from "../ir/builder.js";
import {
  add,
  amax,
  binary,
  concat,
  detach,
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
  total,
  where,
} from "../ir/calls.js";
import type { OpAttrs, TensorType, Value } from "../ir/graph.js";
import { at, element, f32, fail, type Op, operands, sameShape, show, type Tensor } from "./op.js";

export const crossEntropy: Op<"cross_entropy"> = {
  doc: "(logits [..., V], target u32 [...]) → [...]: −log softmax(logits)[target].",
  attrs: {},
  infer: (inputs) => {
    operands("cross_entropy", inputs, ["f32", "u32"]);
    const [logits, target] = [at(inputs, 0), at(inputs, 1)];
    if (logits.shape.length < 1 || !sameShape(logits.shape.slice(0, -1), target.shape))
      fail("cross_entropy", `${show(logits)} at ${show(target)}`);
    return [f32(target.shape)];
  },
  decompose: (b, inputs) => {
    const [logits, target] = [at(inputs, 0), at(inputs, 1)];
    const { shape } = b.type(target);
    const { largest, mass, chosen } = reduceLogits(b, logits, reshape(b, float(b, target), [...shape, 1]));
    return [reshape(b, sub(b, add(b, largest, log(b, mass)), chosen), shape)];
  },
  evaluate: (inputs, types) => {
    const [logits, target] = [at(inputs, 0), at(inputs, 1)];
    const V = at(at(types, 0).shape, at(types, 0).shape.length - 1);
    return [
      Float32Array.from(
        target,
        (id, row) => logSumExp(V, (v) => element(logits, row * V + v)) - (id < V ? element(logits, row * V + id) : 0),
      ),
    ];
  },
};

/** Largest logit, sum of exp of the others' distance to it, and the target's logit: three reductions of one reading of the row, [..., 1] each. */
function reduceLogits(b: Builder, logits: Value, target: Value) {
  const { shape } = b.type(logits);
  const axis = shape.length - 1;
  const largest = detach(b, amax(b, logits, [axis], true));
  const mass = sum(b, exp(b, sub(b, logits, largest)), [axis], true);
  const chosen = sum(b, where(b, oneHot(b, target, at(shape, axis)), logits, fill(b, 0)), [axis], true);
  return { largest, mass, chosen };
}

/** 1 in the column that a target [..., 1] names, else 0. */
function oneHot(b: Builder, target: Value, columns: number): Value {
  return binary(b, "eq", b.emit("range", [], { n: columns }), target);
}

function logSumExp(n: number, value: (i: number) => number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) largest = Math.max(largest, value(i));
  let mass = 0;
  for (let i = 0; i < n; i++) mass += Math.exp(value(i) - largest);
  return largest + Math.log(mass);
}

type Attrs = OpAttrs["linear_cross_entropy"];

interface Tables {
  readonly N: number;
  readonly D: number;
  readonly V: number;
}

function tablesOf(op: string, x: TensorType, rows: readonly TensorType[], tables: readonly TensorType[], attrs: Attrs): Tables {
  const [N = 0, D = 0] = x.shape;
  const other = attrs.columns ? (tables[0]?.shape[1] ?? 0) : D;
  const height = tables.reduce((n, table) => n + (table.shape[0] ?? 0), 0);
  const fits =
    tables.length > 0 &&
    x.shape.length === 2 &&
    (!attrs.columns || height === D) &&
    tables.every((t) => t.shape.length === 2 && t.shape[1] === other);
  if (!fits || rows.some((row) => !sameShape(row.shape, [N])) || attrs.chunk < 1) {
    fail(op, `${show(x)} by ${tables.map(show).join(", ")}, rows ${rows.map(show).join(", ")}`);
  }
  return { N, D, V: attrs.columns ? other : height };
}

/** The weight of column v of the vocabulary and channel d: pieces follow each other in memory as they do in the whole table. */
function weight(tables: readonly Tensor[], { D, V }: Tables, attrs: Attrs): (v: number, d: number) => number {
  const flat = tables.flatMap((table) => [...table]);
  return (v, d) => at(flat, attrs.columns ? d * V + v : v * D + d);
}

/** One chunk of the vocabulary: columns [first, first + width) of the logits, and the tables' parts that make them. */
interface Chunk {
  readonly first: number;
  readonly width: number;
  readonly logits: Value;
  /** [width, D] of one piece, or with `columns` [Dₚ, width] of each piece. */
  readonly parts: readonly Value[];
  /** Index of the piece, for tables cut along V. */
  readonly piece: number;
}

/** One after the other: what is made of a chunk is emitted before the next one's logits, so that the planner can reuse their storage. */
function* chunks(b: Builder, x: Value, tables: readonly Value[], attrs: Attrs, recompute: boolean): Generator<Chunk> {
  const product = (a: Value, w: Value, transposeB: boolean) =>
    b.emit("matmul", [a, w], { transposeA: false, transposeB, ...(recompute ? { recompute } : {}) });
  let first = 0;
  if (attrs.columns) {
    const V = at(b.type(at(tables, 0)).shape, 1);
    for (; first < V; first += attrs.chunk) {
      const stop = Math.min(V, first + attrs.chunk);
      const parts = tables.map((table) => part(b, table, 1, first, stop));
      const logits = total(
        b,
        parts.map((w, i) => product(piece(b, x, tables, i), w, false)),
      );
      yield { first, width: stop - first, logits, parts, piece: 0 };
    }
    return;
  }
  for (const [index, table] of tables.entries()) {
    const rows = at(b.type(table).shape, 0);
    for (let start = 0; start < rows; start += attrs.chunk) {
      const w = part(b, table, 0, start, Math.min(rows, start + attrs.chunk));
      const width = at(b.type(w).shape, 0);
      yield { first, width, logits: product(x, w, true), parts: [w], piece: index };
      first += width;
    }
  }
}

function part(b: Builder, x: Value, axis: number, start: number, stop: number): Value {
  return start === 0 && stop === at(b.type(x).shape, axis) ? x : slice(b, x, axis, start, stop);
}

/** The columns of x that meet the i-th of tables cut along D. */
function piece(b: Builder, x: Value, tables: readonly Value[], i: number): Value {
  const heights = tables.map((table) => at(b.type(table).shape, 0));
  const start = heights.slice(0, i).reduce((n, height) => n + height, 0);
  return part(b, x, 1, start, start + at(heights, i));
}

function joined(b: Builder, parts: readonly Value[], axis: number): Value {
  return parts.length === 1 ? at(parts, 0) : concat(b, parts, axis);
}

export const linearCrossEntropy: Op<"linear_cross_entropy"> = {
  doc: "(x [N, D], target u32 [N], W₀, …) → (loss [N] of the logits x Wᵀ, lse [N]), a chunk of the vocabulary at a time.",
  attrs: { columns: "boolean", chunk: "count" },
  infer: (inputs, attrs) => {
    operands(
      "linear_cross_entropy",
      inputs,
      inputs.map((_, i) => (i === 1 ? "u32" : "f32")),
    );
    const { N } = tablesOf("linear_cross_entropy", at(inputs, 0), [at(inputs, 1)], inputs.slice(2), attrs);
    return [f32([N]), f32([N])];
  },
  gradient: (b, node, value, [g, ofLse]) => {
    if (ofLse !== undefined) fail("linear_cross_entropy", "no gradient flows through lse");
    if (g === undefined) return node.inputs.map(() => undefined);
    const [x, target, ...tables] = node.inputs as [Value, Value, ...Value[]];
    const lse = b.emit("pick", [value], { index: 1 });
    const tuple = b.emit("linear_cross_entropy_gradient", [x, target, lse, g, ...tables], node.attrs);
    const own = (index: number) => b.emit("pick", [tuple], { index });
    return [own(0), undefined, ...tables.map((_, i) => own(i + 1))];
  },
  decompose: (b, inputs, attrs) => {
    const [x, target, ...tables] = inputs as [Value, Value, ...Value[]];
    const N = at(b.type(x).shape, 0);
    const column = reshape(b, float(b, target), [N, 1]);
    const parts: ReturnType<typeof reduceLogits>[] = [];
    for (const { logits, first } of chunks(b, x, tables, attrs, false)) parts.push(reduceLogits(b, logits, sub(b, column, fill(b, first))));
    const largest = parts.map((p) => p.largest).reduce((x, y) => binary(b, "max", x, y));
    const mass = total(
      b,
      parts.map((p) => mul(b, p.mass, exp(b, sub(b, p.largest, largest)))),
    );
    const lse = add(b, largest, log(b, mass));
    const chosen = total(
      b,
      parts.map((p) => p.chosen),
    );
    return [reshape(b, sub(b, lse, chosen), [N]), reshape(b, lse, [N])];
  },
  evaluate: (inputs, types, _outputs, attrs) => {
    const sizes = tablesOf("linear_cross_entropy", at(types, 0), [], types.slice(2), attrs);
    const { N, V } = sizes;
    const logit = logits(at(inputs, 0), inputs.slice(2), sizes, attrs);
    const lse = Float64Array.from({ length: N }, (_, row) => logSumExp(V, (v) => logit(row, v)));
    const loss = Float32Array.from(lse, (value, row) => {
      const id = element(at(inputs, 1), row);
      return value - (id < V ? logit(row, id) : 0);
    });
    return [loss, Float32Array.from(lse)];
  },
};

function logits(x: Tensor, tables: readonly Tensor[], sizes: Tables, attrs: Attrs): (row: number, v: number) => number {
  const w = weight(tables, sizes, attrs);
  return (row, v) => {
    let dot = 0;
    for (let d = 0; d < sizes.D; d++) dot += element(x, row * sizes.D + d) * w(v, d);
    return dot;
  };
}

export const linearCrossEntropyGradient: Op<"linear_cross_entropy_gradient"> = {
  doc: "(x, target, lse, gradient of loss, W₀, …) → (dx, dW₀, …), a chunk of the vocabulary at a time.",
  attrs: { columns: "boolean", chunk: "count" },
  infer: (inputs, attrs) => {
    operands(
      "linear_cross_entropy_gradient",
      inputs,
      inputs.map((_, i) => (i === 1 ? "u32" : "f32")),
    );
    tablesOf("linear_cross_entropy_gradient", at(inputs, 0), inputs.slice(1, 4), inputs.slice(4), attrs);
    return [at(inputs, 0), ...inputs.slice(4)];
  },
  decompose: (b, inputs, attrs) => {
    const [x, target, lse, g, ...tables] = inputs as [Value, Value, Value, Value, ...Value[]];
    const N = at(b.type(x).shape, 0);
    const columnOf = (y: Value) => reshape(b, y, [N, 1]);
    let dx: Value | undefined;
    const dw: Value[][] = tables.map(() => []);
    for (const chunk of chunks(b, x, tables, attrs, true)) {
      const column = sub(b, columnOf(float(b, target)), fill(b, chunk.first));
      const p = exp(b, sub(b, chunk.logits, columnOf(lse)));
      const dlogits = mul(b, sub(b, p, oneHot(b, column, chunk.width)), columnOf(g));
      const parts = chunk.parts.map((w) => matmul(b, dlogits, w, false, attrs.columns));
      const own = joined(b, parts, 1);
      dx = dx === undefined ? own : add(b, dx, own);
      if (attrs.columns) {
        for (const [i, list] of dw.entries()) list.push(matmul(b, piece(b, x, tables, i), dlogits, true, false));
      } else {
        at(dw, chunk.piece).push(matmul(b, dlogits, x, true, false));
      }
    }
    const axis = attrs.columns ? 1 : 0;
    if (dx === undefined) return fail("linear_cross_entropy_gradient", "there is no chunk");
    return [dx, ...dw.map((parts) => joined(b, parts, axis))];
  },
  evaluate: (inputs, types, _outputs, attrs) => {
    const [x, target, lse, g] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
    const tables = inputs.slice(4);
    const sizes = tablesOf("linear_cross_entropy_gradient", at(types, 0), [], types.slice(4), attrs);
    const { N, D, V } = sizes;
    const logit = logits(x, tables, sizes, attrs);
    const w = weight(tables, sizes, attrs);
    const dx = new Float64Array(N * D);
    const dw = new Float64Array(V * D);
    for (let row = 0; row < N; row++) {
      for (let v = 0; v < V; v++) {
        const dlogit = (Math.exp(logit(row, v) - element(lse, row)) - (v === element(target, row) ? 1 : 0)) * element(g, row);
        for (let d = 0; d < D; d++) {
          const i = attrs.columns ? d * V + v : v * D + d;
          dx[row * D + d] = element(dx, row * D + d) + dlogit * w(v, d);
          dw[i] = element(dw, i) + dlogit * element(x, row * D + d);
        }
      }
    }
    const starts = tables.map((_, i) => tables.slice(0, i).reduce((n, table) => n + table.length, 0));
    const pieces = tables.map((table, i) => Float32Array.from(dw.subarray(at(starts, i), at(starts, i) + table.length)));
    return [Float32Array.from(dx), ...pieces];
  },
};
