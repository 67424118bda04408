// Graph → graph in the form that fusion reads: only ops that are memory, expression or kernel; every reduction over neighbouring axes; what
// must lie at a place of its own (an input of `pack`, a state's next value) is a value that a kernel makes, for that place alone.

import type { Builder } from "../../ir/builder.js";
import type { AnyNode, Graph, Value } from "../../ir/graph.js";
import { rewrite } from "../../ir/rewrite.js";
import { decompose } from "../decompose.js";

export function prepare(graph: Graph): Graph {
  return separate(
    rewrite(decompose(graph), (b, node, inputs) => (node.op === "sum" || node.op === "amax" ? reduction(b, node, inputs) : undefined)),
  );
}

/** One reduction a run of neighbouring axes, innermost first; axes of size 1 are reshaped away. */
function reduction(b: Builder, node: AnyNode & { readonly op: "sum" | "amax" }, inputs: readonly Value[]): Value | undefined {
  const [x] = inputs;
  if (x === undefined) return undefined;
  const { shape } = b.type(x);
  const axes = node.attrs.axes.filter((axis) => shape[axis] !== 1).sort((p, q) => p - q);
  const runs: number[][] = [];
  for (const axis of axes) {
    const run = runs.at(-1);
    // Axes of size 1 between two do not part them.
    const between = run === undefined ? [] : shape.slice((run.at(-1) ?? 0) + 1, axis);
    if (run !== undefined && between.every((size) => size === 1)) run.push(axis);
    else runs.push([axis]);
  }
  const out = node.types[0]?.shape ?? [];
  let value = x;
  for (const run of runs.reverse()) value = b.emit(node.op, [value], { axes: run, keep: true });
  const { shape: kept } = b.type(value);
  const same = out.length === kept.length && out.every((size, axis) => size === kept[axis]);
  return same ? value : b.emit("reshape", [value], { shape: out });
}

/** Puts copies (broadcasts to the same shape) where a value is wanted at a second place, or is no kernel's whole result. */
function separate(graph: Graph): Graph {
  const nodes: AnyNode[] = [];
  const moved: Value[] = [];
  const taken = new Set<Value>();
  const map = (value: Value): Value => moved[value] ?? value;
  const copy = (x: Value): Value => {
    const type = nodes[x]?.types[0];
    if (type === undefined) throw new Error("internal error: a copy of nothing");
    const value = (nodes.push({ op: "broadcast", inputs: [x], attrs: { shape: type.shape }, types: [type] }) - 1) as Value;
    taken.add(value);
    return value;
  };
  const own = (x: Value, offset: number): Value => {
    const root = rootOf(nodes, x);
    const aligned = offset % ALIGN === 0 || !opaque(nodes, root);
    if (root === undefined || taken.has(root) || !aligned) return copy(x);
    taken.add(root);
    return x;
  };
  graph.nodes.forEach((node, index) => {
    const inputs = node.inputs.map(map);
    const placed = node.op === "pack" ? inputs.map((input, k) => own(input, node.attrs.offsets[k] ?? 0)) : inputs;
    moved[index] = (nodes.push({ ...node, inputs: placed }) - 1) as Value;
  });
  const updates = new Map<string, Value>();
  for (const [name, old] of graph.updates) {
    const value = map(old);
    const node = nodes[value];
    const kept = node?.op === "state" && node.attrs.name === name;
    if (!kept) updates.set(name, node?.op === "pack" ? value : own(value, 0));
  }
  // Outputs are read when all has run: the old value of a state that changes is kept aside.
  const outputs = new Map(
    [...graph.outputs].map(
      ([name, value]) => [name, graph.updates.size > 0 && isOld(nodes, map(value)) ? copy(map(value)) : map(value)] as const,
    ),
  );
  return { name: graph.name, nodes, outputs, updates };
}

/** Elements: offsets of bindings are multiples of 256 bytes. */
export const ALIGN = 64;

/** Whether a kernel makes it that can not write at any offset. */
function opaque(nodes: readonly AnyNode[], value: Value | undefined): boolean {
  const op = value === undefined ? undefined : nodes[value]?.op;
  return (
    op === "matmul" ||
    op === "pick" ||
    op === "gather" ||
    op === "scatter_add" ||
    op === "cache_write" ||
    op === "tally" ||
    op === "sample" ||
    op === "concat"
  );
}

/** Whether a value is, or is a part of, what a state held before the run; states of several names may lie in one buffer. */
function isOld(nodes: readonly AnyNode[], value: Value): boolean {
  const node = nodes[value];
  const [x] = node?.inputs ?? [];
  return node?.op === "state" || ((node?.op === "reshape" || node?.op === "slice") && x !== undefined && isOld(nodes, x));
}

/** The node that makes exactly this value (a `pick` for its tuple's result); undefined where it is memory already or a part of something. */
function rootOf(nodes: readonly AnyNode[], value: Value): Value | undefined {
  const node = nodes[value];
  switch (node?.op) {
    case undefined:
    case "input":
    case "scalar":
    case "state":
    case "pack":
    case "slice":
      return undefined;
    case "reshape":
      return node.inputs[0] === undefined ? undefined : rootOf(nodes, node.inputs[0]);
    default:
      return value;
  }
}
