// The one graph: forward, gradient, clipping, optimizer, cached decoding and sampling are nodes of it. Nodes are immutable, in
// topological order and hash-consed by the Builder, so common subexpressions are found for free. All shapes are numbers.
// State (parameters, moments, caches, counters) is read by a `state` node and given its next value in `updates`.

import type { Span } from "../../grammar/source.js";
import type { CompositeOp } from "../ops/composite.js";

export type DType = "f32" | "u32";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Index of a node in `Graph.nodes`. */
export type Value = number & { readonly brand: "value" };

/** Elementwise functions of one f32 tensor. `step(x)` is 1 where x > 0, else 0. */
export type UnaryOp =
  | "neg"
  | "exp"
  | "log"
  | "sqrt"
  | "rsqrt"
  | "sin"
  | "cos"
  | "tanh"
  | "abs"
  | "floor"
  | "erf"
  | "step"
  | "sigmoid"
  | "silu"
  | "gelu"
  | "gelu_exact"
  | "relu";

/** Elementwise functions of two tensors, broadcast from the right. Comparisons give f32 0 or 1. Both f32 or, for add sub mul max min lt le eq, both u32. */
export type BinaryOp = "add" | "sub" | "mul" | "div" | "pow" | "max" | "min" | "lt" | "le" | "eq";

type None = Readonly<Record<string, never>>;
type Shape = readonly number[];

/**
 * The op vocabulary IS this type: a new op is a new line here, its meaning in compiler/ops.
 * The comment gives inputs → result.
 */
