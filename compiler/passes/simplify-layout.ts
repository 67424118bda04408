// Rules for ops that move or reduce elements. In: a node not yet emitted; out: what it can be instead, or undefined.
// Invariant: nothing computed changes, only how often elements are moved.

import { elements, type Node, type Value } from "../ir/graph.js";
import { at, sameShape } from "../ops/op.js";
import { type Candidate, type Context, operand } from "./simplify.js";

type LayoutCandidate = Extract<
  Candidate,
  { readonly op: "sum" | "amax" | "reshape" | "transpose" | "broadcast" | "slice" | "pad" | "concat" | "matmul" }
>;

export function layoutRules(c: Context, node: LayoutCandidate): Value | undefined {
  const { b, make } = c;
  const [x] = node.inputs;
  const inner = operand(b, node.inputs);
  if (x === undefined || inner === undefined) return undefined;
  const { shape } = b.type(x);
  switch (node.op) {
    case "sum":
    case "amax":
      return reductionRules(c, node, x, shape);
    case "reshape":
      if (sameShape(shape, node.attrs.shape)) return x;
      if (inner.op === "reshape") return make("reshape", inner.inputs, node.attrs);
      if (inner.op === "fill") return make("fill", [], { value: inner.attrs.value, shape: node.attrs.shape });
      if (inner.op === "literal") return make("literal", [], { values: inner.attrs.values, shape: node.attrs.shape });
      return undefined;
    case "transpose": {
      const { order } = node.attrs;
      const target = order.map((axis) => at(shape, axis));
      if (inner.op === "transpose") return make("transpose", inner.inputs, { order: order.map((axis) => at(inner.attrs.order, axis)) });
      if (inner.op === "fill") return make("fill", [], { value: inner.attrs.value, shape: target });
      if (inner.op === "matmul" && !c.shared.has(x) && swapsLast(order)) {
        // (A B)ᵀ = Bᵀ Aᵀ, which is how the gradient of a weight that is used transposed begins.
        const [left, right] = inner.inputs as [Value, Value];
        const equal = b.type(left).shape.length === b.type(right).shape.length;
        const flags = { transposeA: !inner.attrs.transposeB, transposeB: !inner.attrs.transposeA };
        if (equal) return make("matmul", [right, left], { ...inner.attrs, ...flags });
      }
      // Only axes of size 1 move: the elements stay in order.
      const moved = order.filter((axis) => shape[axis] !== 1);
      return moved.every((axis, i) => i === 0 || axis > at(moved, i - 1)) ? make("reshape", [x], { shape: target }) : undefined;
    }
    case "broadcast":
      if (sameShape(shape, node.attrs.shape)) return x;
      if (inner.op === "broadcast") return make("broadcast", inner.inputs, node.attrs);
      if (inner.op === "fill") return make("fill", [], { value: inner.attrs.value, shape: node.attrs.shape });
      if (elements(shape) === elements(node.attrs.shape)) return make("reshape", [x], node.attrs);
      return undefined;
    case "slice":
      return sliceRules(c, node, x, shape);
    case "pad":
      if ([...node.attrs.before, ...node.attrs.after].every((n) => n === 0)) return x;
      return inner.op === "fill" && inner.attrs.value === 0
        ? make("fill", [], { value: 0, shape: shape.map((n, i) => n + at(node.attrs.before, i) + at(node.attrs.after, i)) })
        : undefined;
    case "concat": {
      if (node.inputs.length === 1) return x;
      const { axis } = node.attrs;
      const flat = node.inputs.flatMap((input) => {
        const part = b.node(input);
        return part.op === "concat" && part.attrs.axis === axis && !c.shared.has(input) ? part.inputs : [input];
      });
      return flat.length > node.inputs.length ? make("concat", flat, { axis }) : undefined;
    }
    case "matmul":
      return matmulRules(c, node);
  }
}

