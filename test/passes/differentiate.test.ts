// Gradients of a whole decoder against finite differences, and how they are made: shared with the forward, stopped at `detach`.

import { describe, expect, it } from "vitest";
import { evaluateAll, interpret } from "../../compiler/interpret.js";
import { add, Builder, detach, fill, matmul, mul, reshape, sum, unary } from "../../compiler/ir/builder.js";
import type { Value } from "../../compiler/ir/graph.js";
import { verify } from "../../compiler/ir/verify.js";
import { decompose } from "../../compiler/passes/decompose.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { simplify } from "../../compiler/passes/simplify.js";
import { words } from "../ops/cases.js";
import { softmax, transformer } from "./transformer.js";

describe("a decoder", () => {
  const sample = transformer();
  const result = differentiate(sample.graph, { loss: sample.loss, wrt: sample.parameters.keys() });
  const values = evaluateAll(result.graph, sample.bindings, [...result.gradients.values()]);

  it("is a legal graph with a gradient for every parameter", () => {
    expect(verify(result.graph)).toEqual([]);
    expect([...result.gradients.keys()].sort()).toEqual([...sample.parameters.keys()].sort());
    for (const [name, value] of result.gradients) expect(result.graph.nodes[value]?.types[0]?.shape).toEqual(sample.parameters.get(name));
  });

  const lossAt = (state: Readonly<Record<string, Float32Array>>) =>
    interpret(sample.graph, { ...sample.bindings, state }).outputs.get("loss")?.[0] ?? 0;
  const state = sample.bindings.state as Readonly<Record<string, Float32Array>>;

  for (const name of sample.parameters.keys()) {
    it(`${name} by finite differences`, () => {
      const gradient = values.get(result.gradients.get(name) as Value)?.[0] ?? new Float32Array(0);
      const step = 1 / 128;
      // Every element of small parameters, every fifth of others.
      for (let i = 0; i < gradient.length; i += gradient.length > 12 ? 5 : 1) {
        const moved = (steps: number) => {
          const own = Float32Array.from(state[name] ?? []);
          own[i] = (own[i] ?? 0) + steps * step;
          return lossAt({ ...state, [name]: own });
        };
        const expected = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step);
        expect(Math.abs((gradient[i] ?? 0) - expected), `${name}[${i}]: ${gradient[i]} and ${expected}`).toBeLessThan(3e-4);
      }
    });
  }

  it("has the same gradients after decomposition and simplification", () => {
    const outputs = new Map([...result.gradients, ...result.graph.outputs]);
    const whole = { ...result.graph, outputs };
    const small = simplify(decompose(whole));
    expect(verify(small)).toEqual([]);
    expect(small.nodes.length).toBeLessThan(whole.nodes.length);
    const [expected, actual] = [interpret(whole, sample.bindings), interpret(small, sample.bindings)];
    for (const [name, tensor] of expected.outputs) {
      tensor.forEach((value, i) => {
        expect(actual.outputs.get(name)?.[i]).toBeCloseTo(value, 5);
      });
    }
    // What the standard blocks leave behind: no transposes before products, no repeated constants.
    expect(small.nodes.some((node) => node.op === "transpose" || node.op === "cross_entropy" || node.op === "detach")).toBe(false);
  });
});

describe("differentiate", () => {
  const state = (b: Builder, name: string, shape: readonly number[]) => b.emit("state", [], { name, dtype: "f32", shape });

  it("adds the gradients of all uses", () => {
    const b = new Builder("uses");
    const w = state(b, "w", [2]);
    const loss = sum(b, add(b, mul(b, w, w), w), [0]);
    const { graph, gradients } = differentiate(b.finish(), { loss, wrt: ["w"] });
    const value = gradients.get("w") as Value;
    expect([...(evaluateAll(graph, { state: { w: Float32Array.of(3, -1) } }, [value]).get(value)?.[0] ?? [])]).toEqual([7, -1]);
  });

  it("stops at detach, and gives nothing to states that the loss does not need", () => {
    const b = new Builder("stop");
    const [w, u, v] = [state(b, "w", [2]), state(b, "u", [2]), state(b, "v", [2])];
    b.output("unused", u);
    const loss = sum(b, mul(b, detach(b, v), w), [0]);
    const { gradients } = differentiate(b.finish(), { loss, wrt: ["w", "u", "v"] });
    expect([...gradients.keys()]).toEqual(["w"]);
  });

  it("goes through a softmax as it is lowered", () => {
    const b = new Builder("softmax");
    const w = state(b, "w", [2, 3]);
    const chosen = b.emit("gather", [reshape(b, softmax(b, w), [6, 1]), b.emit("input", [], { name: "ids", dtype: "u32", shape: [1] })], {
      first: 0,
    });
    const loss = sum(b, chosen, [0, 1]);
    const { graph, gradients } = differentiate(b.finish(), { loss, wrt: ["w"] });
    const value = gradients.get("w") as Value;
    const found =
      evaluateAll(graph, { inputs: { ids: words([1], 1).data }, state: { w: Float32Array.of(0, 1, 2, 0, 0, 0) } }, [value]).get(
        value,
      )?.[0] ?? [];
    const e = [1, Math.E, Math.E ** 2];
    const total = e.reduce((x, y) => x + y);
    const p = e.map((x) => x / total);
    const expected = p.map((pi, i) => (p[1] ?? 0) * ((i === 1 ? 1 : 0) - pi));
    expect([...found]).toEqual([...expected, 0, 0, 0].map((g) => expect.closeTo(g, 6)));
  });

  it("refuses a loss that is no scalar, and an op without gradient on the way", () => {
    const b = new Builder("refused");
    const w = state(b, "w", [1, 2]);
    expect(() => differentiate(b.finish(), { loss: w, wrt: ["w"] })).toThrow("the loss of graph refused is f32[1,2], not a scalar");
    const written = b.emit("cache_write", [state(b, "c", [1, 3]), w, b.emit("input", [], { name: "p", dtype: "u32", shape: [1, 2] })], {});
    const loss = sum(b, written, [0, 1]);
    expect(() => differentiate(b.finish(), { loss, wrt: ["w"] })).toThrow("op cache_write can not be differentiated");
  });

  it("differentiates its own result again", () => {
    const c = new Builder("twice");
    const x = state(c, "x", [1, 1]);
    const loss = sum(c, unary(c, "tanh", matmul(c, x, mul(c, x, fill(c, 2)))), [0, 1]);
    const once = differentiate(c.finish(), { loss, wrt: ["x"] });
    const again = Builder.from(once.graph);
    const inner = sum(again, once.gradients.get("x") as Value, [0, 1]);
    const twice = differentiate(again.finish(), { loss: inner, wrt: ["x"] });
    const value = twice.gradients.get("x") as Value;
    const at = 0.3;
    const t = Math.tanh(2 * at * at);
    // d²/dx² tanh(2x²) = 4 (1 − t²) − 32 x² t (1 − t²)
    const expected = 4 * (1 - t * t) - 32 * at * at * t * (1 - t * t);
    expect(evaluateAll(twice.graph, { state: { x: Float32Array.of(at) } }, [value]).get(value)?.[0]?.[0]).toBeCloseTo(expected, 5);
  });
});
