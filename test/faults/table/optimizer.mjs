// Faults of the step after the gradients: clipping, AdamW, EMA, accumulation, where parameters lie, the learning rate, the trainer.

/** @typedef {import("../faults.mjs").Fault} Fault */

const update = "compiler/passes/update.ts";
const layout = "compiler/passes/layout.ts";
const schedule = "runtime/train/schedule.ts";
const trainer = "runtime/train/trainer.ts";
const checkpoint = "runtime/train/checkpoint.ts";

/** @param {string} file @param {string} tests @param {string} [grep] @returns {(name: string, find: string, replace: string) => Fault} */
const of = (file, tests, grep) => (name, find, replace) => ({
  name,
  file,
  find,
  replace,
  tests: [`test/${tests}.test.ts`],
  ...(grep === undefined ? {} : { grep }),
});

const step = of(update, "passes/update");
const places = of(layout, "passes/layout");
const rate = of(schedule, "runtime/schedule");

/** @type {readonly Fault[]} */
export const optimizer = [
  step("first moment: β₂ for β₁", "scale(b, g, 1 - beta1)", "scale(b, g, 1 - beta2)"),
  step("second moment: β₁ for β₂", "scale(b, mul(b, g, g), 1 - beta2)", "scale(b, mul(b, g, g), 1 - beta1)"),
  step("second moment: |gradient| for its square", "scale(b, mul(b, g, g), 1 - beta2)", 'scale(b, unary(b, "abs", g), 1 - beta2)'),
  step(
    "bias correction of the second moment is the first's",
    'mul(b, v, scalar(b, "adam.correction2"))',
    'mul(b, v, scalar(b, "adam.correction1"))',
  ),
  step("bias correction of the first moment forgotten", 'mul(b, m, scalar(b, "adam.correction1"))', "m"),
  step(
    "eps under the root",
    'add(b, unary(b, "sqrt", mul(b, v, scalar(b, "adam.correction2"))), fill(b, eps))',
    'unary(b, "sqrt", add(b, mul(b, v, scalar(b, "adam.correction2")), fill(b, eps)))',
  ),
  step("decay on the wrong group", "group.decay && weightDecay !== 0", "!group.decay && weightDecay !== 0"),
  step("decay not scaled by the learning rate", "scale(b, rate, weightDecay)", "fill(b, weightDecay)"),
  step("decay makes weights grow", "sub(b, fill(b, 1), scale(b, rate, weightDecay))", "add(b, fill(b, 1), scale(b, rate, weightDecay))"),
  step(
    "clipping lengthens what is short",
    'binary(b, "min", fill(b, 1), div(b, fill(b, clip)',
    'binary(b, "max", fill(b, 1), div(b, fill(b, clip)',
  ),
  step(
    "clip factor turned over",
    "div(b, fill(b, clip), add(b, norm, fill(b, 1e-6)))",
    "div(b, add(b, norm, fill(b, 1e-6)), fill(b, clip))",
  ),
  step("norm of sums, not of squares", "mul(b, rows, rows)", "rows"),
  step("EMA of the old parameters", "scale(b, next, 1 - ema)", "scale(b, parameters, 1 - ema)"),
  step(
    "EMA weights exchanged",
    'add(b, scale(b, state(b, "ema", group), ema), scale(b, next, 1 - ema))',
    'add(b, scale(b, state(b, "ema", group), 1 - ema), scale(b, next, ema))',
  ),
  step(
    "the first micro-batch keeps the last step's gradients",
    'mul(b, state(b, "gradients", group), scalar(b, "accumulate.keep"))',
    'state(b, "gradients", group)',
  ),

  places("a group larger than a binding", "if (used + size > limit) close();", "if (used > limit) close();"),
  places("the last piece of a table runs over its end", "Math.min(height, rows - first)", "height"),
  places("places not aligned", "Math.ceil(elements(piece.shape) / ALIGN) * ALIGN", "elements(piece.shape)"),
  of("compiler/compile.ts", "passes/programs", "training decays")(
    "vectors decay as well",
    "parameter.shape.length > 1, target",
    "parameter.shape.length >= 1, target",
  ),

  rate("warm-up begins at 0", "peak * (step + 1)", "peak * step"),
  rate("cosine counts the warm-up", "(step - warmup) / (steps - warmup)", "step / steps"),
  rate("cosine does not halve", "0.5 * (1 + Math.cos(", "(1 + Math.cos("),
  rate("linear rises", "* (1 - progress(schedule.warmup", "* (0 + progress(schedule.warmup"),
  rate("bias correction one step late", "beta ** (step + 1)", "beta ** (step + 2)"),

  of(trainer, "runtime/train.gpu", "train accumulates")("later micro-batches forget the earlier ones", "index === 0 ? 0 : 1 }", "0 }"),
  of(trainer, "runtime/train.gpu", "train accumulates")(
    "loss scaled by one micro-batch's tokens",
    "1 / weight : 0",
    "spec.accumulate / weight : 0",
  ),
  of(trainer, "runtime/train.gpu", "train falls")(
    "learning rate one step ahead",
    "learningRate(spec.learningRate, step)",
    "learningRate(spec.learningRate, step + 1)",
  ),
  of(trainer, "runtime/train.gpu", "train falls")(
    "scores the raw weights",
    "options.raw === true ? [] : emaPairs(executable)",
    "options.raw === true ? emaPairs(executable) : []",
  ),
  of(trainer, "runtime/train.gpu", "train resumes")(
    "corrections count from the resumption",
    "adamCorrections(spec.betas, step)",
    "adamCorrections(spec.betas, step - (options.start ?? 0))",
  ),
  of(checkpoint, "runtime/train.gpu", "train resumes")("weights without the EMA copy", "ema.get(tensor.name) ?? tensor", "tensor"),
  of(checkpoint, "runtime/train.gpu", "train resumes")("moments not stored", '["parameter", "moment", "ema"]', '["parameter", "ema"]'),
];
