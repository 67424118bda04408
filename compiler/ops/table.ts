// The table of ops: what each means. The type system checks that every op of `OpAttrs` has an entry.

import type { OpAttrs, OpName } from "../ir/graph.js";
import { attention, attentionGradient } from "./attention.js";
import { binaryOps, cast, detach, where } from "./binary.js";
import { cacheWrite, sample, tally } from "./decode.js";
import { broadcast, concat, pack, pad, pick, reshape, slice, transpose } from "./layout.js";
import { crossEntropy, linearCrossEntropy, linearCrossEntropyGradient } from "./loss.js";
import { gather, matmul, rotate, scatterAdd } from "./matrix.js";
import type { Op } from "./op.js";
import { amax, sum } from "./reduce.js";
import { fill, input, literal, range, scalar, state, uniform } from "./source.js";
import { compositeOps, unaryOps } from "./unary.js";

const table = {
  ...unaryOps,
  ...compositeOps,
  ...binaryOps,
  input,
  scalar,
  state,
  fill,
  literal,
  range,
  uniform,
  where,
  cast,
  detach,
  sum,
  amax,
  reshape,
  transpose,
  broadcast,
  slice,
  pad,
  concat,
  pack,
  matmul,
  gather,
  scatter_add: scatterAdd,
  rotate,
  attention,
  attention_gradient: attentionGradient,
  pick,
  cross_entropy: crossEntropy,
  linear_cross_entropy: linearCrossEntropy,
  linear_cross_entropy_gradient: linearCrossEntropyGradient,
  cache_write: cacheWrite,
  tally,
  sample,
} satisfies { readonly [K in OpName]: Op<K> };

export const ops: { readonly [K in OpName]: Op<K> } = table;

/** The entry of an op; for a name known only as some op, attributes are taken as any op's. */
export function opOf<K extends OpName>(op: K): Op<K> {
  return ops[op];
}

export function isOp(name: string): name is OpName {
  return Object.hasOwn(ops, name);
}

/** What reads a node's attributes by name; for printers and checkers. */
export function attrsOf(attrs: OpAttrs[OpName]): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(attrs).filter(([, value]) => value !== undefined));
}
