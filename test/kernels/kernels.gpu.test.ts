// Every kernel against the plain loops of its op, on the machine's device: as it is, without subgroups, and with the kernels of the
// other kind of device (software or not).

import { beforeAll, describe, expect, test } from "vitest";
import type { OpAttrs, OpName, TensorType } from "../../compiler/ir/graph.js";
import { type KernelOp, kernels } from "../../compiler/kernels/index.js";
import type { Kernel, Target } from "../../compiler/kernels/kernel.js";
import type { Op, Tensor } from "../../compiler/ops/op.js";
import { ops } from "../../compiler/ops/table.js";
import { type Case, cases, dataOf } from "./cases.js";
import { type Device, type Numbers, openDevice, runOnce } from "./device.js";

const device = await openDevice();
if (!device) console.warn("SKIPPED: no GPU adapter; `npm run` the set-up of a software driver, then run the gpu tier again");

const variants: readonly { readonly name: string; change(target: Target): Target }[] = [
  { name: "the device's own", change: (target) => target },
  { name: "no subgroups", change: (target) => ({ ...target, subgroup: 0 }) },
  { name: "the other kind", change: (target) => ({ ...target, software: !target.software }) },
];

const table: { readonly [K in KernelOp]: readonly Case<K>[] } = cases;
const kernelTable: { readonly [K in KernelOp]: Kernel<K> } = kernels;

interface Problem<K extends OpName> {
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly TensorType[];
  readonly data: readonly Numbers[];
  readonly outputs: readonly TensorType[];
  readonly expected: readonly Tensor[];
}

function evaluate<K extends OpName>(op: Op<K>, attrs: OpAttrs[K], inputs: readonly TensorType[], data: readonly Numbers[]): Problem<K> {
  const outputs = op.infer(inputs, attrs);
  if (!op.evaluate) throw new Error("an op with a kernel needs a plain evaluation");
  return { attrs, inputs, data, outputs, expected: op.evaluate(data, inputs, outputs, attrs) };
}

/** The gradient of a case of `attention`, with o and lse from the plain forward. */
function gradientOf(problem: Case<"attention_gradient">, seed: number): Problem<"attention_gradient"> {
  const forward = evaluate(ops.attention, problem.attrs, problem.inputs, dataOf(problem, seed));
  const types = [...problem.inputs, ...forward.outputs, ...forward.outputs.slice(0, 1)];
  const saved = forward.expected.map((tensor) => (tensor instanceof Float32Array ? new Float32Array(tensor) : new Uint32Array(tensor)));
  const gradient = dataOf({ size: problem.size, attrs: problem.attrs, inputs: forward.outputs.slice(0, 1) }, seed + 1);
  return evaluate(ops.attention_gradient, problem.attrs, types, [...forward.data, ...saved, ...gradient]);
}

function worst(actual: Tensor, expected: Tensor): number {
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const want = expected[i] ?? 0;
    const error = Math.abs((actual[i] ?? Number.NaN) - want) / (1 + Math.abs(want));
    if (!(error <= most)) most = error;
  }
  return most;
}

async function compare<K extends OpName>(
  context: Device,
  kernel: Kernel<K>,
  problem: Problem<K>,
  target: Target,
  tolerance: number,
): Promise<void> {
  const implementation = kernel.implement(problem.attrs, problem.inputs, problem.outputs, target);
  const results = await runOnce(context, implementation, problem.data, problem.inputs, problem.outputs);
  results.forEach((actual, i) => {
    const expected = problem.expected[i];
    expect(expected).toBeDefined();
    const label = `result ${i} of ${JSON.stringify(problem.attrs)} on ${problem.inputs.map((t) => `[${t.shape}]`).join(" ")}`;
    if (expected) expect(worst(actual, expected), label).toBeLessThanOrEqual(tolerance);
  });
}

test("each kernel is tried at size one, at primes, off its tile and at round sizes", () => {
  for (const [op, list] of Object.entries(cases)) {
    const sizes = new Set(list.map(({ size }) => size));
    expect([...sizes].sort(), op).toEqual(["off-tile", "one", "prime", "round"]);
  }
});

describe.skipIf(!device).each(variants)("kernels, $name", ({ change }) => {
  let context: Device;
  let target: Target;
  beforeAll(() => {
    if (!device) throw new Error("no device");
    context = device;
    target = change(device.target);
  });

  function suite<K extends KernelOp>(op: K, problemOf: (problem: Case<K>, seed: number) => Problem<K>): void {
    test(op, async () => {
      for (const [seed, problem] of table[op].entries()) {
        await compare(context, kernelTable[op], problemOf(problem, seed), target, problem.tolerance ?? 2e-5);
      }
    });
  }

  for (const op of Object.keys(kernels) as KernelOp[]) {
    if (op === "attention_gradient") suite(op, gradientOf);
    else suite(op, (problem, seed) => evaluate(ops[op], problem.attrs, problem.inputs, dataOf(problem, seed)));
  }
});