export type OpAttrs = { readonly [K in UnaryOp | CompositeOp | BinaryOp]: None } & {
  // --- sources ---
  /** → f32|u32 [shape]: uploaded by the host for each run. */
  readonly input: { readonly name: string; readonly dtype: DType; readonly shape: Shape };
  /** → []: one word of the run's scalars (step, learning_rate, seed, …). */
  readonly scalar: { readonly name: string; readonly dtype: DType };
  /** → [shape]: the value that a persistent tensor had when the run began. */
  readonly state: { readonly name: string; readonly dtype: DType; readonly shape: Shape };
  /** → f32 [shape], every element `value`. */
  readonly fill: { readonly value: number; readonly shape: Shape };
  /** → f32 [shape.product]: literal numbers. */
  readonly literal: { readonly values: Shape; readonly shape: Shape };
  /** → f32 [n]: 0, 1, … n − 1. */
  readonly range: { readonly n: number };
  /** (seed u32 [], step u32 []) → f32 [shape]: uniform in [0, 1), Philox-4x32-10 keyed by seed, step, place and element. */
  readonly uniform: { readonly place: number; readonly shape: Shape };

  // --- elementwise beside UnaryOp and BinaryOp ---
  /** (condition, a, b) → a where condition ≠ 0, else b. */
  readonly where: None;
  /** x → the same numbers in another dtype. */
  readonly cast: { readonly dtype: DType };
  /** x → x, but no gradient flows back through it. */
  readonly detach: None;

  // --- reductions: f32 [shape] → the axes removed, or 1 with `keep` ---
  readonly sum: { readonly axes: readonly number[]; readonly keep: boolean };
  readonly amax: { readonly axes: readonly number[]; readonly keep: boolean };

  // --- layout ---
  readonly reshape: { readonly shape: Shape };
  readonly transpose: { readonly order: readonly number[] };
  readonly broadcast: { readonly shape: Shape };
  /** x → x[starts[0]:stops[0], …], one pair an axis. */
  readonly slice: { readonly starts: Shape; readonly stops: Shape };
  /** x → zeros of `before` and `after` rows added on each axis: the gradient of `slice`. */
  readonly pad: { readonly before: Shape; readonly after: Shape };
  readonly concat: { readonly axis: number };

  /**
   * (x₀, x₁, …) → f32 [size]: each input's elements at its offset, zeros in the gaps. Planned without a copy: producers write straight into
   * a buffer of its own (`name`), which is how all gradients come to lie side by side for one optimizer kernel.
   */
  readonly pack: { readonly name: string; readonly offsets: Shape; readonly size: number };

  // --- matrices and tables ---
  /**
   * (A [..., M, K] | [..., K, M], B [..., K, N] | [..., N, K]) → [..., M, N]; B may be of rank 2. Leading dims are equal.
   * `recompute`: the same product, but another node: hash-consing would merge logits that a gradient computes again with those of the
   * forward, and so keep them alive from one to the other. Kernels do not look at it.
   */
  readonly matmul: { readonly transposeA: boolean; readonly transposeB: boolean; readonly recompute?: boolean };
  /** (table f32 [V, ...D], ids u32 [...I]) → [...I, ...D]; `first` is subtracted from ids, those then outside [0, V) give zeros. */
  readonly gather: { readonly first: number };
  /** (ids u32 [...I], values f32 [...I, ...D]) → [rows, ...D]: sums in order of I, so without atomics; ids − first outside: dropped. */
  readonly scatter_add: { readonly rows: number; readonly first: number };
  /**
   * (x f32 [B, T, H, 2P], cos f32 [B|1, T, P], sin f32 [B|1, T, P]) → [B, T, H, 2P]: pairs of channels turned by an angle a row.
   * `halves`: channel i with i + P (GPT-NeoX); `adjacent`: 2i with 2i + 1 (RoFormer). `inverse` turns back, the gradient.
   */
  readonly rotate: { readonly pairs: "halves" | "adjacent"; readonly inverse: boolean };
  /**
   * Streaming attention, never a [T, S] buffer. (q [B, T, H, D], k [B, S, G, D], v [B, S, G, E], bound u32 [B, T], segments?) → tuple
   * (o [B, T, H, E], lse f32 [B, T, H]: log of the sum of exp of the scaled scores). G divides H: query head h reads group floor(h·G/H).
   * Query row (b, i) sees key row j when j < bound[b, i] and, with `window` w > 0, j ≥ bound[b, i] − w. With `segmented` there are
   * two more inputs, u32 [B, T] and [B, S], which must be equal at i and j.
   * `bound = "causal"`: no bound input, bound[b, i] = i + 1 + (S − T). `bound = "all"`: none, all S. `bound = "given"`: the fourth input.
   * A row that sees nothing gives zeros (and lse −1e30).
   */
  readonly attention: {
    readonly bound: "causal" | "all" | "given";
    readonly window: number;
    readonly segmented: boolean;
    readonly scale: number;
  };
  /** (the inputs of `attention`, then o, lse, gradient of o) → tuple (dq, dk, dv). */
  readonly attention_gradient: {
    readonly bound: "causal" | "all" | "given";
    readonly window: number;
    readonly segmented: boolean;
    readonly scale: number;
  };
  /** tuple → its element `index`. */
  readonly pick: { readonly index: number };

  // --- losses ---
  /** (logits f32 [..., V], target u32 [...]) → f32 [...]: −log softmax(logits)[target]. */
  readonly cross_entropy: None;
  /**
   * (x f32 [N, D], target u32 [N], W₀, W₁, …) → tuple (loss f32 [N]: −log softmax(x Wᵀ)[target], lse f32 [N]: log of the sum of exp of the logits).
   * The W are one matrix, or its pieces in order: [V, D] cut along V, or with `columns` [D, V] cut along D. Decomposed into `chunk` columns of
   * logits at a time (the last fewer), so that logits and probabilities of the whole vocabulary never exist.
   */
  readonly linear_cross_entropy: { readonly columns: boolean; readonly chunk: number };
  /** (x, target, lse, gradient of loss [N], W₀, W₁, …) → tuple (dx, dW₀, dW₁, …): computes each chunk's logits again. */
  readonly linear_cross_entropy_gradient: { readonly columns: boolean; readonly chunk: number };

  // --- decoding ---
  /** (cache f32 [B, C, ...D], rows f32 [B, n, ...D], positions u32 [B, n]) → cache with rows[b, i] at positions[b, i]; positions ≥ C are dropped. */
  readonly cache_write: None;
  /** (counts u32 [B, V], ids u32 [B]) → counts with one more at each lane's id. */
  readonly tally: None;
  /**
   * (logits f32 [B, V], counts u32 [B, V]: how often each id stands before, allowed u32 [ceil(V / 32)] bit mask, settings f32 [B, 5] =
   * temperature, top_k, top_p, min_p, repetition_penalty of each lane, lane u32 [B], draw u32 [B], seed u32 []) → u32 [B]: the id drawn by each lane.
   * Random number: Philox keyed by (seed), counter (draw[b], lane[b], 0, 1). Order: repetition penalty (CTRL), ÷ temperature (0: greedy,
   * lowest id of the largest), allowed ids, top-k (ties at the k-th: lowest ids), top-p (smallest set reaching p, of the survivors'
   * renormalised mass, sorted by logit falling then id rising), min-p (p < min_p · largest p), draw by inverse CDF in order of id.
   * Probabilities are whole numbers (compiler/ops/weight.ts): sums are exact, and every device draws the same ids.
   */
  readonly sample: None;
};

export type OpName = keyof OpAttrs;

export interface Node<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: readonly Value[];
  readonly attrs: OpAttrs[K];
  /** One type; a tuple op (`attention`, `attention_gradient`) has several, read by `pick`. */
  readonly types: readonly TensorType[];
  /** Where the equation stands in the `.elm` file, for profiles and messages. */
  readonly origin?: Span;
}

/** A node of any op, discriminated by `op`. */
export type AnyNode = { readonly [K in OpName]: Node<K> }[OpName];

export interface Graph {
  readonly name: string;
  readonly nodes: readonly AnyNode[];
  /** What the host may read back, by name. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** State name → its next value; a state without an entry keeps its value. */
  readonly updates: ReadonlyMap<string, Value>;
}

export function elements(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function bytes(type: TensorType): number {
  return 4 * elements(type.shape);
}
