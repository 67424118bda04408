// In: calls and lifetimes. Out: which tensors take the storage of an operand that dies in the call that makes them. Invariant: a kernel overwrites an
// element only after the one lane that reads it has read it for the last time: operand and result are read and written at the same element.

import { bytes } from "../../ir/graph.js";
import type { Call, Calls } from "../fuse.js";

/** Tensor id → the tensor whose storage it takes (the first of a chain). */
export function shareStorage(calls: Calls, lifetimes: ReadonlyMap<number, readonly [number, number]>): ReadonlyMap<number, number> {
  const root = new Map<number, number>();
  calls.calls.forEach((call, i) => {
    if (call.kind !== "region" || call.region.domain.kind === "columns") return;
    const used = new Set<number>();
    call.results.forEach((result, k) => {
      const tensor = calls.tensors[result.tensor];
      if (tensor?.lies.kind !== "arena" || call.region.results[k]?.at.kind !== "full") return;
      const operand = call.operands.findIndex((view, o) => {
        const other = calls.tensors[view.tensor];
        return (
          other?.lies.kind === "arena" &&
          !used.has(view.tensor) &&
          lifetimes.get(view.tensor)?.[1] === i &&
          view.offset === 0 &&
          bytes(other.type) === bytes(tensor.type) &&
          other.type.dtype === tensor.type.dtype &&
          readWhole(call, o)
        );
      });
      const view = call.operands[operand];
      if (!view) return;
      used.add(view.tensor);
      root.set(result.tensor, root.get(view.tensor) ?? view.tensor);
    });
  });
  return root;
}

/** Whether every load of an operand is at the kernel's own element, and no other view of the same tensor is read. */
function readWhole(call: Call & { readonly kind: "region" }, operand: number): boolean {
  const tensor = call.operands[operand]?.tensor;
  return call.region.terms.every(
    (term) =>
      term.kind !== "load" || call.operands[term.operand]?.tensor !== tensor || (term.operand === operand && term.at.kind === "full"),
  );
}
