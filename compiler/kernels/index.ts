// The ops that have kernels of their own. All other ops are reads of memory (`input`, `state`, `reshape`, `pick`, `pack`) or fuse into row kernels.

import type { OpName } from "../ir/graph.js";
import { attention } from "./attention.js";
import { attentionGradient } from "./attention-grad.js";
import { broadcast, cast, concat, pad, slice, transpose } from "./copy.js";
import { matmul as gemm } from "./gemm.js";
import type { Kernel } from "./kernel.js";
import { sample } from "./sample.js";
import { cacheWrite, gather, rotate, scatterAdd, tally } from "./table.js";

export { matmul } from "./gemm.js";

const matmulKernel: Kernel<"matmul"> = {
  doc: "Tiles, or lanes along K for a few rows; see `matmul` for one with an epilogue.",
  implement: (attrs, inputs, outputs, target) => gemm(attrs, inputs, outputs, target),
};

export const kernels = {
  matmul: matmulKernel,
  attention,
  attention_gradient: attentionGradient,
  gather,
  scatter_add: scatterAdd,
  rotate,
  transpose,
  broadcast,
  slice,
  pad,
  concat,
  cast,
  cache_write: cacheWrite,
  tally,
  sample,
} as const satisfies { readonly [K in OpName]?: Kernel<K> };

/** An op with a kernel of its own. */
export type KernelOp = keyof typeof kernels;

/** Whether `op` has a kernel of its own. */
export function hasKernel(op: OpName): op is KernelOp {
  return op in kernels;
}
