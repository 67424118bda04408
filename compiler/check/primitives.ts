// The primitives that equations are written in: for each its arguments and its shape rule. In: a call's values. Out: a value, with equations emitted
// for tensors; numbers are computed at once. What shapes mean for the rows is decided here and in shapes.ts.

import type { Span } from "../../grammar/source.js";
import type { BinaryExpr, BinaryOperator, CallExpr } from "../../grammar/tree.js";
import type { BinaryOp, UnaryOp } from "../ir/graph.js";
import { type CompositeOp, composites } from "../ops/composite.js";
import { matchArguments } from "./calls.js";
import type { Dim } from "./dims.js";
import { evaluate } from "./evaluate.js";
import { type Extras, emit } from "./machine.js";
import type { EquationAttrs, EquationOp, SymbolicType } from "./model.js";
import { floorNumber, roundUpNumber } from "./numbers.js";
import { layers } from "./primitives-layers.js";
import { layout } from "./primitives-layout.js";
import { type Context, type Mode, PREFER_WORDS, type Scope, WORDS } from "./scope.js";
import { broadcast } from "./shapes.js";
import { describe, number, type Reason, showNumber, type TensorValue, UNKNOWN, type Value } from "./values.js";

/** A call of a primitive with its arguments evaluated. */
export interface Call {
  readonly context: Context;
  readonly scope: Scope;
  readonly expr: CallExpr;
  readonly name: string;
  has(argument: string): boolean;
  /** The argument's value; unknown where it is not given. */
  get(argument: string): Value;
  span(argument: string): Span;
  /** As a tensor: numbers become `fill`s. Undefined after a report. */
  tensor(argument: string): TensorValue | undefined;
  /** As a tensor of floats. */
  float(argument: string): TensorValue | undefined;
  number(argument: string, missing: number): number | undefined;
  boolean(argument: string, missing: boolean): boolean | undefined;
  word(argument: string, missing: string): string | undefined;
  emit<K extends EquationOp>(
    op: K,
    inputs: readonly TensorValue[],
    attrs: EquationAttrs[K],
    shape: readonly Dim[],
    extras?: Extras & { readonly element?: SymbolicType["element"]; readonly vocabulary?: string },
  ): TensorValue | undefined;
}

export interface Primitive {
  readonly parameters: readonly string[];
  /** How many of them must be given. */
  readonly required: number;
  readonly doc: string;
  run(call: Call): Value | undefined;
}

const unary: Readonly<Record<string, { readonly op: UnaryOp | CompositeOp; readonly plain: (x: number) => number; readonly doc: string }>> =
  {
    exp: { op: "exp", plain: Math.exp, doc: "eˣ" },
    log: { op: "log", plain: Math.log, doc: "the natural logarithm" },
    sqrt: { op: "sqrt", plain: Math.sqrt, doc: "√x" },
    rsqrt: { op: "rsqrt", plain: (x) => 1 / Math.sqrt(x), doc: "1/√x" },
    sin: { op: "sin", plain: Math.sin, doc: "the sine of radians" },
    cos: { op: "cos", plain: Math.cos, doc: "the cosine of radians" },
    tanh: { op: "tanh", plain: Math.tanh, doc: "the hyperbolic tangent" },
    abs: { op: "abs", plain: Math.abs, doc: "the distance from 0" },
    sigmoid: { op: "sigmoid", plain: (x) => 1 / (1 + Math.exp(-x)), doc: "1 / (1 + e⁻ˣ)" },
    silu: { op: "silu", plain: (x) => x / (1 + Math.exp(-x)), doc: "x · sigmoid(x)" },
    relu: { op: "relu", plain: (x) => Math.max(0, x), doc: "max(x, 0)" },
    ...Object.fromEntries(
      Object.entries(composites).map(([name, { doc, value }]) => [name, { op: name as CompositeOp, plain: value, doc }]),
    ),
  };

