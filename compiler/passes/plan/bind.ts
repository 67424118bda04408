// In: the ranges that a fused kernel reads and writes. Out: its bindings, ranges merged where they overlap or begin within one alignment unit, and
// where each tensor lies in them. Invariant: bindings do not overlap, as WebGPU asks of writable ones.

import type { Region } from "../../kernels/region.js";
import type { Places } from "../../kernels/region-text.js";
import { BINDING_ALIGN, type Range, UPLOAD_SPACE } from "../plan.js";

export function bindRegion(
  region: Region,
  operands: readonly { readonly range: Range; readonly scalar: boolean }[],
  results: readonly Range[],
  scalarBytes: number,
): { readonly places: Places; readonly ranges: readonly Range[] } {
  if (region.operands.length !== operands.length || region.results.length !== results.length)
    throw new Error("internal error: a region bound to other tensors");
  const block: Range = { space: UPLOAD_SPACE, offset: 0, bytes: scalarBytes };
  const wanted = [...operands.map(({ range, scalar }) => (scalar ? block : range)), ...results];
  const merged: Range[] = [];
  for (const range of wanted) {
    const offset = Math.floor(range.offset / BINDING_ALIGN) * BINDING_ALIGN;
    let own: Range = { space: range.space, offset, bytes: range.offset + range.bytes - offset };
    // Joining one may make it meet another.
    for (let k = 0; k < merged.length; k++) {
      const other = merged[k];
      if (!other || !overlapping([own, other])) continue;
      const begin = Math.min(own.offset, other.offset);
      own = { space: own.space, offset: begin, bytes: Math.max(own.offset + own.bytes, other.offset + other.bytes) - begin };
      merged.splice(k, 1);
      k = -1;
    }
    merged.push(own);
  }
  // In order of first use, so that equal kernels have equal texts.
  const ordered: Range[] = [];
  const bindingOf = (range: Range): number => {
    const own = merged.find((m) => m.space === range.space && m.offset <= range.offset && range.offset + range.bytes <= m.offset + m.bytes);
    if (!own) throw new Error("internal error: a range without a binding");
    if (!ordered.includes(own)) ordered.push(own);
    return ordered.indexOf(own);
  };
  const place = (range: Range, fixed: boolean) => {
    const binding = bindingOf(range);
    return { binding, offset: (range.offset - (ordered[binding]?.offset ?? 0)) / 4, ...(fixed ? { fixed } : {}) };
  };
  const placedOperands = operands.map(({ range, scalar }) => place(range, scalar));
  const placedResults = results.map((range) => place(range, false));
  return { places: { bindings: ordered.length, operands: placedOperands, results: placedResults }, ranges: ordered };
}

/** Two of the ranges that overlap, if any do. */
export function overlapping(ranges: readonly Range[]): readonly [Range, Range] | undefined {
  for (const [i, a] of ranges.entries()) {
    for (const b of ranges.slice(i + 1)) {
      if (a.space === b.space && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes) return [a, b];
    }
  }
  return undefined;
}
