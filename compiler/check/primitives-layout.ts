// Primitives that move numbers about without computing: reshape, transpose, concat, stack, tables of constants.

import type { Span } from "../../grammar/source.js";
import { add, constant, constantOf, type Dim, equal, ONE, showShape } from "./dims.js";
import { toDim } from "./numbers.js";
import type { Call, Primitive } from "./primitives.js";
import { axisOf, because, reshaped } from "./shapes.js";
import { describe, type Reason, showType, type TensorValue, type Value } from "./values.js";

/** A shape argument: a list of dimensions, each with its reason. */
export function shapeArgument(
  call: Call,
  name: string,
): { readonly shape: readonly Dim[]; readonly reasons: readonly (Reason | undefined)[] } | undefined {
  const value = call.get(name);
  const items: readonly Value[] | undefined = value.kind === "list" ? value.items : value.kind === "number" ? [value] : undefined;
  if (items === undefined) {
    if (value.kind !== "unknown")
      call.context.program.report("wrong-value", call.span(name), { expected: "A shape, like `[B, T, D]`,", got: describe(value) });
    return undefined;
  }
  const argument = call.expr.arguments.find((a) => a.value.span === call.span(name))?.value;
  const shape: Dim[] = [];
  for (const [i, item] of items.entries()) {
    const at: Span = (argument?.kind === "list" ? argument.items[i]?.span : undefined) ?? call.span(name);
    const dim = toDim(call.context.program, item, at, "A dimension");
    if (dim === undefined) return undefined;
    shape.push(dim);
  }
  return { shape, reasons: items.map((item) => (item.kind === "number" ? item.reason : undefined)) };
}

function tensorsArgument(call: Call, name: string): TensorValue[] | undefined {
  const value = call.get(name);
  const items = value.kind === "list" ? value.items : [];
  const tensors = items.filter((item) => item.kind === "tensor");
  if (tensors.length > 0 && tensors.length === items.length) return tensors;
  if (!items.some((item) => item.kind === "unknown"))
    call.context.program.report("wrong-value", call.span(name), { expected: "A list of tensors", got: describe(value) });
  return undefined;
}

function concatenate(call: Call, tensors: readonly TensorValue[], axis: number): TensorValue | undefined {
  const [first] = tensors;
  if (first === undefined) return undefined;
  for (const next of tensors.slice(1)) {
    const same =
      next.type.element === first.type.element &&
      next.type.shape.length === first.type.shape.length &&
      next.type.shape.every((dim, i) => i === axis || equal(dim, first.type.shape[i] ?? dim));
    if (same) continue;
    const differing = first.type.shape.findIndex((dim, i) => i !== axis && !equal(dim, next.type.shape[i] ?? ONE));
    call.context.program.report(
      "shape-mismatch",
      call.span("tensors"),
      { what: `\`${call.name}\``, left: showType(first.type), right: showType(next.type) },
      { also: because(first.reasons[differing], next.reasons[differing]) },
    );
    return undefined;
  }
  const total = tensors.map((t) => t.type.shape[axis] ?? ONE).reduce(add);
  const shape = first.type.shape.map((dim, i) => (i === axis ? total : dim));
  const rows = tensors.find((t) => t.rows !== undefined)?.rows;
  const differ = tensors.some((t) => t.rows !== undefined && t.rows !== rows);
  const mix = differ
    ? ({ kind: "ahead", why: "every row meets every other row here", span: call.expr.span } as const)
    : rows === axis
      ? ({ kind: "unbuilt", why: "Putting rows in front", span: call.expr.span } as const)
      : undefined;
  return call.emit("concat", tensors, { axis }, shape, {
    ...extrasOf(first),
    rows,
    mix,
    reasons: first.reasons.map((reason, i) => (i === axis ? undefined : reason)),
  });
}

/** Layout keeps what the elements are. */
function extrasOf(t: TensorValue) {
  return { element: t.type.element, ...(t.type.vocabulary === undefined ? {} : { vocabulary: t.type.vocabulary }) };
}

function filled(value: number | undefined, doc: string): Primitive {
  return {
    parameters: value === undefined ? ["value", "shape"] : ["shape"],
    required: 1,
    doc,
    run(call) {
      const list = call.get("value");
      if (value === undefined && list.kind === "list") {
        const values = list.items.flatMap((item) => (item.kind === "number" && item.dim === undefined ? [item.value] : []));
        if (values.length === list.items.length)
          return call.emit("literal", [], { values, shape: [constant(values.length)] }, [constant(values.length)]);
        call.context.program.report("wrong-value", call.span("value"), { expected: "A list of numbers", got: describe(list) });
        return undefined;
      }
      const each = value ?? call.number("value", 0);
      const to = call.has("shape") ? shapeArgument(call, "shape") : { shape: [], reasons: [] };
      return to && each !== undefined
        ? call.emit("fill", [], { value: each, shape: to.shape }, to.shape, { reasons: to.reasons })
        : undefined;
    },
  };
}

