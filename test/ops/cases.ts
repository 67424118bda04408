// Operands and attributes on which ops are tried: size 1, primes, broadcasting. Values lie on a grid of 1/128 and away from kinks, so that
// finite differences with steps of 1/64 are exact in f32 and cross no kink.

import type { DType, OpAttrs, OpName } from "../../compiler/ir/graph.js";
import type { Tensor } from "../../compiler/ops/op.js";

export interface Operand {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Tensor;
}

export interface CaseWith<Attrs> {
  readonly inputs: readonly Operand[];
  readonly attrs: Attrs;
  /** Which results gradients flow through; all unless given. */
  readonly results?: readonly number[];
}

export type Case<K extends OpName = OpName> = CaseWith<OpAttrs[K]>;

/** A small linear congruential generator: test data need no quality, only to be the same everywhere. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = generator(7);

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** f32 in [low, high), on the grid. */
export function x(shape: readonly number[], low = -1, high = 1): Operand {
  const data = Float32Array.from({ length: count(shape) }, () => Math.round((low + (high - low) * random()) * 128) / 128);
  return { dtype: "f32", shape, data };
}

/** f32 of either sign, at least 1/4 from 0. */
function signed(shape: readonly number[]): Operand {
  const magnitude = x(shape, 0.25, 1.5);
  return { ...magnitude, data: Float32Array.from(magnitude.data, (v) => (random() < 0.5 ? -v : v)) };
}

/** Rising by half a unit, so that no two are near each other, in a scattered order. */
function apart(shape: readonly number[], offset = 0): Operand {
  const n = count(shape);
  const order = Array.from({ length: n }, (_, i) => ({ i, key: random() })).sort((a, b) => a.key - b.key);
  return { dtype: "f32", shape, data: Float32Array.from(order, ({ i }) => (i - Math.floor(n / 2)) * 0.5 + offset) };
}

export function ids(shape: readonly number[], below: number): Operand {
  return { dtype: "u32", shape, data: Uint32Array.from({ length: count(shape) }, () => Math.floor(random() * below)) };
}

export function words(shape: readonly number[], ...values: readonly number[]): Operand {
  return { dtype: "u32", shape, data: Uint32Array.from(values) };
}

const none = {};
const unaryCases = (make: (shape: readonly number[]) => Operand): Case<"neg">[] =>
  [[1], [], [7], [2, 3, 5]].map((shape) => ({ inputs: [make(shape)], attrs: none }));
const anywhere = (shape: readonly number[]) => x(shape, -2, 2);
const positive = (shape: readonly number[]) => x(shape, 0.5, 2);
/** Between 0.25 and 0.75 above an integer. */
const fractional = (shape: readonly number[]) => ({
  ...x(shape, 0.25, 0.75),
  data: x(shape, 0.25, 0.75).data.map((v, i) => v + (i % 5) - 2),
});

const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[1], [1]],
  [[7], []],
  [[2, 3], [3]],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [2, 1, 5],
    [3, 1],
  ],
  [[], [2, 2]],
];
const binaryCases = (left = anywhere, right = signed): Case<"add">[] =>
  shapes.map(([a, b]) => ({ inputs: [left(a), right(b)], attrs: none }));
/** Operands that differ by a quarter at least. */
const unequal = () => binaryCases(apart, (shape) => apart(shape, 0.25));

const matmulCases: Case<"matmul">[] = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) => {
    const a = (lead: readonly number[], m: number, k: number) => x([...lead, ...(transposeA ? [k, m] : [m, k])]);
    const b = (lead: readonly number[], k: number, n: number) => x([...lead, ...(transposeB ? [n, k] : [k, n])]);
    const attrs = { transposeA, transposeB };
    return [
      { inputs: [a([], 1, 1), b([], 1, 1)], attrs },
      { inputs: [a([], 3, 5), b([], 5, 7)], attrs },
      { inputs: [a([2], 3, 5), b([2], 5, 2)], attrs },
      { inputs: [a([2, 3], 2, 3), b([], 3, 5)], attrs },
    ];
  }),
);

