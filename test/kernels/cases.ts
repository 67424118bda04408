// In: nothing. Out: for each op with a kernel, problems at size 1, at primes, off the kernel's tile and at ordinary sizes.
// Invariant: the table's type demands a list for every kernel; `sizes` names what a case is for, and a test asks for each name.

import { elements, type OpAttrs, type TensorType } from "../../compiler/ir/graph.js";
import type { KernelOp } from "../../compiler/kernels/index.js";
import type { Numbers } from "./device.js";

export type Size = "one" | "prime" | "off-tile" | "round";

export interface Case<K extends KernelOp = KernelOp> {
  readonly size: Size;
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly TensorType[];
  /** Where random numbers of the type would not do. */
  readonly data?: (random: () => number) => readonly Numbers[];
  /** Largest difference relative to 1 + |expected|; 0 asks for the same bits. Default 2e-5. */
  readonly tolerance?: number;
}

export const f = (...shape: readonly number[]): TensorType => ({ dtype: "f32", shape });
export const u = (...shape: readonly number[]): TensorType => ({ dtype: "u32", shape });

/** Numbers around 0, a stream of its own for every seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function floats(count: number, random: () => number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

export function whole(count: number, limit: number, random: () => number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: count }, () => Math.floor(random() * limit));
}

function filled(types: readonly TensorType[], limit: number): (random: () => number) => readonly Numbers[] {
  return (random) =>
    types.map(({ dtype, shape }) => (dtype === "f32" ? floats(elements(shape), random) : whole(elements(shape), limit, random)));
}

type Sizes = readonly [size: Size, M: number, N: number, K: number];

const matmulSizes: readonly Sizes[] = [
  ["one", 1, 1, 1],
  ["prime", 37, 29, 23],
  ["prime", 17, 5, 7],
  ["off-tile", 65, 68, 40],
  ["off-tile", 70, 65, 33],
  ["off-tile", 9, 36, 12],
  ["round", 64, 128, 32],
  ["round", 3, 64, 128],
  ["round", 16, 65, 130],
];

function matmulCases(): Case<"matmul">[] {
  const cases: Case<"matmul">[] = [];
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      for (const [size, M, N, K] of matmulSizes) {
        const a = transposeA ? [K, M] : [M, K];
        const b = transposeB ? [N, K] : [K, N];
        cases.push({ size, attrs: { transposeA, transposeB }, inputs: [f(...a), f(...b)] });
        if (size !== "round") cases.push({ size, attrs: { transposeA, transposeB }, inputs: [f(3, ...a), f(3, ...b)] });
        if (size !== "round") cases.push({ size, attrs: { transposeA, transposeB }, inputs: [f(2, 3, ...a), f(...b)] });
      }
    }
  }
  return cases;
}

type AttentionSizes = readonly [size: Size, B: number, T: number, S: number, H: number, G: number, D: number, E: number];

const attentionSizes: readonly AttentionSizes[] = [
  ["one", 1, 1, 1, 1, 1, 1, 1],
  ["prime", 2, 11, 13, 3, 1, 7, 5],
  ["prime", 1, 3, 67, 5, 5, 13, 13],
  ["off-tile", 3, 65, 65, 2, 2, 12, 8],
  ["off-tile", 2, 1, 130, 6, 2, 36, 36],
  ["round", 2, 64, 64, 4, 2, 32, 32],
  ["round", 2, 1, 256, 4, 4, 32, 32],
];

const attentionModes = [
  { bound: "causal", window: 0, segmented: false },
  { bound: "causal", window: 5, segmented: true },
  { bound: "all", window: 0, segmented: true },
  { bound: "all", window: 3, segmented: false },
  { bound: "given", window: 0, segmented: false },
  { bound: "given", window: 7, segmented: true },
] as const;

type AttentionMode = Pick<OpAttrs["attention"], "bound" | "window" | "segmented">;

function attentionCase([size, B, T, S, H, G, D, E]: AttentionSizes, mode: AttentionMode): Case<"attention"> {
  const inputs = [f(B, T, H, D), f(B, S, G, D), f(B, S, G, E)];
  if (mode.bound === "given") inputs.push(u(B, T));
  if (mode.segmented) inputs.push(u(B, T), u(B, S));
  return {
    size,
    attrs: { ...mode, scale: 1 / Math.sqrt(D) },
    inputs,
    data: (random) =>
      inputs.map(({ dtype, shape }, i) => {
        const count = elements(shape);
        if (dtype === "f32") return floats(count, random).map((x) => 3 * x);
        return whole(count, mode.bound === "given" && i === 3 ? S + 2 : 2, random);
      }),
  };
}

function attentionCases(): Case<"attention">[] {
  // Every mode at one size, every size in one or two modes: pipelines are dear on a software device.
  const table = attentionSizes.flatMap((sizes, at) =>
    attentionModes.filter((_, i) => at === 1 || i === at % 6 || (at > 3 && i === 4)).map((mode) => attentionCase(sizes, mode)),
  );
  // Windows of every length up to a tile's: for one of them, the last row that sees a tile of keys lies just beyond a step of rows.
  const windows = [1, 2, 3, 4, 5, 6, 7, 8].map((window) =>
    attentionCase(["prime", 7, 23, 23, 3, 1, 7, 5], { bound: "causal", window, segmented: true }),
  );
  return [...table, ...windows];
}

/** A permutation of a shape. */
function transposed(size: Size, shape: readonly number[], order: readonly number[]): Case<"transpose"> {
  return { size, attrs: { order }, inputs: [f(...shape)], tolerance: 0 };
}