export const layout: Readonly<Record<string, Primitive>> = {
  reshape: {
    parameters: ["x", "shape"],
    required: 2,
    doc: "the same numbers in another shape",
    run(call) {
      const x = call.tensor("x");
      const to = shapeArgument(call, "shape");
      if (x === undefined || to === undefined) return undefined;
      const shaped = reshaped(call.context.program, x, to.shape, to.reasons, call.expr.span);
      return shaped && call.emit("reshape", [x], { shape: to.shape }, to.shape, { ...shaped, ...extrasOf(x) });
    },
  },
  transpose: {
    parameters: ["x", "order"],
    required: 2,
    doc: "axes in another order",
    run(call) {
      const x = call.tensor("x");
      const list = call.get("order");
      if (x === undefined) return undefined;
      const rank = x.type.shape.length;
      const order =
        list.kind === "list"
          ? list.items.map((item) => (item.kind === "number" ? (item.value < 0 ? item.value + rank : item.value) : Number.NaN))
          : [];
      if (order.length !== rank || !x.type.shape.every((_, i) => order.includes(i))) {
        call.context.program.report("wrong-axis", call.span("order"), {
          axis: describe(list) === "a list of 0" ? "[]" : `[${order.join(", ")}]`,
          shape: showType(x.type),
        });
        return undefined;
      }
      const shape = order.map((i) => x.type.shape[i] ?? ONE);
      const rows = x.rows === undefined ? undefined : order.indexOf(x.rows);
      return call.emit("transpose", [x], { order }, shape, { ...extrasOf(x), rows, reasons: order.map((i) => x.reasons[i]) });
    },
  },
  concat: {
    parameters: ["tensors", "axis"],
    required: 2,
    doc: "tensors one after another along an axis",
    run(call) {
      const tensors = tensorsArgument(call, "tensors");
      const at = call.number("axis", 0);
      const [first] = tensors ?? [];
      const axis = first === undefined || at === undefined ? undefined : axisOf(call.context.program, first, at, call.span("axis"));
      return tensors === undefined || axis === undefined ? undefined : concatenate(call, tensors, axis);
    },
  },
  stack: {
    parameters: ["tensors", "axis"],
    required: 2,
    doc: "tensors of one shape along a new axis",
    run(call) {
      const tensors = tensorsArgument(call, "tensors");
      const at = call.number("axis", 0);
      const [first] = tensors ?? [];
      if (tensors === undefined || first === undefined || at === undefined) return undefined;
      const rank = first.type.shape.length + 1;
      const axis = at < 0 ? at + rank : at;
      if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
        call.context.program.report("wrong-axis", call.span("axis"), { axis: String(at), shape: showType(first.type) });
        return undefined;
      }
      const parts = tensors.map((t) => {
        const shape = [...t.type.shape.slice(0, axis), ONE, ...t.type.shape.slice(axis)];
        const rows = t.rows === undefined ? undefined : t.rows < axis ? t.rows : t.rows + 1;
        return call.emit("reshape", [t], { shape }, shape, {
          ...extrasOf(t),
          rows,
          reasons: [...t.reasons.slice(0, axis), undefined, ...t.reasons.slice(axis)],
        });
      });
      const made = parts.filter((part) => part !== undefined);
      return made.length === parts.length ? concatenate(call, made, axis) : undefined;
    },
  },
  outer: {
    parameters: ["a", "b"],
    required: 2,
    doc: "(a [...], b [N]) → [..., N]: every product",
    run(call) {
      const [a, b] = [call.float("a"), call.float("b")];
      if (a === undefined || b === undefined) return undefined;
      if (b.type.shape.length !== 1) {
        call.context.program.report("wrong-rank", call.span("b"), {
          what: "The second argument of `outer`",
          needs: "one axis",
          got: showType(b.type),
        });
        return undefined;
      }
      const column = [...a.type.shape, ONE];
      const tall = call.emit("reshape", [a], { shape: column }, column, { rows: a.rows, reasons: [...a.reasons, undefined] });
      const shape = [...a.type.shape, b.type.shape[0] ?? ONE];
      const mix =
        b.rows === undefined ? undefined : ({ kind: "ahead", why: "every row meets every other row here", span: call.expr.span } as const);
      return tall && call.emit("mul", [tall, b], {}, shape, { rows: a.rows, mix, reasons: [...a.reasons, b.reasons[0]] });
    },
  },
  zeros: filled(0, "a tensor of zeros"),
  ones: filled(1, "a tensor of ones"),
  constant: filled(undefined, "a tensor of one number, or of a list of numbers"),
  range: {
    parameters: ["n"],
    required: 1,
    doc: "0, 1, … n − 1",
    run(call) {
      const value = call.get("n");
      const n = toDim(call.context.program, value, call.span("n"), "`n`");
      if (n === undefined) return undefined;
      if (constantOf(n) === undefined) {
        call.context.program.report("rows-as-value", call.span("n"), { dim: showShape([n]).slice(1, -1) });
        return undefined;
      }
      return call.emit("range", [], { n }, [n], { reasons: [value.kind === "number" ? value.reason : undefined] });
    },
  },
};
