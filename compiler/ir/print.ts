// Graph → text that `parse` reads back to the same graph. One line a node, in order; numbers exactly as they are.
// Origins are left out: they belong to the source, not to what the graph computes.

import { show } from "../ops/op.js";
import { attrsOf } from "../ops/table.js";
import type { AnyNode, Graph } from "./graph.js";

/**
 * `graph "name"`, then `%3 = matmul(%1, %2) {transposeA: false, transposeB: true} : f32[2,5]` a node, `output "loss" %9`,
 * `update "adam.m.0" %12`. A tuple's types stand side by side.
 */
export function print(graph: Graph): string {
  const lines = [`graph ${JSON.stringify(graph.name)}`, ...graph.nodes.map(printNode)];
  for (const [name, value] of graph.outputs) lines.push(`output ${JSON.stringify(name)} %${value}`);
  for (const [name, value] of graph.updates) lines.push(`update ${JSON.stringify(name)} %${value}`);
  return `${lines.join("\n")}\n`;
}

export function printNode(node: AnyNode, index: number): string {
  const attrs = [...attrsOf(node.attrs)].map(([name, value]) => `${name}: ${printValue(value)}`);
  const shown = attrs.length === 0 ? "" : ` {${attrs.join(", ")}}`;
  return `%${index} = ${node.op}(${node.inputs.map((input) => `%${input}`).join(", ")})${shown} : ${node.types.map(show).join(", ")}`;
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printValue).join(", ")}]`;
  if (Object.is(value, -0)) return "-0";
  // The shortest text that reads back as the same double; infinities, which the verifier refuses, as well.
  return typeof value === "number" ? `${value}` : JSON.stringify(value);
}
