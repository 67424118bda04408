// What the entry of an op says: shape rule, gradient, decomposition, plain evaluation. In: types and attributes; out: types, nodes, numbers.
// Invariant: nothing here or in the entries knows how a kernel runs; `evaluate` is the definition that kernels are compared with.

import type { Builder } from "../ir/builder.js";
import { type DType, elements, type Node, type OpAttrs, type OpName, type TensorType, type Value } from "../ir/graph.js";

/** Row-major elements of a tensor; the type of the array is the tensor's dtype. */
export type Tensor = Float32Array | Uint32Array;

/** What an attribute may hold, for reading printed graphs and for the verifier; a list is a choice of words; "?" may be left out. */
export type AttrKind = "number" | "count" | "boolean" | "boolean?" | "string" | "numbers" | "counts" | "dtype" | readonly string[];

export interface Op<K extends OpName> {
  /** One line: inputs → result. */
  readonly doc: string;
  readonly attrs: { readonly [A in keyof OpAttrs[K]]-?: AttrKind };
  /** Types of the results. Throws on operands that the op does not take: an error of the compiler, never of a program. */
  infer(inputs: readonly TensorType[], attrs: OpAttrs[K]): readonly TensorType[];
  /**
   * Gradients of the inputs, in order, given those of the results (undefined: zero). An input without gradient is undefined. An op
   * that has neither this nor a decomposition can not be differentiated; one with only a decomposition is differentiated through it.
   */
  gradient?(b: Builder, node: Node<K>, value: Value, grads: readonly (Value | undefined)[]): readonly (Value | undefined)[];
  /** The same function in other ops, one value a result. */
  decompose?(b: Builder, inputs: readonly Value[], attrs: OpAttrs[K]): readonly Value[];
  /** Plain loops, sums in double precision, results rounded to f32. Absent for sources, whose numbers come from outside. */
  evaluate?(
    inputs: readonly Tensor[],
    inputTypes: readonly TensorType[],
    outputTypes: readonly TensorType[],
    attrs: OpAttrs[K],
  ): readonly Tensor[];
}

/** An operand that no op should ever get. */
export function fail(op: string, message: string): never {
  throw new Error(`internal error: op ${op}: ${message}`);
}

export function show(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}

export function f32(shape: readonly number[]): TensorType {
  return { dtype: "f32", shape };
}

export function u32(shape: readonly number[]): TensorType {
  return { dtype: "u32", shape };
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Exactly `count` operands, the i-th of dtype `dtypes[i]` where that is given. */
export function operands(op: string, inputs: readonly TensorType[], dtypes: readonly (DType | undefined)[]): void {
  if (inputs.length !== dtypes.length) fail(op, `takes ${dtypes.length} operands, not ${inputs.length}`);
  inputs.forEach((input, i) => {
    const dtype = dtypes[i];
    if (dtype !== undefined && input.dtype !== dtype) fail(op, `operand ${i} must be ${dtype}, not ${show(input)}`);
  });
}

/** The i-th operand, which `operands` has checked to be there. */
export function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new Error(`internal error: nothing at index ${i} of ${list.length}`);
  return item;
}

/** Shapes aligned at the right; lengths are equal or one of them is 1. */
export function broadcastShapes(op: string, shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const n = shape[axis - rank + shape.length] ?? 1;
      if (n !== 1 && size !== 1 && n !== size) fail(op, `shapes ${shapes.map((s) => `[${s.join(",")}]`).join(" and ")} do not broadcast`);
      if (n !== 1) size = n;
    }
    return size;
  });
}

/** Elements between neighbours along each axis of a row-major tensor. */
export function strides(shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) result[axis] = at(result, axis + 1) * at(shape, axis + 1);
  return result;
}

/** For each element of `shape` in order, the sum of its coordinates times `steps`, plus `start`. */
export function walk(shape: readonly number[], steps: readonly number[], start = 0): Uint32Array {
  const result = new Uint32Array(elements(shape));
  const coordinates = new Array<number>(shape.length).fill(0);
  let offset = start;
  for (let i = 0; i < result.length; i++) {
    result[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = at(coordinates, axis) + 1;
      offset += at(steps, axis);
      coordinates[axis] = next;
      if (next < at(shape, axis)) break;
      offset -= next * at(steps, axis);
      coordinates[axis] = 0;
    }
  }
  return result;
}

/** For each element of `out`, the index of the element of `shape` that broadcasting puts there. */
export function broadcastIndex(shape: readonly number[], out: readonly number[]): Uint32Array {
  const own = strides(shape);
  const steps = out.map((_, axis) => {
    const i = axis - out.length + shape.length;
    return (shape[i] ?? 1) === 1 ? 0 : at(own, i);
  });
  return walk(out, steps);
}

export function zeros(type: TensorType): Tensor {
  return type.dtype === "f32" ? new Float32Array(elements(type.shape)) : new Uint32Array(elements(type.shape));
}

/** The elements of `x` at `index`, in the same dtype. */
export function take(x: Tensor, index: Uint32Array): Tensor {
  const result = x instanceof Float32Array ? new Float32Array(index.length) : new Uint32Array(index.length);
  index.forEach((from, i) => {
    result[i] = element(x, from);
  });
  return result;
}

/** An element that is there: the plain loops below index within shapes that `infer` has checked. */
export function element(x: Tensor | Float64Array, i: number): number {
  const value = x[i];
  if (value === undefined) throw new Error(`internal error: element ${i} of ${x.length}`);
  return value;
}

/** Axes within `rank`, rising and distinct. */
export function checkAxes(op: string, axes: readonly number[], rank: number): void {
  axes.forEach((axis, i) => {
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank) fail(op, `axis ${axis} of a tensor of rank ${rank}`);
    if (axes.indexOf(axis) !== i) fail(op, `axis ${axis} is named twice`);
  });
}
