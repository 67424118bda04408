// Calls → memory plan: where every tensor lies and what each dispatch binds. In: calls in order; out: steps over byte ranges of the upload block, the
// persistent buffers and one arena. Invariant: tensors that live at the same time never overlap, and ranges bound in one dispatch never do.

import { type AnyNode, bytes, type DType, elements } from "../ir/graph.js";
import { scratchOf } from "../kernels/columns.js";
import type { Binding, Target } from "../kernels/kernel.js";
import { renderRegion } from "../kernels/rows.js";
import type { Call, Calls, Tensor, View } from "./fuse.js";
import { allocate, type Slot } from "./plan/arena.js";
import { bindRegion, overlapping } from "./plan/bind.js";
import { shareStorage } from "./plan/share.js";

/** `upload`, `arena`, or a persistent buffer by name. */
export interface Range {
  readonly space: string;
  /** In bytes. */
  readonly offset: number;
  readonly bytes: number;
}

export type PlannedStep =
  | {
      readonly kind: "dispatch";
      readonly kernel: string;
      readonly wgsl: string;
      readonly immediates: readonly number[];
      readonly grid: readonly [number, number, number];
      readonly bindings: readonly Range[];
      readonly label: string;
      /** Index into `Plan.calls.calls`. */
      readonly call: number;
      readonly origin?: AnyNode["origin"];
    }
  | { readonly kind: "copy"; readonly from: Range; readonly to: Range; readonly label: string; readonly call: number };

export interface Plan {
  readonly name: string;
  readonly calls: Calls;
  readonly steps: readonly PlannedStep[];
  readonly uploadBytes: number;
  readonly scalars: readonly { readonly name: string; readonly dtype: DType; readonly offset: number }[];
  readonly inputs: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[]; readonly offset: number }[];
  readonly outputs: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[]; readonly source: Range }[];
  /** Bytes of each persistent buffer as this program uses it. */
  readonly buffers: ReadonlyMap<string, number>;
  readonly arenaBytes: number;
  /** No plan of these calls in this order needs less: the most bytes alive at once. */
  readonly liveBytes: number;
  /** By tensor id. */
  readonly ranges: readonly Range[];
  /** Of arena tensors, by id: first and last call. */
  readonly lifetimes: ReadonlyMap<number, readonly [first: number, last: number]>;
}

/** Offsets of bindings. */
export const BINDING_ALIGN = 256;

export const UPLOAD_SPACE = "upload";
export const ARENA_SPACE = "arena";

export function align(offset: number): number {
  return Math.ceil(offset / BINDING_ALIGN) * BINDING_ALIGN;
}

/** A tensor is larger than a storage binding of the target may be: the program does not fit the device. */
export class TooLargeError extends RangeError {
  override readonly name = "TooLargeError";
}

