// In: an attention (or its gradient) on a CPU that has subgroups. Out: dispatches in which a subgroup owns a tile of rows, as in gemm.ts: numbers of
// the tile's rows are loaded by one lane each and handed round by broadcast, so that a loaded number of the other side serves every row.
// Invariant: as in attention.ts, no [T, S] buffer, no atomics, and an order of sums that does not depend on the batch. D and E are immediates.

import type { OpAttrs } from "../ir/graph.js";
import { type Heads, headNames, headValues, list, type Sight, sightOf } from "./heads.js";
import { type Binding, type Dispatch, fold, header, type Target } from "./kernel.js";

type Attrs = OpAttrs["attention"];

/** Rows of a tile: as many as lanes can hold a number of each, fewer when vectors are long or there are `most`. */
function rowsOf(target: Target, rows: number, columns: number, most: number): number {
  if (rows === 1) return 1;
  return Math.min(columns > 8 ? 4 : most, target.subgroup);
}

interface Tile {
  readonly R: number;
  readonly S: number;
  readonly r: readonly number[];
  /** Numbers of a vector that a lane owns, lane + S · c. */
  readonly columns: (n: number) => readonly number[];
  readonly workgroup: number;
}

function tileOf(target: Target, rows: number, longest: number, most = 8): Tile {
  const S = target.subgroup;
  const R = rowsOf(target, rows, Math.ceil(longest / S), most);
  return { R, S, r: list(R), columns: (n) => list(Math.ceil(n / S)), workgroup: R === 1 ? 2 * S : 8 * S };
}

const names = [...headNames, ["D", "u32"], ["E", "u32"], ["blocks", "u32"], ["tiles", "u32"]] as const;

/** Head of a kernel whose tiles are blocks of rows of each (batch, `heads`). Declares lane, block, head and batch. */
function opening(types: readonly string[], tile: Tile, heads: string, target: Target): string {
  return `diagnostic(off, subgroup_uniformity);
${header(types, names, target)}
@compute @workgroup_size(${tile.workgroup})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % ${tile.S}u;
  let index = (group.x + group.y * groups.x) * ${tile.workgroup / tile.S}u + local / ${tile.S}u;
  if (index >= im.tiles) { return; }
  let first = (index % im.blocks) * ${tile.R}u;
  let head = (index / im.blocks) % ${heads};
  let batch = index / (im.blocks * ${heads});`;
}

/** `out{r}` += Σ over n of rows[p{r} + x] · other[base + x], for each row. */
function dots(tile: Tile, out: string, rows: string, p: string, other: string, base: string, n: string): string {
  const { S, r } = tile;
  const step = (j: number): string =>
    `{ let y = ${other}[${base} + min(x + ${j}u, ${n} - 1u)]; ${r.map((i) => `${out}${i} += subgroupBroadcast(a${i}, ${j}u) * y;`).join(" ")} }`;
  return `for (var x = 0u; x < ${n}; x += ${S}u) {
      let there = select(0f, 1f, x + lane < ${n}); let xa = min(x + lane, ${n} - 1u);
      ${r.map((i) => `let a${i} = ${rows}[${p}${i} + xa] * there;`).join(" ")}
      ${list(S).map(step).join("\n      ")}
    }`;
}

/** `out{r}_{c}` += Σ over the lanes j of weight{r} of lane j · rows[place(j) + column c]. */
function spread(
  tile: Tile,
  sums: readonly { out: string; weight: string; buffer: string; n: string; size: number }[],
  place: (j: number) => string,
): string {
  return list(tile.S)
    .map((j) => {
      const parts = sums.map(({ out, weight, buffer, n, size }) => {
        const loads = tile.columns(size).map((c) => `let v${c} = ${buffer}[other * ${n} + min(lane + ${c * tile.S}u, ${n} - 1u)];`);
        const adds = tile.r.map(
          (i) =>
            `{ let w = subgroupBroadcast(${weight}${i}, ${j}u); ${tile
              .columns(size)
              .map((c) => `${out}${i}_${c} += w * v${c};`)
              .join(" ")} }`,
        );
        return `{ ${loads.join(" ")} ${adds.join(" ")} }`;
      });
      return `{ let other = ${place(j)}; ${parts.join(" ")} }`;
    })
    .join("\n    ");
}

