// Signatures. In: the parameters of a block with the values of a call. Out: names bound, capitals solved by matching each declared shape with the
// argument's, `...` standing for any leading dims, the same throughout. The same matching checks results.

import type { Span } from "../../grammar/source.js";
import type { Dim as DimTree, Expr, Parameter, Type } from "../../grammar/tree.js";
import { type Dim, equal, showShape } from "./dims.js";
import { evaluate } from "./evaluate.js";
import { toDim } from "./numbers.js";
import { findDeclaration } from "./program.js";
import type { Context, Scope } from "./scope.js";
import { because } from "./shapes.js";
import { describe, dimension, type NumberValue, type Reason, showType, type TensorValue, type Value } from "./values.js";

/** What a signature's dimensions are at one call. */
export interface Solved {
  readonly dims: Map<string, NumberValue>;
  rest: { readonly shape: readonly Dim[]; readonly reasons: readonly (Reason | undefined)[] } | undefined;
}

export function isCapital(name: string): boolean {
  return /^[A-Z]/.test(name);
}

/** A declared type as written: `chars[B, T]`. */
export function showDeclared(type: Type): string {
  const dims = type.shape?.map((dim) => (dim.kind === "rest" ? "..." : dim.span.file.text.slice(dim.span.start, dim.span.end)));
  return `${type.name?.text ?? ""}${dims === undefined ? "" : `[${dims.join(", ")}]`}`;
}

/** Checks a value against a parameter's type and solves what the type names; false after a report. */
export function accept(
  context: Context,
  name: string,
  type: Type | undefined,
  value: Value,
  at: Span,
  scope: Scope,
  solved: Solved,
): boolean {
  if (value.kind === "unknown" || type === undefined) return true;
  if (type.shape !== undefined) return acceptTensor(context, name, type, value, at, scope, solved);
  const kind = type.name?.text;
  const expected = scalarTypes.get(kind ?? "");
  if (expected === undefined || kind === undefined) {
    context.program.report(
      "unknown-name",
      type.span,
      { name: kind ?? "", what: "name" },
      { notes: ["Types are `int`, `float`, `bool`, `word`, `string`, `list`, `record` and shapes."] },
    );
    return false;
  }
  if (expected.accepts(value)) return kind !== "int" || toDim(context.program, value, at, `\`${name}\``) !== undefined;
  context.program.report(
    "wrong-value",
    at,
    { expected: `\`${name}\`, ${expected.words},`, got: describe(value) },
    { also: [{ span: type.span, text: "declared here" }] },
  );
  return false;
}

const scalarTypes: ReadonlyMap<string, { readonly words: string; accepts(value: Value): boolean }> = new Map([
  ["int", { words: "a whole number", accepts: (v: Value) => v.kind === "number" }],
  ["float", { words: "a number", accepts: (v: Value) => v.kind === "number" || (v.kind === "tensor" && v.type.shape.length === 0) }],
  ["bool", { words: "`true` or `false`", accepts: (v: Value) => v.kind === "boolean" }],
  ["word", { words: "a word", accepts: (v: Value) => v.kind === "word" || v.kind === "string" }],
  ["string", { words: "a text", accepts: (v: Value) => v.kind === "string" || v.kind === "word" }],
  ["list", { words: "a list", accepts: (v: Value) => v.kind === "list" || v.kind === "word" }],
  ["record", { words: "a record", accepts: (v: Value) => v.kind === "record" }],
]);

function acceptTensor(context: Context, name: string, type: Type, value: Value, at: Span, scope: Scope, solved: Solved): boolean {
  const { program } = context;
  if (value.kind !== "tensor") {
    program.report(
      "wrong-value",
      at,
      { expected: `\`${name}\`, a tensor ${showDeclared(type)},`, got: describe(value) },
      { also: [{ span: type.span, text: "declared here" }] },
    );
    return false;
  }
  const wanted = type.name?.text;
  if (wanted !== undefined) {
    const tokens = value.type.element === "token";
    if (wanted !== "token" && findDeclaration(scope.unit, wanted)?.keyword !== "tokenizer") {
      program.report("unknown-name", type.name?.span ?? type.span, { name: wanted, what: "section" });
      return false;
    }
    if (!tokens) {
      program.report(
        "wrong-value",
        at,
        { expected: `\`${name}\`, tokens ${showDeclared(type)},`, got: describe(value) },
        { also: [{ span: type.span, text: "declared here" }] },
      );
      return false;
    }
    if (wanted !== "token" && value.type.vocabulary !== wanted) {
      program.report(
        "wrong-vocabulary",
        at,
        { expected: wanted, got: value.type.vocabulary ?? "" },
        { also: [{ span: type.span, text: `\`${name}\`, from the signature` }] },
      );
      return false;
    }
  } else if (value.type.element === "token") {
    program.report("tokens-as-numbers", at, { operator: name }, { also: [{ span: type.span, text: "declared as numbers here" }] });
    return false;
  }
  return match(context, name, type, value, at, scope, solved);
}

