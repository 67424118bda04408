// In: an attention's attributes and types. Out: dispatches that stream over the keys with a running maximum and sum (Milakov and Gimelshein 2018,
// Dao et al. 2022): never a [T, S] buffer. Many rows: a lane owns query rows. Few rows (decoding): a workgroup owns one row and shares out its keys.
// Invariant: a row's sums have an order that depends on T, S and the heads only, not on the batch.

import type { OpAttrs, TensorType } from "../ir/graph.js";
import { type Binding, bits, type Dispatch, fold, header, type Kernel, type Target } from "./kernel.js";

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

/** Query rows of a lane: two share each load of a key where loads are dear. */
export function rowsOfLane(target: Target): number {
  return target.software ? 2 : 1;
}

/** Rows a (batch, head) up to which a workgroup owns one row. */
const fewRows = 8;
const lanes = 64;

export const attention: Kernel<"attention"> = {
  doc: "Streaming softmax: a lane a query row, or a workgroup a row when there are few.",
  implement(attrs, inputs, _outputs, target) {
    const heads = headsOf(inputs);
    const bindings: Binding[] = [
      ...inputs.map((_, index): Binding => ({ kind: "input", index })),
      { kind: "output", index: 0 },
      { kind: "output", index: 1 },
    ];
    const split = heads.T <= fewRows && heads.ne <= lanes;
    return { dispatches: [split ? splitKeys(attrs, heads, bindings, target) : rows(attrs, heads, bindings, target)], scratch: [] };
  },
};

/** A lane owns R neighbouring query rows of one head. */
function rows(attrs: OpAttrs["attention"], h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const R = rowsOfLane(target);
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const each = list(R);
  const d = list(h.nd);
  const e = list(h.ne);
  const blocks = Math.ceil(h.T / R);
  const count = h.B * h.H * blocks;
  const dot = (r: number): string => horizontal(d.map((x) => `q${r}_${x} * k${x}`).join(" + "), h.vd);
  const wgsl = `${header(
    [loadType(h.vd), loadType(h.vd), loadType(h.ve), ...sight.types, loadType(h.ve), "f32"],
    [...headNames, ["blocks", "u32"], ["count", "u32"]],
    { ...target, subgroup: 0 },
  )}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes}u + local;
  if (index >= im.count) { return; }
  let head = (index / im.blocks) % im.H;
  let batch = index / (im.blocks * im.H);
  let kv = head * im.G / im.H;
  ${each
    .map(
      (r) => `let t${r} = (index % im.blocks) * ${R}u + ${r}u;
  let i${r} = min(t${r}, im.T - 1u);
  let row${r} = batch * im.T + i${r};
  let at${r} = row${r} * im.H + head;
  ${sight.limits(`row${r}`, `i${r}`, `${r}`)}
  ${d.map((x) => `let q${r}_${x} = b0[at${r} * ${h.nd}u + ${x}u] * im.scale;`).join(" ")}
  ${e.map((x) => `var o${r}_${x} = ${loadType(h.ve)}();`).join(" ")}
  var m${r} = -1e30f; var l${r} = 0f;`,
    )
    .join("\n  ")}
  let end = ${each.reduce((text, r) => (text === "" ? `hi${r}` : `max(${text}, hi${r})`), "")};
  for (var j = ${each.reduce((text, r) => (text === "" ? `lo${r}` : `min(${text}, lo${r})`), "")}; j < end; j++) {
    let key = batch * im.S + j;
    let place = key * im.G + kv;
    ${d.map((x) => `let k${x} = b1[place * ${h.nd}u + ${x}u];`).join(" ")}
    ${each.map((r) => `let s${r} = ${dot(r)}; let sees${r} = j >= lo${r} && j < hi${r}${sight.same(`row${r}`, "key")};`).join("\n    ")}
    ${each
      .map(
        (r) =>
          `if (sees${r} && s${r} > m${r}) { let c = exp(max(m${r} - s${r}, -87f)); m${r} = s${r}; l${r} *= c; ${e.map((x) => `o${r}_${x} *= c;`).join(" ")} }`,
      )
      .join("\n    ")}
    ${each.map((r) => `let p${r} = select(0f, exp(max(s${r} - m${r}, -87f)), sees${r}); l${r} += p${r};`).join("\n    ")}
    ${e.map((x) => `{ let v = b2[place * ${h.ne}u + ${x}u]; ${each.map((r) => `o${r}_${x} += p${r} * v;`).join(" ")} }`).join("\n    ")}
  }
  ${each
    .map(
      (r) => `if (t${r} < im.T) {
    let inverse = select(0f, 1f / l${r}, l${r} > 0f);
    ${e.map((x) => `b${o}[at${r} * ${h.ne}u + ${x}u] = o${r}_${x} * inverse;`).join(" ")}
    b${o + 1}[at${r}] = select(-1e30f, m${r} + log(l${r}), l${r} > 0f);
  }`,
    )
    .join("\n  ")}
}
`;
  return {
    kernel: "attention",
    wgsl,
    immediates: [...headValues(h, attrs), blocks, count],
    grid: fold(Math.ceil(count / lanes), target),
    bindings,
  };
}

