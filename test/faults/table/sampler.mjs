// Faults of the sampler: the plain one by its own rules, the device's against it, and what decoding hands on from token to token.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are parts of sources that are template strings.

/** @typedef {import("../faults.mjs").Fault} Fault */

/** @param {string} file @param {string} tests @param {string} [grep] @returns {(name: string, find: string, replace: string) => Fault} */
const of = (file, tests, grep) => (name, find, replace) => ({
  name,
  file,
  find,
  replace,
  tests: [`test/${tests}.test.ts`],
  ...(grep === undefined ? {} : { grep }),
});

const plain = of("compiler/ops/decode.ts", "ops/decode");
const weight = of("compiler/ops/weight.ts", "ops/weight");
const decoding = of("compiler/passes/programs.ts", "passes/programs", "generation");

/** @type {readonly Fault[]} */
export const sampler = [
  plain("the highest id of equals goes first", "b.logit - a.logit || a.id - b.id", "b.logit - a.logit || b.id - a.id"),
  plain("top-k keeps one too few", "weighted.slice(0, topK)", "weighted.slice(0, topK - 1)"),
  plain("top-p drops the one that reaches p", "kept = kept.slice(0, count);", "kept = kept.slice(0, count - 1);"),
  plain("top-p goes on past p", "if (reached >= wanted) break;", "if (reached > wanted) break;"),
  plain("top-p of the mass before top-k", "const wanted = share(\n      kept.reduce(", "const wanted = share(\n      weighted.reduce("),
  plain("min-p from the wrong end", "Math.floor(minP * ONE)", "Math.floor((1 - minP) * ONE)"),
  plain(
    "penalty rewards negative logits",
    "logit / repetitionPenalty : logit * repetitionPenalty",
    "logit / repetitionPenalty : logit / repetitionPenalty",
  ),
  plain("penalty on what was not seen", "!seen(id) ? logit", "seen(id) ? logit"),
  plain(
    "draws in order of probability",
    ".filter(({ weight }) => weight >= least).sort((a, b) => a.id - b.id)",
    ".filter(({ weight }) => weight >= least)",
  ),
  plain("a number at the end of a share draws it", "if (cumulative > passed) return id;", "if (cumulative >= passed) return id;"),
  plain("temperature multiplies", "slopeOf(temperature)", "slopeOf(1 / temperature)"),
  plain("a dropped position is written at the end", "if (position >= C) continue;", "if (position > C) continue;"),
  plain("counts are set, not raised", "element(result, lane * V + id) + 1", "1"),
  weight("Taylor's second term not halved", "y - (y2 >>> 1) + mulHigh(y3", "y - y2 + mulHigh(y3"),
  weight("a carry lost", "const low = al * bh + (mid % 65536);", "const low = al * bh;"),
  weight("one binary place off", "exponent - slope.exponent - 4", "exponent - slope.exponent - 3"),
  weight("rounds down", "(value + 2 ** whole)", "value"),

  decoding("a row does not see itself", "const bound = add(b, position, constantU32(b, 1));", "const bound = position;"),
  decoding("the draw counter stands still", 'b.update("decode.draw", add(b, draw, one))', 'b.update("decode.draw", draw)'),
  decoding("a drawn id lies one place early", "reshape(b, next, [lanes, 1])], {})", "reshape(b, place, [lanes, 1])], {})"),
  decoding("values go to the keys' cache", "cacheOf(`cache.${index}.v`, v)", "cacheOf(`cache.${index}.k`, v)"),
  of("compiler/passes/lower.ts", "passes/programs", "generation")(
    "all attentions share one cache",
    "attrs, attentions++)",
    "attrs, attentions)",
  ),
];