/** Matches a declared shape with a tensor's. */
export function match(context: Context, name: string, type: Type, value: TensorValue, at: Span, scope: Scope, solved: Solved): boolean {
  const declared = type.shape ?? [];
  const { shape } = value.type;
  const restAt = declared.findIndex((dim) => dim.kind === "rest");
  const fixed = restAt < 0 ? declared.length : declared.length - 1;
  const wrong = (also: readonly (Reason | undefined)[] = []): false => {
    const known = solvedText(declared, solved);
    const details = { also: [{ span: type.span, text: "declared here" }, ...because(...also)] };
    context.program.report(
      "wrong-shape",
      at,
      { name, expected: showDeclared(type), got: showType(value.type), ...(known === "" ? {} : { where: known }) },
      details,
    );
    return false;
  };
  if (restAt < 0 ? shape.length !== fixed : shape.length < fixed) return wrong();
  const restLength = shape.length - fixed;
  if (restAt >= 0) {
    const rest = shape.slice(restAt, restAt + restLength);
    const before = solved.rest;
    if (before === undefined) solved.rest = { shape: rest, reasons: value.reasons.slice(restAt, restAt + restLength) };
    else if (before.shape.length !== rest.length || !before.shape.every((dim, i) => equal(dim, rest[i] ?? dim))) {
      const where = `\`...\` is ${showShape(before.shape)} in this call.`;
      context.program.report(
        "wrong-shape",
        at,
        { name, expected: showDeclared(type), got: showType(value.type), where },
        { also: [{ span: type.span, text: "declared here" }, ...because(...before.reasons)] },
      );
      return false;
    }
  }
  for (let i = 0; i < declared.length; i++) {
    const dim = declared[i];
    if (dim === undefined || dim.kind === "rest") continue;
    const axis = restAt >= 0 && i > restAt ? i + restLength - 1 : i;
    const actual = shape[axis];
    if (actual === undefined) continue;
    const expr = dim.value;
    if (expr.kind === "name" && isCapital(expr.name) && !solved.dims.has(expr.name)) {
      solved.dims.set(expr.name, dimension(actual, value.reasons[axis]));
      continue;
    }
    if (mentionsUnsolved(expr, solved)) continue;
    const expected = evaluate(context, expr, scope);
    const size = toDim(context.program, expected, expr.span, "A dimension");
    if (size === undefined) return expected.kind === "unknown";
    if (!equal(size, actual)) return wrong([expected.kind === "number" ? expected.reason : undefined, value.reasons[axis]]);
  }
  return true;
}

/** A dimension like `16 * H` whose capital no argument has solved yet is checked by no one: it is solved nowhere. */
function mentionsUnsolved(expr: Expr, solved: Solved): boolean {
  switch (expr.kind) {
    case "name":
      return isCapital(expr.name) && !solved.dims.has(expr.name);
    case "binary":
      return mentionsUnsolved(expr.left, solved) || mentionsUnsolved(expr.right, solved);
    case "paren":
    case "negate":
      return mentionsUnsolved(expr.value, solved);
    default:
      return false;
  }
}

function solvedText(declared: readonly DimTree[], solved: Solved): string {
  const parts: string[] = [];
  for (const dim of declared) {
    if (dim.kind !== "dim" || dim.value.kind !== "name") continue;
    const value = solved.dims.get(dim.value.name);
    if (value !== undefined && describe(value) !== `the dimension ${dim.value.name}`)
      parts.push(`\`${dim.value.name}\` is ${value.dim === undefined ? value.value : describe(value).replace("the dimension ", "")}`);
  }
  return parts.length === 0 ? "" : `In this call ${parts.join(", ")}.`;
}

export function parameterNames(parameters: readonly Parameter[]): string[] {
  return parameters.map((p) => p.name.text);
}
