// A printed graph reads back as the same graph, whatever its names and numbers; what is no graph is refused with line and reason.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { add, Builder, fill, mul, pick } from "../../compiler/ir/builder.js";
import type { Graph, OpName } from "../../compiler/ir/graph.js";
import { parse } from "../../compiler/ir/parse.js";
import { print } from "../../compiler/ir/print.js";
import { verify } from "../../compiler/ir/verify.js";
import { decompose } from "../../compiler/passes/decompose.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { simplify } from "../../compiler/passes/simplify.js";
import { cases } from "../ops/cases.js";
import { transformer } from "../passes/transformer.js";

function withoutOrigins(graph: Graph): Graph {
  return { ...graph, nodes: graph.nodes.map(({ origin: _, ...node }) => node as Graph["nodes"][number]) };
}

function roundTrip(graph: Graph): void {
  const text = print(graph);
  const read = parse(text);
  expect(read).toEqual(withoutOrigins(graph));
  expect(print(read)).toBe(text);
  expect(verify(read)).toEqual(verify(graph));
}

describe("a graph's text", () => {
  it("reads back: a decoder, its gradient, simplified", () => {
    const { graph, loss, parameters } = transformer();
    roundTrip(graph);
    const whole = differentiate(graph, { loss, wrt: parameters.keys() }).graph;
    roundTrip(whole);
    roundTrip(simplify(decompose(whole)));
  });

  it("reads back: every op of the table's cases", () => {
    for (const [op, list] of Object.entries(cases)) {
      for (const { inputs, attrs } of list) {
        const b = new Builder("case");
        const states = inputs.map(({ dtype, shape }, i) => b.emit("state", [], { name: `x${i}`, dtype, shape }));
        const value = b.emit(op as OpName, states, attrs);
        const tuple = b.node(value).types.length > 1;
        b.output("y", tuple ? pick(b, value, 1) : value);
        roundTrip(b.finish());
      }
    }
  });

  it("reads back: any finite number, any name", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.array(number, { minLength: 1 }), number, (graphName, name, values, value) => {
        const b = new Builder(graphName);
        const literal = b.emit("literal", [], { values, shape: [values.length] });
        const state = b.emit("state", [], { name, dtype: "f32", shape: [values.length] });
        const y = add(b, mul(b, literal, fill(b, value)), state);
        b.output(name, y);
        b.update(name, literal);
        roundTrip(b.finish());
      }),
      { numRuns: 300 },
    );
  });

  it("tells −0 from 0 and keeps the last bit", () => {
    const b = new Builder("bits");
    expect(fill(b, -0)).not.toBe(fill(b, 0));
    b.output("y", add(b, fill(b, -0), fill(b, 0.1 + 0.2)));
    const read = parse(print(b.finish()));
    const values = read.nodes.flatMap((node) => (node.op === "fill" ? [node.attrs.value] : []));
    expect(values).toEqual([-0, 0, 0.1 + 0.2]);
  });

  it("looks like this", () => {
    const b = new Builder("small");
    const x = b.emit("input", [], { name: "x", dtype: "f32", shape: [2, 3] });
    const w = b.emit("state", [], { name: "w", dtype: "f32", shape: [3, 5] });
    b.output("y", b.emit("matmul", [x, w], { transposeA: false, transposeB: false }));
    b.update("w", mul(b, w, fill(b, 0.5)));
    expect(print(b.finish())).toBe(`graph "small"
%0 = input() {name: "x", dtype: "f32", shape: [2, 3]} : f32[2,3]
%1 = state() {name: "w", dtype: "f32", shape: [3, 5]} : f32[3,5]
%2 = matmul(%0, %1) {transposeA: false, transposeB: false} : f32[2,5]
%3 = fill() {value: 0.5, shape: []} : f32[]
%4 = mul(%1, %3) : f32[3,5]
output "y" %2
update "w" %4
`);
  });

  it.each([
    ["%0 = fill() {value: 1, shape: []} : f32[]", "line 1: a graph begins with its name"],
    ['graph "a"\n%1 = fill() {value: 1, shape: []} : f32[]', "line 2: the next node is %0"],
    ['graph "a"\n%0 = fell() : f32[]', "line 2: there is no op fell"],
    ['graph "a"\n%0 = fill() {value: 1} : f32[]', "line 2: fill: shape is missing"],
    ['graph "a"\n%0 = fill() {value: one, shape: []} : f32[]', "line 2: one is no value"],
    ['graph "a"\n%0 = fill() {value: 1, shape: []} : f16[]', "line 2: f16 is no dtype"],
    ['graph "a"\n%0 = fill() {value: 1, shape: []} : f32[', "line 2: the line ends too early"],
    ['graph "a"\noutput y %0', "line 2: y is no quoted name"],
  ])("refuses %j", (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it("never does anything but read or refuse", () => {
    const sample = print(transformer().graph);
    fc.assert(
      fc.property(fc.nat(sample.length - 1), fc.nat(20), fc.string({ maxLength: 5 }), (start, length, inserted) => {
        const text = sample.slice(0, start) + inserted + sample.slice(start + length);
        let graph: Graph;
        try {
          graph = parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        expect(Array.isArray(verify(graph))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
