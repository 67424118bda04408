// In: logits, counts, allowed ids, settings and counters of B lanes. Out: the id that each draws. Two dispatches: keys, whose order is that of the
// penalised logits, then one workgroup a lane, which finds each filter's end by radix selection and draws by inverse CDF.
// Invariant: probabilities are integers (compiler/ops/weight.ts), so sums are exact in any order and every token is that of the plain sampler.

import { LN2, LOG2E, ONE, powers } from "../ops/weight.js";
import { type Items, perItem } from "./items.js";
import { type Binding, type Dispatch, fold, header, type Kernel, type Target } from "./kernel.js";
import { philoxText, sampleKey } from "./philox.js";

const input = (index: number): Binding => ({ kind: "input", index });
const keysBuffer: Binding = { kind: "scratch", index: 0 };
const weightsBuffer: Binding = { kind: "scratch", index: 1 };

/** Lanes of the workgroup that draws for one lane of the batch. */
function lanesOf(target: Target): number {
  return target.software ? 8 : 256;
}

export const sample: Kernel<"sample"> = {
  doc: "Order-preserving keys of penalised logits, then a workgroup a lane: radix selection for top-k and top-p, inverse CDF in order of id.",
  implement(_attrs, inputs, _outputs, target) {
    const [B = 1, V = 1] = inputs[0]?.shape ?? [];
    return { dispatches: [keys(B, V, target), draw(B, V, target)], scratch: [4 * B * V, 4 * B * V] };
  },
};

/** 0 where an id is not allowed; else a word that rises with the logit. Stored, so that no compiler fuses the penalty into what follows. */
function keys(B: number, V: number, target: Target): Dispatch {
  const functions = `// x / y of positive numbers, correctly rounded: WGSL's own division may be off by 2.5 units in the last place.
fn quotient(x: f32, y: f32) -> f32 {
  let xw = bitcast<u32>(x); let yw = bitcast<u32>(y);
  if ((xw >> 23u) == 0u) { return 0f; }
  var m = (xw & 0x7fffffu) | 0x800000u;
  let n = (yw & 0x7fffffu) | 0x800000u;
  var e = i32(xw >> 23u) - i32(yw >> 23u) + 127;
  if (m < n) { m = m << 1u; e--; }
  var rest = m - n;
  var q = 1u;
  for (var i = 0u; i < 3u; i++) { rest = rest << 8u; q = (q << 8u) | (rest / n); rest = rest % n; }
  let up = (q & 1u) == 1u && (rest != 0u || (q & 2u) == 2u);
  q = (q >> 1u) + select(0u, 1u, up);
  if (q == 0x1000000u) { q = 0x800000u; e++; }
  if (e <= 0) { return 0f; }
  return bitcast<f32>((u32(min(e, 254)) << 23u) | (q & 0x7fffffu));
}
`;
  const body = `let lane = at / im.V;
    let id = at % im.V;
    var x = b0[at];
    if (b1[at] > 0u) {
      let penalty = b3[lane * 5u + 4u];
      if (x > 0f) { x = quotient(x, penalty); } else { x = x * penalty; }
    }
    let word = bitcast<u32>(x);
    let positive = select(word, 0u, (word << 1u) == 0u);
    let key = select(positive | 0x80000000u, ~positive, (positive >> 31u) == 1u);
    b4[at] = select(0u, max(key, 1u), ((b2[id >> 5u] >> (id & 31u)) & 1u) == 1u);`;
  const items: Items = {
    kernel: "sample_keys",
    types: ["f32", "u32", "u32", "f32", "u32"],
    immediates: [["V", "u32", V]],
    functions,
    body,
    count: B * V,
    bindings: [input(0), input(1), input(2), input(3), keysBuffer],
  };
  return perItem(items, target);
}

const hex = (n: number): string => `0x${(n >>> 0).toString(16)}u`;

