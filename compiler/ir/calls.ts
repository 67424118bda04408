// Short names for nodes, as plain functions over a Builder: what gradients, decompositions and passes are written with.
// Invariant: each emits the one op of its name (or a fixed handful), nothing is simplified here.

import type { Builder } from "./builder.js";
import type { BinaryOp, UnaryOp, Value } from "./graph.js";

/** Every element `value`; a scalar unless a shape is given, for scalars broadcast. */
export function fill(b: Builder, value: number, shape: readonly number[] = []): Value {
  return b.emit("fill", [], { value, shape });
}

/** A u32 scalar. */
export function constantU32(b: Builder, value: number): Value {
  return b.emit("cast", [fill(b, value)], { dtype: "u32" });
}

export function unary(b: Builder, op: UnaryOp, x: Value): Value {
  return b.emit(op, [x], {});
}

export function binary(b: Builder, op: BinaryOp, x: Value, y: Value): Value {
  return b.emit(op, [x, y], {});
}

export function add(b: Builder, x: Value, y: Value): Value {
  return b.emit("add", [x, y], {});
}

export function sub(b: Builder, x: Value, y: Value): Value {
  return b.emit("sub", [x, y], {});
}

export function mul(b: Builder, x: Value, y: Value): Value {
  return b.emit("mul", [x, y], {});
}

export function div(b: Builder, x: Value, y: Value): Value {
  return b.emit("div", [x, y], {});
}

export function neg(b: Builder, x: Value): Value {
  return b.emit("neg", [x], {});
}

export function exp(b: Builder, x: Value): Value {
  return b.emit("exp", [x], {});
}

export function log(b: Builder, x: Value): Value {
  return b.emit("log", [x], {});
}

/** x times a number known at compile time. */
export function scale(b: Builder, x: Value, factor: number): Value {
  return mul(b, x, fill(b, factor));
}

export function where(b: Builder, condition: Value, x: Value, y: Value): Value {
  return b.emit("where", [condition, x, y], {});
}

export function float(b: Builder, x: Value): Value {
  return b.type(x).dtype === "f32" ? x : b.emit("cast", [x], { dtype: "f32" });
}

export function detach(b: Builder, x: Value): Value {
  return b.emit("detach", [x], {});
}

export function sum(b: Builder, x: Value, axes: readonly number[], keep = false): Value {
  return b.emit("sum", [x], { axes, keep });
}

export function amax(b: Builder, x: Value, axes: readonly number[], keep = false): Value {
  return b.emit("amax", [x], { axes, keep });
}

export function reshape(b: Builder, x: Value, shape: readonly number[]): Value {
  return b.emit("reshape", [x], { shape });
}

export function broadcast(b: Builder, x: Value, shape: readonly number[]): Value {
  return b.emit("broadcast", [x], { shape });
}

export function transpose(b: Builder, x: Value, order: readonly number[]): Value {
  return b.emit("transpose", [x], { order });
}

/** The last two axes exchanged. */
export function swap(b: Builder, x: Value): Value {
  const rank = b.type(x).shape.length;
  return transpose(b, x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2]);
}

/** x[start:stop] along one axis. */
export function slice(b: Builder, x: Value, axis: number, start: number, stop: number): Value {
  const { shape } = b.type(x);
  const starts = shape.map((_, i) => (i === axis ? start : 0));
  const stops = shape.map((n, i) => (i === axis ? stop : n));
  return b.emit("slice", [x], { starts, stops });
}

export function concat(b: Builder, parts: readonly Value[], axis: number): Value {
  return b.emit("concat", parts, { axis });
}

export function matmul(b: Builder, x: Value, y: Value, transposeA = false, transposeB = false): Value {
  return b.emit("matmul", [x, y], { transposeA, transposeB });
}

export function pick(b: Builder, tuple: Value, index: number): Value {
  return b.emit("pick", [tuple], { index });
}

/** The sum of values of one shape, left to right. */
export function total(b: Builder, values: readonly Value[]): Value {
  const [first, ...rest] = values;
  if (first === undefined) throw new Error("internal error: a sum of nothing");
  return rest.reduce((x, y) => add(b, x, y), first);
}

/** Undoes broadcasting: sums a gradient over the axes along which an operand of `shape` was repeated. */
export function sumTo(b: Builder, gradient: Value, shape: readonly number[]): Value {
  const from = b.type(gradient).shape;
  const lead = from.length - shape.length;
  const axes = from.flatMap((n, axis) => (axis < lead || (shape[axis - lead] === 1 && n !== 1) ? [axis] : []));
  const summed = axes.length === 0 ? gradient : sum(b, gradient, axes, true);
  return lead === 0 ? summed : reshape(b, summed, shape);
}