function rotateCases(): Case<"rotate">[] {
  const sizes: readonly (readonly [Size, number, number, number, number, number])[] = [
    ["one", 1, 1, 1, 1, 1],
    ["prime", 3, 7, 5, 11, 1],
    ["off-tile", 2, 65, 3, 5, 2],
    ["round", 2, 16, 4, 16, 2],
  ];
  return sizes.flatMap(([size, B, T, H, P, angles]) =>
    (["halves", "adjacent"] as const).flatMap((pairs) =>
      [false, true].map(
        (inverse): Case<"rotate"> => ({ size, attrs: { pairs, inverse }, inputs: [f(B, T, H, 2 * P), f(angles, T, P), f(angles, T, P)] }),
      ),
    ),
  );
}

function positionsCase(size: Size, B: number, C: number, n: number, rest: readonly number[]): Case<"cache_write"> {
  return {
    size,
    attrs: {},
    inputs: [f(B, C, ...rest), f(B, n, ...rest), u(B, n)],
    tolerance: 0,
    data: (random) => [
      floats(B * C * elements(rest), random),
      floats(B * n * elements(rest), random),
      // Some beyond the cache, some equal: the last of these stays.
      whole(B * n, C + 2, random),
    ],
  };
}

function table(size: Size, V: number, rest: readonly number[], ids: readonly number[], first: number): Case<"gather"> {
  const inputs = [f(V, ...rest), u(...ids)];
  return { size, attrs: { first }, inputs, data: filled(inputs, V + first + 2), tolerance: 0 };
}

function sums(size: Size, rows: number, rest: readonly number[], ids: readonly number[], first: number): Case<"scatter_add"> {
  const inputs = [u(...ids), f(...ids, ...rest)];
  return { size, attrs: { rows, first }, inputs, data: filled(inputs, rows + first + 2) };
}

/** Settings of a sampler in the op's order. */
export type SampleSettings = readonly [temperature: number, topK: number, topP: number, minP: number, repetitionPenalty: number];

