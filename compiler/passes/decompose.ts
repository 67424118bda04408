// Composite ops become the primitives that they are made of, so that the fuser sees what it can join and kernels are few.
// Invariant: afterwards only ops of `kept`, and ops without a decomposition, are left.

import type { Builder } from "../ir/builder.js";
import type { AnyNode, Graph, OpAttrs, OpName, Value } from "../ir/graph.js";
import { type Replacement, rewrite } from "../ir/rewrite.js";
import { opOf } from "../ops/table.js";
import type { Pass } from "./pass.js";

/** Ops that have a kernel of their own, or a text in kernel expressions, although they could be decomposed. */
export const withKernel: ReadonlySet<OpName> = new Set<OpName>(["sigmoid", "silu", "gelu", "gelu_exact", "relu", "rotate", "attention"]);

/** Run after differentiation: it also drops `detach`, which by then has done its work. */
export function decompose(graph: Graph, kept: ReadonlySet<OpName> = withKernel): Graph {
  const composite = (node: AnyNode) => !kept.has(node.op) && opOf(node.op).decompose !== undefined;
  let current = graph;
  // A decomposition may be written in composites itself.
  while (current.nodes.some(composite)) {
    current = rewrite(current, (b, node, inputs) => (composite(node) ? expand(b, node, inputs) : undefined));
  }
  return current;
}

/** A node's decomposition: a value, or one a result for a tuple op; undefined where it has none. */
export function expand(b: Builder, node: AnyNode, inputs: readonly Value[]): Replacement {
  const results = decomposition(b, node.op, inputs, node.attrs);
  return node.types.length > 1 ? results : results?.[0];
}

function decomposition<K extends OpName>(b: Builder, op: K, inputs: readonly Value[], attrs: OpAttrs[K]): readonly Value[] | undefined {
  return opOf(op).decompose?.(b, inputs, attrs);
}

export const decomposePass: Pass = {
  name: "decompose",
  doc: "Composite ops (cross-entropy, detach, …) are replaced by primitives.",
  run: (graph) => decompose(graph),
};
