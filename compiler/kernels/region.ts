// A region: the pointwise operations and reductions that one kernel computes, as data. In: built by the fusion pass; out: read by `rows.ts`
// and `columns.ts`, which write its WGSL. Invariant: terms stand in order (operands before users) and equal terms are one; sizes are
// only in `Index` numbers and `Domain`, so that the text of a kernel can leave them to immediates.

import type { BinaryOp, DType, UnaryOp } from "../ir/graph.js";

/**
 * What a region's element index runs over. `flat`: n elements, one lane each. `rows`: [rows, cols], reductions over cols.
 * `columns`: [outer, rows, cols], reductions over the middle axis.
 */
export type Domain =
  | { readonly kind: "flat"; readonly n: number }
  | { readonly kind: "rows"; readonly rows: number; readonly cols: number }
  | { readonly kind: "columns"; readonly outer: number; readonly rows: number; readonly cols: number };

/**
 * Where a tensor is read: a function of the kernel's element. `full` the element's flat index · `row` its row · `col` its column ·
 * `out` the reduced element of a `columns` kernel (outer · cols + col) · `one` zero · `mod`, `div`, `strided`: functions of another index,
 * `strided` being add + Σ ((of / div) % mod) · mul, and 0 where one of its `tests` fails.
 */
export type Index =
  | { readonly kind: "full" | "row" | "col" | "out" | "one" }
  | { readonly kind: "mod"; readonly of: Index; readonly by: number }
  | { readonly kind: "div"; readonly of: Index; readonly by: number }
  | {
      readonly kind: "strided";
      readonly of: Index;
      readonly add: number;
      readonly digits: readonly Digit[];
      readonly tests: readonly Test[];
    };

/** `mod` 0: no remainder is taken. `mul` may be negative: sums wrap around. */
export interface Digit {
  readonly div: number;
  readonly mod: number;
  readonly mul: number;
}

/** A number that the kernel computes; `x`, `y`, … are places in `Region.terms`. */
export type Term =
  | { readonly kind: "load"; readonly operand: number; readonly at: Index; readonly dtype: DType }
  | { readonly kind: "constant"; readonly value: number; readonly dtype: DType }
  /** The index itself, as f32. */
  | { readonly kind: "index"; readonly at: Index; readonly dtype: "f32" }
  | { readonly kind: "literal"; readonly values: readonly number[]; readonly at: Index; readonly dtype: "f32" }
  /** Philox at element `at` of the place `place`. */
  | {
      readonly kind: "uniform";
      readonly seed: number;
      readonly step: number;
      readonly place: number;
      readonly at: Index;
      readonly dtype: "f32";
    }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly x: number; readonly dtype: "f32" }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly x: number; readonly y: number; readonly dtype: DType }
  | { readonly kind: "where"; readonly condition: number; readonly x: number; readonly y: number; readonly dtype: DType }
  | { readonly kind: "cast"; readonly x: number; readonly dtype: DType }
  /** 1 when every digit (at / div) % mod of the index lies in [from, to), else 0. */
  | { readonly kind: "inside"; readonly at: Index; readonly tests: readonly Test[]; readonly dtype: "f32" }
  | { readonly kind: "reduce"; readonly op: "sum" | "amax"; readonly x: number; readonly dtype: "f32" };

export interface Test {
  readonly div: number;
  readonly mod: number;
  readonly from: number;
  readonly to: number;
}

export interface Region {
  readonly domain: Domain;
  /** Element types of the tensors read, in order. */
  readonly operands: readonly DType[];
  readonly terms: readonly Term[];
  readonly results: readonly RegionResult[];
}

/** The tensor of this term at this index: `full`, `row`, `col` or `out`. */
export interface RegionResult {
  readonly term: number;
  readonly at: Index;
  readonly dtype: DType;
  readonly scatter?: Scatter;
}

/**
 * A result [batch, rows, inner] written into rows of a tensor [batch, capacity, inner] that is there already: row (b, i) at `position`, a u32 term; dropped
 * beyond the capacity. `add`: added to what stands there.
 */
export interface Scatter {
  readonly position: number;
  readonly rows: number;
  readonly inner: number;
  readonly capacity: number;
  readonly add: boolean;
}

/** How often a value is computed: once a kernel, a row, a reduced element, or for every element. */
export type Level = "one" | "row" | "out" | "element";

export const one: Index = { kind: "one" };
export const full: Index = { kind: "full" };

