// In: ops that only move numbers. Out: strided copies of 32-bit words, whatever their dtype.
// Invariant: a copy is sizes, strides and offsets; axes that lie alike in source and result are merged, so few ranks remain (1, 2, 4, 6).

import { elements, type OpAttrs, type TensorType } from "../ir/graph.js";
import { perItem } from "./items.js";
import type { Binding, Dispatch, Implementation, Kernel, Target } from "./kernel.js";

/** A loop over `dims`, reading and writing at an offset plus index · stride. A source stride of 0 repeats. */
export interface Walk {
  readonly dims: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly fromOffset: number;
  readonly toOffset: number;
}

/** Strides of a row-major tensor. */
export function strides(shape: readonly number[]): number[] {
  const result: number[] = new Array(shape.length).fill(1);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    result[i] = step;
    step *= shape[i] ?? 1;
  }
  return result;
}

/** The same loop over as few axes as possible, at least one. */
export function merge(walk: Walk): Walk {
  const dims: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  walk.dims.forEach((dim, i) => {
    if (dim === 1) return;
    const f = walk.from[i] ?? 0;
    const t = walk.to[i] ?? 0;
    const top = dims.length - 1;
    if (top >= 0 && from[top] === f * dim && to[top] === t * dim) {
      dims[top] = (dims[top] ?? 1) * dim;
      from[top] = f;
      to[top] = t;
    } else {
      dims.push(dim);
      from.push(f);
      to.push(t);
    }
  });
  if (dims.length === 0) return { ...walk, dims: [1], from: [1], to: [1] };
  return { ...walk, dims, from, to };
}

/** One dispatch of a walk from binding 0 to binding 1. A result that is not contiguous has rank 4 at most after merging. */
export function copyCall(walk: Walk, bindings: readonly Binding[], target: Target): Dispatch {
  const merged = merge(walk);
  const scattered = merged.toOffset !== 0 || strides(merged.dims).some((stride, i) => stride !== merged.to[i]);
  const rank = [1, 2, 4, 6].find((r) => r >= merged.dims.length);
  if (rank === undefined || (scattered && rank > 4)) throw new RangeError(`copy of rank ${merged.dims.length}`);
  const fill = (list: readonly number[], value: number): number[] => [...new Array(rank - list.length).fill(value), ...list];
  const inner = fill(merged.dims, 1).slice(1);
  const axes = Array.from({ length: rank }, (_, i) => i);
  const named = (name: string, value: number) => [name, "u32", value] as const;
  const immediates = [
    ...inner.map((dim, i) => named(`d${i + 1}`, dim)),
    named("source", merged.fromOffset),
    ...fill(merged.from, 0).map((stride, i) => named(`f${i}`, stride)),
    ...(scattered ? [named("result", merged.toOffset), ...fill(merged.to, 0).map((stride, i) => named(`t${i}`, stride))] : []),
  ];
  const unravel = [...axes].reverse().map((i) => (i === 0 ? "let i0 = rest;" : `let i${i} = rest % im.d${i}; rest = rest / im.d${i};`));
  const sum = (prefix: string): string => axes.map((i) => `i${i} * im.${prefix}${i}`).join(" + ");
  const body = `var rest = at; ${unravel.join(" ")}
    b1[${scattered ? `im.result + ${sum("t")}` : "at"}] = b0[im.source + ${sum("f")}];`;
  return perItem({ kernel: "copy", types: ["u32", "u32"], immediates, body, count: elements(merged.dims), bindings }, target);
}

/** [copies, rows, columns] → [copies, columns, rows]. */
export function transposedCopy(copies: number, rows: number, columns: number, from: Binding, to: Binding, target: Target): Dispatch {
  const walk: Walk = {
    dims: [copies, columns, rows],
    from: [rows * columns, 1, columns],
    to: [rows * columns, rows, 1],
    fromOffset: 0,
    toOffset: 0,
  };
  return copyCall(walk, [from, to], target);
}

/** `count` words of 0 (or of `word`'s bits) in `binding`. */
export function fillCall(count: number, binding: Binding, target: Target, word = 0): Dispatch {
  const immediates = [["word", "u32", word]] as const;
  return perItem({ kernel: "fill", types: ["u32"], immediates, body: "b0[at] = im.word;", count, bindings: [binding] }, target);
}

const input0: Binding = { kind: "input", index: 0 };
const output0: Binding = { kind: "output", index: 0 };

function shapeOf(types: readonly TensorType[], index = 0): readonly number[] {
  const type = types[index];
  if (type === undefined) throw new RangeError(`a copy without operand ${index}`);
  return type.shape;
}

function single(walk: Walk, target: Target): Implementation {
  return { dispatches: [copyCall(walk, [input0, output0], target)], scratch: [] };
}