/** A workgroup owns one row: 64 keys at a time, a lane a key for the scores, then lanes along E for the sums, in groups that take turns at keys. */
function splitKeys(attrs: OpAttrs["attention"], h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const teams = Math.floor(lanes / h.ne);
  const vector = loadType(h.ve);
  const tree = (operation: (a: string, b: string) => string): string =>
    list(6)
      .map((x) => 32 >> x)
      .map((n) => `if (local < ${n}u) { numbers[local] = ${operation("numbers[local]", `numbers[local + ${n}u]`)}; } workgroupBarrier();`)
      .join("\n    ");
  const wgsl = `${header(
    [loadType(h.vd), loadType(h.vd), vector, ...sight.types, vector, "f32"],
    [...headNames, ["count", "u32"]],
    { ...target, subgroup: 0 },
  )}
var<workgroup> numbers: array<f32, ${lanes}>;
var<workgroup> weights: array<f32, ${lanes}>;
var<workgroup> sums: array<${vector}, ${lanes}>;
var<workgroup> limits: vec2u;
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.x + group.y * groups.x;
  if (index >= im.count) { return; }
  let head = index % im.H;
  let row = index / im.H;
  let batch = row / im.T;
  let i = row % im.T;
  let kv = head * im.G / im.H;
  if (local == 0u) { ${sight.limits("row", "i", "")} limits = vec2u(lo, hi); }
  let range = workgroupUniformLoad(&limits);
  let team = local / ${h.ne}u;
  let e = local % ${h.ne}u;
  var m = -1e30f; var l = 0f; var sum = ${vector}();
  for (var first = range.x; first < range.y; first += ${lanes}u) {
    let j = min(first + local, range.y - 1u);
    let key = batch * im.S + j;
    let place = (key * im.G + kv) * ${h.nd}u;
    let sees = first + local < range.y${sight.same("row", "key")};
    var dots = ${loadType(h.vd)}();
    for (var x = 0u; x < ${h.nd}u; x++) { dots += b0[index * ${h.nd}u + x] * b1[place + x]; }
    let s = select(-1e30f, ${horizontal("dots", h.vd)} * im.scale, sees);
    numbers[local] = s;
    workgroupBarrier();
    ${tree((a, b) => `max(${a}, ${b})`)}
    let top = max(m, numbers[0]);
    let c = exp(max(m - top, -87f));
    let p = select(0f, exp(max(s - top, -87f)), sees);
    m = top; l = l * c + p;
    weights[local] = p;
    workgroupBarrier();
    sum *= c;
    let n = min(${lanes}u, range.y - first);
    if (team < ${teams}u) {
      for (var x = team; x < n; x += ${teams}u) { sum += weights[x] * b2[((batch * im.S + first + x) * im.G + kv) * ${h.ne}u + e]; }
    }
  }
  workgroupBarrier();
  numbers[local] = l;
  sums[local] = sum;
  workgroupBarrier();
  ${tree((a, b) => `${a} + ${b}`)}
  let total = numbers[0];
  if (local < ${h.ne}u) {
    var all = sums[local];
    for (var x = 1u; x < ${teams}u; x++) { all += sums[x * ${h.ne}u + local]; }
    b${o}[index * ${h.ne}u + local] = all * select(0f, 1f / total, total > 0f);
  }
  if (local == 0u) { b${o + 1}[index] = select(-1e30f, m + log(total), total > 0f); }
}
`;
  const count = h.B * h.T * h.H;
  return { kernel: "attention_split", wgsl, immediates: [...headValues(h, attrs), count], grid: fold(count, target), bindings };
}
