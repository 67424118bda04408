// Faults of what ops mean: gradients, held by finite differences of the plain evaluations, and decompositions, held by those evaluations themselves.

/** @typedef {import("../faults.mjs").Fault} Fault */

/** @param {string} file @param {string} name @param {string} find @param {string} replace @param {string} grep @returns {Fault} */
const fault = (file, name, find, replace, grep) => ({
  name,
  file: `compiler/ops/${file}.ts`,
  find,
  replace,
  tests: ["test/ops/gradients.test.ts"],
  grep,
});

export const gradients = [
  fault("unary", "tanh: y for y²", "sub(b, fill(b, 1), mul(b, y, y))", "sub(b, fill(b, 1), y)", "gradients tanh"),
  fault("unary", "sqrt: factor ½ forgotten", "div(b, scale(b, g, 0.5), y)", "div(b, g, y)", "gradients sqrt"),
  fault("unary", "rsqrt: wrong sign", "scale(b, g, -0.5)", "scale(b, g, 0.5)", "gradients rsqrt"),
  fault("unary", "cos: wrong sign", 'neg(b, mul(b, g, unary(b, "sin", x)))', 'mul(b, g, unary(b, "sin", x))', "gradients cos"),
  fault("unary", "erf: factor 2/√π halved", "scale(b, g, 2 / Math.sqrt(Math.PI))", "scale(b, g, 1 / Math.sqrt(Math.PI))", "gradients erf"),
  fault("unary", "sigmoid: y² for y (1 − y)", "mul(b, y, sub(b, fill(b, 1), y))", "mul(b, y, y)", "gradients sigmoid"),
  fault("unary", "relu: passes x instead of its step", 'mul(b, g, unary(b, "step", x))', "mul(b, g, x)", "gradients relu"),
  fault(
    "unary",
    "abs: no gradient where x is negative",
    'sub(b, unary(b, "step", x), unary(b, "step", neg(b, x)))',
    'unary(b, "step", x)',
    "gradients abs",
  ),
  fault("unary", "sigmoid: overflows far out", 'exp(b, neg(b, unary(b, "abs", x)))', "exp(b, neg(b, x))", "decompositions sigmoid"),
  fault("unary", "gelu: tanh u for sigmoid 2u without the 2", "2 * GELU_SCALE", "GELU_SCALE", "decompositions gelu 3"),

  fault("binary", "sub: second gradient not negated", "[g, neg(b, g)]", "[g, g]", "gradients sub"),
  fault("binary", "mul: each gets its own value", "[mul(b, g, y), mul(b, g, x)]", "[mul(b, g, x), mul(b, g, y)]", "gradients mul"),
  fault("binary", "div: wrong sign of the divisor's gradient", "neg(b, mul(b, dx, r))", "mul(b, dx, r)", "gradients div"),
  fault("binary", "pow: exponent not lowered", 'binary(b, "pow", x, sub(b, y, fill(b, 1)))', 'binary(b, "pow", x, y)', "gradients pow"),
  fault(
    "binary",
    "max: the smaller gets the gradient",
    "[mul(b, g, less(b, y, x)), mul(b, g, less(b, x, y))]",
    "[mul(b, g, less(b, x, y)), mul(b, g, less(b, y, x))]",
    "gradients max",
  ),
  fault(
    "binary",
    "max, min: a tie gives each the whole gradient",
    'scale(b, binary(b, "eq", x, y), 0.5)',
    'binary(b, "eq", x, y)',
    "gradients share evenly",
  ),
  fault("binary", "where: branches exchanged", "choose(b, condition, zero, g)", "choose(b, condition, g, zero)", "gradients where"),

  fault(
    "reduce",
    "amax: equal largest elements each get all",
    "div(b, kept(b, g, shape, node.attrs), count)",
    "kept(b, g, shape, node.attrs)",
    "gradients share evenly",
  ),

  fault(
    "layout",
    "transpose: its own order instead of the inverse",
    "inverse(node.attrs.order))]",
    "node.attrs.order)]",
    "gradients transpose",
  ),
  fault(
    "layout",
    "slice: padded at the wrong end",
    "{ before: node.attrs.starts, after }",
    "{ before: after, after: node.attrs.starts }",
    "gradients slice",
  ),
  fault("layout", "pad: cut at the wrong end", "const starts = node.attrs.before;", "const starts = node.attrs.after;", "gradients pad"),
  fault("layout", "concat: every part's gradient from the front", "      start = stop;\n", "", "gradients concat"),
  fault(
    "layout",
    "pack: every part's gradient from the first place",
    "const start = at(node.attrs.offsets, i);",
    "const start = at(node.attrs.offsets, 0);",
    "gradients pack",
  ),

  fault(
    "matrix",
    "matmul: shared B, Aᵀ as it is stored",
    "transposeA ? swap(b, x) : x, [rows, sizes.K]",
    "x, [rows, sizes.K]",
    "gradients matmul",
  ),
  fault(
    "matrix",
    "matmul: shared B, ignores that it is transposed",
    "transposeB ? product(b, tallG, tallX, true, false) : product(b, tallX, tallG, true, false)",
    "product(b, tallX, tallG, true, false)",
    "gradients matmul",
  ),
  fault("matrix", "gather: first row of a piece forgotten", "{ rows, first: node.attrs.first }", "{ rows, first: 0 }", "gradients gather"),
  fault(
    "matrix",
    "scatter_add: first row of a piece forgotten",
    "[g, at(node.inputs, 0)], { first: node.attrs.first }",
    "[g, at(node.inputs, 0)], { first: 0 }",
    "gradients scatter_add",
  ),
  fault("matrix", "rotate: gradient turned the same way", "inverse: !attrs.inverse", "inverse: attrs.inverse", "gradients rotate"),
  fault("matrix", "rotate: cosine's gradient lacks a term", "add(b, mul(b, p, dp), mul(b, q, dq))", "mul(b, p, dp)", "gradients rotate"),
  fault(
    "matrix",
    "rotate: sine's gradient has the wrong sign",
    "sub(b, mul(b, p, dq), mul(b, q, dp))",
    "sub(b, mul(b, q, dp), mul(b, p, dq))",
    "gradients rotate",
  ),

  fault("attention", "gradient: δ forgotten", "p * (dp - delta) * attrs.scale", "p * dp * attrs.scale", "gradients attention"),
  fault("attention", "gradient: scale forgotten", "p * (dp - delta) * attrs.scale", "p * (dp - delta)", "gradients attention"),
  fault(
    "attention",
    "a window sees one key too many",
    "j < bound - attrs.window",
    "j < bound - attrs.window - 1",
    "decompositions attention",
  ),
  fault("attention", "causal bound ignores keys before the first query", "i + 1 + (S - T)", "i + 1", "decompositions attention"),
  fault(
    "attention",
    "log-sum-exp without the largest score",
    "add(b, largest, log(b, divisor))",
    "log(b, divisor)",
    "decompositions attention",
  ),

  fault(
    "loss",
    "cross_entropy: largest logit not added back",
    "sub(b, add(b, largest, log(b, mass)), chosen)",
    "sub(b, log(b, mass), chosen)",
    "decompositions cross_entropy",
  ),
  fault(
    "loss",
    "linear_cross_entropy: chunks' masses rescaled the wrong way",
    "sub(b, p.largest, largest)",
    "sub(b, largest, p.largest)",
    "decompositions linear_cross_entropy [0-9]",
  ),
  fault(
    "loss",
    "linear_cross_entropy: a chunk's first id not counted on",
    "first += width;",
    "first = width;",
    "decompositions linear_cross_entropy [0-9]",
  ),
  fault(
    "loss",
    "linear_cross_entropy_gradient: target's 1 not subtracted",
    "sub(b, p, oneHot(b, column, chunk.width))",
    "p",
    "gradients linear_cross_entropy [0-9]|decompositions linear_cross_entropy_gradient",
  ),
];
