// Ops that move elements without computing on them. All take f32 and u32; `pack` takes f32.
// Each is the gradient of another: slice ↔ pad, concat ↔ slices, broadcast ↔ sum, transpose ↔ its inverse, pack ↔ slices.

import { reshape as reshaped, slice as sliced, sumTo, transpose as transposed } from "../ir/calls.js";
import { elements, type TensorType } from "../ir/graph.js";
import {
  at,
  broadcastIndex,
  broadcastShapes,
  checkAxes,
  element,
  f32,
  fail,
  type Op,
  operands,
  sameShape,
  show,
  strides,
  take,
  walk,
  zeros,
} from "./op.js";

export const reshape: Op<"reshape"> = {
  doc: "x → the same elements in row-major order under another shape.",
  attrs: { shape: "counts" },
  infer: (inputs, attrs) => {
    operands("reshape", inputs, [undefined]);
    const x = at(inputs, 0);
    if (elements(x.shape) !== elements(attrs.shape)) fail("reshape", `${show(x)} has other elements than [${attrs.shape.join(",")}]`);
    return [{ dtype: x.dtype, shape: attrs.shape }];
  },
  gradient: (b, node, _value, [g]) => [g === undefined ? undefined : reshaped(b, g, b.type(at(node.inputs, 0)).shape)],
  evaluate: ([x]) => [(x ?? new Float32Array(0)).slice()],
};

export const transpose: Op<"transpose"> = {
  doc: "x → axis i of the result is axis order[i] of x.",
  attrs: { order: "counts" },
  infer: (inputs, attrs) => {
    operands("transpose", inputs, [undefined]);
    const { dtype, shape } = at(inputs, 0);
    checkAxes("transpose", attrs.order, shape.length);
    if (attrs.order.length !== shape.length) fail("transpose", `order [${attrs.order.join(",")}] of ${show(at(inputs, 0))}`);
    return [{ dtype, shape: attrs.order.map((axis) => at(shape, axis)) }];
  },
  gradient: (b, node, _value, [g]) => [g === undefined ? undefined : transposed(b, g, inverse(node.attrs.order))],
  evaluate: (inputs, types, outputs, attrs) => {
    const own = strides(at(types, 0).shape);
    const steps = attrs.order.map((axis) => at(own, axis));
    return [take(at(inputs, 0), walk(at(outputs, 0).shape, steps))];
  },
};

/** The order that undoes a transposition. */
export function inverse(order: readonly number[]): number[] {
  return order.map((_, axis) => order.indexOf(axis));
}

export const broadcast: Op<"broadcast"> = {
  doc: "x → repeated to a shape that it broadcasts to from the right.",
  attrs: { shape: "counts" },
  infer: (inputs, attrs) => {
    operands("broadcast", inputs, [undefined]);
    const x = at(inputs, 0);
    if (!sameShape(broadcastShapes("broadcast", [x.shape, attrs.shape]), attrs.shape))
      fail("broadcast", `${show(x)} to [${attrs.shape.join(",")}]`);
    return [{ dtype: x.dtype, shape: attrs.shape }];
  },
  gradient: (b, node, _value, [g]) => [g === undefined ? undefined : sumTo(b, g, b.type(at(node.inputs, 0)).shape)],
  evaluate: (inputs, types, outputs) => [take(at(inputs, 0), broadcastIndex(at(types, 0).shape, at(outputs, 0).shape))],
};

export const slice: Op<"slice"> = {
  doc: "x → x[starts[0]:stops[0], …], one pair an axis.",
  attrs: { starts: "counts", stops: "counts" },
  infer: (inputs, { starts, stops }) => {
    operands("slice", inputs, [undefined]);
    const { dtype, shape } = at(inputs, 0);
    const inside = shape.every(
      (n, i) => Number.isInteger(starts[i]) && at(starts, i) >= 0 && at(starts, i) < at(stops, i) && at(stops, i) <= n,
    );
    if (starts.length !== shape.length || stops.length !== shape.length || !inside) {
      fail("slice", `[${starts.join(",")}] to [${stops.join(",")}] of ${show(at(inputs, 0))}`);
    }
    return [{ dtype, shape: shape.map((_, i) => at(stops, i) - at(starts, i)) }];
  },
  gradient: (b, node, _value, [g]) => {
    if (g === undefined) return [undefined];
    const { shape } = b.type(at(node.inputs, 0));
    const after = shape.map((n, i) => n - at(node.attrs.stops, i));
    return [b.emit("pad", [g], { before: node.attrs.starts, after })];
  },
  evaluate: (inputs, types, outputs, attrs) => {
    const own = strides(at(types, 0).shape);
    const start = own.reduce((offset, step, axis) => offset + step * at(attrs.starts, axis), 0);
    return [take(at(inputs, 0), walk(at(outputs, 0).shape, own, start))];
  },
};

