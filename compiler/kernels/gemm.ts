// In: a matmul's modes, types and the epilogue of its elements. Out: dispatches.
// Three shapes of one computation: a subgroup tile where a CPU pretends to be a GPU, a shared-memory tile elsewhere, and, for a few rows
// against a [N, K] matrix (decoding), a kernel with lanes along K. Each sums an element over K in an order that no other row changes.

import { elements, type OpAttrs, type TensorType } from "../ir/graph.js";
import { transposedCopy } from "./copy.js";
import { epilogueHelpers, epilogueTypes, operandBindings, type Problem, periods, plainEpilogue, problemOf, store } from "./epilogue.js";
import { matvec } from "./gemv.js";
import { type Binding, type Dispatch, type Epilogue, fold, header, type Implementation, type Target } from "./kernel.js";
import type { Lane } from "./render.js";

/** Rows up to which a product with a transposed matrix runs as matrix times vector. */
const fewRows = 16;

/** Dispatches of `attrs` on `inputs` (A, B, then the epilogue's operands), results as the epilogue says. */
export function matmul(
  attrs: OpAttrs["matmul"],
  inputs: readonly TensorType[],
  _outputs: readonly TensorType[],
  target: Target,
  epilogue: Epilogue = plainEpilogue,
): Implementation {
  const problem = problemOf(attrs, inputs);
  const bindings = operandBindings(epilogue);
  if (problem.batch === 1 && problem.M <= fewRows && problem.transposeB && !problem.transposeA) {
    return { dispatches: [matvec(problem, epilogue, bindings, target)], scratch: [] };
  }
  if (!target.software) return { dispatches: [tiled(problem, epilogue, bindings, target)], scratch: [] };
  if (!problem.transposeB) return { dispatches: [registers(problem, epilogue, bindings, target)], scratch: [] };
  // Rows of a [N, K] matrix lie too far apart for a CPU's cache: one transposed copy is repaid by every row of A.
  const [, b] = inputs;
  const scratch: Binding = { kind: "scratch", index: 0 };
  const copies = problem.sharedB ? 1 : problem.batch;
  const copy = transposedCopy(copies, problem.N, problem.K, { kind: "input", index: 1 }, scratch, target);
  const straight = { ...problem, transposeB: false };
  const swapped = bindings.map((binding, i) => (i === 1 ? scratch : binding));
  return { dispatches: [copy, registers(straight, epilogue, swapped, target)], scratch: [4 * elements(b?.shape ?? [])] };
}

/** Rows of a lane's tile. */
const R = 8;
const workgroup = 64;

/**
 * Register tile for CPUs: 8 rows and one vec4 of columns a lane, no shared memory. With subgroups a lane loads one k of each row and
 * the others get it by broadcast; without, every lane loads each row's number. A is read by strides, so plain and transposed A are one pipeline.
 */