export function count(domain: Domain): number {
  switch (domain.kind) {
    case "flat":
      return domain.n;
    case "rows":
      return domain.rows * domain.cols;
    case "columns":
      return domain.outer * domain.rows * domain.cols;
  }
}

/** Equal indices have equal keys. */
export function key(index: Index): string {
  switch (index.kind) {
    case "mod":
    case "div":
      return `${key(index.of)}${index.kind === "mod" ? "%" : "/"}${index.by}`;
    case "strided":
      return `[${key(index.of)}+${index.add}:${index.digits.map((d) => `${d.div}%${d.mod}*${d.mul}`).join(",")}?${testsKey(index.tests)}]`;
    default:
      return index.kind;
  }
}

export function testsKey(tests: readonly Test[]): string {
  return tests.map((t) => `${t.div}%${t.mod}:${t.from}-${t.to}`).join(",");
}

/** The root that an index is a function of. */
export function base(index: Index): "full" | "row" | "col" | "out" | "one" {
  switch (index.kind) {
    case "mod":
    case "div":
    case "strided":
      return base(index.of);
    default:
      return index.kind;
  }
}

export function levelOf(index: Index, domain: Domain): Level {
  const root = base(index);
  if (root === "one") return "one";
  if (root === "row") return domain.kind === "rows" ? "row" : "element";
  if (root === "out") return "out";
  if (root === "col") return domain.kind === "columns" && domain.outer === 1 ? "out" : "element";
  return "element";
}

/** `of % by` in its simplest form. */
export function modulo(of: Index, by: number, domain: Domain): Index {
  if (by === 1 || of.kind === "one") return one;
  if (size(of, domain) <= by) return of;
  if (of.kind === "mod" && of.by % by === 0) return modulo(of.of, by, domain);
  if (of.kind === "full" && domain.kind !== "flat" && by === domain.cols) return { kind: "col" };
  if (of.kind === "out" && domain.kind === "columns" && by === domain.cols) return { kind: "col" };
  return { kind: "mod", of, by };
}

/** `of / by` (whole) in its simplest form. */
export function quotient(of: Index, by: number, domain: Domain): Index {
  if (by === 1 || of.kind === "one") return of;
  if (size(of, domain) <= by) return one;
  if (of.kind === "div") return quotient(of.of, of.by * by, domain);
  if (domain.kind !== "flat" && of.kind === "full" && by % domain.cols === 0) {
    const row: Index = domain.kind === "rows" && domain.rows === 1 ? one : { kind: "row" };
    return quotient(row, by / domain.cols, domain);
  }
  if (of.kind === "mod" && of.by % by === 0) return modulo(quotient(of.of, by, domain), of.by / by, domain);
  return { kind: "div", of, by };
}

/** Smallest known bound: the index is below it. */
function size(index: Index, domain: Domain): number {
  switch (index.kind) {
    case "one":
      return 1;
    case "full":
      return count(domain);
    case "row":
      return domain.kind === "flat" ? 1 : domain.kind === "rows" ? domain.rows : domain.outer * domain.rows;
    case "col":
      return domain.kind === "flat" ? domain.n : domain.cols;
    case "out":
      return domain.kind === "columns" ? domain.outer * domain.cols : 1;
    case "mod":
      return Math.min(index.by, size(index.of, domain));
    case "div":
      return Math.ceil(size(index.of, domain) / index.by);
    case "strided":
      return Number.POSITIVE_INFINITY;
  }
}

/**
 * Where a tensor of shape `shape` is read when it is broadcast (from the right) to `to` and the wide tensor is read at `at`.
 */
export function broadcastIndex(shape: readonly number[], to: readonly number[], at: Index, domain: Domain): Index {
  const padded = [...Array<number>(to.length - shape.length).fill(1), ...shape];
  // Neighbouring axes of one sort are one axis; axes of size 1 are none.
  const blocks: { kept: boolean; size: number }[] = [];
  to.forEach((extent, axis) => {
    if (extent === 1) return;
    const kept = padded[axis] === extent;
    const last = blocks.at(-1);
    if (last && last.kept === kept) last.size *= extent;
    else blocks.push({ kept, size: extent });
  });
  if (blocks.every((block) => block.kept)) return at;
  if (blocks.every((block) => !block.kept)) return one;
  const [first, second] = blocks;
  if (blocks.length === 2 && first && second) {
    return second.kept ? modulo(at, second.size, domain) : quotient(at, second.size, domain);
  }
  if (blocks.length === 3 && first && second && !first.kept) {
    const [, middle, inner] = blocks;
    if (middle && inner) return quotient(modulo(at, middle.size * inner.size, domain), inner.size, domain);
  }
  const digits: Digit[] = [];
  let div = 1;
  let mul = 1;
  for (const block of [...blocks].reverse()) {
    if (block.kept) {
      digits.push({ div, mod: block.size, mul });
      mul *= block.size;
    }
    div *= block.size;
  }
  return { kind: "strided", of: at, add: 0, digits, tests: [] };
}

