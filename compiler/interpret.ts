// Runs a graph on the CPU, node by node, by the ops' own plain definitions: what everything faster is compared with.
// In: numbers for inputs, scalars and states; out: those of outputs and updates. A missing or misshapen one throws.

import { operandTypes } from "./ir/builder.js";
import { type AnyNode, elements, type Graph, type TensorType, type Value } from "./ir/graph.js";
import { liveNodes, roots } from "./ir/rewrite.js";
import { show, type Tensor } from "./ops/op.js";
import { opOf } from "./ops/table.js";

export interface Bindings {
  readonly inputs?: Readonly<Record<string, Tensor>>;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly state?: Readonly<Record<string, Tensor>>;
}

export interface Results {
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly updates: ReadonlyMap<string, Tensor>;
}

export function interpret(graph: Graph, bindings: Bindings): Results {
  const values = evaluateAll(graph, bindings, roots(graph));
  const read = (names: ReadonlyMap<string, Value>) => new Map([...names].map(([name, value]) => [name, single(values, value)] as const));
  return { outputs: read(graph.outputs), updates: read(graph.updates) };
}

/** The values of some nodes, by node; of each its results. */
export function evaluateAll(graph: Graph, bindings: Bindings, wanted: readonly Value[]): ReadonlyMap<Value, readonly Tensor[]> {
  const live = liveNodes(graph, wanted);
  const values = new Map<Value, readonly Tensor[]>();
  graph.nodes.forEach((node, index) => {
    if (live.has(index as Value)) values.set(index as Value, run(graph, node, bindings, values));
  });
  return values;
}

function single(values: ReadonlyMap<Value, readonly Tensor[]>, value: Value): Tensor {
  const [tensor] = values.get(value) ?? [];
  if (tensor === undefined) throw new Error(`interpret: node %${value} has no value`);
  return tensor;
}

function run(graph: Graph, node: AnyNode, bindings: Bindings, values: ReadonlyMap<Value, readonly Tensor[]>): readonly Tensor[] {
  switch (node.op) {
    case "input":
      return [bound("input", node.attrs.name, node.types, bindings.inputs?.[node.attrs.name])];
    case "state":
      return [bound("state", node.attrs.name, node.types, bindings.state?.[node.attrs.name])];
    case "scalar": {
      const value = bindings.scalars?.[node.attrs.name];
      if (value === undefined) throw new Error(`interpret: no scalar ${node.attrs.name}`);
      return [node.attrs.dtype === "f32" ? Float32Array.of(value) : Uint32Array.of(value)];
    }
    default: {
      const inputs = node.inputs.flatMap((input) => values.get(input) ?? []);
      const operands = node.inputs.flatMap((input) => graph.nodes[input] ?? []);
      const { evaluate } = opOf(node.op);
      if (evaluate === undefined) throw new Error(`interpret: op ${node.op} has no evaluation`);
      return evaluate(inputs, operandTypes(node.op, operands), node.types, node.attrs);
    }
  }
}

function bound(kind: string, name: string, [type]: readonly TensorType[], tensor: Tensor | undefined): Tensor {
  if (type === undefined || tensor === undefined) throw new Error(`interpret: no ${kind} ${name}`);
  const fits = tensor.length === elements(type.shape) && tensor instanceof (type.dtype === "f32" ? Float32Array : Uint32Array);
  if (!fits) throw new Error(`interpret: ${kind} ${name} is not ${show(type)}`);
  return tensor;
}
