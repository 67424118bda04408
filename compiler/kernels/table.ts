// In: rows named by ids. Out: rows read from a table, summed into one, written into a cache, or counted; and turned channel pairs.
// Invariant: no float atomics: a row of a sum is owned by the first position that names it and adds the others in order.

import { elements, type TensorType } from "../ir/graph.js";
import { type Binding, type Dispatch, fold, header, type Kernel, type Target } from "./kernel.js";

const input = (index: number): Binding => ({ kind: "input", index });
const output0: Binding = { kind: "output", index: 0 };

function typeOf(types: readonly TensorType[], index: number): TensorType {
  const type = types[index];
  if (type === undefined) throw new RangeError(`no operand ${index}`);
  return type;
}

/** One lane an item: `at` is its index, below the immediate `count`, which comes first. */
function perItem(
  kernel: string,
  types: readonly string[],
  names: readonly string[],
  body: string,
  call: { readonly count: number; readonly values: readonly number[]; readonly bindings: readonly Binding[] },
  target: Target,
): Dispatch {
  const immediates = ["count", ...names].map((name) => [name, "u32"] as const);
  const wgsl = `${header(types, immediates, { ...target, subgroup: 0 })}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * 64u + local;
  if (at >= im.count) { return; }
  ${body}
}
`;
  const grid = fold(Math.ceil(call.count / 64), target);
  return { kernel, wgsl, immediates: [call.count, ...call.values], grid, bindings: call.bindings };
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
    const call = { count: elements(typeOf(outputs, 0).shape), values: [width, rows, attrs.first], bindings: [input(0), input(1), output0] };
    return { dispatches: [perItem("gather", ["f32", "u32", "f32"], ["width", "rows", "first"], body, call, target)], scratch: [] };
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
    // The link of position i: the next position of its id, `positions` at the end; 0 for one that is not the first or has no row. As a
    // next position is never 0, a first position without another is `positions`.
    const link = `if (at < im.total) { b2[at] = 0f; }
  if (at >= im.positions) { return; }
  let id = b0[at];
  var first = id - im.first < im.rows;
  for (var j = at; first && j > 0u; j--) { if (b0[j - 1u] == id) { first = false; } }
  var next = at + 1u;
  while (next < im.positions && b0[next] != id) { next++; }
  b1[at] = next;
  b1[im.positions + at] = select(0u, 1u, first);`;
    const sum = `let d = at % im.width;
  let position = at / im.width;
  if (b1[im.positions + position] == 0u) { return; }
  var sum = 0f;
  for (var j = position; j < im.positions; j = b1[j]) { sum += b2[j * im.width + d]; }
  b3[(b0[position] - im.first) * im.width + d] = sum;`;
    return {
      dispatches: [
        perItem(
          "scatter_link",
          ["u32", "u32", "f32"],
          ["total", "positions", "rows", "first"],
          link,
          {
            count: Math.max(total, positions),
            values: [total, positions, attrs.rows, attrs.first],
            bindings: [input(0), scratch, output0],
          },
          target,
        ),
        perItem(
          "scatter_add",
          ["u32", "u32", "f32", "f32"],
          ["width", "positions", "first"],
          sum,
          {
            count: positions * width,
            values: [width, positions, attrs.first],
            bindings: [input(0), scratch, input(1), output0],
          },
          target,
        ),
      ],
      scratch: [8 * positions],
    };
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
    const call = {
      count: batch * rows * heads * half,
      values: [half, heads, angles],
      bindings: [input(0), input(1), input(2), output0],
    };
    return { dispatches: [perItem("rotate", ["f32", "f32", "f32", "f32"], ["half", "heads", "angles"], body, call, target)], scratch: [] };
  },
};

export const cacheWrite: Kernel<"cache_write"> = {
  doc: "In place: one lane an element of the new rows; rows at positions outside the cache are dropped.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, capacity = 1, ...rest] = typeOf(inputs, 0).shape;
    const rows = typeOf(inputs, 1).shape[1] ?? 1;
    const width = elements(rest);
    const body = `let d = at % im.width;
  let row = at / im.width;
  let position = b2[row];
  if (position < im.capacity) { b0[((row / im.rows) * im.capacity + position) * im.width + d] = b1[at]; }`;
    const call = { count: batch * rows * width, values: [width, rows, capacity], bindings: [input(0), input(1), input(2)] };
    return {
      dispatches: [perItem("cache_write", ["f32", "f32", "u32"], ["width", "rows", "capacity"], body, call, target)],
      scratch: [],
      inPlace: [0, 0],
    };
  },
};

export const tally: Kernel<"tally"> = {
  doc: "In place: one lane a row of counts.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, vocabulary = 1] = typeOf(inputs, 0).shape;
    const body = "let id = b1[at];\n  if (id < im.vocabulary) { b0[at * im.vocabulary + id] += 1u; }";
    const call = { count: batch, values: [vocabulary], bindings: [input(0), input(1)] };
    return { dispatches: [perItem("tally", ["u32", "u32"], ["vocabulary"], body, call, target)], scratch: [], inPlace: [0, 0] };
  },
};
