// In: at most 16 rows against a [N, K] matrix, the shape of a decoding step. Out: one dispatch.
// Invariant: a row's sum over K has one order, whatever the number of rows: a token drawn for a lane does not depend on its batch.

import { epilogueHelpers, epilogueTypes, type Problem, periods, store } from "./epilogue.js";
import { type Binding, type Dispatch, type Epilogue, fold, header, type Target } from "./kernel.js";

/** Lanes that share one column, and columns of a workgroup. */
const along = 16;
const columns = 4;

/** Rows that read W together. */
function rowsTogether(M: number): number {
  return M === 1 ? 1 : M === 2 ? 2 : 4;
}

/** x [M, K] · W [N, K]ᵀ for a few rows. */
export function matvec(problem: Problem, epilogue: Epilogue, bindings: readonly Binding[], target: Target): Dispatch {
  return target.software ? columnLanes(problem, epilogue, bindings, target) : innerLanes(problem, epilogue, bindings, target);
}

/** A lane a column, for CPUs, where workgroups, barriers and shared memory cost more than scattered loads. */
function columnLanes(problem: Problem, epilogue: Epilogue, bindings: readonly Binding[], target: Target): Dispatch {
  const { M, N, K } = problem;
  const R = rowsTogether(M);
  const rows = Array.from({ length: R }, (_, r) => r);
  const lane = K % 4 === 0 ? "vec4f" : "f32";
  const lanes = 32;
  const extra = periods(epilogue);
  const names = ["M", "N", "tilesN", "tiles", "steps"].map((name) => [name, "u32"] as const);
  const tilesN = Math.ceil(N / lanes);
  const tiles = Math.ceil(M / R) * tilesN;
  const total = (r: number): string => (lane === "vec4f" ? `(s${r}.x + s${r}.y) + (s${r}.z + s${r}.w)` : `s${r}`);
  const wgsl = `${header([lane, lane, ...epilogueTypes(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers(epilogue, "f32")}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  let col = (tile % im.tilesN) * ${lanes}u + local;
  if (tile >= im.tiles || col >= im.N) { return; }
  let m = (tile / im.tilesN) * ${R}u;
  let w = col * im.steps;
  ${rows.map((r) => `let p${r} = min(m + ${r}u, im.M - 1u) * im.steps; var s${r} = ${lane}();`).join("\n  ")}
  for (var k = 0u; k < im.steps; k++) {
    let b = b1[w + k];
    ${rows.map((r) => `s${r} = fma(b0[p${r} + k], b, s${r});`).join(" ")}
  }
  for (var r = 0u; r < min(im.M - m, ${R}u); r++) {
    let row = m + r;
    var s = ${total(0)};
    ${rows
      .slice(1)
      .map((r) => `s = select(s, ${total(r)}, r == ${r}u);`)
      .join(" ")}
    ${store(epilogue, "s", "row", "col", "f32", "e")}
  }
}
`;
  const steps = lane === "vec4f" ? K / 4 : K;
  return { kernel: "matvec", wgsl, immediates: [M, N, tilesN, tiles, steps, ...extra.values], grid: fold(tiles, target), bindings };
}

/** Lanes along K: 16 lanes a column read W once for up to four rows and reduce in a tree of fixed shape. */
function innerLanes(problem: Problem, epilogue: Epilogue, bindings: readonly Binding[], target: Target): Dispatch {
  const { M, N, K } = problem;
  const R = rowsTogether(M);
  const rows = Array.from({ length: R }, (_, r) => r);
  const lane = K % 4 === 0 ? "vec4f" : "f32";
  const extra = periods(epilogue);
  const names = ["M", "N", "K", "tilesN", "tiles", "steps"].map((name) => [name, "u32"] as const);
  const tilesN = Math.ceil(N / columns);
  const tiles = Math.ceil(M / R) * tilesN;
  const steps = lane === "vec4f" ? K / 4 : K;
  const total = (r: number): string => (lane === "vec4f" ? `(s${r}.x + s${r}.y) + (s${r}.z + s${r}.w)` : `s${r}`);
  const half = (distance: number): string =>
    `workgroupBarrier(); if (lane < ${distance}u) { ${rows.map((r) => `part[at + ${r * along * columns}u] += part[at + ${r * along * columns + distance}u];`).join(" ")} }`;
  const halves: string[] = [];
  for (let distance = along / 2; distance >= 1; distance /= 2) halves.push(half(distance));
  const wgsl = `${header([lane, lane, ...epilogueTypes(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers(epilogue, "f32")}
var<workgroup> part: array<f32, ${R * along * columns}>;
@compute @workgroup_size(${along * columns})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  if (tile >= im.tiles) { return; }
  let lane = local % ${along}u;
  let at = local;
  let col = (tile % im.tilesN) * ${columns}u + local / ${along}u;
  let m = (tile / im.tilesN) * ${R}u;
  let w = min(col, im.N - 1u) * im.steps;
  ${rows.map((r) => `let p${r} = min(m + ${r}u, im.M - 1u) * im.steps; var s${r} = ${lane}();`).join("\n  ")}
  for (var k = lane; k < im.steps; k += ${along}u) {
    let b = b1[w + k];
    ${rows.map((r) => `s${r} = fma(b0[p${r} + k], b, s${r});`).join(" ")}
  }
  ${rows.map((r) => `part[at + ${r * along * columns}u] = ${total(r)};`).join(" ")}
  ${halves.join("\n  ")}
  if (lane == 0u && col < im.N) {
    ${rows.map((r) => `if (m + ${r}u < im.M) { let row = m + ${r}u; let s = part[at + ${r * along * columns}u]; ${store(epilogue, "s", "row", "col", "f32", "e")} }`).join("\n    ")}
  }
}
`;
  return { kernel: "matvec", wgsl, immediates: [M, N, K, tilesN, tiles, steps, ...extra.values], grid: fold(tiles, target), bindings };
}
