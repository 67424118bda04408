// Faults of kernels' texts, of the sampler's on the device as well, held by the plain evaluations of their ops on a device.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are parts of sources that are template strings.

/** @typedef {import("../faults.mjs").Fault} Fault */

/** @param {string} file @param {string} tests @param {string} grep @returns {(name: string, find: string, replace: string) => Fault} */
const of = (file, tests, grep) => (name, find, replace) => ({
  name,
  file: `compiler/kernels/${file}.ts`,
  find,
  replace,
  tests: [`test/${tests}.gpu.test.ts`],
  grep,
});

/** Kernels as the device wants them, and as a device of the other kind (software or not) does. */
const own = (/** @type {string} */ file, /** @type {string} */ op) => of(file, "kernels/kernels", `own.? ${op}$`);
const other = (/** @type {string} */ file, /** @type {string} */ op) => of(file, "kernels/kernels", `kind.? ${op}$`);
const fused = (/** @type {string} */ file, /** @type {string} */ program) => of(file, "passes/fuse", program);
const sampler = (/** @type {string} */ filter) => of("sample", "kernels/sample", filter);

const registers = own("gemm", "matmul");
const tiled = other("gemm", "matmul");
const sight = own("heads", "attention");
const forward = own("attention-tile", "attention");
const backward = own("attention-tile", "attention_gradient");
const rows = other("attention", "attention");
const rowsBackward = other("attention-grad", "attention_gradient");
const epilogue = of("epilogue", "kernels/epilogue", "epilogue with subgroups");
const functions = of("render", "kernels/functions", "functions of");