function unaryPrimitive(op: UnaryOp | CompositeOp, plain: (x: number) => number, doc: string): Primitive {
  return {
    parameters: ["x"],
    required: 1,
    doc,
    run(call) {
      const x = call.get("x");
      if (x.kind === "number" && x.dim === undefined) return number(plain(x.value));
      const tensor = call.float("x");
      return tensor && call.emit(op, [tensor], {}, tensor.type.shape, tensor);
    },
  };
}

function binaryPrimitive(call: Call, op: BinaryOp, a: string, b: string, plain: (x: number, y: number) => number): Value | undefined {
  const [x, y] = [call.get(a), call.get(b)];
  if (x.kind === "number" && y.kind === "number" && x.dim === undefined && y.dim === undefined) return number(plain(x.value, y.value));
  return elementwise(call.context, call.scope, op, call.expr.span, `\`${call.name}\``, [call.tensor(a), call.tensor(b)]);
}

/** A reduction over axes: all of them unless told otherwise. */
export function reduction(call: Call, op: "sum" | "mean" | "amax" | "amin", x: TensorValue): TensorValue | undefined {
  const keep = call.boolean("keep", false);
  const axes = axesOf(call, x);
  if (axes === undefined || keep === undefined) return undefined;
  const shape = x.type.shape.flatMap((dim, i) => (!axes.includes(i) ? [dim] : keep ? [{ terms: new Map([["", 1]]) }] : []));
  const reasons = x.reasons.flatMap((reason, i): (Reason | undefined)[] => (!axes.includes(i) ? [reason] : keep ? [undefined] : []));
  const overRows = x.rows !== undefined && axes.includes(x.rows);
  const rows = x.rows === undefined || overRows ? undefined : keep ? x.rows : x.rows - axes.filter((axis) => axis < (x.rows ?? 0)).length;
  const mix = overRows
    ? ({ kind: "ahead", why: `\`${call.name}\` over the rows sees the rows after`, span: call.expr.span } as const)
    : undefined;
  return call.emit(op, [x], { axes, keep }, shape, { reasons, rows, mix });
}

function axesOf(call: Call, x: TensorValue): number[] | undefined {
  const rank = x.type.shape.length;
  const axis = call.get("axis");
  if (!call.has("axis")) return x.type.shape.map((_, i) => i);
  const list = axis.kind === "list" ? axis.items : [axis];
  const axes: number[] = [];
  for (const item of list) {
    if (item.kind === "unknown") return undefined;
    const value = item.kind === "number" ? item.value : Number.NaN;
    const index = value < 0 ? value + rank : value;
    if (!Number.isInteger(index) || index < 0 || index >= rank || axes.includes(index)) {
      call.context.program.report("wrong-axis", call.span("axis"), {
        axis: item.kind === "number" ? showNumber(item) : describe(item),
        shape: describe(x),
      });
      return undefined;
    }
    axes.push(index);
  }
  return axes.sort((a, b) => a - b);
}

function extreme(op: "amax" | "amin", pair: "max" | "min", doc: string): Primitive {
  return {
    parameters: ["x", "y", "axis", "keep"],
    required: 1,
    doc,
    run(call) {
      if (call.has("y")) return binaryPrimitive(call, pair, "x", "y", pair === "max" ? Math.max : Math.min);
      const x = call.float("x");
      return x && reduction(call, op, x);
    },
  };
}

function reducing(op: "sum" | "mean", doc: string): Primitive {
  return {
    parameters: ["x", "axis", "keep"],
    required: 1,
    doc,
    run(call) {
      const x = call.float("x");
      return x && reduction(call, op, x);
    },
  };
}

function later(...parameters: string[]): Primitive {
  return {
    parameters,
    required: 0,
    doc: "",
    run(call) {
      call.context.program.report("not-built-yet", call.expr.span, { what: `\`${call.name}\`` });
      return UNKNOWN;
    },
  };
}

