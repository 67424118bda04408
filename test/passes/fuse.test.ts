// Which kernels a graph becomes, and that their plan is sound. No device.

import { describe, expect, it } from "vitest";
import { add, Builder, div, exp, mul, reshape, sum } from "../../compiler/ir/builder.js";
import type { Graph } from "../../compiler/ir/graph.js";
import { portable, type Target } from "../../compiler/kernels/kernel.js";
import { fuse } from "../../compiler/passes/fuse.js";
import type { Homes } from "../../compiler/passes/homes.js";
import { printPlan } from "../../compiler/passes/plan/print.js";
import { type Plan, plan } from "../../compiler/passes/plan.js";
import { charGpt, decodeStep, trainStep } from "./decoder.js";
import { crossEntropy, decoding, late, layernorm, layouts, mlp, numbers, reductions, rmsnorm, softmax, states } from "./graphs.js";
import { checkPlan } from "./invariants.js";

const target: Target = { ...portable, subgroup: 8, maxStorageBuffers: 8 };

function planned(graph: Graph, homes: Homes = new Map(), on = target): Plan {
  const result = plan(fuse(graph, on, homes), on);
  checkPlan(result, on);
  return result;
}

const dispatches = (p: Plan): number => p.steps.filter((step) => step.kind === "dispatch").length;
const pipelines = (p: Plan): number => new Set(p.steps.map((step) => (step.kind === "dispatch" ? step.wgsl : ""))).size;
const labels = (p: Plan): string[] => p.steps.map((step) => step.label);

describe("fuse", () => {
  it.each([
    // Forward and dx; the loss; the weight's gradient.
    ["rmsnorm", rmsnorm(37, 65), 3],
    ["layernorm", layernorm(37, 65), 4],
    ["softmax", softmax(37, 65), 2],
    ["cross-entropy", crossEntropy(37, 65), 2],
    // Five products, two of them with what surrounds them; two bias gradients; the loss.
    ["mlp", mlp(37, 12, 20), 11],
  ])("makes few kernels of %s", (_name, { graph }, most) => {
    const p = planned(graph);
    expect(dispatches(p), printPlan(p)).toBeLessThanOrEqual(most);
  });

  it.each([reductions([3, 5, 7]), layouts(), numbers(), states(), late(), decoding(3, 2)].map((c) => [c.name, c.graph] as const))(
    "plans %s soundly",
    (_name, graph) => {
      for (const on of [target, portable, { ...target, software: true, maxStorageBuffers: 10 }]) planned(graph, new Map(), on);
    },
  );

  it("folds what follows a product into it", () => {
    const p = planned(mlp(37, 12, 20).graph);
    expect(labels(p).filter((label) => label.startsWith("matmul +")).length).toBeGreaterThanOrEqual(2);
  });

  it("writes states in place when nothing reads the old value afterwards", () => {
    const p = planned(decoding(3, 2).graph);
    expect(p.calls.copies).toEqual([]);
  });

  it("keeps the kernels of one structure in one pipeline", () => {
    const texts = (rows: number, cols: number) => {
      const b = new Builder("norm");
      const x = b.emit("input", [], { name: "x", dtype: "f32", shape: [2, rows, cols] });
      const y = mul(b, div(b, x, sum(b, exp(b, x), [2], true)), b.emit("state", [], { name: "w", dtype: "f32", shape: [cols] }));
      b.output("y", add(b, y, b.emit("state", [], { name: "table", dtype: "f32", shape: [rows, cols] })));
      return planned(b.finish()).steps.map((step) => (step.kind === "dispatch" ? step.wgsl : ""));
    };
    expect(texts(5, 64)).toEqual(texts(9, 128));
  });

  it("is the same at every call", () => {
    const { graph, homes } = trainStep({ ...charGpt, layers: 1 });
    expect(printPlan(planned(graph, homes))).toBe(printPlan(planned(graph, homes)));
  });

  it("refuses a tensor larger than a binding", () => {
    const b = new Builder("large");
    b.output("y", exp(b, b.emit("input", [], { name: "x", dtype: "f32", shape: [2 ** 16] })));
    expect(() => plan(fuse(b.finish(), portable), { ...portable, maxBinding: 2 ** 16 })).toThrow(/larger than a binding/);
  });

  it("splits a kernel that would need too many bindings", () => {
    const b = new Builder("many");
    const parts = Array.from({ length: 12 }, (_, i) => b.emit("input", [], { name: `x${i}`, dtype: "f32", shape: [64] }));
    b.output(
      "y",
      parts.reduce((a, x) => mul(b, a, x)),
    );
    expect(dispatches(planned(b.finish()))).toBe(2);
  });

  it("sums whatever follows from the element's index without a copy", () => {
    const b = new Builder("rows");
    const x = b.emit("input", [], { name: "x", dtype: "f32", shape: [6, 8] });
    b.output("y", sum(b, exp(b, reshape(b, x, [2, 3, 8])), [1, 2]));
    expect(dispatches(planned(b.finish()))).toBe(1);
  });
});

describe("a decoder's token", () => {
  it("takes few dispatches, and no copy of a cache", () => {
    for (const software of [false, true]) {
      const on = { ...target, software, maxStorageBuffers: 10 };
      const p = planned(decodeStep({ ...charGpt, B: 1 }), new Map(), on);
      expect(dispatches(p), printPlan(p)).toBeLessThanOrEqual(60);
      expect(p.calls.copies).toEqual([]);
    }
  });
});

describe("a decoder's training step", () => {
  const { graph, homes } = trainStep(charGpt, target);
  const p = planned(graph, homes);

  it("has few dispatches and pipelines", () => {
    expect(dispatches(p)).toBeLessThanOrEqual(150);
    expect(pipelines(p)).toBeLessThanOrEqual(45);
    const software = planned(graph, homes, { ...target, software: true, maxStorageBuffers: 10 });
    expect(dispatches(software)).toBeLessThanOrEqual(200);
    expect(pipelines(software)).toBeLessThanOrEqual(45);
  });

  it("grows by at most 34 dispatches and no pipeline a layer", () => {
    const more = trainStep({ ...charGpt, layers: 5 }, target);
    const q = planned(more.graph, more.homes);
    expect(dispatches(q) - dispatches(p)).toBeLessThanOrEqual(34);
    expect(pipelines(q)).toBe(pipelines(p));
  });

  it("copies nothing, and wastes little of its arena", () => {
    expect(p.steps.every((step) => step.kind === "dispatch")).toBe(true);
    expect(p.arenaBytes).toBeLessThanOrEqual(1.05 * p.liveBytes);
  });
});
