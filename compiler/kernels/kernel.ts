// How a kernel runs. A kernel turns a specification (structure: which operands, which transposes, which expression) into WGSL, and a
// problem (numbers: sizes, strides) into immediates and a grid, so that few pipelines serve many shapes.
// Every kernel has a plain CPU reference, never clever, which tests compare with the device at odd sizes.

import type { OpAttrs, OpName, TensorType } from "../ir/graph.js";
import type { Access, Expr } from "./expression.js";

/** What a device can do, probed once by the runtime; the compiler never assumes more. */
export interface Target {
  /** Subgroup width when it is one fixed number and the `subgroups` feature is there, else 0. */
  readonly subgroup: number;
  readonly f16: boolean;
  /** Largest storage binding, bytes (128 MiB on many drivers). */
  readonly maxBinding: number;
  /** Storage buffers a stage, at least 8. */
  readonly maxStorageBuffers: number;
  /** Largest number of workgroups along one dimension of a grid (65,535). */
  readonly maxGroups: number;
  /** Workgroup memory, bytes (16 KiB at least). */
  readonly maxWorkgroupMemory: number;
  /** Runs on the CPU (lavapipe, SwiftShader): few, cheap-to-compile kernels; loads bound it. */
  readonly software: boolean;
}

/** The least that WebGPU promises: what an artifact is compiled for when no device is named. */
export const portable: Target = {
  subgroup: 0,
  f16: false,
  maxBinding: 128 * 2 ** 20,
  maxStorageBuffers: 8,
  maxGroups: 65535,
  maxWorkgroupMemory: 16384,
  software: false,
};

/**
 * One dispatch: WGSL text, the numbers it gets as immediates (16 words at most; f32 by their bits), its grid. Bindings are `@group(0) @binding(i)`,
 * in the order operands then results, all declared `var<storage, read_write>`: one buffer (the arena) often holds both what is read and
 * what is written, and WebGPU forbids read-only beside read-write use of one buffer in a dispatch. Ranges of one dispatch never overlap, so an
 * operand used twice is bound once, and an in-place result shares its operand's binding (`inPlace`).
 */
export interface KernelCall {
  readonly kernel: string;
  readonly wgsl: string;
  readonly immediates: readonly number[];
  readonly grid: readonly [number, number, number];
}

/** What a binding of a dispatch is: the node's k-th input, its k-th result, or a scratch buffer that lives for the implementation only. */
export type Binding =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "scratch"; readonly index: number };

export interface Dispatch extends KernelCall {
  /** One an entry of the WGSL's bindings, in order; no binding twice (the planner merges operands that are the same value before it asks). */
  readonly bindings: readonly Binding[];
}

/** How one node runs: its dispatches in order, the bytes of each scratch buffer, and which result must share which input's storage. */
export interface Implementation {
  readonly dispatches: readonly Dispatch[];
  readonly scratch: readonly number[];
  /** [result, input]: the kernel updates the input's storage in place (`cache_write`), so the planner lets both be one range. */
  readonly inPlace?: readonly [result: number, input: number];
}

/** What happens to each element of a matmul before it is stored; extra operands are bound after A and B, results after those. */
export interface Epilogue {
  readonly operands: readonly { readonly access: Access; readonly period?: number }[];
  /** One stored [..., M, N] tensor each; loads name `operands` by index. */
  readonly results: readonly Expr[];
}

/** One op's kernels. `node.inputs` are not looked at: `inputs` are their types. */
export interface Kernel<K extends OpName> {
  readonly doc: string;
  implement(attrs: OpAttrs[K], inputs: readonly TensorType[], outputs: readonly TensorType[], target: Target): Implementation;
}

/** WGSL head that declares `n` storage bindings `b0 … b{n-1}` with element types, and the immediates as `var<immediate> im: Immediates`. */
export function header(
  types: readonly string[],
  immediates: readonly (readonly [name: string, type: "u32" | "f32"])[],
  target: Target,
): string {
  const lines: string[] = [];
  if (target.subgroup > 0) lines.push("enable subgroups;");
  if (immediates.length > 0) lines.push("requires immediate_address_space;");
  types.forEach((type, i) => {
    lines.push(`@group(0) @binding(${i}) var<storage, read_write> b${i}: array<${type}>;`);
  });
  if (immediates.length > 0) {
    lines.push(`struct Immediates { ${immediates.map(([name, type]) => `${name}: ${type}`).join(", ")} }`);
    lines.push("var<immediate> im: Immediates;");
  }
  return `${lines.join("\n")}\n`;
}

/** Folds `groups` workgroups into a grid that respects the limit; kernels compute their index as `gid.x + gid.y * num.x` and test it. */
export function fold(groups: number, target: Target): readonly [number, number, number] {
  if (groups <= target.maxGroups) return [Math.max(1, groups), 1, 1];
  const y = Math.ceil(groups / target.maxGroups);
  return [Math.ceil(groups / y), y, 1];
}

/** A number's f32 bits, for immediates of type f32. */
export function bits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}