const attentionCases: Case<"attention">[] = [
  { inputs: [x([1, 1, 1, 1]), x([1, 1, 1, 1]), x([1, 1, 1, 1])], attrs: { bound: "causal", window: 0, segmented: false, scale: 1 } },
  { inputs: [x([2, 5, 4, 3]), x([2, 5, 2, 3]), x([2, 5, 2, 2])], attrs: { bound: "causal", window: 0, segmented: false, scale: 0.5 } },
  { inputs: [x([1, 3, 3, 2]), x([1, 7, 1, 2]), x([1, 7, 1, 5])], attrs: { bound: "causal", window: 3, segmented: false, scale: 0.7 } },
  { inputs: [x([1, 3, 2, 2]), x([1, 5, 2, 2]), x([1, 5, 2, 3])], attrs: { bound: "all", window: 0, segmented: false, scale: 1.5 } },
  // The first row sees nothing.
  {
    inputs: [x([2, 3, 2, 3]), x([2, 5, 1, 3]), x([2, 5, 1, 2]), words([2, 3], 0, 1, 5, 2, 4, 3)],
    attrs: { bound: "given", window: 2, segmented: false, scale: 0.5 },
  },
  {
    inputs: [x([1, 5, 2, 2]), x([1, 5, 2, 2]), x([1, 5, 2, 2]), words([1, 5], 0, 0, 1, 1, 1), words([1, 5], 0, 0, 1, 1, 1)],
    attrs: { bound: "causal", window: 0, segmented: true, scale: 0.7 },
  },
  {
    inputs: [x([1, 2, 1, 2]), x([1, 3, 1, 2]), x([1, 3, 1, 2]), words([1, 2], 3, 2), words([1, 2], 1, 2), words([1, 3], 2, 1, 1)],
    attrs: { bound: "given", window: 0, segmented: true, scale: 1 },
  },
].map((one) => ({ ...one, results: [0] }) as Case<"attention">);

const linear = (
  columns: boolean,
  chunk: number,
  N: number,
  D: number,
  V: number,
  cuts: readonly number[],
): Case<"linear_cross_entropy"> => ({
  inputs: [x([N, D]), ids([N], V), ...cuts.map((n) => (columns ? x([n, V]) : x([n, D])))],
  attrs: { columns, chunk },
  results: [0],
});
const linearCases = [
  linear(false, 1, 1, 1, 1, [1]),
  linear(false, 4, 3, 2, 11, [11]),
  linear(false, 100, 2, 3, 7, [4, 3]),
  linear(false, 2, 2, 3, 7, [4, 3]),
  linear(true, 4, 3, 2, 11, [2]),
  linear(true, 3, 2, 5, 7, [3, 2]),
];

