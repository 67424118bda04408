// In: an attention_gradient's attributes and types. Out: two dispatches: dq (which also leaves Σ o·do of each row), then dk and dv.
// Weights are made again from the saved log-sum-exp (Dao et al. 2022, algorithm 4). Invariant: each result has one owner, no atomics.

import type { OpAttrs } from "../ir/graph.js";
import { keyTile, queryTile } from "./attention-tile.js";
import { type Heads, headNames, headsOf, headValues, horizontal, list, loadType, sightOf, tiles } from "./heads.js";
import { type Binding, type Dispatch, fold, header, type Kernel, type Target } from "./kernel.js";

const lanes = 64;

export const attentionGradient: Kernel<"attention_gradient"> = {
  doc: "dq by a lane a query row; dk and dv by a lane a key row, over the query heads of its group.",
  implement(attrs, inputs, _outputs, target) {
    const heads = headsOf(inputs);
    const rows = heads.B * heads.T * heads.H;
    const forQueries = [...ofInputs(list(inputs.length)), output(0), delta];
    const saved = inputs.length - 3;
    const forKeys = [...ofInputs([...list(saved), saved + 1, saved + 2]), delta, output(1), output(2)];
    const dispatches = tiles(target)
      ? [queryTile(attrs, heads, forQueries, target), keyTile(attrs, heads, forKeys, target)]
      : [queries(attrs, heads, forQueries, target), keys(attrs, heads, forKeys, target)];
    return { dispatches, scratch: [4 * rows] };
  },
};

const delta: Binding = { kind: "scratch", index: 0 };
const output = (index: number): Binding => ({ kind: "output", index });
const ofInputs = (indices: readonly number[]): Binding[] => indices.map((index) => ({ kind: "input", index }));