/** @type {readonly Fault[]} */
export const kernels = [
  registers("the last step of K counts one too many", "k + lane < im.K", "k + lane <= im.K"),
  registers("transposed A's stride is K", "transposeA ? M : 1", "transposeA ? K : 1"),
  registers("results of every batch on the first", "let first = batch * im.M + m;", "let first = m;"),
  registers("B's batch offset in numbers, not vectors", "(batch * im.batchB) / 4u", "batch * im.batchB"),
  registers("a tile's rows one too few", "min(im.M - m, ${R}u)", "min(im.M - m, ${R - 1}u)"),
  registers("tiles of a row counted by rows", "let m = (t / im.tilesN) * ${R}u;", "let m = (t / im.tilesM) * ${R}u;"),
  tiled("reads past the end of K", "k + kk < im.K && ${origin} + x < ${limit}", "${origin} + x < ${limit}"),
  tiled("the last k of a step left out", "for (var kk = 0u; kk < ${step}u; kk++)", "for (var kk = 0u; kk + 1u < ${step}u; kk++)"),
  tiled("columns of the first tile in every tile", "let n = (t % im.tilesN) * ${side}u;", "let n = (t / im.tilesN) * ${side}u;"),
  tiled("A stored transposed is read straight", 'fill("b0", "as_", !transposeA', 'fill("b0", "as_", true'),
  epilogue("a row's operand is the first row's", "return splat(`${buffer}[${row}]`);", "return splat(`${buffer}[0]`);"),
  epilogue("a repeated operand is divided, not wrapped", "(${row} % im.period${operand})", "(${row} / im.period${operand})"),
  own("gemv", "matmul")("a column's stride is N", "let w = col * im.steps;", "let w = col * im.N;"),
  other("gemv", "matmul")("the last two partial sums not joined", "distance >= 1; distance /= 2", "distance > 1; distance /= 2"),
  other("gemv", "matmul")("a lane's steps overlap", "k < im.steps; k += ${along}u", "k < im.steps; k += ${along - 1}u"),

  sight("a row does not see itself", "i32(${i} + 1u + im.S) - i32(im.T)", "i32(${i} + im.S) - i32(im.T)"),
  sight("a window one key too narrow", "max(bound${suffix} - i32(im.window), 0)", "max(bound${suffix} - i32(im.window) + 1, 0)"),
  sight(
    "segments of rows where those of keys belong",
    "keySegment: (key: string) => `b${segments + 1}[${key}]`",
    "keySegment: (key: string) => `b${segments}[${key}]`",
  ),
  forward("tile: the sum is not rescaled with the maximum", "l${i} = l${i} * c${i} + p${i}", "l${i} = l${i} + p${i}"),
  forward("tile: heads take groups in turn", "let kv = head * im.G / im.H;", "let kv = head % im.G;"),
  forward("tile: the last numbers of a vector left out", "x + lane < ${n})", "x + lane + 1u < ${n})"),
  forward("tile: log-sum-exp without the maximum", "${pick(tile, (i) => `m${i}`)} + log(total)", "log(total)"),
  forward(
    "tile: rows beyond the eighth never stored",
    "`if (lane + ${c * tile.S}u < ${n}) {",
    "`if (lane + ${c * tile.S}u < min(${n}, ${tile.S}u)) {",
  ),
  backward("tile: dq without δ", "(t${i} - delta${i}), sees${i})", "t${i}, sees${i})"),
  backward("tile: dq without scale", '"g", "im.D", h.D, " * im.scale")', '"g", "im.D", h.D, "")'),
  backward("tile: weights of scores that are not scaled", "exp(clamp(s${n} * im.scale - lse", "exp(clamp(s${n} - lse"),
  backward(
    "tile: dk, dv without the first row that sees a key",
    "max(i32(first + im.T) - i32(im.S), 0)",
    "max(i32(first + im.T) - i32(im.S) + 1, 0)",
  ),
  backward("tile: dk, dv without a window's last row", "im.window + im.T) - i32(im.S), 0", "im.window + im.T) - i32(im.S) - 1, 0"),
  backward("tile: dk, dv of a group's first head only", "query < (head + 1u) * heads", "query < head * heads + 1u"),
  rows("the sum is not rescaled with the maximum", "m${r} = s${r}; l${r} *= c;", "m${r} = s${r};"),
  rows(
    "few rows: heads take groups in turn",
    "let i = row % im.T;\n  let kv = head * im.G / im.H;",
    "let i = row % im.T;\n  let kv = head % im.G;",
  ),
  rows("few rows: sums of earlier keys not rescaled", "    sum *= c;\n", ""),
  rows("few rows: log-sum-exp without the maximum", "m + log(total)", "log(total)"),
  rows("few rows: the first team counts twice", "for (var x = 1u; x < ${teams}u; x++) { all", "for (var x = 0u; x < ${teams}u; x++) { all"),
  rowsBackward("dq: δ forgotten", "(${horizontal(`dp${r}`, h.ve)} - delta${r})", "${horizontal(`dp${r}`, h.ve)}"),
  rowsBackward("dk: scale twice", "dk${r}_${x} * im.scale;", "dk${r}_${x} * im.scale * im.scale;"),
  rowsBackward(
    "dk, dv: the first row that sees a key left out",
    "max(i32(j0 + im.T) - i32(im.S), 0)",
    "max(i32(j0 + im.T) - i32(im.S) + 1, 0)",
  ),
  rowsBackward("dk, dv: only a group's first head", "head < (kv + 1u) * heads", "head < kv * heads + 1u"),
  rowsBackward("dv: weights times their own gradient", "dv${r}_${x} += p${r} * w${x};", "dv${r}_${x} += ds${r} * w${x};"),

  own("table", "gather")("first row of a piece forgotten", "let row = b1[at / im.width] - im.first;", "let row = b1[at / im.width];"),
  own("table", "scatter_add")(
    "the first of equal ids is left out",
    "for (var j = position; j < im.positions; j = b1[j])",
    "for (var j = b1[position]; j < im.positions; j = b1[j])",
  ),
  own("table", "scatter_add")(
    "the next of equal ids is the next position",
    "while (next < im.positions && b0[next] != id) { next++; }",
    "",
  ),
  own("table", "rotate")("turned the wrong way", "b3[y] = u * s + v * c;", "b3[y] = v * c - u * s;"),
  own("table", "rotate")("angles of heads, not of rows", "((head / im.heads) % im.angles)", "(head % im.angles)"),
  own("table", "cache_write")(
    "a position at the end of the cache is written",
    "if (position < im.capacity)",
    "if (position <= im.capacity)",
  ),
  own("table", "cache_write")(
    "every lane's rows into the first lane's cache",
    "(lane * im.capacity + position) * im.width",
    "position * im.width",
  ),
  own("table", "tally")("counts are set, not raised", "+ id] += 1u;", "+ id] = 1u;"),
  own("copy", "transpose")(
    "the inverse order",
    "attrs.order.map((axis) => source[axis] ?? 0)",
    "attrs.order.map((_, axis) => source[attrs.order.indexOf(axis)] ?? 0)",
  ),
  own("copy", "concat")(
    "axes merged that lie alike in the source only",
    "from[top] === f * dim && to[top] === t * dim",
    "from[top] === f * dim",
  ),
  own("copy", "pad")("an inner axis copied whole does not move the outer one's start", "      top.before *= dim;\n", ""),
  own("copy", "concat")("every operand to the front", "      offset += run;\n", ""),
  own("copy", "slice")(
    "from the beginning",
    "sum + start * (from[i] ?? 0), 0);\n    return single({ dims, from, to: strides(dims), fromOffset,",
    "sum + start * (from[i] ?? 0), 0) * 0;\n    return single({ dims, from, to: strides(dims), fromOffset,",
  ),
  own("items", "gather")("lanes of a run one apart", "let at = begin + r * ${lanes}u;", "let at = begin + r;"),

  fused("rows", "layernorm 1×64")(
    "a lane's fourth number left out",
    "((a${k}.x + a${k}.y) + (a${k}.z + a${k}.w))",
    "((a${k}.x + a${k}.y) + a${k}.z)",
  ),
  fused("rows", "without subgroups")("the last two partial sums not joined", "s > 0u; s = s / 2u", "s > 1u; s = s / 2u"),
  fused("rows", "reductions 3×5×7")(
    "the largest is at least 0",
    '"0f" : "-3.4028234663852886e38f"});`);\n    const inner',
    '"0f" : "0f"});`);\n    const inner',
  ),
  fused("columns", "reductions 2×4500×3")("the last chunk reads on", "min(${rows}, begin + ${CHUNK}u)", "begin + ${CHUNK}u"),
  fused("columns", "reductions 1×70×3")(
    "lanes of a column not joined",
    "for (var y = 1u; y < ${Y}u; y++)",
    "for (var y = 1u; y < ${Y - 1}u; y++)",
  ),
  fused("columns", "reductions 3×5×7")("rows of the first outer index in all", "`  let r = outer * ${rows} + q;`", "`  let r = q;`"),
  fused("region", "layouts")(
    "turned pairs: the other channel on the wrong side",
    "{ div: stride, mod: 2, mul: -stride }",
    "{ div: stride, mod: 2, mul: stride }",
  ),
  fused("region", "layouts")("blocks: where they begin is not taken off", "    add -= start * mul;\n", ""),
  fused("region", "layouts")(
    "broadcast in the middle: inner axes not skipped",
    "quotient(modulo(at, middle.size * inner.size, domain), inner.size, domain)",
    "modulo(at, middle.size * inner.size, domain)",
  ),
  fused("region-text", "numbers")("random numbers: every element the first of four", "[element & 3u]", "[0u]"),
  fused("region-text", "decoding 3×2")(
    "rows written at a position one too high",
    '+ ${this.name(position, "f32")}) * ${w}',
    '+ ${this.name(position, "f32")} + 1u) * ${w}',
  ),
  fused("philox", "numbers")("key words raised by the same number", "vec2u(0x9e3779b9u, 0xbb67ae85u)", "vec2u(0x9e3779b9u, 0x9e3779b9u)"),
  fused("philox", "numbers")("a carry lost", "let low = al * bh + (mid & 0xffffu);", "let low = al * bh;"),
  functions("gelu: √(2/π) not doubled", "1.5957691216f", "0.7978845608f"),
  functions("cosine is a half turn from sine", "let q = k + ${T}(turn);", "let q = k + 2f * ${T}(turn);"),
  functions("erf: odd terms of the wrong sign", "${T}(-0.3761263890f)", "${T}(0.3761263890f)"),
  functions("powers of negative numbers lose their sign", "select(magnitude, -magnitude,", "select(magnitude, magnitude,"),

  sampler("greedy$")("the highest id of equals", "other.y < top.y", "other.y > top.y"),
  sampler("top-k$")("top-k keeps one too few", "min(u32(settingK), mass.x)", "min(u32(settingK) - 1u, mass.x)"),
  sampler("top-p$")("top-p: high words of sums not counted", "if (before + w < before) { atomicAdd(&high[bin], 1u); }", ""),
  sampler("top-p$")("top-p: a cut key's last id left out", "key == c.x && id <= c.y", "key == c.x && id < c.y"),
  sampler("top-k and top-p$")(
    "top-p of the mass before top-k",
    "let previous = workgroupUniformLoad(&cut);",
    "let previous = select(workgroupUniformLoad(&cut), vec2u(1u, 0xffffffffu), filter_ == 1u);",
  ),
  sampler("min-p$")(
    "min-p keeps the improbable",
    "let least = u32(setting[3] * ${ONE}f);",
    "let least = ${ONE}u - u32(setting[3] * ${ONE}f);",
  ),
  sampler("repetition penalty$")("penalty rewards negative logits", "else { x = x * penalty; }", "else { x = -quotient(-x, penalty); }"),
  sampler("temperature$")("temperature is ignored", "let s = slope(temperature);", "let s = slope(1f);"),
  sampler("no filter$")("all lanes draw one number", "philox(vec4u(b3[lane], b2[lane], 0u, 1u)", "philox(vec4u(b3[lane], 0u, 0u, 1u)"),
  sampler("no filter$")("the draw counter stands still", "philox(vec4u(b3[lane], b2[lane], 0u, 1u)", "philox(vec4u(0u, b2[lane], 0u, 1u)"),
  sampler("no filter$")(
    "ids that are not allowed are drawn",
    "((b2[id >> 5u] >> (id & 31u)) & 1u) == 1u",
    "((b2[id >> 5u] >> (id & 15u)) & 1u) == 1u",
  ),
];