/** 64-bit sums are vec2u (low, high). `weight` is `weightOf` of compiler/ops/weight.ts, `slope` its `slopeOf`. */
const arithmetic = `fn plus(a: vec2u, b: vec2u) -> vec2u { let low = a.x + b.x; return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x)); }
fn minus(a: vec2u, b: vec2u) -> vec2u { return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x)); }
fn below(a: vec2u, b: vec2u) -> bool { return a.y < b.y || (a.y == b.y && a.x < b.x); }
fn share(mass: vec2u, part: u32) -> vec2u {
  let low = mass.x * part;
  let mid = mul_hi(mass.x, part);
  let sum = mid + mass.y * part;
  let high = mul_hi(mass.y, part) + select(0u, 1u, sum < mid);
  return vec2u((low >> 24u) | (sum << 8u), (sum >> 24u) | (high << 8u));
}
const powers = array<u32, 32>(${powers.map(hex).join(", ")});
fn slope(temperature: f32) -> vec2u {
  let word = bitcast<u32>(temperature);
  let m = (word & 0x7fffffu) | 0x800000u;
  var quotient = 0u; var rest = 0u; var digits = ${hex(LOG2E)};
  for (var i = 0u; i < 7u; i++) {
    rest = (rest << 8u) | (digits >> 24u);
    digits = digits << 8u;
    quotient = (quotient << 8u) | (rest / m);
    rest = rest % m;
  }
  return vec2u(quotient, word >> 23u);
}
fn logit(key: u32) -> f32 { return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u)); }
fn weight(key: u32, largest: f32, s: vec2u) -> u32 {
  if (key == 0u) { return 0u; }
  let word = bitcast<u32>(largest - logit(key));
  let exponent = (word >> 23u) & 0xffu;
  if (exponent == 0u) { return ${hex(ONE)}; }
  let high = mul_hi(((word & 0x7fffffu) | 0x800000u) << 8u, s.x);
  let shift = i32(exponent) - i32(s.y) - 4;
  if (shift < -31) { return ${hex(ONE)}; }
  if (shift > 2 || (shift >= 0 && high >= (${hex(31 * 2 ** 26)} >> u32(max(shift, 0))))) { return 0u; }
  let x = select(high >> u32(max(-shift, 0)), high << u32(max(shift, 0)), shift >= 0);
  if (x >= ${hex(31 * 2 ** 26)}) { return 0u; }
  let y = mul_hi((x & 0x1fffffu) << 6u, ${hex(LN2)});
  let y2 = mul_hi(y, y);
  let loss = y - (y2 >> 1u) + mul_hi(mul_hi(y2, y), 0x2aaaaaabu);
  let power = powers[(x >> 21u) & 31u];
  let whole = x >> 26u;
  return (power - mul_hi(power, loss) + (1u << whole)) >> (whole + 1u);
}
`;

/**
 * A filter keeps a beginning of the ranking: keys above `cut.x`, and of those equal to it the ids up to `cut.y`. Both selective filters are one
 * search: the shortest beginning whose sum reaches a target, of ones for top-k, of weights for top-p; a pass for every few bits of the key.
 */
