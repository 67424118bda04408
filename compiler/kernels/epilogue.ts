// In: a matmul's types and its epilogue. Out: what its kernels share: the sizes of the problem, the epilogue's bindings, immediates and text.
// Invariant: a row is counted through all batches, so that operands of one number a row, or with a period, mean the same in every kernel.

import { elements, type OpAttrs, type TensorType } from "../ir/graph.js";
import type { Binding, Epilogue } from "./kernel.js";
import { helpersFor, type Lane, opsOf, type RenderEnv, renderBlock } from "./render.js";

/** The problem with leading dims merged: B of rank 2 makes all of A's rows one matrix. */
export interface Problem {
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** B is one matrix for every batch. */
  readonly sharedB: boolean;
}

/** The product as it is. */
export const plainEpilogue: Epilogue = { operands: [], results: [{ kind: "accumulator" }] };

/** Reads a matmul's sizes off its types. */
export function problemOf(attrs: OpAttrs["matmul"], inputs: readonly TensorType[]): Problem {
  const [a, b] = inputs;
  if (a === undefined || b === undefined || a.shape.length < 2 || b.shape.length < 2) throw new RangeError("matmul: two matrices");
  const at = (shape: readonly number[], fromEnd: number): number => shape[shape.length - fromEnd] ?? 1;
  const M = at(a.shape, attrs.transposeA ? 1 : 2);
  const K = at(a.shape, attrs.transposeA ? 2 : 1);
  const N = at(b.shape, attrs.transposeB ? 2 : 1);
  const lead = elements(a.shape.slice(0, -2));
  const sharedB = b.shape.length === 2;
  if (sharedB && !attrs.transposeA) return { batch: 1, M: lead * M, N, K, ...attrs, sharedB: true };
  return { batch: lead, M, N, K, ...attrs, sharedB };
}

/** A, B, the epilogue's operands, then its results. */
export function operandBindings(epilogue: Epilogue): Binding[] {
  const inputs: Binding[] = [0, 1, ...epilogue.operands.map((_, i) => i + 2)].map((index) => ({ kind: "input", index }));
  return [...inputs, ...epilogue.results.map((_, index): Binding => ({ kind: "output", index }))];
}

/** Immediate names of the epilogue's periods, after those of the kernel. */
export function periods(epilogue: Epilogue): { readonly names: readonly (readonly [string, "u32"])[]; readonly values: readonly number[] } {
  const withPeriod = epilogue.operands.flatMap((operand, i) => (operand.access === "period" ? [{ i, period: operand.period ?? 1 }] : []));
  return { names: withPeriod.map(({ i }) => [`period${i}`, "u32"] as const), values: withPeriod.map(({ period }) => period) };
}

/** Element types of the epilogue's bindings; `vec4f` needs N divisible by 4. */
export function epilogueTypes(epilogue: Epilogue, lane: Lane): string[] {
  const operands = epilogue.operands.map(({ access }) => (access === "row" || access === "one" ? "f32" : lane));
  return [...operands, ...epilogue.results.map(() => lane)];
}

/** Functions that the epilogue calls. */
export function epilogueHelpers(epilogue: Epilogue, lane: Lane): string {
  return helpersFor(opsOf(epilogue.results), lane);
}

/**
 * Statements that store one element (or four columns) of every result. `row` is the row among all batches, `col` the column, both u32
 * names; as vec4f, `col` is a column divisible by 4.
 */
export function store(epilogue: Epilogue, accumulator: string, row: string, col: string, lane: Lane, prefix: string): string {
  const width = lane === "f32" ? "im.N" : "(im.N / 4u)";
  const column = lane === "f32" ? col : `(${col} / 4u)`;
  const splat = (text: string): string => (lane === "f32" ? text : `vec4f(${text})`);
  const env: RenderEnv = {
    row,
    col,
    accumulator,
    load: (operand, access) => {
      const buffer = `b${operand + 2}`;
      switch (access) {
        case "full":
          return `${buffer}[${row} * ${width} + ${column}]`;
        case "row":
          return splat(`${buffer}[${row}]`);
        case "col":
          return `${buffer}[${column}]`;
        case "one":
          return splat(`${buffer}[0]`);
        case "period":
          return `${buffer}[(${row} % im.period${operand}) * ${width} + ${column}]`;
      }
    },
  };
  const block = renderBlock(epilogue.results, env, lane, prefix);
  const first = 2 + epilogue.operands.length;
  const stores = block.values.map((value, i) => `b${first + i}[${row} * ${width} + ${column}] = ${value};`);
  return [...block.statements, ...stores].join(" ");
}
