// Expressions → values. In: a tree, the names in sight and whether unknown words are schema words. Out: a value; in equations, tensors are emitted
// on the way. Never throws: what is wrong is reported once and worth `unknown`, which every operation passes on in silence.

import type {
  BinaryExpr,
  CallExpr,
  Comprehension,
  Expr,
  IndexExpr,
  MemberExpr,
  NameExpr,
  Slice,
  StringLiteral,
} from "../../grammar/tree.js";
import { replaceBy } from "../messages.js";
import { nearest } from "../suggest.js";
import { callBlock } from "./calls.js";
import { add, constant, constantOf, type Dim, ONE, showShape, sub } from "./dims.js";
import { type Extras, emit } from "./machine.js";
import { negateNumber, numberOperation, toCount, toDim } from "./numbers.js";
import { binaryTensor, callPrimitive, primitiveNames, unaryTensor } from "./primitives.js";
import { findDeclaration } from "./program.js";
import { type Context, callableNamed, EQUATION, type Mode, type Scope, WORDS, withCounter, withName } from "./scope.js";
import { type Argument, describe, number, showNumber, showType, type TensorValue, UNKNOWN, type Value, type WordValue } from "./values.js";

/** Rounds of one loop, at most. */
export const ROUND_LIMIT = 4096;

export function evaluate(context: Context, expr: Expr, scope: Scope, mode: Mode = EQUATION): Value {
  switch (expr.kind) {
    case "number":
      return number(expr.value);
    case "boolean":
      return { kind: "boolean", value: expr.value };
    case "string":
      return evaluateString(context, expr, scope);
    case "name":
      return evaluateName(context, expr, scope, mode);
    case "list":
      return { kind: "list", items: expr.items.map((item) => evaluate(context, item, scope, mode)) };
    case "record":
      return {
        kind: "record",
        entries: new Map(
          expr.entries.map((entry) => [
            entry.key.segments.map((s) => s.text).join("."),
            evaluate(context, entry.value, scope, { words: mode.words }),
          ]),
        ),
      };
    case "comprehension":
      return evaluateComprehension(context, expr, scope);
    case "if": {
      const condition = evaluate(context, expr.condition, scope);
      if (condition.kind === "boolean") return evaluate(context, condition.value ? expr.whenTrue : expr.whenFalse, scope, mode);
      if (condition.kind !== "unknown") {
        const notes = condition.kind === "tensor" ? ["Between tensors use `where(condition, a, b)`."] : [];
        context.program.report("wrong-value", expr.condition.span, { expected: "`true` or `false`", got: describe(condition) }, { notes });
      }
      return UNKNOWN;
    }
    case "binary":
      return evaluateBinary(context, expr, scope);
    case "negate": {
      const value = evaluate(context, expr.value, scope);
      if (value.kind === "number") return negateNumber(value);
      if (value.kind === "tensor") return unaryTensor(context, scope, "neg", value, expr.span);
      if (value.kind !== "unknown")
        context.program.report("wrong-value", expr.span, { expected: "A number or a tensor", got: describe(value) });
      return UNKNOWN;
    }
    case "member":
      return evaluateMember(context, expr, scope);
    case "call":
      return evaluateCall(context, expr, scope, mode);
    case "index":
      return evaluateIndex(context, expr, scope);
    case "paren":
      return evaluate(context, expr.value, scope, mode);
    case "missing":
      return UNKNOWN;
  }
}

function evaluateString(context: Context, expr: StringLiteral, scope: Scope): Value {
  let text = "";
  for (const part of expr.parts) {
    if (part.kind === "text") {
      text += part.text;
      continue;
    }
    const value = evaluate(context, part.value, scope);
    if (value.kind === "unknown") return UNKNOWN;
    if (value.kind === "string") text += value.value;
    else if (value.kind === "word" && !value.called) text += value.word;
    else if (value.kind === "number" && value.dim === undefined) text += showNumber(value);
    else {
      context.program.report("wrong-value", part.value.span, { expected: "A number or a text", got: describe(value) });
      return UNKNOWN;
    }
  }
  return { kind: "string", value: text };
}

