// In: a plan. Out: its table as text, the same for the same plan on every machine: one line a step, then the totals.

import type { TensorType } from "../../ir/graph.js";
import type { Plan, Range } from "../plan.js";

/** A plan's steps, one a line, then its totals in bytes. */
export function printPlan(plan: Plan): string {
  const lines: string[] = [`program ${plan.name}`];
  const { calls, tensors } = plan.calls;
  plan.steps.forEach((step, index) => {
    const head = `${String(index).padStart(3)} `;
    if (step.kind === "copy") {
      lines.push(`${head}copy  ${step.label}: ${place(step.from)} → ${place(step.to)}`);
      return;
    }
    const call = calls[step.call];
    const operands = (call?.operands ?? []).map((view) => `${nameOf(view.tensor)}${shape(view.type)}`);
    const results = (call?.results ?? []).map((view) => `${nameOf(view.tensor)}${shape(view.type)} @${place(plan.ranges[view.tensor])}`);
    const grid = step.grid[1] > 1 ? `${step.grid[0]}×${step.grid[1]}` : `${step.grid[0]}`;
    lines.push(`${head}${step.kernel} [${grid}]  ${step.label}: ${operands.join(", ")} → ${results.join(", ")}`);
  });
  const dispatches = plan.steps.filter((step) => step.kind === "dispatch");
  const pipelines = new Set(dispatches.map((step) => (step.kind === "dispatch" ? step.wgsl : "")));
  lines.push(
    `${dispatches.length} dispatches, ${pipelines.size} pipelines, ${plan.steps.length - dispatches.length} copies`,
    `upload ${plan.uploadBytes} bytes, arena ${plan.arenaBytes} bytes (alive at once: ${plan.liveBytes})`,
  );
  for (const [name, size] of plan.buffers) lines.push(`buffer ${name}: ${size} bytes`);
  return `${lines.join("\n")}\n`;

  function nameOf(id: number): string {
    const lies = tensors[id]?.lies;
    switch (lies?.kind) {
      case "input":
      case "scalar":
        return lies.name;
      case "persistent": {
        const node = plan.calls.graph.nodes[tensors[id]?.node ?? 0];
        return node?.op === "state" ? node.attrs.name : `%${tensors[id]?.node}`;
      }
      default:
        return `%${tensors[id]?.node}`;
    }
  }
}

function shape(type: TensorType): string {
  return `${type.dtype === "u32" ? "u32" : ""}[${type.shape.join(",")}]`;
}

function place(range: Range | undefined): string {
  return range ? `${range.space}+${range.offset}` : "?";
}
