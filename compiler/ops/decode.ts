// Ops of cached decoding: rows written into caches, counts of ids, and the draw of the next one. None has a gradient.
// `sample` is the plain CPU sampler that the device's is compared with, token by token.

import { elements } from "../ir/graph.js";
import { at, element, fail, type Op, operands, sameShape, show, u32 } from "./op.js";
import { sampleNumber } from "./philox.js";
import { ONE, share, slopeOf, weightOf } from "./weight.js";

export const cacheWrite: Op<"cache_write"> = {
  doc: "(cache [B, C, ...D], rows [B, n, ...D], positions u32 [B, n]) → cache with rows[b, i] at positions[b, i]; positions ≥ C are dropped, the last of equal ones stays.",
  attrs: {},
  infer: (inputs) => {
    operands("cache_write", inputs, [undefined, undefined, "u32"]);
    const [cache, rows, positions] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [B = 0, , ...rest] = cache.shape;
    const n = rows.shape[1] ?? 0;
    const fits =
      cache.shape.length >= 2 && cache.dtype === rows.dtype && sameShape(rows.shape, [B, n, ...rest]) && sameShape(positions.shape, [B, n]);
    if (!fits) fail("cache_write", `${show(rows)} into ${show(cache)} at ${show(positions)}`);
    return [cache];
  },
  evaluate: (inputs, types) => {
    const [cache, rows, positions] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [B = 1, C = 1, ...rest] = at(types, 0).shape;
    const n = at(at(types, 1).shape, 1);
    const width = elements(rest);
    const result = cache.slice();
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < n; i++) {
        const position = element(positions, b * n + i);
        if (position >= C) continue;
        for (let d = 0; d < width; d++) result[(b * C + position) * width + d] = element(rows, (b * n + i) * width + d);
      }
    }
    return [result];
  },
};

export const tally: Op<"tally"> = {
  doc: "(counts u32 [B, V], ids u32 [B]) → counts with one more at each lane's id; ids ≥ V are dropped.",
  attrs: {},
  infer: (inputs) => {
    operands("tally", inputs, ["u32", "u32"]);
    const [counts, ids] = [at(inputs, 0), at(inputs, 1)];
    if (counts.shape.length !== 2 || !sameShape(ids.shape, counts.shape.slice(0, 1))) fail("tally", `${show(ids)} into ${show(counts)}`);
    return [counts];
  },
  evaluate: (inputs, types) => {
    const result = at(inputs, 0).slice();
    const V = at(at(types, 0).shape, 1);
    at(inputs, 1).forEach((id, lane) => {
      if (id < V) result[lane * V + id] = element(result, lane * V + id) + 1;
    });
    return [result];
  },
};

export interface SampleSettings {
  /** 0: greedy, whatever the filters. */
  readonly temperature: number;
  /** 0 or ≥ V: off. */
  readonly topK: number;
  /** ≥ 1: off; 0 keeps the most probable id. */
  readonly topP: number;
  /** 0: off. */
  readonly minP: number;
  /** 1: off. */
  readonly repetitionPenalty: number;
}

/**
 * Draws one id with the number `u` in [0, 1). In order: repetition penalty (Keskar et al. 2019: positive logits divided, others multiplied)
 * of ids that stand before, result rounded to f32; ids not allowed leave; temperature 0 takes the largest penalised logit. Else ids are
 * ranked by penalised logit falling, then id rising, and each filter keeps a beginning of the ranking: top-k the first k; top-p the
 * fewest whose mass, renormalised over what top-k left, reaches p; min-p those with at least min_p times the first one's
 * probability. The draw is the first id, ids rising, whose cumulative probability over what is left exceeds u. Probabilities
 * are exp((logit − largest) / temperature) as whole numbers (weight.ts), so sums are exact; p, min_p and u are cut to 24, 30 and 24
 * binary digits, and p · mass, u · mass rounded down. Nothing allowed gives 0.
 */
export function sampleOne(
  logits: Float32Array,
  seen: (id: number) => boolean,
  allowed: (id: number) => boolean,
  settings: SampleSettings,
  u: number,
): number {
  const { temperature, topK, topP, minP, repetitionPenalty } = settings;
  const penalised = logits.map((logit, id) => (!seen(id) ? logit : logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty));
  const ranked = Array.from(penalised, (logit, id) => ({ logit, id }))
    .filter(({ id }) => allowed(id))
    .sort((a, b) => b.logit - a.logit || a.id - b.id);
  const [first] = ranked;
  if (first === undefined) return 0;
  if (temperature === 0) return first.id;
  const slope = slopeOf(temperature);
  const weighted = ranked.map(({ logit, id }) => ({ id, weight: weightOf(logit, first.logit, slope) }));
  let kept = topK > 0 ? weighted.slice(0, topK) : weighted;
  if (topP < 1) {
    const wanted = share(
      kept.reduce((total, { weight }) => total + weight, 0),
      Math.floor(topP * 2 ** 24),
    );
    let reached = 0;
    let count = 0;
    for (const { weight } of kept) {
      reached += weight;
      count++;
      if (reached >= wanted) break;
    }
    kept = kept.slice(0, count);
  }
  const least = Math.floor(minP * ONE);
  kept = kept.filter(({ weight }) => weight >= least).sort((a, b) => a.id - b.id);
  const passed = share(
    kept.reduce((total, { weight }) => total + weight, 0),
    Math.floor(u * 2 ** 24),
  );
  let cumulative = 0;
  for (const { id, weight } of kept) {
    cumulative += weight;
    if (cumulative > passed) return id;
  }
  return kept[kept.length - 1]?.id ?? first.id;
}

export const sample: Op<"sample"> = {
  doc: "(logits [B, V], counts u32 [B, V], allowed bit mask, settings [B, 5], lane u32 [B], draw u32 [B], seed u32 []) → u32 [B]: ids drawn.",
  attrs: {},
  infer: (inputs) => {
    operands("sample", inputs, ["f32", "u32", "u32", "f32", "u32", "u32", "u32"]);
    const [logits, counts, allowed, settings, lane, draw, seed] = inputs.map((type) => type.shape);
    const [B = 0, V = 0] = logits ?? [];
    const shapes = [[B, V], [B, V], [Math.ceil(V / 32)], [B, 5], [B], [B], []];
    [logits, counts, allowed, settings, lane, draw, seed].forEach((shape, i) => {
      if (!sameShape(shape ?? [], at(shapes, i)))
        fail("sample", `operand ${i} is ${show(at(inputs, i))}, not [${at(shapes, i).join(",")}]`);
    });
    return [u32([B])];
  },
  evaluate: (inputs, types) => {
    const [B = 1, V = 1] = at(types, 0).shape;
    const result = new Uint32Array(B);
    for (let b = 0; b < B; b++) {
      const row = Float32Array.from({ length: V }, (_, id) => element(at(inputs, 0), b * V + id));
      const setting = (i: number) => element(at(inputs, 3), b * 5 + i);
      result[b] = sampleOne(
        row,
        (id) => element(at(inputs, 1), b * V + id) > 0,
        (id) => ((element(at(inputs, 2), id >>> 5) >>> (id & 31)) & 1) === 1,
        { temperature: setting(0), topK: setting(1), topP: setting(2), minP: setting(3), repetitionPenalty: setting(4) },
        sampleNumber(element(at(inputs, 6), 0), element(at(inputs, 5), b), element(at(inputs, 4), b)),
      );
    }
    return [result];
  },
};
