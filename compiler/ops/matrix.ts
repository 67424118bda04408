// Matrix products, tables of rows, and rotary turns of channel pairs.
// Invariant: ids outside a table read zeros and add nothing, so a table may be cut into pieces that each see all ids.

import type { Builder } from "../ir/builder.js";
import { add, concat, mul, neg, matmul as product, reshape, slice, sub, sum, sumTo, swap } from "../ir/calls.js";
import { elements, type TensorType, type Value } from "../ir/graph.js";
import { at, element, f32, fail, type Op, operands, sameShape, show } from "./op.js";

interface MatmulSizes {
  /** Leading dimensions of A, and their product. */
  readonly lead: readonly number[];
  readonly batch: number;
  /** Elements from one matrix of B to the next: 0 where B is one matrix for all. */
  readonly stepB: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What a product's operands are; throws where they do not fit. */
function matmulSizes(inputs: readonly TensorType[], attrs: { readonly transposeA: boolean; readonly transposeB: boolean }): MatmulSizes {
  operands("matmul", inputs, ["f32", "f32"]);
  const [a, b] = [at(inputs, 0), at(inputs, 1)];
  if (a.shape.length < 2 || b.shape.length < 2) fail("matmul", `${show(a)} by ${show(b)}: operands have two dimensions at least`);
  const lead = a.shape.slice(0, -2);
  const [rowsA, colsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, colsB] = b.shape.slice(-2) as [number, number];
  const [M, K] = attrs.transposeA ? [colsA, rowsA] : [rowsA, colsA];
  const [inner, N] = attrs.transposeB ? [colsB, rowsB] : [rowsB, colsB];
  const shared = b.shape.length === 2;
  if (K !== inner || !(shared || sameShape(lead, b.shape.slice(0, -2)))) {
    fail("matmul", `${show(a)}${attrs.transposeA ? "ᵀ" : ""} by ${show(b)}${attrs.transposeB ? "ᵀ" : ""}`);
  }
  return { lead, batch: elements(lead), stepB: shared ? 0 : K * N, M, N, K };
}

export const matmul: Op<"matmul"> = {
  doc: "(A [..., M, K], B [..., K, N] or [K, N]) → [..., M, N]; either may be stored transposed.",
  attrs: { transposeA: "boolean", transposeB: "boolean", recompute: "boolean?" },
  infer: (inputs, attrs) => {
    const { lead, M, N } = matmulSizes(inputs, attrs);
    return [f32([...lead, M, N])];
  },
  gradient: (b, node, _value, [g]) => {
    if (g === undefined) return [undefined, undefined];
    const { transposeA, transposeB } = node.attrs;
    const [x, y] = [at(node.inputs, 0), at(node.inputs, 1)];
    const sizes = matmulSizes([b.type(x), b.type(y)], node.attrs);
    const shared = sizes.stepB === 0 && sizes.lead.length > 0;
    // A stored transposed with one B for all leading dimensions: B can not stand at the left, so the product is transposed instead.
    const dx = !transposeA
      ? product(b, g, y, false, !transposeB)
      : shared
        ? swap(b, product(b, g, y, false, !transposeB))
        : product(b, y, g, transposeB, true);
    if (!shared) return [dx, transposeB ? product(b, g, x, true, transposeA) : product(b, x, g, !transposeA, false)];
    // One B for all leading dimensions: they become rows of one tall product, whose inner sum runs over them.
    const rows = sizes.batch * sizes.M;
    const tallX = reshape(b, transposeA ? swap(b, x) : x, [rows, sizes.K]);
    const tallG = reshape(b, g, [rows, sizes.N]);
    return [dx, transposeB ? product(b, tallG, tallX, true, false) : product(b, tallX, tallG, true, false)];
  },
  evaluate: (inputs, types, _outputs, attrs) => {
    const { batch, stepB, M, N, K } = matmulSizes(types, attrs);
    const [a, b] = [at(inputs, 0), at(inputs, 1)];
    const result = new Float32Array(batch * M * N);
    for (let l = 0; l < batch; l++) {
      for (let m = 0; m < M; m++) {
        for (let n = 0; n < N; n++) {
          let total = 0;
          for (let k = 0; k < K; k++) {
            const i = l * M * K + (attrs.transposeA ? k * M + m : m * K + k);
            const j = l * stepB + (attrs.transposeB ? n * K + k : k * N + n);
            total += element(a, i) * element(b, j);
          }
          result[(l * M + m) * N + n] = total;
        }
      }
    }
    return [result];
  },
};

export const gather: Op<"gather"> = {
  doc: "(table f32 [V, ...D], ids u32 [...I]) → [...I, ...D]; ids − first outside [0, V) give zeros.",
  attrs: { first: "count" },
  infer: (inputs) => {
    operands("gather", inputs, ["f32", "u32"]);
    const [table, ids] = [at(inputs, 0), at(inputs, 1)];
    if (table.shape.length < 1) fail("gather", `from ${show(table)}`);
    return [f32([...ids.shape, ...table.shape.slice(1)])];
  },
  gradient: (b, node, _value, [g]) => {
    const [table, ids] = [at(node.inputs, 0), at(node.inputs, 1)];
    const rows = at(b.type(table).shape, 0);
    return [g === undefined ? undefined : b.emit("scatter_add", [ids, g], { rows, first: node.attrs.first }), undefined];
  },
  evaluate: (inputs, types, outputs, { first }) => {
    const [table, ids] = [at(inputs, 0), at(inputs, 1)];
    const [rows = 1, ...rest] = at(types, 0).shape;
    const width = elements(rest);
    const result = new Float32Array(elements(at(outputs, 0).shape));
    ids.forEach((id, i) => {
      const row = id - first;
      if (row < 0 || row >= rows) return;
      for (let d = 0; d < width; d++) result[i * width + d] = element(table, row * width + d);
    });
    return [result];
  },
};

export const scatterAdd: Op<"scatter_add"> = {
  doc: "(ids u32 [...I], values f32 [...I, ...D]) → [rows, ...D]: row r is the sum of values where ids − first = r, in order of I.",
  attrs: { rows: "count", first: "count" },
  infer: (inputs, { rows }) => {
    operands("scatter_add", inputs, ["u32", "f32"]);
    const [ids, values] = [at(inputs, 0), at(inputs, 1)];
    if (!sameShape(values.shape.slice(0, ids.shape.length), ids.shape)) fail("scatter_add", `${show(values)} at ids ${show(ids)}`);
    return [f32([rows, ...values.shape.slice(ids.shape.length)])];
  },
  gradient: (b, node, _value, [g]) => [
    undefined,
    g === undefined ? undefined : b.emit("gather", [g, at(node.inputs, 0)], { first: node.attrs.first }),
  ],
  evaluate: (inputs, _types, outputs, { rows, first }) => {
    const [ids, values] = [at(inputs, 0), at(inputs, 1)];
    const width = elements(at(outputs, 0).shape) / rows;
    const result = new Float64Array(rows * width);
    ids.forEach((id, i) => {
      const row = id - first;
      if (row < 0 || row >= rows) return;
      for (let d = 0; d < width; d++) result[row * width + d] = element(result, row * width + d) + element(values, i * width + d);
    });
    return [Float32Array.from(result)];
  },
};

type Pairs = { readonly pairs: "halves" | "adjacent"; readonly inverse: boolean };

export const rotate: Op<"rotate"> = {
  doc: "(x [B, T, H, 2P], cos [B|1, T, P], sin [B|1, T, P]) → x with pairs (p, q) of channels turned: (p cos − q sin, p sin + q cos).",
  attrs: { pairs: ["halves", "adjacent"], inverse: "boolean" },
  infer: (inputs) => {
    operands("rotate", inputs, ["f32", "f32", "f32"]);
    const [x, cos, sin] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [B = 0, T = 0, , D = 0] = x.shape;
    const [lanes = 0, rows = 0, P = 0] = cos.shape;
    const fits = x.shape.length === 4 && cos.shape.length === 3 && (lanes === B || lanes === 1) && rows === T && 2 * P === D;
    if (!fits || !sameShape(cos.shape, sin.shape)) fail("rotate", `${show(x)} by ${show(cos)} and ${show(sin)}`);
    return [f32(x.shape)];
  },
  gradient: (b, node, _value, [g]) => {
    if (g === undefined) return [undefined, undefined, undefined];
    const [x, cos, sin] = [at(node.inputs, 0), at(node.inputs, 1), at(node.inputs, 2)];
    const { attrs } = node;
    const dx = b.emit("rotate", [g, cos, sin], { pairs: attrs.pairs, inverse: !attrs.inverse });
    const [p, q] = split(b, x, attrs);
    const [dp, dq] = split(b, g, attrs);
    const dcos = sumTo(b, sum(b, add(b, mul(b, p, dp), mul(b, q, dq)), [2]), b.type(cos).shape);
    const turned = sumTo(b, sum(b, sub(b, mul(b, p, dq), mul(b, q, dp)), [2]), b.type(sin).shape);
    return [dx, dcos, attrs.inverse ? neg(b, turned) : turned];
  },
  decompose: (b, inputs, attrs) => {
    const [x, cos, sin] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [lanes = 1, rows = 1, P = 1] = b.type(cos).shape;
    const c = reshape(b, cos, [lanes, rows, 1, P]);
    const s = reshape(b, attrs.inverse ? neg(b, sin) : sin, [lanes, rows, 1, P]);
    const [p, q] = split(b, x, attrs);
    const first = sub(b, mul(b, p, c), mul(b, q, s));
    const second = add(b, mul(b, p, s), mul(b, q, c));
    const { shape } = b.type(x);
    if (attrs.pairs === "halves") return [concat(b, [first, second], 3)];
    const pair = [...b.type(first).shape, 1];
    return [reshape(b, concat(b, [reshape(b, first, pair), reshape(b, second, pair)], 4), shape)];
  },
  evaluate: (inputs, types, _outputs, attrs) => {
    const [x, cos, sin] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [B = 1, T = 1, H = 1, D = 1] = at(types, 0).shape;
    const [lanes = 1] = at(types, 1).shape;
    const P = D / 2;
    const result = new Float32Array(x.length);
    for (let row = 0; row < B * T; row++) {
      const table = (lanes === 1 ? row % T : row) * P;
      for (let h = 0; h < H; h++) {
        for (let i = 0; i < P; i++) {
          const base = (row * H + h) * D;
          const [ip, iq] = attrs.pairs === "halves" ? [base + i, base + i + P] : [base + 2 * i, base + 2 * i + 1];
          const c = element(cos, table + i);
          const s = attrs.inverse ? -element(sin, table + i) : element(sin, table + i);
          const [p, q] = [element(x, ip), element(x, iq)];
          result[ip] = p * c - q * s;
          result[iq] = p * s + q * c;
        }
      }
    }
    return [result];
  },
};

/** The two channels of each pair, [B, T, H, P] each. */
function split(b: Builder, x: Value, attrs: Pairs): readonly [Value, Value] {
  const { shape } = b.type(x);
  const P = at(shape, 3) / 2;
  if (attrs.pairs === "halves") return [slice(b, x, 3, 0, P), slice(b, x, 3, P, 2 * P)];
  const lead = shape.slice(0, 3);
  const pairs = reshape(b, x, [...lead, P, 2]);
  return [reshape(b, slice(b, pairs, 4, 0, 1), [...lead, P]), reshape(b, slice(b, pairs, 4, 1, 2), [...lead, P])];
}