/** q, k, v, sight…, o, lse, do → dq, delta. */
function queries(attrs: OpAttrs["attention_gradient"], h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const R = 1;
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const each = list(R);
  const d = list(h.nd);
  const e = list(h.ne);
  const D = loadType(h.vd);
  const E = loadType(h.ve);
  const blocks = Math.ceil(h.T / R);
  const count = h.B * h.H * blocks;
  const sum = (terms: readonly string[], v: 1 | 4): string => horizontal(terms.join(" + "), v);
  const wgsl = `${header([D, D, E, ...sight.types, E, "f32", E, D, "f32"], [...headNames, ["blocks", "u32"], ["count", "u32"]], { ...target, subgroup: 0 })}
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
  ${d.map((x) => `let q${r}_${x} = b0[at${r} * ${h.nd}u + ${x}u] * im.scale; var g${r}_${x} = ${D}();`).join(" ")}
  ${e.map((x) => `let w${r}_${x} = b${o + 2}[at${r} * ${h.ne}u + ${x}u];`).join(" ")}
  let lse${r} = b${o + 1}[at${r}];
  let delta${r} = ${sum(
    e.map((x) => `w${r}_${x} * b${o}[at${r} * ${h.ne}u + ${x}u]`),
    h.ve,
  )};`,
    )
    .join("\n  ")}
  let end = ${each.reduce((text, r) => (text === "" ? `hi${r}` : `max(${text}, hi${r})`), "")};
  for (var j = ${each.reduce((text, r) => (text === "" ? `lo${r}` : `min(${text}, lo${r})`), "")}; j < end; j++) {
    let key = batch * im.S + j;
    let place = key * im.G + kv;
    ${d.map((x) => `let k${x} = b1[place * ${h.nd}u + ${x}u];`).join(" ")}
    ${each.map((r) => `let sees${r} = j >= lo${r} && j < hi${r}${sight.same(`row${r}`, "key")};`).join(" ")}
    ${each.map((r) => `var dp${r} = ${E}();`).join(" ")}
    ${e.map((x) => `{ let v = b2[place * ${h.ne}u + ${x}u]; ${each.map((r) => `dp${r} += w${r}_${x} * v;`).join(" ")} }`).join("\n    ")}
    ${each
      .map(
        (r) => `let s${r} = ${sum(
          d.map((x) => `q${r}_${x} * k${x}`),
          h.vd,
        )};
    let ds${r} = select(0f, exp(clamp(s${r} - lse${r}, -87f, 87f)) * (${horizontal(`dp${r}`, h.ve)} - delta${r}), sees${r});`,
      )
      .join("\n    ")}
    ${d.map((x) => each.map((r) => `g${r}_${x} += ds${r} * k${x};`).join(" ")).join(" ")}
  }
  ${each
    .map(
      (r) => `if (t${r} < im.T) {
    ${d.map((x) => `b${o + 3}[at${r} * ${h.nd}u + ${x}u] = g${r}_${x} * im.scale;`).join(" ")}
    b${o + 4}[at${r}] = delta${r};
  }`,
    )
    .join("\n  ")}
}
`;
  return {
    kernel: "attention_gradient_q",
    wgsl,
    immediates: [...headValues(h, attrs), blocks, count],
    grid: fold(Math.ceil(count / lanes), target),
    bindings,
  };
}

/** q, k, v, sight…, lse, do, delta → dk, dv. */
function keys(attrs: OpAttrs["attention_gradient"], h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const R = 1;
  const sight = sightOf(attrs, 3);
  const lse = 3 + sight.inputs;
  const each = list(R);
  const d = list(h.nd);
  const e = list(h.ne);
  const D = loadType(h.vd);
  const E = loadType(h.ve);
  const blocks = Math.ceil(h.S / R);
  const count = h.B * h.G * blocks;
  // Causal rows that see key j are i ≥ j − (S − T), and with a window i < j + window − (S − T).
  const begin = attrs.bound === "causal" ? "u32(max(i32(j0 + im.T) - i32(im.S), 0))" : "0u";
  const end =
    attrs.bound === "causal" && attrs.window > 0 ? `u32(clamp(i32(j${R - 1} + im.window + im.T) - i32(im.S), 0, i32(im.T)))` : "im.T";
  const sum = (terms: readonly string[], v: 1 | 4): string => horizontal(terms.join(" + "), v);
  const wgsl = `${header([D, D, E, ...sight.types, "f32", E, "f32", D, E], [...headNames, ["blocks", "u32"], ["count", "u32"]], { ...target, subgroup: 0 })}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes}u + local;
  if (index >= im.count) { return; }
  let kv = (index / im.blocks) % im.G;
  let batch = index / (im.blocks * im.G);
  ${each
    .map(
      (r) => `let t${r} = (index % im.blocks) * ${R}u + ${r}u;
  let j${r} = min(t${r}, im.S - 1u);
  let key${r} = batch * im.S + j${r};
  let at${r} = key${r} * im.G + kv;
  ${d.map((x) => `let k${r}_${x} = b1[at${r} * ${h.nd}u + ${x}u] * im.scale; var dk${r}_${x} = ${D}();`).join(" ")}
  ${e.map((x) => `let v${r}_${x} = b2[at${r} * ${h.ne}u + ${x}u]; var dv${r}_${x} = ${E}();`).join(" ")}`,
    )
    .join("\n  ")}
  let heads = im.H / im.G;
  let begin = ${begin};
  let end = ${end};
  for (var head = kv * heads; head < (kv + 1u) * heads; head++) {
    for (var i = begin; i < end; i++) {
      let row = batch * im.T + i;
      let at = row * im.H + head;
      ${sight.limits("row", "i", "")}
      let lse = b${lse}[at]; let delta = b${lse + 2}[at];
      ${d.map((x) => `let q${x} = b0[at * ${h.nd}u + ${x}u];`).join(" ")}
      ${e.map((x) => `let w${x} = b${lse + 1}[at * ${h.ne}u + ${x}u];`).join(" ")}
      ${each
        .map(
          (r) => `let s${r} = ${sum(
            d.map((x) => `q${x} * k${r}_${x}`),
            h.vd,
          )};
      let p${r} = select(0f, exp(clamp(s${r} - lse, -87f, 87f)), j${r} >= lo && j${r} < hi${sight.same("row", `key${r}`)});
      let ds${r} = p${r} * (${sum(
        e.map((x) => `w${x} * v${r}_${x}`),
        h.ve,
      )} - delta);`,
        )
        .join("\n      ")}
      ${e.map((x) => each.map((r) => `dv${r}_${x} += p${r} * w${x};`).join(" ")).join(" ")}
      ${d.map((x) => each.map((r) => `dk${r}_${x} += ds${r} * q${x};`).join(" ")).join(" ")}
    }
  }
  ${each
    .map(
      (r) => `if (t${r} < im.S) {
    ${d.map((x) => `b${lse + 3}[at${r} * ${h.nd}u + ${x}u] = dk${r}_${x} * im.scale;`).join(" ")}
    ${e.map((x) => `b${lse + 4}[at${r} * ${h.ne}u + ${x}u] = dv${r}_${x};`).join(" ")}
  }`,
    )
    .join("\n  ")}
}
`;
  return {
    kernel: "attention_gradient_kv",
    wgsl,
    immediates: [...headValues(h, attrs), blocks, count],
    grid: fold(Math.ceil(count / lanes), target),
    bindings,
  };
}
