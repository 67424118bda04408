// In: an attention's attributes and types. Out: dispatches that stream over the keys with a running maximum and sum (Milakov and Gimelshein 2018,
// Dao et al. 2022): never a [T, S] buffer. Many rows: a lane owns query rows. Few rows (decoding): a workgroup owns one row and shares out its keys.
// Invariant: a row's sums have an order that depends on T, S and the heads only, not on the batch.

import type { OpAttrs } from "../ir/graph.js";
import { forwardTile } from "./attention-tile.js";
import { type Heads, headNames, headsOf, headValues, horizontal, list, loadType, sightOf, tiles } from "./heads.js";
import { type Binding, type Dispatch, fold, header, type Kernel, type Target } from "./kernel.js";

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
    if (tiles(target)) return { dispatches: [forwardTile(attrs, heads, bindings, target)], scratch: [] };
    const split = heads.T <= fewRows && heads.ne <= lanes;
    return { dispatches: [split ? splitKeys(attrs, heads, bindings, target) : rows(attrs, heads, bindings, target)], scratch: [] };
  },
};

/** A lane owns one query row of one head. */
function rows(attrs: OpAttrs["attention"], h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const R = 1;
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
  const wgsl = `${header([loadType(h.vd), loadType(h.vd), vector, ...sight.types, vector, "f32"], [...headNames, ["count", "u32"]], {
    ...target,
    subgroup: 0,
  })}
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