/** Where `x` is read when `x.transpose(order)`, of shape `shape`, is read at `at`. */
export function transposeIndex(order: readonly number[], shape: readonly number[], at: Index): Index {
  if (at.kind === "one") return one;
  const strides: number[] = [];
  let stride = 1;
  const source = order.map((_, axis) => shape[order.indexOf(axis)] ?? 1);
  for (let axis = source.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= source[axis] ?? 1;
  }
  return digitsOf(shape, (axis) => strides[order[axis] ?? 0] ?? 1, 0, at);
}

/** Where `x` (shape `from`) is read when its slice of shape `shape` starting at `starts` is read at `at`. */
export function sliceIndex(starts: readonly number[], from: readonly number[], shape: readonly number[], at: Index): Index {
  const strides = stridesOf(from);
  const add = starts.reduce((sum, start, axis) => sum + start * (strides[axis] ?? 0), 0);
  return digitsOf(shape, (axis) => strides[axis] ?? 1, add, at);
}

/**
 * Where a block of shape `shape`, lying in a tensor of shape `to` from `starts` on, is read when that tensor is read at `at`, and the tests that
 * say whether the element lies in the block at all.
 */
export function blockIndex(
  starts: readonly number[],
  shape: readonly number[],
  to: readonly number[],
  at: Index,
): { index: Index; tests: Test[] } {
  const strides = stridesOf(shape);
  const digits: Digit[] = [];
  const tests: Test[] = [];
  let add = 0;
  let div = 1;
  for (let axis = to.length - 1; axis >= 0; axis--) {
    const extent = to[axis] ?? 1;
    const inner = shape[axis] ?? 1;
    const start = starts[axis] ?? 0;
    const mul = strides[axis] ?? 1;
    if (extent > 1) digits.push({ div, mod: extent, mul });
    if (inner !== extent) tests.push({ div, mod: extent, from: start, to: start + inner });
    add -= start * mul;
    div *= extent;
  }
  return { index: { kind: "strided", of: at, add, digits, tests }, tests };
}

/**
 * Turned pairs of channels: where the other channel of a pair is read, the pair's angle (a tensor [1 or batch, rows, channels / 2]), and the test that
 * says which of the two this one is. The element's tensor is [batch, rows, heads, channels].
 */
export function pairIndex(
  pairs: "halves" | "adjacent",
  shape: readonly number[],
  angleBatch: number,
  at: Index,
): { other: Index; angle: Index; first: Test } {
  const [batch = 1, rows = 1, heads = 1, channels = 2] = shape;
  const P = channels / 2;
  const stride = pairs === "halves" ? P : 1;
  const strided = (add: number, digits: readonly Digit[]): Index => ({ kind: "strided", of: at, add, digits, tests: [] });
  return {
    other: strided(stride, [
      ...(stride > 1 ? [{ div: 1, mod: stride, mul: 1 }] : []),
      { div: stride, mod: 2, mul: -stride },
      { div: 2 * stride, mod: 0, mul: 2 * stride },
    ]),
    angle: strided(0, [
      { div: pairs === "halves" ? 1 : 2, mod: P, mul: 1 },
      { div: heads * channels, mod: angleBatch === 1 && batch > 1 ? rows : 0, mul: P },
    ]),
    first: { div: stride, mod: 2, from: 0, to: 1 },
  };
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

function digitsOf(shape: readonly number[], stride: (axis: number) => number, add: number, at: Index): Index {
  const digits: Digit[] = [];
  let div = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    if (extent === 1) continue;
    const last = digits.at(-1);
    // An axis that continues the one inside it is the same digit.
    if (last && stride(axis) === last.mul * last.mod && last.div * last.mod === div)
      digits[digits.length - 1] = { ...last, mod: last.mod * extent };
    else digits.push({ div, mod: extent, mul: stride(axis) });
    div *= extent;
  }
  const [only] = digits;
  if (add === 0 && digits.length === 1 && only && only.div === 1 && only.mul === 1) return at;
  return { kind: "strided", of: at, add, digits, tests: [] };
}
