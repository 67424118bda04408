// A decoder whose table is cut and whose logits come in chunks has the loss and the gradients of the whole one, and never holds all logits.

import { describe, expect, it } from "vitest";
import type { Parameter } from "../../compiler/check/model.js";
import { type Bindings, evaluateAll } from "../../compiler/interpret.js";
import { Builder, matmul, slice, sum } from "../../compiler/ir/builder.js";
import { elements, type Graph, type Value } from "../../compiler/ir/graph.js";
import { verify } from "../../compiler/ir/verify.js";
import { portable, type Target } from "../../compiler/kernels/kernel.js";
import { decomposePass } from "../../compiler/passes/decompose.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { type Layout, layout } from "../../compiler/passes/layout.js";
import { runPasses } from "../../compiler/passes/pass.js";
import { simplify, simplifyPass } from "../../compiler/passes/simplify.js";
import { split, splitPass } from "../../compiler/passes/split.js";
import { generator } from "../ops/cases.js";
import { type Sample, sizes, transformer } from "./transformer.js";

const span = { file: { name: "test", text: "" }, start: 0, end: 0 };

function layoutOf(sample: Sample, target: Target): Layout {
  const parameters: Parameter[] = [...sample.parameters].map(([name, shape]) => ({ name, shape, init: { kind: "zeros" }, span }));
  return layout(parameters, () => true, target);
}

/** Places as the layout gives them, with one parameter cut every `rows` rows. */
function cut(whole: Layout, name: string, rows: number): Layout {
  const places = whole.places.flatMap((place) => {
    if (place.name !== name) return [place];
    const [height = 1, ...rest] = place.shape;
    const count = Math.ceil(height / rows);
    return Array.from({ length: count }, (_, i) => {
      const first = i * rows;
      return {
        ...place,
        name: `${name}#${first}`,
        first,
        offset: place.offset + first * elements(rest),
        shape: [Math.min(rows, height - first), ...rest],
      };
    });
  });
  return { ...whole, places };
}

/** The states of a cut layout, from those of whole parameters. */
function cutState(places: Layout, state: Bindings["state"]): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(
    places.places.map(({ parameter, name, first, shape }) => {
      const width = elements(shape.slice(1));
      return [name, Float32Array.from(state?.[parameter.name] ?? []).slice(first * width, first * width + elements(shape))] as const;
    }),
  );
}

/** Loss and gradients by parameter, pieces joined. */
function run(graph: Graph, bindings: Bindings, places: Layout) {
  const loss = graph.outputs.get("loss") as Value;
  const result = differentiate(graph, { loss, wrt: places.places.map((place) => place.name) });
  const outputs = new Map([["loss", result.loss], ...result.gradients]);
  const final = runPasses({ ...result.graph, outputs }, [decomposePass, simplifyPass]);
  const values = evaluateAll(final, { ...bindings, state: cutState(places, bindings.state) }, [...final.outputs.values()]);
  const read = (name: string) => [...(values.get(final.outputs.get(name) as Value)?.[0] ?? [])];
  const gradients = new Map<string, number[]>();
  for (const { parameter, name } of places.places) gradients.set(parameter.name, [...(gradients.get(parameter.name) ?? []), ...read(name)]);
  return { loss: read("loss")[0] ?? Number.NaN, gradients, graph: final };
}

const cases = [
  { name: "tied table in three pieces, chunks of their own", options: { tied: true }, parameter: "embedding.weight", rows: 4, bytes: 1 },
  { name: "separate head [V, D] in two pieces", options: { tied: false }, parameter: "head.weight", rows: 6, bytes: 1 << 20 },
  { name: "separate head [D, V] cut along D", options: { tied: false, columns: true }, parameter: "head.weight", rows: 4, bytes: 1 },
  { name: "a whole table", options: { tied: true }, parameter: "none", rows: 1, bytes: 1 },
];