const arithmetic: Readonly<Record<string, Primitive>> = {
  ...Object.fromEntries(Object.entries(unary).map(([name, { op, plain, doc }]) => [name, unaryPrimitive(op, plain, doc)])),
  gelu: {
    parameters: ["x", "exact"],
    required: 1,
    doc: "x · Φ(x); the tanh form unless `exact`",
    run(call) {
      const exact = call.boolean("exact", false);
      const x = call.float("x");
      return x && exact !== undefined ? call.emit(exact ? "gelu_exact" : "gelu", [x], {}, x.type.shape, x) : undefined;
    },
  },
  leaky_relu: {
    parameters: ["x", "slope"],
    required: 1,
    doc: "x where positive, else slope · x",
    run(call) {
      const slope = call.number("slope", 0.01);
      const x = call.float("x");
      return x && slope !== undefined ? call.emit("leaky_relu", [x], { slope }, x.type.shape, x) : undefined;
    },
  },
  pow: { parameters: ["x", "y"], required: 2, doc: "xʸ", run: (call) => binaryPrimitive(call, "pow", "x", "y", Math.pow) },
  max: extreme("amax", "max", "the greater of two, or the greatest along axes"),
  min: extreme("amin", "min", "the lesser of two, or the least along axes"),
  clamp: {
    parameters: ["x", "low", "high"],
    required: 3,
    doc: "x, kept between two bounds",
    run(call) {
      const [x, low, high] = [call.get("x"), call.get("low"), call.get("high")];
      if (x.kind === "number" && low.kind === "number" && high.kind === "number")
        return number(Math.min(Math.max(x.value, low.value), high.value));
      const above = elementwise(call.context, call.scope, "max", call.expr.span, "`clamp`", [call.tensor("x"), call.tensor("low")]);
      return elementwise(call.context, call.scope, "min", call.expr.span, "`clamp`", [above, call.tensor("high")]);
    },
  },
  where: {
    parameters: ["condition", "a", "b"],
    required: 3,
    doc: "a where the condition is not 0, else b",
    run: (call) =>
      elementwise(call.context, call.scope, "where", call.expr.span, "`where`", [
        call.float("condition"),
        call.float("a"),
        call.float("b"),
      ]),
  },
  sum: reducing("sum", "the sum along axes"),
  mean: reducing("mean", "the mean along axes"),
  norm: {
    parameters: ["x", "axis", "keep"],
    required: 1,
    doc: "√ of the sum of squares along axes",
    run(call) {
      const x = call.float("x");
      const square = x && call.emit("mul", [x, x], {}, x.type.shape, x);
      const sum = square && reduction(call, "sum", square);
      return sum && call.emit("sqrt", [sum], {}, sum.type.shape, sum);
    },
  },
  floor: {
    parameters: ["x"],
    required: 1,
    doc: "the whole number not above x",
    run(call) {
      const x = call.get("x");
      if (x.kind === "number") return floorNumber(x);
      const tensor = call.float("x");
      return tensor && call.emit("floor", [tensor], {}, tensor.type.shape, tensor);
    },
  },
  round_up: {
    parameters: ["x", "step"],
    required: 2,
    doc: "the least multiple of step not below x",
    run(call) {
      const [x, step] = [call.get("x"), call.get("step")];
      if (x.kind === "number" && step.kind === "number") return roundUpNumber(x, step);
      if (x.kind !== "unknown" && step.kind !== "unknown")
        call.context.program.report("wrong-value", call.expr.span, { expected: "Numbers", got: describe(x.kind === "number" ? step : x) });
      return UNKNOWN;
    },
  },
  length: {
    parameters: ["list"],
    required: 1,
    doc: "how many items a list has",
    run(call) {
      const list = call.get("list");
      if (list.kind === "list") return number(list.items.length);
      if (list.kind === "record") return number(list.entries.size);
      if (list.kind !== "unknown")
        call.context.program.report("wrong-value", call.span("list"), { expected: "A list", got: describe(list) });
      return UNKNOWN;
    },
  },
};