function registers(problem: Problem, epilogue: Epilogue, bindings: readonly Binding[], target: Target): Dispatch {
  const { batch, M, N, K, transposeA } = problem;
  const S = target.subgroup > 0 && target.subgroup <= workgroup ? target.subgroup : 0;
  const width = S > 0 ? S : 8;
  const lane: Lane = N % 4 === 0 ? "vec4f" : "f32";
  const extra = periods(epilogue);
  const names = ["M", "N", "K", "tilesM", "tilesN", "tiles", "stepM", "stepK", "batchB", ...(lane === "f32" ? ["columns"] : [])].map(
    (name) => [name, "u32"] as const,
  );
  const tilesM = Math.ceil(M / R);
  const tilesN = Math.ceil(N / (4 * width));
  const tiles = batch * tilesM * tilesN;
  const immediates = [
    M,
    N,
    K,
    tilesM,
    tilesN,
    tiles,
    transposeA ? 1 : K,
    transposeA ? M : 1,
    problem.sharedB ? 0 : K * N,
    ...(lane === "f32" ? [4] : []),
    ...extra.values,
  ];
  const rows = Array.from({ length: R }, (_, r) => r);
  const loadB = (k: string): string =>
    lane === "vec4f"
      ? `b1[baseB + (${k}) * stepB]`
      : `vec4f(b1[baseB + (${k}) * stepB + c0], b1[baseB + (${k}) * stepB + c1], b1[baseB + (${k}) * stepB + c2], b1[baseB + (${k}) * stepB + c3])`;
  const columns =
    lane === "vec4f"
      ? `let col = (t % im.tilesN) * ${4 * width}u + 4u * lane;
  let stepB = im.N / 4u;
  let baseB = (batch * im.batchB) / 4u + min(col, im.N - 4u) / 4u;`
      : `let col = (t % im.tilesN) * ${4 * width}u + lane;
  let stepB = im.N;
  let baseB = batch * im.batchB;
  let last = im.N - 1u;
  ${[0, 1, 2, 3].map((c) => `let c${c} = min(col + ${c * width}u, last);`).join(" ")}`;
  // A lane's k beyond K counts as 0 times a number of B that is there.
  const main =
    S > 0
      ? `for (var k = 0u; k < im.K; k += ${S}u) {
    let ka = min(k + lane, im.K - 1u) * im.stepK;
    let there = select(0f, 1f, k + lane < im.K);
    ${rows.map((r) => `let a${r} = b0[p${r} + ka] * there;`).join(" ")}
    ${Array.from({ length: S }, (_, j) => `{ let b = ${loadB(`min(k + ${j}u, im.K - 1u)`)}; ${rows.map((r) => `s${r} += subgroupBroadcast(a${r}, ${j}u) * b;`).join(" ")} }`).join("\n    ")}
  }`
      : `for (var k = 0u; k < im.K; k++) {
    let b = ${loadB("k")};
    ${rows.map((r) => `s${r} += b0[p${r} + k * im.stepK] * b;`).join(" ")}
  }`;
  const write =
    lane === "vec4f"
      ? store(epilogue, "s", "row", "col", lane, "e")
      : `for (var c = 0u; c < im.columns; c++) { let cc = col + c * ${width}u; if (cc < im.N) { let s_ = select(select(s.x, s.y, c == 1u), select(s.z, s.w, c == 3u), c >= 2u); ${store(epilogue, "s_", "row", "cc", lane, "e")} } }`;
  const wgsl = `${header(["f32", lane, ...epilogueTypes(epilogue, lane)], [...names, ...extra.names], { ...target, subgroup: S })}${epilogueHelpers(epilogue, lane)}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % ${width}u;
  let index = (group.x + group.y * groups.x) * ${workgroup / width}u + local / ${width}u;
  let tile = min(index, im.tiles - 1u);
  let perBatch = im.tilesM * im.tilesN;
  let batch = tile / perBatch;
  let t = tile % perBatch;
  let m = (t / im.tilesN) * ${R}u;
  ${columns}
  let baseA = batch * im.M * im.K;
  ${rows.map((r) => `let p${r} = baseA + min(m + ${r}u, im.M - 1u) * im.stepM;`).join("\n  ")}
  ${rows.map((r) => `var s${r} = vec4f();`).join(" ")}
  ${main}
  if (index >= im.tiles || col >= im.N) { return; }
  let first = batch * im.M + m;
  // A loop whose length the compiler does not know, so that the text of the epilogue is compiled once, not for each row.
  for (var r = 0u; r < min(im.M - m, ${R}u); r++) {
    let row = first + r;
    var s = s0;
    ${rows
      .slice(1)
      .map((r) => `s = select(s, s${r}, r == ${r}u);`)
      .join(" ")}
    ${write}
  }
}
`;
  return {
    kernel: "matmul",
    wgsl,
    immediates,
    grid: fold(Math.ceil(tiles / (workgroup / width)), target),
    bindings,
  };
}