function reductionRules(
  { b, make }: Context,
  node: Extract<LayoutCandidate, { readonly op: "sum" | "amax" }>,
  x: Value,
  shape: readonly number[],
): Value | undefined {
  const { axes, keep } = node.attrs;
  const target = keep ? shape.map((n, axis) => (axes.includes(axis) ? 1 : n)) : shape.filter((_, axis) => !axes.includes(axis));
  const inner = b.node(x);
  if (inner.op === "fill") {
    const value = node.op === "sum" ? inner.attrs.value * axes.reduce((n, axis) => n * at(shape, axis), 1) : inner.attrs.value;
    return make("fill", [], { value, shape: target });
  }
  const long = axes.filter((axis) => shape[axis] !== 1);
  if (long.length === axes.length && axes.length > 0) return undefined;
  // Axes of size 1 are dropped by a change of shape alone.
  const reduced = long.length === 0 ? x : make(node.op, [x], { axes: long, keep });
  return make("reshape", [reduced], { shape: target });
}

/**
 * The sum of two tensors padded with zeros along one axis, where one ends as the other begins, is both side by side, padded: so the gradients
 * of a tensor's slices (q, k and v of one product) become one `concat`.
 */
export function addPads({ b, make }: Context, x: Node<"pad">, y: Node<"pad">): Value | undefined {
  const axes = [x, y].flatMap(({ attrs }) => attrs.before.flatMap((n, i) => (n + at(attrs.after, i) > 0 ? [i] : [])));
  const [axis] = axes;
  if (axis === undefined || axes.some((other) => other !== axis)) return undefined;
  if (!sameShape(at(x.types, 0).shape, at(y.types, 0).shape)) return undefined;
  const [first, second] = at(x.attrs.before, axis) < at(y.attrs.before, axis) ? [x, y] : [y, x];
  const [one, other] = [at(first.inputs, 0), at(second.inputs, 0)];
  if (at(first.attrs.before, axis) + at(b.type(one).shape, axis) !== at(second.attrs.before, axis)) return undefined;
  return make("pad", [make("concat", [one, other], { axis })], { before: first.attrs.before, after: second.attrs.after });
}

function sliceRules(
  { b, make }: Context,
  node: Extract<LayoutCandidate, { readonly op: "slice" }>,
  x: Value,
  shape: readonly number[],
): Value | undefined {
  const { starts, stops } = node.attrs;
  if (shape.every((n, i) => starts[i] === 0 && stops[i] === n)) return x;
  const inner = b.node(x);
  switch (inner.op) {
    case "fill":
      return make("fill", [], { value: inner.attrs.value, shape: shape.map((_, i) => at(stops, i) - at(starts, i)) });
    case "slice": {
      const before = inner.attrs.starts;
      const shift = (places: readonly number[]) => places.map((n, i) => n + at(before, i));
      return make("slice", inner.inputs, { starts: shift(starts), stops: shift(stops) });
    }
    case "concat": {
      // A slice that lies in one part is a slice of that part.
      const { axis } = inner.attrs;
      let first = 0;
      for (const part of inner.inputs) {
        const size = at(b.type(part).shape, axis);
        const inside = at(starts, axis) >= first && at(stops, axis) <= first + size;
        const shift = (places: readonly number[]) => places.map((n, i) => (i === axis ? n - first : n));
        if (inside) return make("slice", [part], { starts: shift(starts), stops: shift(stops) });
        first += size;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}

/** A transpose of the last two axes becomes the product's own flag. */
function matmulRules({ b, make }: Context, node: Extract<LayoutCandidate, { readonly op: "matmul" }>): Value | undefined {
  const [x, y] = node.inputs;
  if (x === undefined || y === undefined) return undefined;
  const [a, w] = [swapped(b.node(x)), swapped(b.node(y))];
  if (a === undefined && w === undefined) return undefined;
  const { transposeA, transposeB } = node.attrs;
  return make("matmul", [a ?? x, w ?? y], {
    ...node.attrs,
    transposeA: transposeA !== (a !== undefined),
    transposeB: transposeB !== (w !== undefined),
  });
}

/** What a node exchanges the last two axes of, if it does just that. */
function swapped(node: ReturnType<Context["b"]["node"]>): Value | undefined {
  return node.op === "transpose" && swapsLast(node.attrs.order) ? node.inputs[0] : undefined;
}

function swapsLast(order: readonly number[]): boolean {
  const rank = order.length;
  const last = order.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
  return rank >= 2 && sameShape(order, last);
}
