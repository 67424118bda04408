// The rules that shapes follow: alignment from the right, axes, reshapes; and what each does to the rows. Shapes and reasons in; shapes, reasons and
// the new rows axis out, or undefined after a mistake was reported.

import type { Label } from "../../grammar/diagnostic.js";
import type { Span } from "../../grammar/source.js";
import { constantOf, type Dim, equal, mul, ONE, showShape } from "./dims.js";
import type { Program } from "./program.js";
import type { Reason, RowMix, TensorValue } from "./values.js";
import { showType } from "./values.js";

export interface Shaped {
  readonly shape: readonly Dim[];
  readonly reasons: readonly (Reason | undefined)[];
  readonly rows: number | undefined;
  readonly mix: RowMix | undefined;
}

export function isOne(dim: Dim): boolean {
  return constantOf(dim) === 1;
}

export function product(dims: readonly Dim[]): Dim {
  return dims.reduce(mul, ONE);
}

export function sameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => equal(dim, b[i] ?? dim));
}

/** Labels that tell why sizes are what they are. */
export function because(...reasons: readonly (Reason | undefined)[]): Label[] {
  const labels: Label[] = [];
  for (const reason of reasons) {
    if (reason !== undefined && !labels.some((l) => l.span === reason.span)) labels.push({ span: reason.span, text: reason.text });
  }
  return labels;
}

/** Aligned from the right; a missing or 1 dim broadcasts. */
export function broadcast(program: Program, what: string, tensors: readonly TensorValue[], span: Span): Shaped | undefined {
  const rank = Math.max(0, ...tensors.map((t) => t.type.shape.length));
  const shape: Dim[] = [];
  const reasons: (Reason | undefined)[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let dim: Dim = ONE;
    let reason: Reason | undefined;
    let owner: TensorValue | undefined;
    for (const t of tensors) {
      const i = axis - rank + t.type.shape.length;
      const next = t.type.shape[i];
      if (next === undefined || isOne(next)) continue;
      if (owner === undefined) {
        dim = next;
        reason = t.reasons[i];
        owner = t;
      } else if (!equal(dim, next)) {
        program.report(
          "shape-mismatch",
          span,
          { what, left: showType(owner.type), right: showType(t.type) },
          { also: because(reason, t.reasons[i]) },
        );
        return undefined;
      }
    }
    shape.push(dim);
    reasons.push(reason);
  }
  let rows: number | undefined;
  let mix: RowMix | undefined;
  for (const t of tensors) {
    if (t.rows === undefined) continue;
    const axis = t.rows + rank - t.type.shape.length;
    if (rows !== undefined && rows !== axis) mix = { kind: "ahead", why: "every row meets every other row here", span };
    rows ??= axis;
  }
  return { shape, reasons, rows, mix };
}

/** An axis of a rank, negative ones counted from the end. */
export function axisOf(program: Program, t: TensorValue, axis: number, span: Span): number | undefined {
  const rank = t.type.shape.length;
  const index = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(index) && index >= 0 && index < rank) return index;
  program.report("wrong-axis", span, { axis: String(axis), shape: showType(t.type) });
  return undefined;
}

/** Where the rows go when a shape is read as another of the same size. */
export function reshaped(
  program: Program,
  t: TensorValue,
  shape: readonly Dim[],
  reasons: readonly (Reason | undefined)[],
  span: Span,
): Shaped | undefined {
  if (!equal(product(t.type.shape), product(shape))) {
    program.report("wrong-size", span, { from: showType(t.type), to: showShape(shape) }, { also: because(...t.reasons, ...reasons) });
    return undefined;
  }
  if (t.rows === undefined) return { shape, reasons, rows: undefined, mix: undefined };
  const dim = t.type.shape[t.rows] ?? ONE;
  const before = product(t.type.shape.slice(0, t.rows));
  for (let axis = 0; axis < shape.length; axis++) {
    if (equal(shape[axis] ?? ONE, dim) && equal(product(shape.slice(0, axis)), before))
      return { shape, reasons, rows: axis, mix: undefined };
  }
  return { shape, reasons, rows: undefined, mix: { kind: "ahead", why: "rows are folded into another axis", span } };
}