function evaluateName(context: Context, expr: NameExpr, scope: Scope, mode: Mode): Value {
  const value = scope.lookup(expr.name) ?? (expr.name === "pi" ? number(Math.PI) : undefined);
  if (value !== undefined && !(mode.prefer === true && value.kind === "section")) return value;
  if (mode.words) return { kind: "word", word: expr.name, positional: [], named: new Map(), called: false, span: expr.span };
  const near = nearest(expr.name, scope.visible());
  const notes =
    callableNamed(context, scope.unit, expr.name) === undefined ? [] : [`\`${expr.name}\` is called with arguments: \`${expr.name}(…)\`.`];
  context.program.report(
    "unknown-name",
    expr.span,
    { name: expr.name, what: "name" },
    near === undefined ? { notes } : { notes, fix: replaceBy(near, expr.span) },
  );
  return UNKNOWN;
}

function evaluateComprehension(context: Context, expr: Comprehension, scope: Scope): Value {
  const over = evaluate(context, expr.over, scope);
  if (over.kind === "unknown") return UNKNOWN;
  if (over.kind === "list") {
    return {
      kind: "list",
      items: over.items.map((item, i) => evaluate(context, expr.value, withCounter(withName(scope, expr.counter.text, item), i))),
    };
  }
  const count = toCount(context.program, over, expr.over.span, "The number of rounds");
  if (count === undefined) return UNKNOWN;
  if (count > ROUND_LIMIT) {
    context.program.report("too-many-rounds", expr.over.span, { count: String(count), limit: ROUND_LIMIT });
    return UNKNOWN;
  }
  const items = Array.from({ length: count }, (_, i) =>
    context.program.spend(expr.span)
      ? evaluate(context, expr.value, withCounter(withName(scope, expr.counter.text, number(i)), i))
      : UNKNOWN,
  );
  return { kind: "list", items };
}

function evaluateBinary(context: Context, expr: BinaryExpr, scope: Scope): Value {
  const left = evaluate(context, expr.left, scope);
  const right = evaluate(context, expr.right, scope);
  if (left.kind === "unknown" || right.kind === "unknown") return UNKNOWN;
  if (left.kind === "number" && right.kind === "number") return numberOperation(context.program, expr, left, right);
  const [a, b] = [asText(left), asText(right)];
  if (a !== undefined && b !== undefined && (expr.operator === "==" || expr.operator === "!=")) {
    return { kind: "boolean", value: (a === b) === (expr.operator === "==") };
  }
  if (left.kind === "tensor" || right.kind === "tensor") return binaryTensor(context, scope, expr, left, right);
  context.program.report("wrong-operands", expr.operatorSpan, { operator: expr.operator, left: describe(left), right: describe(right) });
  return UNKNOWN;
}

/** Texts, words and truth values compare by what they say. */
function asText(value: Value): string | undefined {
  if (value.kind === "string") return value.value;
  if (value.kind === "boolean") return String(value.value);
  return value.kind === "word" && !value.called ? value.word : undefined;
}

const facts = ["position", "row", "column", "predicted", "segment"] as const;