/** Throws `TooLargeError` where a tensor is larger than a binding of the target may be. */
export function plan(calls: Calls, target: Target): Plan {
  const upload = uploadBlock(calls);
  const buffers = new Map<string, number>();
  const use = (buffer: string, end: number): void => {
    buffers.set(buffer, Math.max(buffers.get(buffer) ?? 0, end));
  };

  // --- lifetimes of what lies in the arena ---
  const end = calls.calls.length;
  const lifetimes = new Map<number, readonly [number, number]>();
  const touch = (view: View, when: number): void => {
    const tensor = tensorOf(calls, view.tensor);
    if (tensor.lies.kind !== "arena") return;
    const [first, last] = lifetimes.get(view.tensor) ?? [when, when];
    lifetimes.set(view.tensor, [Math.min(first, when), Math.max(last, when)]);
  };
  calls.calls.forEach((call, i) => {
    for (const view of [...call.operands, ...call.results]) touch(view, i);
  });
  for (const view of calls.outputs.values()) touch(view, end);
  for (const copy of calls.copies) touch(copy.from, end);

  // --- slots: storage that one tensor, or a chain of tensors in place of each other, takes ---
  const shared = shareStorage(calls, lifetimes);
  const slots: Slot[] = [];
  const slotOf = new Map<number, number>();
  for (const [id, [first, last]] of lifetimes) {
    const root = shared.get(id) ?? id;
    const known = slotOf.get(root);
    const size = align(bytes(tensorOf(calls, id).type));
    if (known === undefined) slotOf.set(root, slots.push({ first, last, bytes: size }) - 1);
    else {
      const slot = slots[known];
      if (slot) slots[known] = { first: Math.min(slot.first, first), last: Math.max(slot.last, last), bytes: Math.max(slot.bytes, size) };
    }
    slotOf.set(id, slotOf.get(root) ?? 0);
  }
  const temporary = (when: number, size: number): number => slots.push({ first: when, last: when, bytes: align(size) }) - 1;
  const scratch = calls.calls.map((call, i) =>
    (call.kind === "op" ? call.implementation.scratch : scratchOf(call.region)).map((size) => temporary(i, size)),
  );
  const aside = calls.calls.map((call, i) =>
    asides(calls, call, upload.offsets).map((k) => ({ operand: k, slot: temporary(i, bytes(viewAt(call.operands, k).type)) })),
  );
  const arena = allocate(slots);

  const slotRange = (slot: number, size: number): Range => ({ space: ARENA_SPACE, offset: arena.offsets[slot] ?? 0, bytes: size });
  const placeOf = (tensor: Tensor): Range => {
    const size = bytes(tensor.type);
    switch (tensor.lies.kind) {
      case "input":
      case "scalar":
        return { space: UPLOAD_SPACE, offset: upload.offsets.get(tensor.id) ?? 0, bytes: size };
      case "persistent":
        use(tensor.lies.buffer, 4 * tensor.lies.offset + size);
        return { space: tensor.lies.buffer, offset: 4 * tensor.lies.offset, bytes: size };
      case "arena":
        return slotRange(slotOf.get(tensor.id) ?? 0, size);
    }
  };
  const ranges = calls.tensors.map(placeOf);

  calls.graph.nodes.forEach((node) => {
    if (node.op === "pack") use(node.attrs.name, 4 * node.attrs.size);
  });
  const rangeOf = (view: View): Range => {
    const range = ranges[view.tensor];
    if (!range) throw new Error(`internal error: tensor ${view.tensor} has no place`);
    return { space: range.space, offset: range.offset + 4 * view.offset, bytes: bytes(view.type) };
  };

  // --- steps ---
  const steps: PlannedStep[] = [];
  calls.calls.forEach((call, i) => {
    const origin = call.origin === undefined ? {} : { origin: call.origin };
    const own = (scratch[i] ?? []).map((slot) => slotRange(slot, slots[slot]?.bytes ?? 0));
    if (call.kind === "region") {
      const { places, ranges: bound } = bindRegion(
        call.region,
        call.operands.map((view) => ({ range: rangeOf(view), scalar: tensorOf(calls, view.tensor).lies.kind === "scalar" })),
        call.results.map(rangeOf),
        upload.scalarBytes,
      );
      const kernel = renderRegion(call.region, places, target);
      for (const dispatch of kernel.dispatches) {
        const { bindings, ...rest } = dispatch;
        const all = [...bound, ...own];
        steps.push({
          kind: "dispatch",
          ...rest,
          bindings: bindings.map((k) => checked(all[k], target)),
          label: call.label,
          call: i,
          ...origin,
        });
      }
      return;
    }
    const inputs = call.operands.map(rangeOf);
    const outputs = call.results.map(rangeOf);
    for (const { operand, slot } of aside[i] ?? []) {
      const from = rangeAt(inputs, operand);
      const to = slotRange(slot, from.bytes);
      steps.push({ kind: "copy", from, to, label: `${call.label} operand`, call: i });
      inputs[operand] = to;
    }
    const pair = call.implementation.inPlace;
    if (pair) {
      const from = rangeAt(inputs, pair[1]);
      const to = rangeAt(outputs, pair[0]);
      if (from.space !== to.space || from.offset !== to.offset)
        steps.push({ kind: "copy", from, to, label: `${call.label} in place`, call: i });
      inputs[pair[1]] = to;
    }
    const range = (binding: Binding): Range =>
      rangeAt(binding.kind === "input" ? inputs : binding.kind === "output" ? outputs : own, binding.index);
    for (const dispatch of call.implementation.dispatches) {
      const bindings = dispatch.bindings.map((binding) => checked(range(binding), target));
      const clash = overlapping(bindings);
      if (clash) throw new Error(`internal error: ${call.label} binds overlapping ranges ${JSON.stringify(clash)}`);
      steps.push({
        kind: "dispatch",
        kernel: dispatch.kernel,
        wgsl: dispatch.wgsl,
        immediates: dispatch.immediates,
        grid: dispatch.grid,
        bindings,
        label: call.label,
        call: i,
        ...origin,
      });
    }
  });
  for (const { from, to, state } of calls.copies)
    steps.push({ kind: "copy", from: rangeOf(from), to: rangeOf(to), label: `update ${state}`, call: end });

  return {
    name: calls.name,
    calls,
    steps,
    uploadBytes: upload.bytes,
    scalars: upload.scalars,
    inputs: upload.inputs,
    outputs: [...calls.outputs].map(([name, view]) => ({ name, dtype: view.type.dtype, shape: view.type.shape, source: rangeOf(view) })),
    buffers,
    arenaBytes: arena.bytes,
    liveBytes: arena.live,
    ranges,
    lifetimes,
  };
}