describe("split", () => {
  it.each(cases)("$name: same loss, same gradients", ({ options, parameter, rows, bytes }) => {
    const sample = transformer(options);
    const whole = layoutOf(sample, portable);
    const places = cut(whole, parameter, rows);
    const simple = simplify(sample.graph);
    const expected = run(simple, sample.bindings, whole);
    const pieced = runPasses(simple, [splitPass(places, { logitsBytes: bytes })]);
    expect(pieced.nodes.some((node) => node.op === "linear_cross_entropy")).toBe(true);
    expect(pieced.nodes.some((node) => node.op === "state" && node.attrs.name === parameter)).toBe(false);
    const actual = run(pieced, sample.bindings, places);
    expect(verify(actual.graph)).toEqual([]);
    expect(actual.loss).toBeCloseTo(expected.loss, 5);
    for (const [name, gradient] of expected.gradients) {
      const found = actual.gradients.get(name) ?? [];
      expect(found.length).toBe(gradient.length);
      gradient.forEach((value, i) => {
        expect(found[i], `${name}[${i}]`).toBeCloseTo(value, 5);
      });
    }
  });

  it("leaves small vocabularies alone", () => {
    const sample = transformer();
    const simple = simplify(sample.graph);
    expect(split(simple, layoutOf(sample, portable))).toEqual(simple);
  });

  it("cuts what the layout cuts for a binding, and joins the pieces of a plain product", () => {
    const { B, T, D, V } = sizes;
    const b = new Builder("logits");
    const x = b.emit("input", [], { name: "x", dtype: "f32", shape: [B, T, D] });
    const w = b.emit("state", [], { name: "w", dtype: "f32", shape: [1024, 6] });
    b.output("logits", matmul(b, x, w, false, true));
    const columns = b.emit("state", [], { name: "w", dtype: "f32", shape: [1024, 6] });
    b.output("other", matmul(b, b.emit("input", [], { name: "y", dtype: "f32", shape: [V, 1024] }), columns));
    const sample: Sample = { ...transformer(), graph: b.finish(), parameters: new Map([["w", [1024, 6]]]) };
    const places = layoutOf(sample, { ...portable, maxBinding: 4 * 1024 * 4 });
    expect(places.places.map((place) => place.name)).toEqual(["w#0", "w#512"]);
    const random = generator(3);
    const some = (n: number) => Float32Array.from({ length: n }, () => random() - 0.5);
    const state = { w: some(6 * 1024) };
    const inputs = { x: some(B * T * D), y: some(V * 1024) };
    const pieced = runPasses(sample.graph, [splitPass(places)]);
    for (const name of ["logits", "other"]) {
      const [expected, actual] = [sample.graph, pieced].map((graph) => {
        const value = graph.outputs.get(name) as Value;
        return (
          evaluateAll(graph, { inputs, state: { ...state, ...cutState(places, state) } }, [value]).get(value)?.[0] ?? new Float32Array(0)
        );
      });
      expect(actual?.length).toBe(expected?.length);
      expected?.forEach((value, i) => {
        expect(actual?.[i]).toBeCloseTo(value, 4);
      });
    }
  });

  it("never holds all logits, and no chunk from the forward to the gradient", () => {
    const [N, D, V] = [64, 8, 1000];
    const b = new Builder("large");
    const state = (name: string, shape: readonly number[]) => b.emit("state", [], { name, dtype: "f32", shape });
    const target = b.emit("input", [], { name: "targets", dtype: "u32", shape: [2, N / 2] });
    // Logits of one row more than is scored.
    const logits = matmul(b, state("x", [2, N / 2 + 1, D]), state("w", [V, D]), false, true);
    b.output("loss", sum(b, b.emit("cross_entropy", [slice(b, logits, 1, 1, N / 2 + 1), target], {}), [0, 1]));
    const chunk = 192;
    const pieced = split(b.finish(), { groups: [], places: [] }, { logitsBytes: 4 * N * 250 });
    expect(pieced.nodes.flatMap((node) => (node.op === "linear_cross_entropy" ? [node.attrs.chunk] : []))).toEqual([chunk]);
    const result = differentiate(pieced, { loss: pieced.outputs.get("loss") as Value, wrt: ["x", "w"] });
    const { nodes } = runPasses({ ...result.graph, outputs: new Map([["loss", result.loss], ...result.gradients]) }, [
      decomposePass,
      simplifyPass,
    ]);
    const wide = nodes.flatMap((node, i) => (node.types.some(({ shape }) => shape[0] === N && elements(shape) >= N * 20) ? [i] : []));
    for (const i of wide) expect(elements(nodes[i]?.types[0]?.shape ?? [])).toBeLessThanOrEqual(N * chunk);
    // Each chunk's logits are computed twice; what is wide is used up before the next chunk is begun.
    const products = wide.filter((i) => nodes[i]?.op === "matmul");
    expect(products.length).toBe(2 * Math.ceil(V / chunk));
    const lastUse = (i: number) => nodes.reduce((last, node, j) => (node.inputs.includes(i as Value) ? j : last), i);
    products.forEach((i, k) => {
      expect(lastUse(i)).toBeLessThan(products[k + 1] ?? Number.POSITIVE_INFINITY);
    });
  });
});
