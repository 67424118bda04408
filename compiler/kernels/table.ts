// In: rows named by ids. Out: rows read from a table, summed into one, written into a cache, or counted; and turned channel pairs.
// Invariant: no float atomics: a row of a sum is owned by the first position that names it and adds the others in order.

import { elements, type TensorType } from "../ir/graph.js";
import { type Items, perItem } from "./items.js";
import type { Binding, Kernel } from "./kernel.js";

const input = (index: number): Binding => ({ kind: "input", index });
const output0: Binding = { kind: "output", index: 0 };

function typeOf(types: readonly TensorType[], index: number): TensorType {
  const type = types[index];
  if (type === undefined) throw new RangeError(`no operand ${index}`);
  return type;
}

/** Immediates that are all u32. */
function words(values: Readonly<Record<string, number>>): (readonly [string, "u32", number])[] {
  return Object.entries(values).map(([name, value]) => [name, "u32", value] as const);
}

export const gather: Kernel<"gather"> = {
  doc: "One lane an element of the result.",
  implement(attrs, inputs, outputs, target) {
    const table = typeOf(inputs, 0);
    const rows = table.shape[0] ?? 1;
    const width = elements(table.shape.slice(1));
    const body = `let d = at % im.width;
  let row = b1[at / im.width] - im.first;
  if (row < im.rows) { b2[at] = b0[row * im.width + d]; } else { b2[at] = 0f; }`;
    const items: Items = {
      kernel: "gather",
      types: ["f32", "u32", "f32"],
      immediates: words({ width, rows, first: attrs.first }),
      body,
      count: elements(typeOf(outputs, 0).shape),
      bindings: [input(0), input(1), output0],
    };
    return { dispatches: [perItem(items, target)], scratch: [] };
  },
};

export const scatterAdd: Kernel<"scatter_add"> = {
  doc: "Positions of one id are linked in order while the result is zeroed; then the first position of each id sums its list.",
  implement(attrs, inputs, outputs, target) {
    const ids = typeOf(inputs, 0);
    const positions = elements(ids.shape);
    const total = elements(typeOf(outputs, 0).shape);
    const width = total / Math.max(1, attrs.rows);
    const scratch: Binding = { kind: "scratch", index: 0 };
    // Of each position: the next one of its id (`positions` at the end), then whether it is the first of an id that has a row.
    const link = `if (at < im.total) { b2[at] = 0f; }
  if (at >= im.positions) { continue; }
  let id = b0[at];
  var first = id - im.first < im.rows;
  for (var j = at; first && j > 0u; j--) { if (b0[j - 1u] == id) { first = false; } }
  var next = at + 1u;
  while (next < im.positions && b0[next] != id) { next++; }
  b1[at] = next;
  b1[im.positions + at] = select(0u, 1u, first);`;
    const sum = `let d = at % im.width;
  let position = at / im.width;
  if (b1[im.positions + position] == 0u) { continue; }
  var sum = 0f;
  for (var j = position; j < im.positions; j = b1[j]) { sum += b2[j * im.width + d]; }
  b3[(b0[position] - im.first) * im.width + d] = sum;`;
    const linked: Items = {
      kernel: "scatter_link",
      types: ["u32", "u32", "f32"],
      immediates: words({ total, positions, rows: attrs.rows, first: attrs.first }),
      body: link,
      count: Math.max(total, positions),
      bindings: [input(0), scratch, output0],
    };
    const summed: Items = {
      kernel: "scatter_add",
      types: ["u32", "u32", "f32", "f32"],
      immediates: words({ width, positions, first: attrs.first }),
      body: sum,
      count: positions * width,
      bindings: [input(0), scratch, input(1), output0],
    };
    return { dispatches: [perItem(linked, target), perItem(summed, target)], scratch: [8 * positions] };
  },
};

export const rotate: Kernel<"rotate"> = {
  doc: "One lane a pair of channels.",
  implement(attrs, inputs, outputs, target) {
    const [batch = 1, rows = 1, heads = 1, channels = 2] = typeOf(outputs, 0).shape;
    const half = channels / 2;
    const angles = typeOf(inputs, 1).shape[0] === 1 ? rows : batch * rows;
    const sign = attrs.inverse ? "-" : "";
    const halves = attrs.pairs === "halves";
    const body = `let p = at % im.half;
  let head = at / im.half;
  let angle = ((head / im.heads) % im.angles) * im.half + p;
  let x = head * 2u * im.half + ${halves ? "p" : "2u * p"};
  let y = x + ${halves ? "im.half" : "1u"};
  let c = b1[angle]; let s = ${sign}b2[angle];
  let u = b0[x]; let v = b0[y];
  b3[x] = u * c - v * s;
  b3[y] = u * s + v * c;`;
    const items: Items = {
      kernel: "rotate",
      types: ["f32", "f32", "f32", "f32"],
      immediates: words({ half, heads, angles }),
      body,
      count: batch * rows * heads * half,
      bindings: [input(0), input(1), input(2), output0],
    };
    return { dispatches: [perItem(items, target)], scratch: [] };
  },
};

export const cacheWrite: Kernel<"cache_write"> = {
  doc: "In place: one lane a channel, over the new rows in order, so that the last of equal positions stays.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, capacity = 1, ...rest] = typeOf(inputs, 0).shape;
    const rows = typeOf(inputs, 1).shape[1] ?? 1;
    const width = elements(rest);
    const body = `let d = at % im.width;
    let lane = at / im.width;
    for (var i = lane * im.rows; i < (lane + 1u) * im.rows; i++) {
      let position = b2[i];
      if (position < im.capacity) { b0[(lane * im.capacity + position) * im.width + d] = b1[i * im.width + d]; }
    }`;
    const items: Items = {
      kernel: "cache_write",
      types: ["f32", "f32", "u32"],
      immediates: words({ width, rows, capacity }),
      body,
      count: batch * width,
      bindings: [input(0), input(1), input(2)],
    };
    return { dispatches: [perItem(items, target)], scratch: [], inPlace: [0, 0] };
  },
};

export const tally: Kernel<"tally"> = {
  doc: "In place: one lane a row of counts.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, vocabulary = 1] = typeOf(inputs, 0).shape;
    const body = "let id = b1[at];\n  if (id < im.vocabulary) { b0[at * im.vocabulary + id] += 1u; }";
    const items: Items = {
      kernel: "tally",
      types: ["u32", "u32"],
      immediates: words({ vocabulary }),
      body,
      count: batch,
      bindings: [input(0), input(1)],
    };
    return { dispatches: [perItem(items, target)], scratch: [], inPlace: [0, 0] };
  },
};
