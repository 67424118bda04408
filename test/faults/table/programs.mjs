// Faults between the checked model and the kernels: lowering, differentiation, simplification, cutting, fusing.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are parts of sources that are template strings.

/** @typedef {import("../faults.mjs").Fault} Fault */

/** @param {string} file @param {string} tests @param {string} [grep] @returns {(name: string, find: string, replace: string) => Fault} */
const of = (file, tests, grep) => (name, find, replace) => ({
  name,
  file: `compiler/passes/${file}.ts`,
  find,
  replace,
  tests: [`test/passes/${tests}.test.ts`],
  ...(grep === undefined ? {} : { grep }),
});

const lower = of("lower", "programs", "functions");
const training = of("programs", "programs", "training");
const simplify = of("simplify", "simplify");
const moved = of("simplify-layout", "simplify");
const split = of("split", "split");

/** @type {readonly Fault[]} */
export const programs = [
  lower("mean is a sum", "fill(b, 1 / count)", "fill(b, 1)"),
  lower("gt is lt", 'b.emit("lt", [y, x], {}, origin)', 'b.emit("lt", [x, y], {}, origin)'),
  lower("ge is gt", 'b.emit("le", [y, x], {}, origin)', 'b.emit("lt", [y, x], {}, origin)'),
  lower(
    "min forgets to turn the sign back",
    'b.emit("neg", [b.emit("amax", [b.emit("neg", [x], {}, origin)], attrs, origin)], {}, origin)',
    'b.emit("amax", [b.emit("neg", [x], {}, origin)], attrs, origin)',
  ),
  lower("leaky_relu leaks upwards", 'b.emit("step", [x], {}, origin), x, scaled', 'b.emit("step", [x], {}, origin), scaled, x'),
  training("dropout does not make up for what it drops", "1 / (1 - rate)", "1"),
  training(
    "dropout keeps what it should drop",
    "[dropped, fill(b, 0), mul(b, x, fill(b, 1 / (1 - rate)))]",
    "[dropped, mul(b, x, fill(b, 1 / (1 - rate))), fill(b, 0)]",
  ),
  training("losses not weighed", 'return mul(b, losses, input(b, "weights", "f32", [batch, rows]));', "return losses;"),
  training("packed examples see each other", 'sequence?.rows === "packed"', 'sequence?.rows === "one"'),

  of("differentiate", "differentiate", "adds the gradients")(
    "the last use's gradient alone",
    "before === undefined ? gradient : add(b, before, gradient)",
    "gradient",
  ),
  of("differentiate", "differentiate", "adds the gradients")(
    "the first node is never reached",
    "index >= 0; index =",
    "index > 0; index =",
  ),

  simplify(
    "−x + y is x − y",
    'if (nx.op === "neg") return make("sub", [y, ...nx.inputs], {});',
    'if (nx.op === "neg") return make("sub", [...nx.inputs, y], {});',
  ),
  simplify(
    "x − (−y) is x − y",
    'if (ny.op === "neg") return make("add", [x, ...ny.inputs], {});',
    'if (ny.op === "neg") return make("sub", [x, ...ny.inputs], {});',
  ),
  simplify("division by a power of two multiplies by it", "value: 1 / cy, shape: []", "value: cy, shape: []"),
  simplify("x³ is x⁴", 'return make("mul", [square(), x], {});', 'return make("mul", [square(), square()], {});'),
  simplify("a known condition chooses the other branch", "known !== 0 ? x : y", "known !== 0 ? y : x"),
  simplify("0 − x is x", 'as(make("neg", [y], {}))', "as(y)"),
  moved(
    "transposes joined in the wrong order",
    "order.map((axis) => at(inner.attrs.order, axis))",
    "inner.attrs.order.map((axis) => at(order, axis))",
  ),
  moved("a sum of a constant counts axes, not elements", "axes.reduce((n, axis) => n * at(shape, axis), 1)", "axes.length"),
  moved("a slice of a slice from the front", "places.map((n, i) => n + at(before, i))", "[...places]"),
  moved("a slice of a part not shifted", "i === axis ? n - first : n", "n"),
  moved(
    "(A B)ᵀ keeps the factors' own flags",
    "{ transposeA: !inner.attrs.transposeB, transposeB: !inner.attrs.transposeA }",
    "{ transposeA: !inner.attrs.transposeA, transposeB: !inner.attrs.transposeB }",
  ),
  moved("a second transpose is lost", "transposeB: transposeB !== (w !== undefined)", "transposeB: w !== undefined"),
  moved("pads joined in the wrong order", '[make("concat", [one, other], { axis })]', '[make("concat", [other, one], { axis })]'),
  split("every piece thinks it is the first", "{ first: node.attrs.first + first }", "{ first: node.attrs.first }"),
  split("pieces of the inner dimension all see the same columns", "heights.slice(0, i).reduce((n, height) => n + height, 0)", "0 * i"),

  of("plan/arena", "plan")(
    "a slot takes the place of one that is used in its first call",
    "if (o.last < slot.first || slot.last < o.first) continue;",
    "if (o.last <= slot.first || slot.last < o.first) continue;",
  ),
  of("plan/share", "fuse")(
    "a result takes the place of an operand that lives on",
    "lifetimes.get(view.tensor)?.[1] === i",
    "(lifetimes.get(view.tensor)?.[1] ?? 0) >= i",
  ),
  of("plan/share", "fuse.gpu", "fused programs")(
    "a result takes the place of an operand that other elements read",
    '(term.operand === operand && term.at.kind === "full")',
    "term.operand === operand",
  ),
  of("fuse/prepare", "fuse.gpu", "fused programs states")(
    "an output shows a state's next value",
    "isOld(nodes, map(value)) ? copy(map(value)) : map(value)",
    "isOld(nodes, map(value)) ? map(value) : map(value)",
  ),
  of("homes", "fuse.gpu", "training step")(
    "all parameters of a group begin where it begins",
    "{ buffer: `parameters.${place.group}`, offset: place.offset }",
    "{ buffer: `parameters.${place.group}`, offset: 0 }",
  ),
];