function evaluateMember(context: Context, expr: MemberExpr, scope: Scope): Value {
  const object = evaluate(context, expr.object, scope);
  const name = expr.member.text;
  if (object.kind === "unknown") return UNKNOWN;
  if (object.kind === "record") return entry(context, object, name, expr);
  if (object.kind === "section") {
    const value = context.member(object, name);
    if (value !== undefined) return value;
    context.program.report("wrong-value", expr.member.span, { expected: `A number of ${describe(object)}`, got: `\`${name}\`` });
    return UNKNOWN;
  }
  if (object.kind !== "tensor") {
    context.program.report("wrong-value", expr.object.span, { expected: "Tokens, a section or a record", got: describe(object) });
    return UNKNOWN;
  }
  if (name === "vocab_size" || name === "groups") {
    const section = object.type.vocabulary === undefined ? undefined : findDeclaration(scope.unit, object.type.vocabulary);
    const owner = section ?? vocabularyOf(context, object);
    const value = owner === undefined ? undefined : context.member({ kind: "section", declaration: owner }, name);
    if (value !== undefined) return value;
    context.program.report("wrong-value", expr.object.span, { expected: "Tokens", got: describe(object) });
    return UNKNOWN;
  }
  const fact = facts.find((f) => f === name);
  if (fact === undefined) {
    const near = nearest(name, [...facts, "vocab_size"]);
    context.program.report(
      "unknown-name",
      expr.member.span,
      { name, what: "fact" },
      near === undefined ? {} : { fix: replaceBy(near, expr.member.span) },
    );
    return UNKNOWN;
  }
  return factOf(context, scope, object, fact, expr);
}

function vocabularyOf(context: Context, value: TensorValue) {
  for (const unit of context.program.units.values()) {
    const found = value.type.vocabulary === undefined ? undefined : findDeclaration(unit, value.type.vocabulary);
    if (found?.keyword === "tokenizer") return found;
  }
  return undefined;
}

/** A fact [B, T] of the stream whose rows this tensor has. */
function factOf(context: Context, scope: Scope, object: TensorValue, fact: (typeof facts)[number], expr: MemberExpr): Value {
  const stream = scope.machine?.tokens;
  if (scope.machine === undefined || stream === undefined || object.rows !== 1) {
    context.program.report("wrong-value", expr.object.span, {
      expected: "A tensor [B, T, …] with a row for each token",
      got: describe(object),
    });
    return UNKNOWN;
  }
  const known = scope.machine.facts.get(fact);
  if (known !== undefined) return known;
  const type = { element: "int", shape: stream.type.shape.slice(0, 2) } as const;
  const value = emit(context.program, scope.machine, "fact", [stream], { fact }, type, expr.span, {
    rows: 1,
    reasons: stream.reasons.slice(0, 2),
  });
  scope.machine.facts.set(fact, value);
  return value;
}

function entry(context: Context, record: Extract<Value, { kind: "record" }>, key: string, expr: Expr): Value {
  const value = record.entries.get(key);
  if (value !== undefined) return value;
  const near = nearest(key, record.entries.keys());
  context.program.report(
    "no-entry",
    expr.span,
    { key, has: [...record.entries.keys()] },
    { notes: near === undefined ? [] : [`The nearest is \`${near}\`.`] },
  );
  return UNKNOWN;
}

// --- calls ---

function evaluateCall(context: Context, expr: CallExpr, scope: Scope, mode: Mode): Value {
  const { program } = context;
  if (expr.callee.kind === "name") {
    const { name } = expr.callee;
    const form = mode.prefer === true && name !== "floor" && name !== "round_up" && name !== "length";
    const callable = form ? undefined : callableNamed(context, scope.unit, name);
    if (callable?.kind === "block") return callBlock(context, expr, callable, scope);
    if (callable?.kind === "primitive") return callPrimitive(context, expr, name, scope, mode);
    const value = form ? undefined : scope.lookup(name);
    if (value?.kind === "section") return callSection(context, expr, value, scope);
    if (mode.words) return word(context, expr, name, scope);
    const blocks = [...scope.unit.blocks.keys(), ...scope.unit.imports.keys(), ...program.std.blocks.keys(), ...primitiveNames];
    const near = nearest(name, blocks);
    program.report(
      "unknown-name",
      expr.callee.span,
      { name, what: "block" },
      near === undefined ? {} : { fix: replaceBy(near, expr.callee.span) },
    );
    return UNKNOWN;
  }
  const callee = evaluate(context, expr.callee, scope);
  if (expr.callee.kind === "member" && callee.kind === "unknown") return UNKNOWN;
  program.report("not-callable", expr.callee.span, { what: describe(callee) });
  return UNKNOWN;
}