/** Tile of the shared-memory kernel: 64 × 64 results, 8 of K a step, 256 lanes of 4 × 4. */
const side = 64;
const step = 8;
/** vec4s between two k of a shared tile: one more than it needs, against bank conflicts. */
const pitch = side / 4 + 1;

function tiled(problem: Problem, epilogue: Epilogue, bindings: readonly Binding[], target: Target): Dispatch {
  const { batch, M, N, K, transposeA, transposeB } = problem;
  const extra = periods(epilogue);
  const names = ["M", "N", "K", "tilesM", "tilesN", "tiles", "batchB"].map((name) => [name, "u32"] as const);
  const tilesM = Math.ceil(M / side);
  const tilesN = Math.ceil(N / side);
  const tiles = batch * tilesM * tilesN;
  const immediates = [M, N, K, tilesM, tilesN, tiles, problem.sharedB ? 0 : K * N, ...extra.values];
  // Neighbouring lanes read neighbouring words: along K where K is the inner axis, along M or N where that is.
  const fill = (buffer: string, shared: string, inner: boolean, base: string, origin: string, limit: string): string => `
    for (var i = local; i < ${side * step}u; i += 256u) {
      let kk = ${inner ? `i % ${step}u` : `i / ${side}u`};
      let x = ${inner ? `i / ${step}u` : `i % ${side}u`};
      var value = 0f;
      if (k + kk < im.K && ${origin} + x < ${limit}) { value = ${buffer}[${base} + ${inner ? `(${origin} + x) * im.K + k + kk` : `(k + kk) * ${limit} + ${origin} + x`}]; }
      ${shared}[kk * ${pitch}u + x / 4u][x % 4u] = value;
    }`;
  const wgsl = `${header(["f32", "f32", ...epilogueTypes(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers(epilogue, "f32")}
var<workgroup> as_: array<vec4f, ${step * pitch}>;
var<workgroup> bs_: array<vec4f, ${step * pitch}>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  if (tile >= im.tiles) { return; }
  let perBatch = im.tilesM * im.tilesN;
  let batch = tile / perBatch;
  let t = tile % perBatch;
  let m = (t / im.tilesN) * ${side}u;
  let n = (t % im.tilesN) * ${side}u;
  let baseA = batch * im.M * im.K;
  let baseB = batch * im.batchB;
  let y = (local / 16u) * 4u;
  let x = (local % 16u) * 4u;
  var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f();
  for (var k = 0u; k < im.K; k += ${step}u) {${fill("b0", "as_", !transposeA, "baseA", "m", "im.M")}${fill("b1", "bs_", transposeB, "baseB", "n", "im.N")}
    workgroupBarrier();
    for (var kk = 0u; kk < ${step}u; kk++) {
      let a = as_[kk * ${pitch}u + y / 4u];
      let b = bs_[kk * ${pitch}u + x / 4u];
      s0 += a.x * b; s1 += a.y * b; s2 += a.z * b; s3 += a.w * b;
    }
    workgroupBarrier();
  }
  if (m + y >= im.M || n + x >= im.N) { return; }
  // Loops whose length the compiler does not know, so that the text of the epilogue is compiled once, not sixteen times.
  for (var r = 0u; r < min(im.M - m - y, 4u); r++) {
    let sums = select(select(s0, s1, r == 1u), select(s2, s3, r == 3u), r >= 2u);
    let row = batch * im.M + m + y + r;
    for (var c = 0u; c < min(im.N - n - x, 4u); c++) {
      let col = n + x + c;
      let s = select(select(sums.x, sums.y, c == 1u), select(sums.z, sums.w, c == 3u), c >= 2u);
      ${store(epilogue, "s", "row", "col", "f32", "e")}
    }
  }
}
`;
  return { kernel: "matmul", wgsl, immediates, grid: fold(tiles, target), bindings };
}