function draw(B: number, V: number, target: Target): Dispatch {
  const W = lanesOf(target);
  // One lane adds up the bins: few of them cost less than more passes over a short row.
  const bits = target.software && V <= 4096 ? 4 : 8;
  const bins = 2 ** bits;
  const wgsl = `${header(
    ["u32", "f32", "u32", "u32", "u32", "u32", "u32"],
    [
      ["lanes", "u32"],
      ["V", "u32"],
      ["filters", "u32"],
      ["digits", "u32"],
    ],
    { ...target, subgroup: 0 },
  )}${philoxText}${arithmetic}
struct Search { prefix: u32, mask: u32, need: vec2u }
var<workgroup> low: array<atomic<u32>, ${bins}>;
var<workgroup> high: array<atomic<u32>, ${bins}>;
var<workgroup> sums: array<vec2u, ${W}>;
var<workgroup> best: array<vec2u, ${W}>;
var<workgroup> setting: array<f32, 5>;
var<workgroup> search: Search;
var<workgroup> cut: vec2u;
var<workgroup> chosen: u32;
var<workgroup> winner: vec3u;

fn survives(key: u32, id: u32, c: vec2u) -> bool { return key > c.x || (key == c.x && id <= c.y); }

@compute @workgroup_size(${W})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = group.x + group.y * groups.x;
  if (lane >= im.lanes) { return; }
  let base = lane * im.V;
  if (local < 5u) { setting[local] = b1[lane * 5u + local]; }
  // The largest key and its lowest id.
  var top = vec2u(0u, 0u);
  for (var id = local; id < im.V; id += ${W}u) { let key = b0[base + id]; if (key > top.x) { top = vec2u(key, id); } }
  best[local] = top;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < ${W}u; i++) { let other = best[i]; if (other.x > top.x || (other.x == top.x && other.y < top.y)) { top = other; } }
    best[0] = top;
    cut = vec2u(1u, 0xffffffffu);
  }
  let first = workgroupUniformLoad(&best[0]);
  let temperature = workgroupUniformLoad(&setting[0]);
  if (temperature == 0f || first.x == 0u) {
    if (local == 0u) { b5[lane] = first.y; }
    return;
  }
  let s = slope(temperature);
  let largest = logit(first.x);
  for (var id = local; id < im.V; id += ${W}u) { b6[base + id] = weight(b0[base + id], largest, s); }
  storageBarrier();
  let settingK = workgroupUniformLoad(&setting[1]);
  let settingP = workgroupUniformLoad(&setting[2]);
  // Ids of a lane in order of id, for what goes by id.
  let run = (im.V + ${W - 1}u) / ${W}u;
  let begin = min(local * run, im.V);
  let end = min(begin + run, im.V);
  // Their number and that of digits are immediates, or compilers would unroll eight copies of the search.
  for (var filter_ = 0u; filter_ < im.filters; filter_++) {
    if (filter_ == 0u && (settingK < 1f || settingK >= f32(im.V))) { continue; }
    if (filter_ == 1u && settingP >= 1f) { continue; }
    let previous = workgroupUniformLoad(&cut);
    if (local == 0u) { search = Search(0u, 0u, vec2u()); }
    for (var digit = 0u; digit < im.digits; digit++) {
      let shift = ${32 - bits}u - ${bits}u * digit;
      for (var i = local; i < ${bins}u; i += ${W}u) { atomicStore(&low[i], 0u); atomicStore(&high[i], 0u); }
      workgroupBarrier();
      let prefix = search.prefix; let mask = search.mask;
      for (var id = local; id < im.V; id += ${W}u) {
        let key = b0[base + id];
        if (survives(key, id, previous) && (key & mask) == prefix) {
          var w = 1u;
          if (filter_ == 1u) { w = b6[base + id]; }
          let bin = (key >> shift) & ${bins - 1}u;
          let before = atomicAdd(&low[bin], w);
          if (before + w < before) { atomicAdd(&high[bin], 1u); }
        }
      }
      workgroupBarrier();
      if (local == 0u) {
        var need = search.need;
        if (digit == 0u) {
          var mass = vec2u();
          for (var i = 0u; i < ${bins}u; i++) { mass = plus(mass, vec2u(atomicLoad(&low[i]), atomicLoad(&high[i]))); }
          if (filter_ == 0u) { need = vec2u(min(u32(settingK), mass.x), 0u); }
          else { need = share(mass, u32(max(settingP, 0f) * 16777216f)); if (need.x == 0u && need.y == 0u) { need.x = 1u; } }
        }
        var bin = ${bins - 1}u;
        loop {
          let here = vec2u(atomicLoad(&low[bin]), atomicLoad(&high[bin]));
          if (!below(here, need) || bin == 0u) { break; }
          need = minus(need, here);
          bin--;
        }
        search = Search(prefix | (bin << shift), mask | (${bins - 1}u << shift), need);
      }
      workgroupBarrier();
    }
    // The last key that is kept, and how many of its ids, lowest first.
    let key = search.prefix;
    var each = 1u;
    var equal = 0u;
    for (var id = begin; id < end; id++) {
      if (b0[base + id] == key && survives(key, id, previous)) { equal++; if (filter_ == 1u) { each = b6[base + id]; } }
    }
    sums[local] = vec2u(equal, each);
    workgroupBarrier();
    if (local == 0u) {
      // Equal keys weigh the same: as many of them, ids rising, as the rest of the target needs.
      var rest = search.need;
      cut = vec2u(key, 0xffffffffu);
      var found = false;
      for (var i = 0u; i < ${W}u && !found; i++) {
        let same = sums[i].y;
        let here = vec2u(sums[i].x * same, mul_hi(sums[i].x, same));
        if (!below(here, rest) && sums[i].x > 0u) {
          found = true;
          for (var id = i * run; id < min(i * run + run, im.V); id++) {
            if (b0[base + id] == key && survives(key, id, previous)) {
              if (!below(vec2u(same, 0u), rest)) { cut.y = id; break; }
              rest = minus(rest, vec2u(same, 0u));
            }
          }
        } else { rest = minus(rest, here); }
      }
    }
    workgroupBarrier();
  }
  let last = workgroupUniformLoad(&cut);
  let least = u32(setting[3] * ${ONE}f);
  var mass = vec2u();
  for (var id = begin; id < end; id++) {
    let key = b0[base + id];
    if (survives(key, id, last)) { let w = b6[base + id]; if (w >= least) { mass = plus(mass, vec2u(w, 0u)); } }
  }
  sums[local] = mass;
  workgroupBarrier();
  if (local == 0u) {
    var total = vec2u();
    for (var i = 0u; i < ${W}u; i++) { total = plus(total, sums[i]); }
    let number = philox(vec4u(b3[lane], b2[lane], 0u, 1u), vec2u(b4[0], ${hex(sampleKey)})).x;
    var passed = share(total, number >> 8u);
    var i = 0u;
    while (i < ${W - 1}u && !below(passed, sums[i])) { passed = minus(passed, sums[i]); i++; }
    winner = vec3u(i, passed);
    chosen = first.y;
  }
  workgroupBarrier();
  if (local == winner.x) {
    var passed = winner.yz;
    for (var id = begin; id < end; id++) {
      let key = b0[base + id];
      if (survives(key, id, last)) {
        let w = b6[base + id];
        if (w >= least) {
          if (below(passed, vec2u(w, 0u))) { chosen = id; break; }
          passed = minus(passed, vec2u(w, 0u));
        }
      }
    }
    b5[lane] = chosen;
  }
}
`;
  return {
    kernel: "sample",
    wgsl,
    immediates: [B, V, 2, 32 / bits],
    grid: fold(B, target),
    bindings: [keysBuffer, input(3), input(4), input(5), input(6), { kind: "output", index: 0 }, weightsBuffer],
  };
}