const unbuilt: Readonly<Record<string, Primitive>> = {
  convolve: later("x", "weight", "stride", "padding"),
  causal_conv: later("x", "weight"),
  scan: later("x", "carry"),
  upsample: later("x", "times"),
  max_pool: later("x", "size"),
  avg_pool: later("x", "size"),
  running: later("x", "init", "momentum", "stored"),
  gradient: later("y", "of"),
  uniform: later("low", "high", "shape"),
  gumbel: later("shape"),
  top_k: later("logits", "k"),
  top_p: later("logits", "p"),
  min_p: later("logits", "p"),
  gather_last: later("x", "ids"),
};

export const primitives: ReadonlyMap<string, Primitive> = new Map(Object.entries({ ...arithmetic, ...layout, ...layers, ...unbuilt }));
export const primitiveNames: ReadonlySet<string> = new Set(primitives.keys());

export function callPrimitive(context: Context, expr: CallExpr, name: string, scope: Scope, mode: Mode): Value {
  const primitive = primitives.get(name);
  if (primitive === undefined) return UNKNOWN;
  const given = matchArguments(context, name, primitive.parameters, expr.arguments);
  if (given === undefined) return UNKNOWN;
  for (const needed of primitive.parameters.slice(0, primitive.required)) {
    if (given.has(needed)) continue;
    context.program.report("missing-argument", expr.span, { callee: name, name: needed });
    return UNKNOWN;
  }
  const values = new Map<string, Value>();
  for (const [key, argument] of given) {
    const words = key === "init" || key === "pairs" ? PREFER_WORDS : argument.name !== undefined || mode.words ? WORDS : { words: false };
    values.set(key, evaluate(context, argument.value, scope, words));
  }
  if ([...values.values()].some((value) => value.kind === "unknown")) return UNKNOWN;
  const span = (argument: string): Span => given.get(argument)?.value.span ?? expr.span;
  const wrong = (argument: string, expected: string): undefined => {
    const value = values.get(argument) ?? UNKNOWN;
    context.program.report("wrong-value", span(argument), { expected, got: describe(value) });
    return undefined;
  };
  const call: Call = {
    context,
    scope,
    expr,
    name,
    span,
    has: (argument) => values.has(argument),
    get: (argument) => values.get(argument) ?? UNKNOWN,
    tensor: (argument) => toTensor(context, scope, values.get(argument) ?? UNKNOWN, span(argument)),
    float: (argument) =>
      toFloat(context, scope, toTensor(context, scope, values.get(argument) ?? UNKNOWN, span(argument)), span(argument), name),
    number(argument, missing) {
      const value = values.get(argument) ?? number(missing);
      return value.kind === "number" && value.dim === undefined && !Number.isNaN(value.value) ? value.value : wrong(argument, "A number");
    },
    boolean(argument, missing) {
      const value = values.get(argument) ?? { kind: "boolean", value: missing };
      return value.kind === "boolean" ? value.value : wrong(argument, "`true` or `false`");
    },
    word(argument, missing) {
      const value = values.get(argument);
      if (value === undefined) return missing;
      return value.kind === "word" ? value.word : value.kind === "string" ? value.value : wrong(argument, "A word");
    },
    emit(op, inputs, attrs, shape, extras = {}) {
      if (scope.machine === undefined) {
        context.program.report("not-known", expr.span, { what: `\`${name}\`` });
        return undefined;
      }
      const type: SymbolicType = {
        element: extras.element ?? "float",
        shape,
        ...(extras.vocabulary === undefined ? {} : { vocabulary: extras.vocabulary }),
      };
      const { reasons, rows, mix } = extras;
      return emit(context.program, scope.machine, op, inputs, attrs, type, expr.span, {
        rows,
        mix,
        ...(reasons === undefined ? {} : { reasons }),
      });
    },
  };
  return primitive.run(call) ?? UNKNOWN;
}

// --- tensors of values ---