function accumulators(tile: Tile, out: string, size: number): string {
  return tile.r
    .map((i) =>
      tile
        .columns(size)
        .map((c) => `var ${out}${i}_${c} = 0f;`)
        .join(" "),
    )
    .join("\n  ");
}

/** Inside a loop over r: the number that row r has under `name`. */
function pick(tile: Tile, name: (i: number) => string): string {
  return tile.r.slice(1).reduce((text, i) => `select(${text}, ${name(i)}, r == ${i}u)`, name(0));
}

function storeColumns(tile: Tile, buffer: string, at: string, out: string, n: string, size: number, factor: string): string {
  return tile
    .columns(size)
    .map(
      (c) =>
        `if (lane + ${c * tile.S}u < ${n}) { ${buffer}[${at} * ${n} + lane + ${c * tile.S}u] = ${pick(tile, (i) => `${out}${i}_${c}`)}${factor}; }`,
    )
    .join("\n    ");
}

/** Limits of the tile's query rows, held by the lane of the same number: lo, hi (and the segment); then of each row. */
function queryRows(tile: Tile, sight: Sight): string {
  const { R, r } = tile;
  return `let own = min(first + min(lane, ${R - 1}u), im.T - 1u);
  let ownRow = batch * im.T + own;
  ${sight.limits("ownRow", "own", "Own")}
  ${sight.rowSegment === undefined ? "" : `let segmentOwn = ${sight.rowSegment("ownRow")};`}
  ${r
    .map(
      (i) =>
        `let at${i} = (batch * im.T + min(first + ${i}u, im.T - 1u)) * im.H + head; let lo${i} = subgroupBroadcast(loOwn, ${i}u); let hi${i} = subgroupBroadcast(hiOwn, ${i}u);${
          sight.rowSegment === undefined ? "" : ` let segment${i} = subgroupBroadcast(segmentOwn, ${i}u);`
        }`,
    )
    .join("\n  ")}
  let kv = head * im.G / im.H;
  let end = subgroupMax(hiOwn);`;
}

/** Key of this lane in a loop over keys from `j`, and whether each row sees it. */
function keyOfLane(tile: Tile, sight: Sight): string {
  return `let key = min(j + lane, im.S - 1u);
    let keyRow = batch * im.S + key;
    let place = keyRow * im.G + kv;
    ${sight.keySegment === undefined ? "" : `let segment = ${sight.keySegment("keyRow")};`}
    ${tile.r
      .map(
        (i) =>
          `let sees${i} = j + lane >= lo${i} && j + lane < hi${i}${sight.keySegment === undefined ? "" : ` && segment == segment${i}`};`,
      )
      .join(" ")}`;
}

const keyAt = (j: number): string => `(batch * im.S + min(j + ${j}u, im.S - 1u)) * im.G + kv`;

function call(
  kernel: string,
  wgsl: string,
  attrs: Attrs,
  h: Heads,
  tile: Tile,
  rows: number,
  heads: number,
  bindings: readonly Binding[],
  target: Target,
): Dispatch {
  const blocks = Math.ceil(rows / tile.R);
  const tiles = h.B * heads * blocks;
  const immediates = [...headValues(h, attrs), h.D, h.E, blocks, tiles];
  return { kernel, wgsl, immediates, grid: fold(Math.ceil(tiles / (tile.workgroup / tile.S)), target), bindings };
}