/** Rows of kinds that samplers stumble over: spread, with ties, one-hot, flat; ids that stand before; some ids not allowed. */
export function sampleData(B: number, V: number, settingsOf: (lane: number) => SampleSettings, random: () => number): readonly Numbers[] {
  const logit = (b: number, id: number): number => {
    switch (b % 4) {
      case 0:
        return 8 * random() - 4;
      case 1:
        return Math.round(6 * random() - 3);
      case 2:
        return id === b % V ? 50 : 0;
      default:
        return b % 8 === 3 ? 1 : 30 * random() - 15;
    }
  };
  const mask = Uint32Array.from({ length: Math.ceil(V / 32) }, () => (random() * 2 ** 32) | (random() * 2 ** 32) | (random() * 2 ** 32));
  mask[0] = (mask[0] ?? 0) | 1;
  return [
    Float32Array.from({ length: B * V }, (_, i) => logit(Math.floor(i / V), i % V)),
    Uint32Array.from({ length: B * V }, () => (random() < 0.3 ? 1 + Math.floor(3 * random()) : 0)),
    mask,
    Float32Array.from(Array.from({ length: B }, (_, b) => settingsOf(b)).flat()),
    Uint32Array.from({ length: B }, (_, b) => b),
    whole(B, 1000, random),
    whole(1, 2 ** 32, random),
  ];
}

export function sampleTypes(B: number, V: number): readonly TensorType[] {
  return [f(B, V), u(B, V), u(Math.ceil(V / 32)), f(B, 5), u(B), u(B), u()];
}

function drawn(size: Size, B: number, V: number): Case<"sample"> {
  const one = <T>(list: readonly T[], random: () => number, otherwise: T): T => list[Math.floor(random() * list.length)] ?? otherwise;
  return {
    size,
    attrs: {},
    inputs: sampleTypes(B, V),
    tolerance: 0,
    data: (random) =>
      sampleData(
        B,
        V,
        () => [
          one([0, 0.5, 0.7, 1, 2], random, 1),
          one([0, 1, 2, 5, 40, 1000], random, 0),
          one([0, 1e-6, 0.5, 0.9, 0.95, 1], random, 1),
          one([0, 0.05, 0.5, 1], random, 0),
          one([0.8, 1, 1.3, 2], random, 1),
        ],
        random,
      ),
  };
}