function tensorOf(calls: Calls, id: number): Tensor {
  const tensor = calls.tensors[id];
  if (!tensor) throw new Error(`internal error: no tensor ${id}`);
  return tensor;
}

function rangeAt(list: readonly Range[], k: number): Range {
  const range = list[k];
  if (!range) throw new Error(`internal error: no range ${k}`);
  return range;
}

function viewAt(list: readonly View[], k: number): View {
  const view = list[k];
  if (!view) throw new Error(`internal error: no operand ${k}`);
  return view;
}

function checked(range: Range | undefined, target: Target): Range {
  if (!range) throw new Error("internal error: a binding without a range");
  if (range.bytes > target.maxBinding)
    throw new TooLargeError(`A tensor of ${range.bytes} bytes is larger than a binding of this device may be: ${target.maxBinding} bytes.`);
  return range;
}

/**
 * Scalars first, a word each: fused kernels bind them all at once. A scalar that a kernel of its own binds stands at an offset that can be bound.
 * Then the inputs.
 */
function uploadBlock(calls: Calls) {
  const alone = new Set<number>();
  for (const call of calls.calls) if (call.kind === "op") for (const view of call.operands) alone.add(view.tensor);
  const offsets = new Map<number, number>();
  const scalars: { name: string; dtype: DType; offset: number }[] = [];
  const inputs: { name: string; dtype: DType; shape: readonly number[]; offset: number }[] = [];
  let top = 0;
  const scalarTensors = calls.tensors.filter((tensor) => tensor.lies.kind === "scalar");
  for (const tensor of [...scalarTensors.filter((t) => !alone.has(t.id)), ...scalarTensors.filter((t) => alone.has(t.id))]) {
    if (tensor.lies.kind !== "scalar") continue;
    if (alone.has(tensor.id)) top = align(top);
    offsets.set(tensor.id, top);
    scalars.push({ name: tensor.lies.name, dtype: tensor.type.dtype, offset: top });
    top += 4;
  }
  const scalarBytes = top;
  for (const tensor of calls.tensors) {
    if (tensor.lies.kind !== "input") continue;
    top = align(top);
    offsets.set(tensor.id, top);
    inputs.push({ name: tensor.lies.name, dtype: tensor.type.dtype, shape: tensor.type.shape, offset: top });
    top += bytes(tensor.type);
  }
  return { offsets, scalars, inputs, scalarBytes, bytes: Math.max(4, top) };
}

/** Operands of a kernel of its own that must be copied before it: at an offset that can not be bound, or overlapping another binding. */
function asides(calls: Calls, call: Call, uploads: ReadonlyMap<number, number>): number[] {
  if (call.kind !== "op") return [];
  const pair = call.implementation.inPlace;
  const place = (view: View): { space: string; from: number; to: number } => {
    const tensor = tensorOf(calls, view.tensor);
    const size = elements(view.type.shape);
    switch (tensor.lies.kind) {
      case "persistent":
        return { space: tensor.lies.buffer, from: tensor.lies.offset + view.offset, to: tensor.lies.offset + view.offset + size };
      case "input":
      case "scalar": {
        const from = (uploads.get(tensor.id) ?? 0) / 4 + view.offset;
        return { space: UPLOAD_SPACE, from, to: from + size };
      }
      case "arena":
        return { space: `tensor ${tensor.id}`, from: view.offset, to: view.offset + size };
    }
  };
  const taken: { space: string; from: number; to: number }[] = call.results.filter((_, k) => k !== pair?.[0]).map(place);
  const result: number[] = [];
  call.operands.forEach((view, k) => {
    const own = place(view);
    const clash = taken.some((other) => other.space === own.space && other.from < own.to && own.from < other.to);
    if (own.from % (BINDING_ALIGN / 4) !== 0 || clash) result.push(k);
    else taken.push(own);
  });
  return result;
}