/** q, k, v, sight… → o, lse. */
export function forwardTile(attrs: Attrs, h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const tile = tileOf(target, h.T, h.E);
  const { r, S } = tile;
  const e = tile.columns(h.E);
  const wgsl = `${opening(["f32", "f32", "f32", ...sight.types, "f32", "f32"], tile, "im.H", target)}
  ${queryRows(tile, sight)}
  ${r.map((i) => `let q${i} = at${i} * im.D; var m${i} = -1e30f; var l${i} = 0f;`).join(" ")}
  ${accumulators(tile, "o", h.E)}
  for (var j = subgroupMin(loOwn); j < end; j += ${S}u) {
    ${keyOfLane(tile, sight)}
    ${r.map((i) => `var s${i} = 0f;`).join(" ")}
    ${dots(tile, "s", "b0", "q", "b1", "place * im.D", "im.D")}
    ${r
      .map(
        (i) =>
          `s${i} = select(-1e30f, s${i} * im.scale, sees${i}); let top${i} = max(m${i}, subgroupMax(s${i})); let c${i} = exp(max(m${i} - top${i}, -87f)); let p${i} = select(0f, exp(max(s${i} - top${i}, -87f)), sees${i}); m${i} = top${i}; l${i} = l${i} * c${i} + p${i}; ${e.map((c) => `o${i}_${c} *= c${i};`).join(" ")}`,
      )
      .join("\n    ")}
    ${spread(tile, [{ out: "o", weight: "p", buffer: "b2", n: "im.E", size: h.E }], keyAt)}
  }
  ${r.map((i) => `let sum${i} = subgroupAdd(l${i});`).join(" ")}
  for (var r = 0u; r < min(im.T - first, ${tile.R}u); r++) {
    let at = (batch * im.T + first + r) * im.H + head;
    let total = ${pick(tile, (i) => `sum${i}`)};
    let inverse = select(0f, 1f / total, total > 0f);
    ${storeColumns(tile, `b${o}`, "at", "o", "im.E", h.E, " * inverse")}
    if (lane == 0u) { b${o + 1}[at] = select(-1e30f, ${pick(tile, (i) => `m${i}`)} + log(total), total > 0f); }
  }
}
`;
  return call("attention", wgsl, attrs, h, tile, h.T, h.H, bindings, target);
}

/** q, k, v, sight…, o, lse, do → dq, delta. */
export function queryTile(attrs: Attrs, h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const tile = tileOf(target, h.T, h.D, 8);
  const { r, S } = tile;
  const types = ["f32", "f32", "f32", ...sight.types, "f32", "f32", "f32", "f32", "f32"];
  const wgsl = `${opening(types, tile, "im.H", target)}
  ${queryRows(tile, sight)}
  let ownAt = ownRow * im.H + head;
  let lseOwn = b${o + 1}[ownAt];
  var deltaOwn = 0f;
  for (var x = 0u; x < im.E; x++) { deltaOwn += b${o}[ownAt * im.E + x] * b${o + 2}[ownAt * im.E + x]; }
  ${r.map((i) => `let q${i} = at${i} * im.D; let w${i} = at${i} * im.E; let lse${i} = subgroupBroadcast(lseOwn, ${i}u); let delta${i} = subgroupBroadcast(deltaOwn, ${i}u);`).join("\n  ")}
  ${accumulators(tile, "g", h.D)}
  for (var j = subgroupMin(loOwn); j < end; j += ${S}u) {
    ${keyOfLane(tile, sight)}
    ${r.map((i) => `var s${i} = 0f; var t${i} = 0f;`).join(" ")}
    ${dots(tile, "s", "b0", "q", "b1", "place * im.D", "im.D")}
    ${dots(tile, "t", `b${o + 2}`, "w", "b2", "place * im.E", "im.E")}
    ${r.map((i) => `let d${i} = select(0f, exp(clamp(s${i} * im.scale - lse${i}, -87f, 87f)) * (t${i} - delta${i}), sees${i});`).join("\n    ")}
    ${spread(tile, [{ out: "g", weight: "d", buffer: "b1", n: "im.D", size: h.D }], keyAt)}
  }
  for (var r = 0u; r < min(im.T - first, ${tile.R}u); r++) {
    let at = (batch * im.T + first + r) * im.H + head;
    ${storeColumns(tile, `b${o + 3}`, "at", "g", "im.D", h.D, " * im.scale")}
    if (lane == 0u) { b${o + 4}[at] = ${pick(tile, (i) => `delta${i}`)}; }
  }
}
`;
  return call("attention_gradient_q", wgsl, attrs, h, tile, h.T, h.H, bindings, target);
}