function word(context: Context, expr: CallExpr, name: string, scope: Scope): WordValue {
  const positional: Argument[] = [];
  const named = new Map<string, Argument>();
  for (const argument of expr.arguments) {
    const value = { value: evaluate(context, argument.value, scope, WORDS), span: argument.value.span };
    if (argument.name === undefined) positional.push(value);
    else if (named.has(argument.name.text))
      context.program.report("given-twice", argument.name.span, { callee: name, name: argument.name.text });
    else named.set(argument.name.text, value);
  }
  return { kind: "word", word: name, positional, named, called: true, span: expr.span };
}

/** A sequence applied to data gives examples. */
function callSection(context: Context, expr: CallExpr, callee: Extract<Value, { kind: "section" }>, scope: Scope): Value {
  const { declaration } = callee;
  if (declaration.keyword !== "sequence") {
    context.program.report("not-built-yet", expr.span, { what: `Calling ${describe(callee)}` });
    return UNKNOWN;
  }
  const columns = new Map<string, Value>();
  let data: Value | undefined;
  for (const argument of expr.arguments) {
    const value = evaluate(context, argument.value, scope, WORDS);
    if (argument.name !== undefined) columns.set(argument.name.text, value);
    else if (data === undefined) data = value;
    else context.program.report("too-many-arguments", argument.span, { callee: declaration.name, takes: 1 });
  }
  if (data === undefined) {
    context.program.report("missing-argument", expr.span, { callee: declaration.name, name: "data" });
    return UNKNOWN;
  }
  if (data.kind === "section" && data.declaration.keyword === "data")
    return { kind: "examples", sequence: declaration, data: data.declaration, columns, span: expr.span };
  if (data.kind !== "unknown") {
    const at = expr.arguments[0]?.value.span ?? expr.span;
    if (data.kind === "word") {
      const near = nearest(data.word, scope.visible());
      context.program.report(
        "unknown-name",
        at,
        { name: data.word, what: "section" },
        near === undefined ? {} : { fix: replaceBy(near, at) },
      );
    } else context.program.report("wrong-value", at, { expected: "A `data` section", got: describe(data) });
  }
  return UNKNOWN;
}

// --- indices ---

function evaluateIndex(context: Context, expr: IndexExpr, scope: Scope): Value {
  const object = evaluate(context, expr.object, scope);
  if (object.kind === "tensor") return sliceTensor(context, expr, object, scope);
  const [slice] = expr.slices;
  if (object.kind === "unknown" || slice === undefined) return UNKNOWN;
  if ((object.kind !== "list" && object.kind !== "record") || expr.slices.length !== 1 || slice.isRange || slice.start === undefined) {
    context.program.report("wrong-value", expr.span, {
      expected: "A list, a record or a tensor with such an index",
      got: describe(object),
    });
    return UNKNOWN;
  }
  const key = evaluate(context, slice.start, scope);
  if (key.kind === "unknown") return UNKNOWN;
  if (object.kind === "record") {
    const text = asText(key) ?? (key.kind === "number" ? showNumber(key) : undefined);
    if (text !== undefined) return entry(context, object, text, slice.start);
    context.program.report("wrong-value", slice.start.span, { expected: "The name of an entry", got: describe(key) });
    return UNKNOWN;
  }
  if (key.kind !== "number" || !Number.isInteger(key.value)) {
    context.program.report("wrong-value", slice.start.span, { expected: "A whole number", got: describe(key) });
    return UNKNOWN;
  }
  const item = object.items[key.value < 0 ? key.value + object.items.length : key.value];
  if (item === undefined)
    context.program.report("out-of-bounds", slice.start.span, { index: String(key.value), length: String(object.items.length) });
  return item ?? UNKNOWN;
}

