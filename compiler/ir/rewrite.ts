// Graph → graph by visiting nodes in order. In: a graph and what to put in place of each node; out: a new graph without dead nodes.
// Invariant: nodes keep their order, so inputs and states stand as they were declared.

import { Builder } from "./builder.js";
import type { AnyNode, Graph, Value } from "./graph.js";

/** What replaces a node: a value; for a tuple op one value a result, which its picks then stand for; undefined: a copy. */
export type Replacement = Value | readonly Value[] | undefined;

/** `inputs` are the node's operands in the new graph; for `pick` of a replaced tuple it is not asked. `map` finds any earlier node's new value. */
export type Visit = (b: Builder, node: AnyNode, inputs: readonly Value[], map: (value: Value) => Value) => Replacement;

/** Visits live nodes in order, then drops what the new graph no longer needs. */
export function rewrite(graph: Graph, visit: Visit): Graph {
  const b = new Builder(graph.name);
  const live = liveNodes(graph, roots(graph));
  const values = new Map<Value, Replacement>();
  const map = (value: Value): Value => {
    const found = values.get(value);
    if (typeof found !== "number") throw new Error(`internal error: rewriting ${graph.name}: node %${value} has no single value`);
    return found;
  };
  graph.nodes.forEach((node, index) => {
    if (!live.has(index as Value)) return;
    b.origin = node.origin;
    values.set(index as Value, replaced(node));
  });
  for (const [name, value] of graph.outputs) b.output(name, map(value));
  for (const [name, value] of graph.updates) b.update(name, map(value));
  return removeDead(b.finish());

  function replaced(node: AnyNode): Replacement {
    if (node.op === "pick") {
      const [tuple] = node.inputs;
      const parts = tuple === undefined ? undefined : values.get(tuple);
      if (typeof parts === "object") return parts[node.attrs.index];
    }
    const inputs = node.inputs.map(map);
    return visit(b, node, inputs, map) ?? copy(b, node, inputs);
  }
}

/** The same node over other operands. */
export function copy(b: Builder, node: AnyNode, inputs: readonly Value[]): Value {
  return b.emit(node.op, inputs, node.attrs, node.origin);
}

/** What a graph computes for the outside: outputs and updates. */
export function roots(graph: Graph): Value[] {
  return [...graph.outputs.values(), ...graph.updates.values()];
}

/** Everything that `from` is computed from, itself included. */
export function liveNodes(graph: Graph, from: readonly Value[]): Set<Value> {
  const live = new Set<Value>(from);
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    if (live.has(index as Value)) for (const input of graph.nodes[index]?.inputs ?? []) live.add(input);
  }
  return live;
}

/** Without the nodes that no output and no update needs; the others keep their order. */
export function removeDead(graph: Graph): Graph {
  const live = liveNodes(graph, roots(graph));
  const places = new Map<Value, Value>();
  const map = (value: Value): Value => {
    const place = places.get(value);
    if (place === undefined) throw new Error(`internal error: node %${value} of ${graph.name} is used before it is computed`);
    return place;
  };
  const nodes: AnyNode[] = [];
  graph.nodes.forEach((node, index) => {
    if (!live.has(index as Value)) return;
    places.set(index as Value, nodes.length as Value);
    nodes.push({ ...node, inputs: node.inputs.map(map) });
  });
  const mapped = (values: ReadonlyMap<string, Value>) => new Map([...values].map(([name, value]) => [name, map(value)] as const));
  return { name: graph.name, nodes, outputs: mapped(graph.outputs), updates: mapped(graph.updates) };
}