/** q, k, v, sight…, lse, do, delta → dk, dv: the tile's rows are keys, the lanes go over the queries. */
export function keyTile(attrs: Attrs, h: Heads, bindings: readonly Binding[], target: Target): Dispatch {
  const sight = sightOf(attrs, 3);
  const lse = 3 + sight.inputs;
  // Two sums and two accumulators a row: eight rows would double what a software driver compiles, and hardly run faster.
  const tile = tileOf(target, h.S, Math.max(h.D, h.E), 4);
  const { r, R, S } = tile;
  // Causal rows that see key j are i ≥ j − (S − T), and with a window i < j + window − (S − T).
  const causal = attrs.bound === "causal";
  const begin = causal ? "u32(max(i32(first + im.T) - i32(im.S), 0))" : "0u";
  const end = causal && attrs.window > 0 ? `u32(clamp(i32(first + ${R - 1}u + im.window + im.T) - i32(im.S), 0, i32(im.T)))` : "im.T";
  const types = ["f32", "f32", "f32", ...sight.types, "f32", "f32", "f32", "f32", "f32"];
  const place = (j: number): string => `(batch * im.T + min(i + ${j}u, im.T - 1u)) * im.H + query`;
  const sums = [
    { out: "v", weight: "p", buffer: `b${lse + 1}`, n: "im.E", size: h.E },
    { out: "k", weight: "d", buffer: "b0", n: "im.D", size: h.D },
  ].map((sum) => ({ ...sum, out: `g${sum.out}` }));
  const wgsl = `${opening(types, tile, "im.G", target)}
  ${r.map((i) => `let key${i} = batch * im.S + min(first + ${i}u, im.S - 1u); let k${i} = (key${i} * im.G + head) * im.D; let u${i} = (key${i} * im.G + head) * im.E;`).join("\n  ")}
  ${
    sight.keySegment === undefined
      ? ""
      : `let segmentOwn = ${sight.keySegment(`batch * im.S + min(first + min(lane, ${R - 1}u), im.S - 1u)`)}; ${r.map((i) => `let segment${i} = subgroupBroadcast(segmentOwn, ${i}u);`).join(" ")}`
  }
  ${accumulators(tile, "gk", h.D)}
  ${accumulators(tile, "gv", h.E)}
  let heads = im.H / im.G;
  for (var query = head * heads; query < (head + 1u) * heads; query++) {
    for (var i = ${begin}; i < ${end}; i += ${S}u) {
      let own = min(i + lane, im.T - 1u);
      let row = batch * im.T + own;
      let at = row * im.H + query;
      ${sight.limits("row", "own", "")}
      ${sight.rowSegment === undefined ? "" : `let segment = ${sight.rowSegment("row")};`}
      let lse = b${lse}[at]; let delta = b${lse + 2}[at];
      ${r.map((n) => `var s${n} = 0f; var t${n} = 0f;`).join(" ")}
      ${dots(tile, "s", "b1", "k", "b0", "at * im.D", "im.D")}
      ${dots(tile, "t", "b2", "u", `b${lse + 1}`, "at * im.E", "im.E")}
      ${r
        .map(
          (n) =>
            `let p${n} = select(0f, exp(clamp(s${n} * im.scale - lse, -87f, 87f)), i + lane < im.T && first + ${n}u >= lo && first + ${n}u < hi${
              sight.rowSegment === undefined ? "" : ` && segment == segment${n}`
            }); let d${n} = p${n} * (t${n} - delta);`,
        )
        .join("\n      ")}
      ${spread(tile, sums, place)}
    }
  }
  for (var r = 0u; r < min(im.S - first, ${R}u); r++) {
    let at = (batch * im.S + first + r) * im.G + head;
    ${storeColumns(tile, `b${lse + 3}`, "at", "gk", "im.D", h.D, " * im.scale")}
    ${storeColumns(tile, `b${lse + 4}`, "at", "gv", "im.E", h.E, "")}
  }
}
`;
  return call("attention_gradient_kv", wgsl, attrs, h, tile, h.S, h.G, bindings, target);
}
