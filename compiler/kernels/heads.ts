// In: an attention's attributes and types. Out: what all its kernels share: sizes, immediates, and which keys a query row sees.
// Invariant: forward and gradient ask the same `sightOf`, so they can not disagree about a mask.

import type { OpAttrs, TensorType } from "../ir/graph.js";
import { bits, type Target } from "./kernel.js";

/** Sizes of one attention and how its vectors are read: `vd`, `ve` numbers a load (4 where the size allows), `nd`, `ne` loads a vector. */
export interface Heads {
  readonly B: number;
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly G: number;
  readonly D: number;
  readonly E: number;
  readonly vd: 1 | 4;
  readonly ve: 1 | 4;
  readonly nd: number;
  readonly ne: number;
}

/** Reads the sizes off the types of q, k and v. */
export function headsOf(inputs: readonly TensorType[]): Heads {
  const [q, k, v] = inputs;
  const [B = 1, T = 1, H = 1, D = 1] = q?.shape ?? [];
  const [, S = 1, G = 1] = k?.shape ?? [];
  const E = v?.shape[3] ?? 1;
  const vd = D % 4 === 0 ? 4 : 1;
  const ve = E % 4 === 0 ? 4 : 1;
  return { B, T, S, H, G, D, E, vd, ve, nd: D / vd, ne: E / ve };
}

/** WGSL type of one load of `v` numbers. */
export function loadType(v: 1 | 4): string {
  return v === 4 ? "vec4f" : "f32";
}

/** Sum of a load's numbers. */
export function horizontal(text: string, v: 1 | 4): string {
  return v === 4 ? `dot(${text}, vec4f(1f))` : text;
}

export function list(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Which keys a row sees: bindings after q, k, v and WGSL for its limits. */
export interface Sight {
  /** Types of the bindings: the bound, then the segments of rows and keys. */
  readonly types: readonly string[];
  readonly inputs: number;
  /** Statements that declare `lo` and `hi` (u32, suffixed) of the row `row` (index b · T + i). */
  limits(row: string, i: string, suffix: string): string;
  /** Condition that row `row` and key `key` (index b · S + j) are of one segment. */
  same(row: string, key: string): string;
  /** The segments apart, where there are any. */
  readonly rowSegment?: (row: string) => string;
  readonly keySegment?: (key: string) => string;
}

/** `first` is the binding of the bound (or of the segments, where there is none). Needs immediates T, S and window. */
export function sightOf(attrs: OpAttrs["attention"], first: number): Sight {
  const given = attrs.bound === "given";
  const segments = first + (given ? 1 : 0);
  const types = [...(given ? ["u32"] : []), ...(attrs.segmented ? ["u32", "u32"] : [])];
  const bound = (row: string, i: string): string => {
    switch (attrs.bound) {
      case "given":
        return `i32(min(b${first}[${row}], 0x7fffffffu))`;
      case "causal":
        return `i32(${i} + 1u + im.S) - i32(im.T)`;
      case "all":
        return "i32(im.S)";
    }
  };
  return {
    types,
    inputs: types.length,
    limits: (row, i, suffix) =>
      `let bound${suffix} = ${bound(row, i)}; let hi${suffix} = u32(clamp(bound${suffix}, 0, i32(im.S))); let lo${suffix} = ${
        attrs.window > 0 ? `u32(max(bound${suffix} - i32(im.window), 0))` : "0u"
      };`,
    same: (row, key) => (attrs.segmented ? ` && b${segments}[${row}] == b${segments + 1}[${key}]` : ""),
    ...(attrs.segmented
      ? { rowSegment: (row: string) => `b${segments}[${row}]`, keySegment: (key: string) => `b${segments + 1}[${key}]` }
      : {}),
  };
}

/** Immediates that every attention kernel has, in this order. */
export const headNames = [
  ["B", "u32"],
  ["T", "u32"],
  ["S", "u32"],
  ["H", "u32"],
  ["G", "u32"],
  ["window", "u32"],
  ["scale", "f32"],
] as const;

export function headValues(h: Heads, attrs: OpAttrs["attention"]): number[] {
  return [h.B, h.T, h.S, h.H, h.G, attrs.window, bits(attrs.scale)];
}

/** Whether subgroups own tiles of rows: on CPUs, where loads are dear and a broadcast is not. */
export function tiles(target: Target): boolean {
  return target.software && target.subgroup > 1 && target.subgroup <= 16;
}
