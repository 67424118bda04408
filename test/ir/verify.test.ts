// Broken graphs, one fault each: the verifier names the node and the rule, and says nothing of legal ones.

import { describe, expect, it } from "vitest";
import type { AnyNode, Graph, Value } from "../../compiler/ir/graph.js";
import { parse } from "../../compiler/ir/parse.js";
import { type Rule, verify } from "../../compiler/ir/verify.js";
import { transformer } from "../passes/transformer.js";

const head = `graph "broken"
%0 = input() {name: "x", dtype: "f32", shape: [2, 3]} : f32[2,3]
%1 = state() {name: "w", dtype: "f32", shape: [3, 5]} : f32[3,5]
%2 = input() {name: "ids", dtype: "u32", shape: [2]} : u32[2]
`;
const matmul = "%3 = matmul(%0, %1) {transposeA: false, transposeB: false} : f32[2,5]";
const qkv = ["q", "k", "v"]
  .map((name, i) => `%${i + 3} = input() {name: "${name}", dtype: "f32", shape: [1, 2, 1, 4]} : f32[1,2,1,4]`)
  .join("\n");
const attention = `${qkv}
%6 = attention(%3, %4, %5) {bound: "causal", window: 0, segmented: false, scale: 0.5} : f32[1,2,1,4], f32[1,2,1]`;

/** What is broken, its text after the head, the node and the rule, and some words of the message. */
const broken: readonly (readonly [string, string, number, Rule, string])[] = [
  ["an operand that comes later", "%3 = neg(%4) : f32[2,3]\n%4 = neg(%0) : f32[2,3]", 3, "operand", "%4 does not come earlier"],
  ["an operand that is the node itself", "%3 = neg(%3) : f32[2,3]", 3, "operand", "%3 does not come earlier"],
  ["an operand that does not exist", "%3 = neg(%9) : f32[2,3]", 3, "operand", "there is no node %9"],
  ["too few operands", "%3 = add(%0) : f32[2,3]", 3, "operands", "takes 2 operands, not 1"],
  ["too many operands", "%3 = neg(%0, %0) : f32[2,3]", 3, "operands", "takes 1 operands, not 2"],
  ["a u32 operand of an f32 op", "%3 = exp(%2) : f32[2]", 3, "operands", "must be f32, not u32[2]"],
  ["operands of two dtypes", "%3 = add(%0, %2) : f32[2,3]", 3, "operands", "differ in dtype"],
  ["shapes that do not broadcast", "%3 = add(%0, %1) : f32[2,3]", 3, "operands", "do not broadcast"],
  [
    "a product whose inner sizes differ",
    "%3 = matmul(%1, %0) {transposeA: false, transposeB: false} : f32[3,3]",
    3,
    "operands",
    "f32[3,5] by f32[2,3]",
  ],
  ["a reshape that loses elements", "%3 = reshape(%0) {shape: [5]} : f32[5]", 3, "operands", "has other elements"],
  ["an axis beyond the rank", "%3 = sum(%0) {axes: [2], keep: false} : f32[2,3]", 3, "operands", "axis 2 of a tensor of rank 2"],
  ["a slice beyond the end", "%3 = slice(%0) {starts: [0, 0], stops: [2, 4]} : f32[2,4]", 3, "operands", "of f32[2,3]"],
  ["overlapping parts of a pack", '%3 = pack(%0, %0) {name: "g", offsets: [0, 5], size: 64} : f32[64]', 3, "operands", "overlaps"],
  ["a wrong shape", "%3 = neg(%0) : f32[3,2]", 3, "types", "has f32[3,2] where the op gives f32[2,3]"],
  ["a wrong dtype", "%3 = eq(%2, %2) : u32[2]", 3, "types", "has u32[2] where the op gives f32[2]"],
  ["a tuple that claims one result", attention.replace(", f32[1,2,1]", ""), 6, "types", "where the op gives f32[1,2,1,4], f32[1,2,1]"],
  ["a tuple used as a tensor", `${attention}\n%7 = neg(%6) : f32[1,2,1,4]`, 7, "tuple", "%6 is a tuple"],
  ["a pick of a tensor", "%3 = pick(%0) {index: 0} : f32[2,3]", 3, "tuple", "there is no element 0 of %0"],
  ["a pick beyond the tuple", `${attention}\n%7 = pick(%6) {index: 2} : f32[1,2,1]`, 7, "tuple", "there is no element 2 of %6"],
  ["a tuple as output", `${attention}\noutput "o" %6`, 6, "output", "is a tuple"],
  ["an output that does not exist", `output "y" %7`, 7, "output", "there is no node %7"],
  ["an update of an unknown state", `${matmul}\nupdate "v" %1`, 1, "update", "no node reads a state of this name"],
  ["an update of another type", `${matmul}\nupdate "w" %3`, 3, "update", "the state is f32[3,5], %3 is f32[2,5]"],
  [
    "one state of two shapes",
    '%3 = state() {name: "w", dtype: "f32", shape: [15]} : f32[15]',
    3,
    "name",
    "f32[3,5] elsewhere and f32[15] here",
  ],
  [
    "two packs of one name",
    '%3 = pack(%0) {name: "g", offsets: [0], size: 6} : f32[6]\n%4 = pack(%0) {name: "g", offsets: [1], size: 7} : f32[7]',
    4,
    "name",
    "two packs",
  ],
];