export const pad: Op<"pad"> = {
  doc: "x → zeros of `before` and `after` rows added on each axis.",
  attrs: { before: "counts", after: "counts" },
  infer: (inputs, { before, after }) => {
    operands("pad", inputs, [undefined]);
    const { dtype, shape } = at(inputs, 0);
    const rows = [...before, ...after];
    if (before.length !== shape.length || after.length !== shape.length || rows.some((n) => !Number.isInteger(n) || n < 0)) {
      fail("pad", `[${before.join(",")}] and [${after.join(",")}] around ${show(at(inputs, 0))}`);
    }
    return [{ dtype, shape: shape.map((n, i) => at(before, i) + n + at(after, i)) }];
  },
  gradient: (b, node, _value, [g]) => {
    if (g === undefined) return [undefined];
    const { shape } = b.type(at(node.inputs, 0));
    const starts = node.attrs.before;
    return [b.emit("slice", [g], { starts, stops: shape.map((n, i) => at(starts, i) + n) })];
  },
  evaluate: (inputs, types, outputs, attrs) => {
    const out = at(outputs, 0);
    const own = strides(out.shape);
    const start = own.reduce((offset, step, axis) => offset + step * at(attrs.before, axis), 0);
    return [scattered(zeros(out), at(inputs, 0), walk(at(types, 0).shape, own, start))];
  },
};

/** `result` with element i of `x` put at index[i]. */
function scattered<T extends Float32Array | Uint32Array>(result: T, x: Float32Array | Uint32Array, index: Uint32Array): T {
  index.forEach((to, from) => {
    result[to] = element(x, from);
  });
  return result;
}

export const concat: Op<"concat"> = {
  doc: "(x₀, x₁, …) → side by side along `axis`.",
  attrs: { axis: "count" },
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    if (first === undefined) fail("concat", "takes at least 1 operand");
    checkAxes("concat", [axis], first.shape.length);
    for (const input of inputs) {
      const fits = input.shape.length === first.shape.length && input.shape.every((n, i) => i === axis || n === first.shape[i]);
      if (input.dtype !== first.dtype || !fits) fail("concat", `${show(first)} and ${show(input)} along axis ${axis}`);
    }
    const size = inputs.reduce((n, input) => n + at(input.shape, axis), 0);
    return [{ dtype: first.dtype, shape: first.shape.map((n, i) => (i === axis ? size : n)) }];
  },
  gradient: (b, node, _value, [g]) => {
    let start = 0;
    return node.inputs.map((input) => {
      const stop = start + at(b.type(input).shape, node.attrs.axis);
      const own = g === undefined ? undefined : sliced(b, g, node.attrs.axis, start, stop);
      start = stop;
      return own;
    });
  },
  evaluate: (inputs, types, outputs, { axis }) => {
    const out = at(outputs, 0);
    const own = strides(out.shape);
    const result = zeros(out);
    let start = 0;
    inputs.forEach((x, i) => {
      const { shape } = at(types, i);
      scattered(result, x, walk(shape, own, start));
      start += at(shape, axis) * at(own, axis);
    });
    return [result];
  },
};

export const pack: Op<"pack"> = {
  doc: "(x₀, x₁, …) → f32 [size]: each input's elements at its offset, zeros in the gaps; in a buffer called `name`.",
  attrs: { name: "string", offsets: "counts", size: "count" },
  infer: (inputs, { offsets, size }) => {
    operands(
      "pack",
      inputs,
      offsets.map(() => "f32" as const),
    );
    const ends = inputs
      .map((input, i) => ({ start: at(offsets, i), end: at(offsets, i) + elements(input.shape) }))
      .sort((x, y) => x.start - y.start);
    ends.forEach(({ start, end }, i) => {
      if (start < (ends[i - 1]?.end ?? 0) || end > size) fail("pack", `[${start}, ${end}) overlaps a neighbour or leaves [0, ${size})`);
    });
    return [f32([size])];
  },
  gradient: (b, node, _value, [g]) =>
    node.inputs.map((input, i) => {
      const { shape } = b.type(input);
      const start = at(node.attrs.offsets, i);
      return g === undefined ? undefined : reshaped(b, sliced(b, g, 0, start, start + elements(shape)), shape);
    }),
  evaluate: (inputs, _types, _outputs, attrs) => {
    const result = new Float32Array(attrs.size);
    inputs.forEach((x, i) => {
      result.set(x, at(attrs.offsets, i));
    });
    return [result];
  },
};

export const pick: Op<"pick"> = {
  doc: "tuple → its element `index`; its operand types are those of all the tuple's results.",
  attrs: { index: "count" },
  infer: (inputs, { index }) => {
    const type: TensorType | undefined = inputs[index];
    if (type === undefined || inputs.length < 2) fail("pick", `element ${index} of ${inputs.length}`);
    return [type];
  },
  // Differentiation hands the gradients of all picks to the tuple itself.
  gradient: () => [undefined],
  evaluate: (inputs, _types, _outputs, { index }) => [at(inputs, index)],
};