export const cases = {
  matmul: matmulCases(),
  attention: attentionCases(),
  // Made from `attention` cases by the test, which runs the forward first.
  attention_gradient: attentionCases().map((problem): Case<"attention_gradient"> => ({ ...problem })),
  gather: [
    table("one", 1, [1], [1], 0),
    table("prime", 13, [7], [11], 0),
    table("prime", 13, [3, 5], [2, 5], 4),
    table("off-tile", 65, [33], [3, 43], 1),
    table("round", 64, [32], [2, 32], 0),
    table("round", 64, [], [65], 0),
  ],
  scatter_add: [
    sums("one", 1, [1], [1], 0),
    sums("prime", 13, [7], [11], 0),
    sums("prime", 5, [3, 5], [2, 29], 4),
    sums("off-tile", 65, [33], [3, 43], 1),
    sums("round", 64, [32], [2, 32], 0),
    sums("round", 2, [], [65], 0),
  ],
  rotate: rotateCases(),
  transpose: [
    transposed("one", [1, 1], [1, 0]),
    transposed("prime", [7, 11], [1, 0]),
    transposed("prime", [3, 5, 7, 2], [2, 0, 3, 1]),
    transposed("off-tile", [3, 65, 5], [0, 2, 1]),
    transposed("off-tile", [2, 3, 5, 7, 2, 3], [5, 3, 1, 4, 2, 0]),
    transposed("round", [2, 16, 4, 8], [0, 2, 1, 3]),
  ],
  broadcast: [
    { size: "one", attrs: { shape: [1] }, inputs: [f()], tolerance: 0 },
    { size: "prime", attrs: { shape: [3, 7, 5] }, inputs: [f(7, 1)], tolerance: 0 },
    { size: "prime", attrs: { shape: [3, 7, 5, 11, 2] }, inputs: [u(3, 1, 5, 1, 2)], tolerance: 0 },
    { size: "off-tile", attrs: { shape: [5, 65] }, inputs: [f(65)], tolerance: 0 },
    { size: "round", attrs: { shape: [4, 64] }, inputs: [f(4, 1)], tolerance: 0 },
  ],
  slice: [
    { size: "one", attrs: { starts: [0], stops: [1] }, inputs: [f(1)], tolerance: 0 },
    { size: "prime", attrs: { starts: [1, 2, 0], stops: [6, 3, 11] }, inputs: [f(7, 5, 11)], tolerance: 0 },
    { size: "off-tile", attrs: { starts: [3, 1], stops: [68, 2] }, inputs: [u(70, 3)], tolerance: 0 },
    { size: "round", attrs: { starts: [0, 16], stops: [8, 32] }, inputs: [f(8, 64)], tolerance: 0 },
  ],
  pad: [
    { size: "one", attrs: { before: [0], after: [0] }, inputs: [f(1)], tolerance: 0 },
    { size: "prime", attrs: { before: [1, 2, 0], after: [1, 1, 0] }, inputs: [f(5, 2, 11)], tolerance: 0 },
    { size: "prime", attrs: { before: [1, 0, 1, 0, 1], after: [0, 1, 0, 1, 1] }, inputs: [f(3, 2, 3, 2, 5)], tolerance: 0 },
    { size: "off-tile", attrs: { before: [3, 0], after: [0, 1] }, inputs: [f(70, 3)], tolerance: 0 },
    { size: "round", attrs: { before: [0, 16], after: [0, 32] }, inputs: [f(8, 16)], tolerance: 0 },
  ],
  concat: [
    { size: "one", attrs: { axis: 0 }, inputs: [f(1), f(1)], tolerance: 0 },
    { size: "prime", attrs: { axis: 1 }, inputs: [f(3, 5, 7), f(3, 2, 7), f(3, 1, 7)], tolerance: 0 },
    { size: "off-tile", attrs: { axis: 1 }, inputs: [u(65, 3), u(65, 2)], tolerance: 0 },
    { size: "round", attrs: { axis: 0 }, inputs: [f(8, 16), f(8, 16)], tolerance: 0 },
  ],
  cast: [
    { size: "one", attrs: { dtype: "f32" }, inputs: [u(1)], tolerance: 0 },
    { size: "prime", attrs: { dtype: "f32" }, inputs: [u(7, 11)], tolerance: 0 },
    {
      size: "off-tile",
      attrs: { dtype: "u32" },
      inputs: [f(65)],
      data: (random) => [floats(65, random).map((x) => 50 * (x + 1))],
      tolerance: 0,
    },
    {
      size: "round",
      attrs: { dtype: "u32" },
      inputs: [f(64)],
      data: (random) => [floats(64, random).map((x) => 50 * (x + 1))],
      tolerance: 0,
    },
  ],
  cache_write: [
    positionsCase("one", 1, 1, 1, [1]),
    positionsCase("prime", 3, 11, 5, [7]),
    positionsCase("off-tile", 2, 65, 3, [3, 11]),
    positionsCase("round", 4, 64, 1, [4, 32]),
  ],
  tally: [
    { size: "one", attrs: {}, inputs: [u(1, 1), u(1)], data: () => [new Uint32Array(1), new Uint32Array(1)] },
    { size: "prime", attrs: {}, inputs: [u(3, 7), u(3)], data: filled([u(3, 7), u(3)], 7) },
    { size: "off-tile", attrs: {}, inputs: [u(65, 5), u(65)], data: filled([u(65, 5), u(65)], 5) },
    { size: "round", attrs: {}, inputs: [u(4, 64), u(4)], data: filled([u(4, 64), u(4)], 64) },
  ],
  sample: [drawn("one", 1, 1), drawn("prime", 101, 31), drawn("prime", 211, 2), drawn("off-tile", 150, 257), drawn("round", 64, 64)],
} satisfies { [K in KernelOp]: Case<K>[] };

/** Numbers for a case's inputs. */
export function dataOf(problem: Case, seed: number): readonly Numbers[] {
  const random = generator(seed);
  return problem.data?.(random) ?? filled(problem.inputs, 100)(random);
}