export const transpose: Kernel<"transpose"> = {
  doc: "Strided copy: the result is written in order, the source read by permuted strides.",
  implement(attrs, inputs, outputs, target) {
    const source = strides(shapeOf(inputs));
    const dims = shapeOf(outputs);
    const from = attrs.order.map((axis) => source[axis] ?? 0);
    return single({ dims, from, to: strides(dims), fromOffset: 0, toOffset: 0 }, target);
  },
};

export const broadcast: Kernel<"broadcast"> = {
  doc: "Strided copy with a source stride of 0 on repeated axes.",
  implement(_attrs, inputs, outputs, target) {
    const shape = shapeOf(inputs);
    const dims = shapeOf(outputs);
    const source = strides(shape);
    const lead = dims.length - shape.length;
    const from = dims.map((dim, i) => (i < lead || (shape[i - lead] === 1 && dim !== 1) ? 0 : (source[i - lead] ?? 0)));
    return single({ dims, from, to: strides(dims), fromOffset: 0, toOffset: 0 }, target);
  },
};

export const slice: Kernel<"slice"> = {
  doc: "Strided copy from an offset.",
  implement(attrs, inputs, outputs, target) {
    const dims = shapeOf(outputs);
    const from = strides(shapeOf(inputs));
    const fromOffset = attrs.starts.reduce((sum, start, i) => sum + start * (from[i] ?? 0), 0);
    return single({ dims, from, to: strides(dims), fromOffset, toOffset: 0 }, target);
  },
};

export const concat: Kernel<"concat"> = {
  doc: "One strided copy an operand, each to its place on the axis.",
  implement(attrs, inputs, outputs, target) {
    const shape = shapeOf(outputs);
    const inner = elements(shape.slice(attrs.axis + 1));
    const outer = elements(shape.slice(0, attrs.axis));
    const pitch = (shape[attrs.axis] ?? 1) * inner;
    let offset = 0;
    const dispatches = inputs.map((type, index) => {
      const run = (type.shape[attrs.axis] ?? 1) * inner;
      const walk: Walk = { dims: [outer, run], from: [run, 1], to: [pitch, 1], fromOffset: 0, toOffset: offset };
      offset += run;
      return copyCall(walk, [{ kind: "input", index }, output0], target);
    });
    return { dispatches, scratch: [] };
  },
};

/** Axes of a `pad` with neighbours that are not padded merged into them: [outer size, before, after] of each, in units of the merged axis. */
function paddedAxes(
  shape: readonly number[],
  attrs: OpAttrs["pad"],
): { readonly dim: number; readonly before: number; readonly after: number }[] {
  const axes: { dim: number; before: number; after: number }[] = [];
  shape.forEach((dim, i) => {
    const before = attrs.before[i] ?? 0;
    const after = attrs.after[i] ?? 0;
    const top = axes[axes.length - 1];
    if (top !== undefined && before === 0 && after === 0) {
      // An axis that is copied whole only scales the one before it.
      top.dim *= dim;
      top.before *= dim;
      top.after *= dim;
    } else axes.push({ dim, before, after });
  });
  return axes;
}

export const pad: Kernel<"pad"> = {
  doc: "Zeros, then a strided copy into the middle; ranks above 4 (after merging) copy one outer index at a time.",
  implement(attrs, inputs, outputs, target) {
    const axes = paddedAxes(shapeOf(inputs), attrs);
    const dims = axes.map(({ dim }) => dim);
    const from = strides(dims);
    const to = strides(axes.map(({ dim, before, after }) => dim + before + after));
    const toOffset = axes.reduce((sum, { before }, i) => sum + before * (to[i] ?? 0), 0);
    const dispatches = [fillCall(elements(shapeOf(outputs)), output0, target)];
    const walkFrom = (axis: number, fromOffset: number, toOffset_: number): void => {
      if (dims.length - axis <= 4) {
        const walk: Walk = { dims: dims.slice(axis), from: from.slice(axis), to: to.slice(axis), fromOffset, toOffset: toOffset_ };
        dispatches.push(copyCall(walk, [input0, output0], target));
        return;
      }
      for (let i = 0; i < (dims[axis] ?? 1); i++) walkFrom(axis + 1, fromOffset + i * (from[axis] ?? 0), toOffset_ + i * (to[axis] ?? 0));
    };
    walkFrom(0, 0, toOffset);
    return { dispatches, scratch: [] };
  },
};

export const cast: Kernel<"cast"> = {
  doc: "The same number in another dtype.",
  implement(attrs, inputs, outputs, target) {
    const type = inputs[0]?.dtype ?? "f32";
    const count = elements(shapeOf(outputs));
    const body = `b1[at] = ${attrs.dtype}(b0[at]);`;
    const dispatch = perItem(
      { kernel: "cast", types: [type, attrs.dtype], immediates: [], body, count, bindings: [input0, output0] },
      target,
    );
    return { dispatches: [dispatch], scratch: [] };
  },
};
