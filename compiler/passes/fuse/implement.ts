// In: a node with a kernel of its own and the types of what it is bound to. Out: its dispatches, as the kernel's table says.

import type { AnyNode, OpAttrs, TensorType } from "../../ir/graph.js";
import { hasKernel, type KernelOp, kernels, matmul } from "../../kernels/index.js";
import type { Epilogue, Implementation, Kernel, Target } from "../../kernels/kernel.js";

export function implement(
  node: AnyNode,
  inputs: readonly TensorType[],
  outputs: readonly TensorType[],
  target: Target,
  epilogue?: Epilogue,
): Implementation {
  if (node.op === "matmul") return matmul(node.attrs, inputs, outputs, target, epilogue);
  if (!hasKernel(node.op)) throw new Error(`internal error: op ${node.op} has neither a kernel nor an expression`);
  return from(node.op, node.attrs as OpAttrs[typeof node.op], inputs, outputs, target);
}

function from<K extends KernelOp>(
  op: K,
  attrs: OpAttrs[K],
  inputs: readonly TensorType[],
  outputs: readonly TensorType[],
  target: Target,
): Implementation {
  const kernel = kernels[op] as Kernel<K>;
  return kernel.implement(attrs, inputs, outputs, target);
}
