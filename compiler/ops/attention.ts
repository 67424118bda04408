// Streaming attention and its gradient: what they compute. Decomposed it is the textbook form with a [T, S] matrix of scores, which is what
// the streaming kernels are compared with; gradients go through `attention_gradient`, never through that.

import type { Builder } from "../ir/builder.js";
import {
  add,
  amax,
  binary,
  broadcast,
  div,
  exp,
  fill,
  float,
  log,
  matmul,
  mul,
  pick,
  reshape,
  scale,
  sub,
  sum,
  transpose,
  where,
} from "../ir/calls.js";
import type { OpAttrs, TensorType, Value } from "../ir/graph.js";
import { at, element, f32, fail, type Op, operands, sameShape, show, type Tensor } from "./op.js";

type Attrs = OpAttrs["attention"];

/** log of the sum of exp of a row that sees nothing: very negative, but finite in f32. */
export const NOTHING = -1e30;

/** How many operands come before o, lse and their gradient. */
export function attentionOperands(attrs: Attrs): number {
  return 3 + (attrs.bound === "given" ? 1 : 0) + (attrs.segmented ? 2 : 0);
}

interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly H: number;
  readonly D: number;
  readonly S: number;
  readonly G: number;
  readonly E: number;
}

function sizesOf(op: string, inputs: readonly TensorType[], attrs: Attrs): Sizes {
  const [q, k, v] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const [B = 0, T = 0, H = 0, D = 0] = q.shape;
  const [, S = 0, G = 0] = k.shape;
  const E = v.shape[3] ?? 0;
  const fits = q.shape.length === 4 && sameShape(k.shape, [B, S, G, D]) && sameShape(v.shape, [B, S, G, E]) && E > 0 && H % G === 0;
  if (!fits) fail(op, `q ${show(q)}, k ${show(k)}, v ${show(v)}`);
  const rows: (readonly number[])[] = [
    ...(attrs.bound === "given" ? [[B, T]] : []),
    ...(attrs.segmented
      ? [
          [B, T],
          [B, S],
        ]
      : []),
  ];
  rows.forEach((shape, i) => {
    if (!sameShape(at(inputs, 3 + i).shape, shape)) fail(op, `operand ${3 + i} is ${show(at(inputs, 3 + i))}, not [${shape.join(",")}]`);
  });
  return { B, T, H, D, S, G, E };
}

function dtypes(attrs: Attrs): ("f32" | "u32")[] {
  return ["f32", "f32", "f32", ...new Array<"u32">(attentionOperands(attrs) - 3).fill("u32")];
}

/** Whether query row (b, i) sees key row j. */
function sight(inputs: readonly Tensor[], { T, S }: Sizes, attrs: Attrs): (b: number, i: number, j: number) => boolean {
  const given = attrs.bound === "given" ? at(inputs, 3) : undefined;
  const [ofQueries, ofKeys] = attrs.segmented ? inputs.slice(attentionOperands(attrs) - 2) : [];
  return (b, i, j) => {
    const bound = given !== undefined ? element(given, b * T + i) : attrs.bound === "causal" ? i + 1 + (S - T) : S;
    if (j >= bound || (attrs.window > 0 && j < bound - attrs.window)) return false;
    return ofQueries === undefined || ofKeys === undefined || element(ofQueries, b * T + i) === element(ofKeys, b * S + j);
  };
}

const attrKinds = { bound: ["causal", "all", "given"], window: "count", segmented: "boolean", scale: "number" } as const;

export const attention: Op<"attention"> = {
  doc: "(q [B, T, H, D], k [B, S, G, D], v [B, S, G, E], bound?, segments?) → (o [B, T, H, E], lse [B, T, H]).",
  attrs: attrKinds,
  infer: (inputs, attrs) => {
    operands("attention", inputs, dtypes(attrs));
    const { B, T, H, E } = sizesOf("attention", inputs, attrs);
    return [f32([B, T, H, E]), f32([B, T, H])];
  },
  gradient: (b, node, value, [g, ofLse]) => {
    if (ofLse !== undefined) fail("attention", "no gradient flows through lse");
    if (g === undefined) return node.inputs.map(() => undefined);
    const tuple = b.emit("attention_gradient", [...node.inputs, pick(b, value, 0), pick(b, value, 1), g], node.attrs);
    return node.inputs.map((_, i) => (i < 3 ? pick(b, tuple, i) : undefined));
  },
  decompose: (b, inputs, attrs) => {
    const sizes = sizesOf(
      "attention",
      inputs.map((x) => b.type(x)),
      attrs,
    );
    const { B, T, H, D, S, G, E } = sizes;
    // One matrix a head: [B, H, rows, width]; a group's keys are repeated for its heads.
    const heads = (x: Value, rows: number, width: number) => {
      const groups = reshape(b, transpose(b, x, [0, 2, 1, 3]), [B, G, 1, rows, width]);
      return reshape(b, broadcast(b, groups, [B, G, H / G, rows, width]), [B, H, rows, width]);
    };
    const q = transpose(b, at(inputs, 0), [0, 2, 1, 3]);
    const scores = scale(b, matmul(b, q, heads(at(inputs, 1), S, D), false, true), attrs.scale);
    const seen = broadcast(b, visible(b, inputs, sizes, attrs), [B, H, T, S]);
    const masked = where(b, seen, scores, fill(b, NOTHING));
    const largest = amax(b, masked, [3], true);
    // Where nothing is seen every weight is 0; the sum is then 1 to keep the division defined.
    const weights = mul(b, exp(b, sub(b, masked, largest)), seen);
    const total = sum(b, weights, [3], true);
    const some = binary(b, "lt", fill(b, 0), total);
    const divisor = where(b, some, total, fill(b, 1));
    const o = transpose(b, matmul(b, div(b, weights, divisor), heads(at(inputs, 2), S, E)), [0, 2, 1, 3]);
    const lse = where(b, some, add(b, largest, log(b, divisor)), fill(b, NOTHING));
    return [o, transpose(b, reshape(b, lse, [B, H, T]), [0, 2, 1])];
  },
  evaluate: (inputs, types, _outputs, attrs) => {
    const sizes = sizesOf("attention", types, attrs);
    const { B, T, H, D, S, G, E } = sizes;
    const [q, k, v] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const sees = sight(inputs, sizes, attrs);
    const o = new Float32Array(B * T * H * E);
    const lse = new Float32Array(B * T * H).fill(NOTHING);
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < T; i++) {
        for (let h = 0; h < H; h++) {
          const row = (b * T + i) * H + h;
          const group = Math.floor((h * G) / H);
          const scores = new Map<number, number>();
          for (let j = 0; j < S; j++) {
            if (!sees(b, i, j)) continue;
            let dot = 0;
            for (let d = 0; d < D; d++) dot += element(q, row * D + d) * element(k, ((b * S + j) * G + group) * D + d);
            scores.set(j, dot * attrs.scale);
          }
          if (scores.size === 0) continue;
          const largest = [...scores.values()].reduce((x, y) => Math.max(x, y));
          let total = 0;
          for (const score of scores.values()) total += Math.exp(score - largest);
          lse[row] = largest + Math.log(total);
          for (let e = 0; e < E; e++) {
            let result = 0;
            for (const [j, score] of scores) result += (Math.exp(score - largest) / total) * element(v, ((b * S + j) * G + group) * E + e);
            o[row * E + e] = result;
          }
        }
      }
    }
    return [o, lse];
  },
};