describe("the verifier", () => {
  it("finds no fault in a decoder", () => {
    expect(verify(transformer().graph)).toEqual([]);
    expect(verify(parse(`${head}${matmul}\noutput "y" %3\nupdate "w" %1`))).toEqual([]);
  });

  it.each(broken)("names %s", (_, text, node, rule, words) => {
    const faults = verify(parse(`${head}${text}`));
    expect(faults.map((fault) => [fault.node, fault.rule])).toEqual([[node, rule]]);
    expect(faults[0]?.message).toContain(words);
    expect(faults[0]?.message).toContain(rule);
    expect(faults[0]?.message).toMatch(new RegExp(`%${node}|update|output`));
  });

  // Faults that the text's reader refuses already, made by hand.
  const f32 = { dtype: "f32", shape: [2] } as const;
  const byHand: readonly (readonly [string, Record<string, unknown>, Rule, string])[] = [
    ["an op that does not exist", { op: "frobnicate", inputs: [], attrs: {}, types: [f32] }, "op", "no such op"],
    ["a missing attribute", { op: "fill", inputs: [], attrs: { value: 1 }, types: [f32] }, "attribute", "shape is missing"],
    ["an attribute too many", { op: "range", inputs: [], attrs: { n: 2, m: 3 }, types: [f32] }, "attribute", "there is no attribute m"],
    ["an attribute of another kind", { op: "range", inputs: [], attrs: { n: "2" }, types: [f32] }, "attribute", 'n is "2", not a count'],
    [
      "a number that is not finite",
      { op: "fill", inputs: [], attrs: { value: Number.NaN, shape: [2] }, types: [f32] },
      "attribute",
      "not a finite number",
    ],
    [
      "a dimension of 0",
      { op: "fill", inputs: [], attrs: { value: 1, shape: [0] }, types: [{ dtype: "f32", shape: [0] }] },
      "dims",
      "a result is f32[0]",
    ],
    [
      "a dimension that is not whole",
      { op: "fill", inputs: [], attrs: { value: 1, shape: [2] }, types: [{ dtype: "f32", shape: [1.5] }] },
      "dims",
      "a result is f32[1.5]",
    ],
  ];
  it.each(byHand)("names %s", (_, node, rule, words) => {
    const graph: Graph = { name: "broken", nodes: [node as unknown as AnyNode], outputs: new Map(), updates: new Map() };
    const faults = verify(graph);
    expect(faults[0]).toMatchObject({ node: 0 as Value, rule });
    expect(faults[0]?.message).toContain(words);
  });
});
