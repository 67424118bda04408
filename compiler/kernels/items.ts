// In: what one item of a kernel does. Out: a dispatch over `count` items.
// Invariant: an item is computed by one lane and depends on its index only; how many a workgroup takes in turn is the target's business.

import { type Binding, type Dispatch, fold, header, type Target } from "./kernel.js";

const lanes = 64;

export interface Items {
  readonly kernel: string;
  /** Element types of the bindings. */
  readonly types: readonly string[];
  /** Immediates beside those of the loop. */
  readonly immediates: readonly (readonly [name: string, type: "u32" | "f32", value: number])[];
  /** Functions at module scope. */
  readonly functions?: string;
  /** Statements for the item `at` (u32); to leave an item early is `continue`. */
  readonly body: string;
  readonly count: number;
  readonly bindings: readonly Binding[];
}

/** One lane an item; on a CPU, where a workgroup costs microseconds to start, each takes as many as leave a few dozen workgroups. */
export function perItem(items: Items, target: Target): Dispatch {
  const blocks = Math.ceil(items.count / lanes);
  const run = target.software ? Math.min(64, Math.max(1, Math.floor(blocks / 16))) : 1;
  const names = [["count", "u32"], ["run", "u32"], ...items.immediates.map(([name, type]) => [name, type] as const)] as const;
  const wgsl = `${header(items.types, names, { ...target, subgroup: 0 })}${items.functions ?? ""}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let begin = (group.x + group.y * groups.x) * im.run * ${lanes}u + local;
  for (var r = 0u; r < im.run; r++) {
    let at = begin + r * ${lanes}u;
    if (at >= im.count) { break; }
    ${items.body}
  }
}
`;
  return {
    kernel: items.kernel,
    wgsl,
    immediates: [items.count, run, ...items.immediates.map(([, , value]) => value)],
    grid: fold(Math.ceil(blocks / run), target),
    bindings: items.bindings,
  };
}
