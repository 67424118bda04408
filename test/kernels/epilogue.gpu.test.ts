// A matmul with an epilogue against the plain product and the same expression by hand: each access, several operands and results, in every kernel.

import { describe, expect, test } from "vitest";
import { elements, type TensorType } from "../../compiler/ir/graph.js";
import type { Access, Expr } from "../../compiler/kernels/expression.js";
import { matmul } from "../../compiler/kernels/index.js";
import type { Epilogue } from "../../compiler/kernels/kernel.js";
import { ops } from "../../compiler/ops/table.js";
import { f, floats, generator } from "./cases.js";
import { openDevice, runOnce } from "./device.js";

const device = await openDevice();
if (!device) console.warn("SKIPPED: no GPU adapter; `npm run setup` looks for a driver");

const load = (operand: number, access: Access): Expr => ({ kind: "load", operand, access });
const binary = (op: "add" | "mul" | "max", x: Expr, y: Expr): Expr => ({ kind: "binary", op, x, y });
const accumulator: Expr = { kind: "accumulator" };
const silu = (x: Expr): Expr => ({ kind: "unary", op: "silu", x });

/** y = silu(a + col) · full + row + one · period; z = where(a < row index, col index, −a). */
const epilogue = (period: number): Epilogue => ({
  operands: [{ access: "col" }, { access: "full" }, { access: "row" }, { access: "one" }, { access: "period", period }],
  results: [
    binary(
      "add",
      binary("mul", silu(binary("add", accumulator, load(0, "col"))), load(1, "full")),
      binary("add", load(2, "row"), binary("mul", load(3, "one"), load(4, "period"))),
    ),
    {
      kind: "where",
      condition: { kind: "binary", op: "lt", x: accumulator, y: { kind: "index", axis: "row" } },
      x: { kind: "index", axis: "col" },
      y: { kind: "unary", op: "neg", x: accumulator },
    },
  ],
});

type Sizes = readonly [batch: number, M: number, N: number, K: number];
const sizes: readonly Sizes[] = [
  [1, 1, 1, 1],
  [1, 3, 12, 8],
  [1, 13, 7, 5],
  [3, 5, 65, 9],
  [2, 33, 68, 20],
];

describe.skipIf(!device).each([
  ["subgroups", {}],
  ["no subgroups", { subgroup: 0 }],
  ["shared memory", { software: false }],
] as const)("epilogue with %s", (_name, change) => {
  test.each(sizes)("%i × [%i, %i], K = %i", async (batch, M, N, K) => {
    if (!device) throw new Error("no device");
    const random = generator(M * N);
    for (const transposeB of [false, true]) {
      const attrs = { transposeA: false, transposeB };
      const matrices: readonly TensorType[] = [f(batch, M, K), transposeB ? f(batch, N, K) : f(batch, K, N)];
      const extras: readonly TensorType[] = [f(N), f(batch, M, N), f(batch, M), f(), f(M, N)];
      const types = [...matrices, ...extras];
      const data = types.map(({ shape }) => floats(elements(shape), random));
      const outputs = [f(batch, M, N), f(batch, M, N)];
      const implementation = matmul(attrs, types, outputs, { ...device.target, ...change }, epilogue(M));
      const results = await runOnce(device, implementation, data, types, outputs);
      const product = ops.matmul.evaluate?.(data.slice(0, 2), matrices, outputs.slice(0, 1), attrs)[0];
      const number = (operand: number, i: number): number => data[operand + 2]?.[i] ?? Number.NaN;
      for (let row = 0; row < batch * M; row++) {
        for (let col = 0; col < N; col++) {
          const at = row * N + col;
          const a = product?.[at] ?? Number.NaN;
          const x = a + number(0, col);
          const y = (x / (1 + Math.exp(-x))) * number(1, at) + number(2, row) + number(3, 0) * number(4, (row % M) * N + col);
          expect(results[0]?.[at]).toBeCloseTo(y, 4);
          expect(results[1]?.[at]).toBeCloseTo(a < row ? col : -a, 4);
        }
      }
    }
  });
});
