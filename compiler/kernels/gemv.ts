// In: at most 16 rows against a [N, K] matrix, the shape of a decoding step. Out: one dispatch.
// Invariant: a row's sum over K has one order, whatever the number of rows: a token drawn for a lane does not depend on its batch.

import { epilogueHelpers, epilogueTypes, type Problem, periods, store } from "./gemm.js";
import { type Binding, type Dispatch, type Epilogue, fold, header, type Target } from "./kernel.js";

/** Lanes that share one column, and columns of a workgroup. */
const along = 16;
const columns = 4;

/** x [M, K] · W [N, K]ᵀ with lanes along K: 16 lanes a column read W once for up to four rows and reduce in a tree of fixed shape. */
export function matvec(problem: Problem, epilogue: Epilogue, bindings: readonly Binding[], target: Target): Dispatch {
  const { M, N, K } = problem;
  const R = M === 1 ? 1 : M === 2 ? 2 : 4;
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