/** Ops with f32 operands that gradients pass. A missing one fails the test that reads the table of ops. */
export const cases: { readonly [K in OpName]?: readonly Case<K>[] } = {
  neg: unaryCases(anywhere),
  exp: unaryCases(anywhere),
  log: unaryCases(positive),
  sqrt: unaryCases(positive),
  rsqrt: unaryCases(positive),
  sin: unaryCases(anywhere),
  cos: unaryCases(anywhere),
  tanh: unaryCases(anywhere),
  abs: unaryCases(signed),
  floor: unaryCases(fractional),
  erf: unaryCases(anywhere),
  step: unaryCases(signed),
  sigmoid: unaryCases(anywhere),
  silu: unaryCases(anywhere),
  gelu: unaryCases(anywhere),
  gelu_exact: unaryCases(anywhere),
  relu: unaryCases(signed),
  elu: unaryCases(signed),
  log_sigmoid: unaryCases(anywhere),
  softplus: unaryCases(anywhere),
  square: unaryCases(anywhere),
  add: binaryCases(),
  sub: binaryCases(),
  mul: binaryCases(),
  div: binaryCases(anywhere, signed),
  pow: binaryCases(positive, anywhere),
  max: unequal(),
  min: unequal(),
  lt: unequal(),
  le: unequal(),
  eq: unequal(),
  where: [
    { inputs: [words([1], 1), x([1]), x([1])], attrs: none },
    { inputs: [signed([2, 3]), x([3]), x([2, 1])], attrs: none },
    { inputs: [{ dtype: "f32", shape: [2, 1], data: Float32Array.of(0, 1) }, x([5]), x([])], attrs: none },
  ],
  cast: [{ inputs: [x([3])], attrs: { dtype: "f32" } }],
  detach: [{ inputs: [x([3])], attrs: none }],
  sum: [
    { inputs: [x([1])], attrs: { axes: [0], keep: false } },
    { inputs: [x([2, 3, 5])], attrs: { axes: [1], keep: false } },
    { inputs: [x([2, 3, 5])], attrs: { axes: [0, 2], keep: true } },
    { inputs: [x([7, 2])], attrs: { axes: [1, 0], keep: false } },
  ],
  amax: [
    { inputs: [apart([1])], attrs: { axes: [0], keep: false } },
    { inputs: [apart([2, 3, 5])], attrs: { axes: [1], keep: false } },
    { inputs: [apart([2, 3, 5])], attrs: { axes: [0, 2], keep: true } },
  ],
  reshape: [
    { inputs: [x([1])], attrs: { shape: [] } },
    { inputs: [x([2, 3, 5])], attrs: { shape: [5, 6] } },
  ],
  transpose: [
    { inputs: [x([1, 1])], attrs: { order: [1, 0] } },
    { inputs: [x([2, 3, 5])], attrs: { order: [2, 0, 1] } },
  ],
  broadcast: [
    { inputs: [x([])], attrs: { shape: [2, 3] } },
    { inputs: [x([3, 1])], attrs: { shape: [2, 3, 5] } },
    { inputs: [x([1])], attrs: { shape: [1] } },
  ],
  slice: [
    { inputs: [x([1])], attrs: { starts: [0], stops: [1] } },
    { inputs: [x([5, 7])], attrs: { starts: [1, 2], stops: [3, 7] } },
  ],
  pad: [
    { inputs: [x([1])], attrs: { before: [0], after: [0] } },
    { inputs: [x([2, 3])], attrs: { before: [1, 0], after: [2, 1] } },
  ],
  concat: [
    { inputs: [x([1])], attrs: { axis: 0 } },
    { inputs: [x([2, 3]), x([2, 1]), x([2, 5])], attrs: { axis: 1 } },
    { inputs: [x([1, 3]), x([2, 3])], attrs: { axis: 0 } },
  ],
  pack: [
    { inputs: [x([1])], attrs: { name: "one", offsets: [0], size: 1 } },
    { inputs: [x([2, 3]), x([3]), x([])], attrs: { name: "three", offsets: [8, 0, 4], size: 17 } },
  ],
  matmul: matmulCases,
  gather: [
    { inputs: [x([1]), words([], 0)], attrs: { first: 0 } },
    { inputs: [x([5, 3]), words([2, 2], 0, 4, 4, 1)], attrs: { first: 0 } },
    { inputs: [x([3, 2]), words([5], 1, 2, 3, 4, 5)], attrs: { first: 2 } },
  ],
  scatter_add: [
    { inputs: [words([], 0), x([])], attrs: { rows: 1, first: 0 } },
    { inputs: [words([2, 2], 0, 4, 4, 1), x([2, 2, 3])], attrs: { rows: 5, first: 0 } },
    { inputs: [words([5], 1, 2, 3, 4, 5), x([5, 2])], attrs: { rows: 3, first: 2 } },
  ],
  rotate: (["halves", "adjacent"] as const).flatMap((pairs) => [
    { inputs: [x([1, 1, 1, 2]), x([1, 1, 1]), x([1, 1, 1])], attrs: { pairs, inverse: false } },
    { inputs: [x([2, 3, 2, 6]), x([1, 3, 3]), x([1, 3, 3])], attrs: { pairs, inverse: false } },
    { inputs: [x([2, 3, 1, 4]), x([2, 3, 2]), x([2, 3, 2])], attrs: { pairs, inverse: true } },
  ]),
  attention: attentionCases,
  cross_entropy: [
    { inputs: [x([1]), words([], 0)], attrs: none },
    { inputs: [x([5, 7], -3, 3), ids([5], 7)], attrs: none },
    { inputs: [x([2, 3, 2], -3, 3), ids([2, 3], 2)], attrs: none },
  ],
  linear_cross_entropy: linearCases,
  linear_cross_entropy_gradient: linearCases.map(({ inputs: [rows, target, ...tables], attrs }) => {
    const shape = [rows?.shape[0] ?? 1];
    return { inputs: [rows, target, x(shape, 1, 3), x(shape), ...tables].flatMap((operand) => operand ?? []), attrs };
  }),
};
