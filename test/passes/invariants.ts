// What holds of every plan, checked by brute force and without the planner's own code: each computation in one call and in order, no two tensors alive
// at once in one place, bindings few, aligned, small enough and disjoint, a state's old value read before it is overwritten.

import { expect } from "vitest";
import { bytes } from "../../compiler/ir/graph.js";
import type { Target } from "../../compiler/kernels/kernel.js";
import type { Plan, Range } from "../../compiler/passes/plan.js";

const meet = (a: Range, b: Range): boolean => a.space === b.space && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;

export function checkPlan(plan: Plan, target: Target): void {
  const { calls, tensors, graph } = plan.calls;
  // Every node at most once; every operand made, uploaded or persistent before it is read.
  const computed = new Set<number>();
  for (const call of calls) {
    for (const node of call.nodes) {
      expect(computed.has(node), `node ${node} is computed twice`).toBe(false);
      computed.add(node);
    }
  }
  const made = new Set<number>();
  for (const call of calls) {
    for (const view of call.operands) {
      const tensor = tensors[view.tensor];
      const node = graph.nodes[tensor?.node ?? -1];
      const needed =
        node?.op === "pack"
          ? packed(plan, tensor?.node ?? -1)
          : node?.op === "state" || node?.op === "input" || node?.op === "scalar"
            ? []
            : [view.tensor];
      for (const id of needed) expect(made.has(id), `%${tensors[id]?.node} is read before it is made`).toBe(true);
    }
    for (const view of call.results) {
      expect(made.has(view.tensor), `tensor ${view.tensor} is made twice`).toBe(false);
      made.add(view.tensor);
    }
  }
  // Lives from the first step that binds it to the last.
  const end = calls.length;
  const life = new Map<number, [number, number]>();
  const touch = (id: number, when: number): void => {
    const [first, last] = life.get(id) ?? [when, when];
    life.set(id, [Math.min(first, when), Math.max(last, when)]);
  };
  calls.forEach((call, i) => {
    for (const view of [...call.operands, ...call.results]) touch(view.tensor, i);
  });
  for (const view of plan.calls.outputs.values()) touch(view.tensor, end);
  for (const copy of plan.calls.copies) touch(copy.from.tensor, end);
  const arena = [...life].filter(([id]) => tensors[id]?.lies.kind === "arena");
  for (const [a, [firstA, lastA]] of arena) {
    for (const [b, [firstB, lastB]] of arena) {
      if (a >= b || lastA < firstB || lastB < firstA) continue;
      const [x, y] = [plan.ranges[a], plan.ranges[b]];
      if (!x || !y || !meet(x, y)) continue;
      // Only a result in the place of an operand that dies with the call.
      const call = calls[Math.max(firstA, firstB)];
      const inPlace =
        (lastA === firstB || lastB === firstA) &&
        x.offset === y.offset &&
        bytes(tensors[a]?.type ?? { dtype: "f32", shape: [] }) === bytes(tensors[b]?.type ?? { dtype: "f32", shape: [] });
      expect(inPlace && call?.kind === "region", `tensors ${a} and ${b} lie on each other`).toBe(true);
    }
  }
  // A persistent range is overwritten after everything that reads what it held.
  calls.forEach((writer, i) => {
    for (const result of writer.results) {
      const to = plan.ranges[result.tensor];
      if (tensors[result.tensor]?.lies.kind !== "persistent" || !to) continue;
      calls.slice(i + 1).forEach((reader) => {
        for (const operand of reader.operands) {
          const from = plan.ranges[operand.tensor];
          const node = graph.nodes[tensors[operand.tensor]?.node ?? -1];
          if (node?.op === "state" && from && meet(from, to)) expect.fail(`${node.attrs.name} is read after it was overwritten`);
        }
      });
    }
  });
  for (const step of plan.steps) {
    if (step.kind !== "dispatch") continue;
    expect(step.bindings.length).toBeLessThanOrEqual(target.maxStorageBuffers);
    expect(step.immediates.length).toBeLessThanOrEqual(16);
    for (const size of step.grid) expect(size).toBeLessThanOrEqual(target.maxGroups);
    step.bindings.forEach((a, i) => {
      expect(a.offset % 256, step.label).toBe(0);
      expect(a.bytes).toBeGreaterThan(0);
      expect(a.bytes).toBeLessThanOrEqual(target.maxBinding);
      const limit = a.space === "arena" ? plan.arenaBytes : a.space === "upload" ? plan.uploadBytes : (plan.buffers.get(a.space) ?? 0);
      expect(a.offset + a.bytes, `${step.label} ${a.space}`).toBeLessThanOrEqual(limit);
      for (const b of step.bindings.slice(i + 1)) expect(meet(a, b), `${step.label} binds overlapping ranges`).toBe(false);
    });
  }
  expect(plan.arenaBytes).toBeGreaterThanOrEqual(plan.liveBytes);
}

/** Tensors that a pack is made of. */
function packed(plan: Plan, node: number): number[] {
  const { tensors } = plan.calls;
  const own = tensors.find((tensor) => tensor.node === node)?.lies;
  return tensors
    .filter(
      (tensor) =>
        tensor.node !== node &&
        own?.kind === "persistent" &&
        tensor.lies.kind === "persistent" &&
        tensor.lies.buffer === own.buffer &&
        plan.calls.graph.nodes[tensor.node]?.op !== "state",
    )
    .map((tensor) => tensor.id);
}
