// Reverse-mode gradients as nodes of the same graph. In: a graph, its loss and the states to differentiate for; out: the graph with the
// gradients' nodes behind its own, and which value is whose gradient. Invariant: the forward's nodes are the ones that were there, so what a
// gradient reuses of it is shared, not computed again.

import { add, Builder, fill } from "../ir/builder.js";
import type { AnyNode, Graph, Value } from "../ir/graph.js";
import { liveNodes, rewrite } from "../ir/rewrite.js";
import { sameShape, show } from "../ops/op.js";
import { opOf } from "../ops/table.js";
import { expand } from "./decompose.js";

export interface Differentiated {
  readonly graph: Graph;
  /** The loss in `graph`. */
  readonly loss: Value;
  /** State name → gradient of the loss, of the state's shape. States that the loss does not depend on have none. */
  readonly gradients: ReadonlyMap<string, Value>;
}

/** Throws where the loss is not an f32 scalar, and where an op on the way has neither a gradient nor a decomposition. */
export function differentiate(graph: Graph, options: { readonly loss: Value; readonly wrt: Iterable<string> }): Differentiated {
  const wrt = new Set(options.wrt);
  const prepared = expandWithoutGradient(graph, options.loss, wrt);
  const { loss } = prepared;
  const b = Builder.from(prepared.graph);
  const type = b.type(loss);
  if (type.dtype !== "f32" || type.shape.length > 0)
    throw new Error(`internal error: the loss of graph ${graph.name} is ${show(type)}, not a scalar`);

  const needed = path(prepared.graph, loss, wrt);
  const gradients = new Map<string, Value>();
  // Of each node, the gradients of its results as far as they are summed.
  const sums = new Map<Value, (Value | undefined)[]>([[loss, [fill(b, 1)]]]);
  for (let index = loss; index >= 0; index = (index - 1) as Value) {
    const grads = sums.get(index);
    if (grads === undefined || !needed.has(index)) continue;
    const node = b.node(index);
    b.origin = node.origin;
    if (node.op === "state") {
      const [g] = grads;
      if (g !== undefined && wrt.has(node.attrs.name)) gradients.set(node.attrs.name, g);
    } else if (node.op === "pick") {
      const [tuple] = node.inputs;
      if (tuple !== undefined) accumulate(tuple, node.attrs.index, grads[0]);
    } else {
      const own = gradientOf(b, node, index, grads);
      node.inputs.forEach((input, i) => {
        if (needed.has(input)) accumulate(input, 0, own[i]);
      });
    }
  }
  return { graph: b.finish(), loss, gradients };

  function accumulate(value: Value, result: number, gradient: Value | undefined): void {
    if (gradient === undefined) return;
    const [own, given] = [b.type(value, result), b.type(gradient)];
    if (given.dtype !== "f32" || !sameShape(own.shape, given.shape)) {
      throw new Error(`internal error: the gradient of %${value} (${b.node(value).op}, ${show(own)}) is ${show(given)}`);
    }
    const grads = sums.get(value) ?? [];
    const before = grads[result];
    grads[result] = before === undefined ? gradient : add(b, before, gradient);
    sums.set(value, grads);
  }
}

/** Nodes that depend on a state of `wrt` and that the loss depends on: those whose gradients are asked for. */
function path(graph: Graph, loss: Value, wrt: ReadonlySet<string>): Set<Value> {
  const towards = liveNodes(graph, [loss]);
  const result = new Set<Value>();
  graph.nodes.forEach((node, index) => {
    const from = node.op === "state" ? wrt.has(node.attrs.name) : node.op !== "detach" && node.inputs.some((input) => result.has(input));
    if (from && towards.has(index as Value)) result.add(index as Value);
  });
  return result;
}

const LOSS = "loss to differentiate";

/** Ops that only a decomposition can differentiate are replaced by it, where a gradient passes. */
function expandWithoutGradient(graph: Graph, loss: Value, wrt: ReadonlySet<string>): { readonly graph: Graph; readonly loss: Value } {
  let current = graph;
  let target = loss;
  for (;;) {
    const needed = path(current, target, wrt);
    const lacking = (node: AnyNode, value: number) =>
      node.op !== "state" && needed.has(value as Value) && opOf(node.op).gradient === undefined;
    const without = new Set(current.nodes.filter(lacking));
    if (without.size === 0) return { graph: current, loss: target };
    for (const node of without) {
      if (opOf(node.op).decompose === undefined) throw new Error(`internal error: op ${node.op} can not be differentiated`);
    }
    const marked: Graph = { ...current, outputs: new Map([...current.outputs, [LOSS, target]]) };
    const expanded = rewrite(marked, (b, node, inputs) => (without.has(node) ? expand(b, node, inputs) : undefined));
    const outputs = new Map(expanded.outputs);
    target = outputs.get(LOSS) ?? target;
    outputs.delete(LOSS);
    current = { ...expanded, outputs };
  }
}

function gradientOf(b: Builder, node: AnyNode, value: Value, grads: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  const { gradient } = opOf(node.op);
  if (gradient === undefined) throw new Error(`internal error: op ${node.op} has no gradient`);
  return gradient(b, node, value, grads);
}