/** A number as a `fill` of no axes. A number that varies with the rows is refused: it stands in shapes only. */
export function toTensor(context: Context, scope: Scope, value: Value, span: Span): TensorValue | undefined {
  const { program } = context;
  if (value.kind === "tensor") return value;
  if (value.kind === "unknown") return undefined;
  if (value.kind !== "number" || scope.machine === undefined || (value.dim === undefined && Number.isNaN(value.value))) {
    program.report("wrong-value", span, { expected: "A tensor or a number", got: describe(value) });
    return undefined;
  }
  if (value.dim !== undefined) {
    program.report("rows-as-value", span, { dim: showNumber(value) });
    return undefined;
  }
  return emit(program, scope.machine, "fill", [], { value: value.value, shape: [] }, { element: "float", shape: [] }, span);
}

/** Facts and comparisons as floats; tokens are no numbers. */
export function toFloat(
  context: Context,
  scope: Scope,
  tensor: TensorValue | undefined,
  span: Span,
  operator: string,
): TensorValue | undefined {
  if (tensor === undefined || tensor.type.element === "float" || scope.machine === undefined) return tensor;
  if (tensor.type.element === "token") {
    context.program.report("tokens-as-numbers", span, { operator });
    return undefined;
  }
  return emit(context.program, scope.machine, "float", [tensor], {}, { element: "float", shape: tensor.type.shape }, span, {
    rows: tensor.rows,
    reasons: tensor.reasons,
  });
}

export function unaryTensor(context: Context, scope: Scope, op: UnaryOp, x: TensorValue, span: Span): Value {
  const tensor = toFloat(context, scope, x, span, op === "neg" ? "-" : op);
  if (tensor === undefined || scope.machine === undefined) return UNKNOWN;
  return emit(context.program, scope.machine, op, [tensor], {}, tensor.type, span, { rows: tensor.rows, reasons: tensor.reasons });
}

type Elementwise = BinaryOp | "gt" | "ge" | "ne" | "where";

const operations: Readonly<Record<Exclude<BinaryOperator, "%">, Elementwise>> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
};

/** Facts stay whole numbers where that is exact; everything else is computed in floats. */
const whole: ReadonlySet<Elementwise> = new Set<Elementwise>(["add", "mul", "max", "min"]);
const comparisons: ReadonlySet<Elementwise> = new Set<Elementwise>(["eq", "ne", "lt", "le", "gt", "ge"]);

export function binaryTensor(context: Context, scope: Scope, expr: BinaryExpr, left: Value, right: Value): Value {
  if (expr.operator === "%") {
    context.program.report("wrong-operands", expr.operatorSpan, { operator: "%", left: describe(left), right: describe(right) });
    return UNKNOWN;
  }
  const tensors = [toTensor(context, scope, left, expr.left.span), toTensor(context, scope, right, expr.right.span)];
  return elementwise(context, scope, operations[expr.operator], expr.operatorSpan, `\`${expr.operator}\``, tensors) ?? UNKNOWN;
}

export function elementwise(
  context: Context,
  scope: Scope,
  op: Elementwise,
  span: Span,
  what: string,
  tensors: readonly (TensorValue | undefined)[],
): TensorValue | undefined {
  const given = tensors.filter((t) => t !== undefined);
  if (given.length !== tensors.length || scope.machine === undefined) return undefined;
  const ints = given.every((t) => t.type.element === "int") && (whole.has(op) || comparisons.has(op));
  const inputs = ints ? given : given.map((t) => toFloat(context, scope, t, span, what.replaceAll("`", ""))).filter((t) => t !== undefined);
  if (inputs.length !== tensors.length) return undefined;
  const shaped = broadcast(context.program, what, inputs, span);
  if (shaped === undefined) return undefined;
  const type: SymbolicType = { element: ints && whole.has(op) ? "int" : "float", shape: shaped.shape };
  return emit(context.program, scope.machine, op, inputs, {}, type, span, shaped);
}