/** 1 where a query sees a key, else 0: [1 or B, 1, T, S]. */
function visible(b: Builder, inputs: readonly Value[], { B, T, S }: Sizes, attrs: Attrs): Value {
  const keys = reshape(b, b.emit("range", [], { n: S }), [1, 1, 1, S]);
  const bound =
    attrs.bound === "given"
      ? reshape(b, float(b, at(inputs, 3)), [B, 1, T, 1])
      : attrs.bound === "causal"
        ? add(b, reshape(b, b.emit("range", [], { n: T }), [1, 1, T, 1]), fill(b, 1 + S - T))
        : fill(b, S, [1, 1, T, 1]);
  let seen = binary(b, "lt", keys, bound);
  if (attrs.window > 0) seen = mul(b, seen, binary(b, "le", sub(b, bound, fill(b, attrs.window)), keys));
  if (attrs.segmented) {
    const first = attentionOperands(attrs) - 2;
    seen = mul(b, seen, binary(b, "eq", reshape(b, at(inputs, first), [B, 1, T, 1]), reshape(b, at(inputs, first + 1), [B, 1, 1, S])));
  }
  return seen;
}

export const attentionGradient: Op<"attention_gradient"> = {
  doc: "(the operands of `attention`, o, lse, gradient of o) → (dq, dk, dv).",
  attrs: attrKinds,
  infer: (inputs, attrs) => {
    operands("attention_gradient", inputs, [...dtypes(attrs), "f32", "f32", "f32"]);
    const { B, T, H, E } = sizesOf("attention_gradient", inputs, attrs);
    const [o, lse, g] = inputs.slice(attentionOperands(attrs)) as [TensorType, TensorType, TensorType];
    if (!sameShape(o.shape, [B, T, H, E]) || !sameShape(lse.shape, [B, T, H]) || !sameShape(g.shape, o.shape)) {
      fail("attention_gradient", `o ${show(o)}, lse ${show(lse)}, gradient ${show(g)}`);
    }
    return [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  },
  // p = exp(score − lse), δ = Σ o · do; dv = Σ p do, dscore = p (do · v − δ), dq = scale Σ dscore k, dk = scale Σ dscore q.
  evaluate: (inputs, types, _outputs, attrs) => {
    const sizes = sizesOf("attention_gradient", types, attrs);
    const { B, T, H, D, S, G, E } = sizes;
    const [q, k, v] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [o, lse, g] = inputs.slice(attentionOperands(attrs)) as [Tensor, Tensor, Tensor];
    const sees = sight(inputs, sizes, attrs);
    const [dq, dk, dv] = [new Float64Array(q.length), new Float64Array(k.length), new Float64Array(v.length)];
    const accumulate = (x: Float64Array, i: number, value: number) => {
      x[i] = element(x, i) + value;
    };
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < T; i++) {
        for (let h = 0; h < H; h++) {
          const row = (b * T + i) * H + h;
          const group = Math.floor((h * G) / H);
          let delta = 0;
          for (let e = 0; e < E; e++) delta += element(o, row * E + e) * element(g, row * E + e);
          for (let j = 0; j < S; j++) {
            if (!sees(b, i, j)) continue;
            const key = (b * S + j) * G + group;
            let dot = 0;
            for (let d = 0; d < D; d++) dot += element(q, row * D + d) * element(k, key * D + d);
            const p = Math.exp(dot * attrs.scale - element(lse, row));
            let dp = 0;
            for (let e = 0; e < E; e++) {
              dp += element(g, row * E + e) * element(v, key * E + e);
              accumulate(dv, key * E + e, p * element(g, row * E + e));
            }
            const dscore = p * (dp - delta) * attrs.scale;
            for (let d = 0; d < D; d++) {
              accumulate(dq, row * D + d, dscore * element(k, key * D + d));
              accumulate(dk, key * D + d, dscore * element(q, row * D + d));
            }
          }
        }
      }
    }
    return [dq, dk, dv].map((x) => Float32Array.from(x));
  },
};
