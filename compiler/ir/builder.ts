// Makes graphs. In: ops with operands and attributes; out: nodes in topological order, each with its types, equal ones merged.
// Invariant: same op, operands and attributes give the same Value, so common subexpressions are found for free.

import type { Span } from "../../grammar/source.js";
import { opOf } from "../ops/table.js";
import type { AnyNode, Graph, OpAttrs, OpName, TensorType, Value } from "./graph.js";

export * from "./calls.js";

export class Builder {
  readonly name: string;
  /** The origin of nodes that are emitted without one. */
  origin: Span | undefined;
  readonly #nodes: AnyNode[] = [];
  readonly #keys = new Map<string, Value>();
  readonly #outputs = new Map<string, Value>();
  readonly #updates = new Map<string, Value>();

  constructor(name: string) {
    this.name = name;
  }

  /** Goes on where another builder stopped: every Value of `graph` keeps its meaning. Throws where two nodes of it are equal. */
  static from(graph: Graph, name: string = graph.name): Builder {
    const b = new Builder(name);
    graph.nodes.forEach((node, index) => {
      const value = b.emit(node.op, node.inputs, node.attrs, node.origin);
      if (value !== index) throw new Error(`internal error: nodes %${value} and %${index} of graph ${graph.name} are the same`);
    });
    for (const [output, value] of graph.outputs) b.output(output, value);
    for (const [state, value] of graph.updates) b.update(state, value);
    return b;
  }

  /** Throws where the op does not take these operands: an error of the compiler, never of a program. */
  emit<K extends OpName>(op: K, inputs: readonly Value[], attrs: OpAttrs[K], origin: Span | undefined = this.origin): Value {
    const key = `${op}(${inputs.join()})${attrsKey(attrs)}`;
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const types = opOf(op).infer(
      operandTypes(
        op,
        inputs.map((input) => this.node(input)),
      ),
      attrs,
    );
    const value = this.#nodes.length as Value;
    const node = { op, inputs: [...inputs], attrs, types, ...(origin === undefined ? {} : { origin }) };
    this.#nodes.push(node as AnyNode);
    this.#keys.set(key, value);
    return value;
  }

  node(value: Value): AnyNode {
    const node = this.#nodes[value];
    if (node === undefined) throw new Error(`internal error: no node %${value} in graph ${this.name}`);
    return node;
  }

  /** The type of a node's result; of a tuple's first unless `output` says which. */
  type(value: Value, output = 0): TensorType {
    const type = this.node(value).types[output];
    if (type === undefined) throw new Error(`internal error: node %${value} (${this.node(value).op}) has no result ${output}`);
    return type;
  }

  output(name: string, value: Value): void {
    if (this.#outputs.has(name)) throw new Error(`internal error: two outputs are called ${name}`);
    this.#outputs.set(name, this.#checked(value));
  }

  update(state: string, value: Value): void {
    if (this.#updates.has(state)) throw new Error(`internal error: the state ${state} is given two next values`);
    this.#updates.set(state, this.#checked(value));
  }

  #checked(value: Value): Value {
    this.node(value);
    return value;
  }

  /** All nodes, dead ones too, so that a Value keeps its meaning; `removeDead` drops those. */
  finish(): Graph {
    return { name: this.name, nodes: [...this.#nodes], outputs: new Map(this.#outputs), updates: new Map(this.#updates) };
  }
}

/** The types that `infer` gets: one an operand, but all results of the tuple for `pick`, the only op that reads tuples. */
export function operandTypes(op: OpName, inputs: readonly AnyNode[]): readonly TensorType[] {
  if (op === "pick" && inputs.length === 1) return inputs.flatMap((node) => node.types);
  return inputs.map((node) => {
    const [type] = node.types;
    if (type === undefined || node.types.length > 1) throw new Error(`internal error: op ${op}: an operand is a tuple (${node.op})`);
    return type;
  });
}

/** Attributes as text, independent of the order in which they were written; unlike JSON it tells −0 from 0 and NaN from null. */
function attrsKey(attrs: object): string {
  return Object.entries(attrs)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${valueKey(value)}`)
    .join(";");
}

function valueKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueKey).join()}]`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : `${value}`;
  return JSON.stringify(value);
}
