// Every elementwise function as kernels write it, one number and four at a time, against its plain evaluation, far out as well.

import { describe, expect, it } from "vitest";
import { interpret } from "../../compiler/interpret.js";
import { Builder } from "../../compiler/ir/builder.js";
import type { BinaryOp, Graph, UnaryOp, Value } from "../../compiler/ir/graph.js";
import { binaryOps } from "../../compiler/ops/binary.js";
import { unaryOps } from "../../compiler/ops/unary.js";
import { runGraph } from "../passes/run.js";
import { openDevice } from "./device.js";

const device = await openDevice();
if (!device) console.warn("SKIPPED: no GPU adapter; `npm run setup` looks for a driver");

/** Both signs, zero, small and large. */
const numbers = [0, 0.5, 1e-3, 0.1, 0.3, 0.49, 0.51, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 7, 11, 13.5, 20, 40, 79].flatMap((x) => [x, -x]);
const positive = new Set<UnaryOp>(["log", "sqrt", "rsqrt"]);
/** Absolute error beside the relative one: `gelu_exact` has that of its erf, 1.5e-7, times x/2. */
const absolute: { readonly [K in UnaryOp]?: number } = { gelu_exact: 1e-6 };
/** Where results leave f32. */
const most: { readonly [K in UnaryOp]?: number } = { exp: 20, sin: 5000, cos: 5000 };

function operand(op: UnaryOp, n: number): Float32Array {
  const largest = most[op] ?? 80;
  return Float32Array.from({ length: n }, (_, i) => {
    const x = (numbers[i % numbers.length] ?? 0) * (largest > 80 ? largest / 80 : Math.min(1, largest / 79));
    return positive.has(op) ? Math.abs(x) + 1e-3 : x;
  });
}

async function compare(graph: Graph, state: Readonly<Record<string, Float32Array>>): Promise<void> {
  if (!device) throw new Error("no device");
  const found = (await runGraph(device, graph, { state })).outputs;
  for (const [name, expected] of interpret(graph, { state }).outputs) {
    expected.forEach((value, i) => {
      const actual = found.get(name)?.[i] ?? Number.NaN;
      expect(Math.abs(actual - value), `${name}[${i}]: ${actual} for ${value}`).toBeLessThanOrEqual(
        (absolute[name as UnaryOp] ?? 1e-7) + 1e-5 * Math.abs(value),
      );
    });
  }
}

describe.skipIf(!device).each([37, 64])("functions of %i numbers", (n) => {
  for (const op of Object.keys(unaryOps) as UnaryOp[]) {
    it(op, async () => {
      const b = new Builder(op);
      const x = b.emit("state", [], { name: "x", dtype: "f32", shape: [n] });
      b.output(op, b.emit(op, [x], {}));
      await compare(b.finish(), { x: operand(op, n) });
    });
  }

  for (const op of Object.keys(binaryOps) as BinaryOp[]) {
    it(op, async () => {
      const b = new Builder(op);
      const read = (name: string): Value => b.emit("state", [], { name, dtype: "f32", shape: [n] });
      b.output(op, b.emit(op, [read("x"), read("y")], {}));
      // Powers: any base to small whole numbers, a positive one to any.
      const x = Float32Array.from({ length: n }, (_, i) => (op === "pow" && i % 2 === 0 ? 0.25 + (i % 5) : ((i * 7) % 11) / 2 - 2.25));
      const y = Float32Array.from({ length: n }, (_, i) =>
        op === "pow" ? (i % 2 === 0 ? (i % 7) / 3 - 1 : ((i >> 1) % 7) - 3) : i % 3 === 0 ? (x[i] ?? 0) : ((i * 5) % 13) / 3 - 1.9,
      );
      await compare(b.finish(), { x, y });
    });
  }
});