/** `x[:, 0, 2:]`: one slice equation, and a reshape that drops the axes of which one element was picked. */
function sliceTensor(context: Context, expr: IndexExpr, x: TensorValue, scope: Scope): Value {
  const { program } = context;
  const { machine } = scope;
  if (machine === undefined) return UNKNOWN;
  if (expr.slices.length > x.type.shape.length) {
    program.report("wrong-rank", expr.span, { what: "This index", needs: `${expr.slices.length} axes`, got: showType(x.type) });
    return UNKNOWN;
  }
  const starts: Dim[] = [];
  const stops: Dim[] = [];
  const picked = new Set<number>();
  const extras: { mix?: Extras["mix"] } = {};
  for (let axis = 0; axis < x.type.shape.length; axis++) {
    const size = x.type.shape[axis] ?? ONE;
    const slice = expr.slices[axis];
    const bounds = slice === undefined ? { start: constant(0), stop: size } : boundsOf(context, slice, size, scope);
    if (bounds === undefined) return UNKNOWN;
    starts.push(bounds.start);
    stops.push(bounds.stop);
    if (slice !== undefined && !slice.isRange) picked.add(axis);
    const whole = constantOf(bounds.start) === 0 && constantOf(sub(size, bounds.stop)) === 0;
    if (axis === x.rows && picked.has(axis)) extras.mix = { kind: "ahead", why: "one row is picked for all", span: expr.span };
    else if (axis === x.rows && !whole) extras.mix = { kind: "unbuilt", why: "Cutting rows off", span: expr.span };
  }
  const shape = starts.map((start, i) => sub(stops[i] ?? ONE, start));
  const rows = x.rows !== undefined && !picked.has(x.rows) ? x.rows : undefined;
  const reasons = x.reasons.map((reason, axis) => (expr.slices[axis] === undefined ? reason : undefined));
  const whole = starts.every((start, i) => constantOf(start) === 0 && constantOf(sub(x.type.shape[i] ?? ONE, stops[i] ?? ONE)) === 0);
  const cut = whole
    ? x
    : emit(program, machine, "slice", [x], { starts, stops }, { ...x.type, shape }, expr.span, { ...extras, rows, reasons });
  if (picked.size === 0) return cut;
  const keep = (_: unknown, axis: number): boolean => !picked.has(axis);
  const left = shape.filter(keep);
  const after = rows === undefined ? undefined : rows - [...picked].filter((axis) => axis < rows).length;
  return emit(program, machine, "reshape", [cut], { shape: left }, { ...x.type, shape: left }, expr.span, {
    rows: after,
    reasons: reasons.filter(keep),
  });
}

function boundsOf(context: Context, slice: Slice, size: Dim, scope: Scope): { start: Dim; stop: Dim } | undefined {
  const at = (expr: Expr | undefined, missing: Dim): Dim | undefined => {
    if (expr === undefined) return missing;
    const value = evaluate(context, expr, scope);
    if (value.kind === "number" && value.dim === undefined && Number.isInteger(value.value) && value.value < 0)
      return add(size, constant(value.value));
    return toDim(context.program, value, expr.span, "An index");
  };
  const start = at(slice.start, constant(0));
  const stop = slice.isRange ? at(slice.stop, size) : start === undefined ? undefined : add(start, ONE);
  if (start === undefined || stop === undefined) return undefined;
  const [from, to, room] = [constantOf(start), constantOf(stop), constantOf(size)];
  const outside =
    (from !== undefined && from < 0) ||
    (to !== undefined && room !== undefined && to > room) ||
    (from !== undefined && to !== undefined && to < from);
  if (!outside) return { start, stop };
  const index = slice.isRange ? `${from ?? "…"}:${to ?? "…"}` : String(from);
  context.program.report("out-of-bounds", slice.span, { index, length: showShape([size]).slice(1, -1) });
  return undefined;
}

/** Evaluates and expects a dimension; the value keeps why it is so large. */
export function evaluateDim(
  context: Context,
  expr: Expr,
  scope: Scope,
  what: string,
): { readonly dim: Dim; readonly value: Value } | undefined {
  const value = evaluate(context, expr, scope);
  const dim = toDim(context.program, value, expr.span, what);
  return dim === undefined ? undefined : { dim, value };
}
