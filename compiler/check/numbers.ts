// Arithmetic that is done while compiling: plain numbers, and dimensions that stay symbolic. Values in; a value out, or unknown after a report.

import type { Span } from "../../grammar/source.js";
import type { BinaryExpr, BinaryOperator } from "../../grammar/tree.js";
import { add, constant, constantOf, type Dim, divide, equal, floor, mul, negate, remainder, roundUp, sub } from "./dims.js";
import type { Program } from "./program.js";
import { because } from "./shapes.js";
import { describe, dimension, type NumberValue, number, showNumber, UNKNOWN, type Value } from "./values.js";

/** A number as an exact dimension; undefined where it is no integer. */
function exact(value: NumberValue): Dim | undefined {
  if (value.dim !== undefined) return value.dim;
  return Number.isInteger(value.value) ? constant(value.value) : undefined;
}

/** The whole number of at least 0 that a shape, an index or a count needs. */
export function toDim(program: Program, value: Value, span: Span, what: string): Dim | undefined {
  if (value.kind === "unknown") return undefined;
  if (value.kind !== "number") {
    program.report("wrong-value", span, { expected: what, got: describe(value) });
    return undefined;
  }
  if (value.dim !== undefined) return value.dim;
  if (Number.isInteger(value.value) && value.value >= 0) return constant(value.value);
  if (value.quotient !== undefined) {
    const { left, right, at } = value.quotient;
    const near = Number.isInteger(left.value) ? divisors(left.value, right.value) : [];
    program.report(
      "not-divisible",
      at.span,
      { numerator: showNumber(left), denominator: showNumber(right), near },
      { also: because(left.reason, right.reason) },
    );
  } else program.report("not-whole", span, { what, value: showNumber(value) }, { also: because(value.reason) });
  return undefined;
}

/** The same as a plain number: it may not depend on B or T. */
export function toCount(program: Program, value: Value, span: Span, what: string): number | undefined {
  const dim = toDim(program, value, span, what);
  if (dim === undefined) return undefined;
  const count = constantOf(dim);
  if (count === undefined) program.report("not-known", span, { what });
  return count;
}

/** Up to three divisors of n nearest to k. */
function divisors(n: number, k: number): number[] {
  if (n > 1_000_000) return [];
  const all: number[] = [];
  for (let d = 1; d <= n; d++) if (n % d === 0) all.push(d);
  return all
    .sort((a, b) => Math.abs(a - k) - Math.abs(b - k))
    .slice(0, 3)
    .sort((a, b) => a - b);
}

export function numberOperation(program: Program, expr: BinaryExpr, left: NumberValue, right: NumberValue): Value {
  const { operator } = expr;
  if (left.dim === undefined && right.dim === undefined) {
    const value = plain(operator, left.value, right.value);
    if (typeof value === "boolean") return { kind: "boolean", value };
    if (operator === "/" && right.value === 0) {
      program.report("wrong-value", expr.right.span, { expected: "A number other than 0", got: "0" });
      return UNKNOWN;
    }
    return operator === "/" && !Number.isInteger(value) ? { kind: "number", value, quotient: { left, right, at: expr } } : number(value);
  }
  const [a, b] = [exact(left), exact(right)];
  if (a === undefined || b === undefined) {
    program.report("rows-as-value", expr.span, { dim: showNumber(left.dim === undefined ? right : left) });
    return UNKNOWN;
  }
  switch (operator) {
    case "+":
      return dimension(add(a, b));
    case "-":
      return dimension(sub(a, b));
    case "*":
      return dimension(mul(a, b));
    case "%":
      return dimension(remainder(a, b));
    case "/": {
      const quotient = divide(a, b);
      return quotient === undefined ? UNKNOWN : dimension(quotient);
    }
    default:
      return compareDims(program, expr, a, b);
  }
}

/** Symbols compare only where the answer is the same for all their sizes. */
function compareDims(program: Program, expr: BinaryExpr, a: Dim, b: Dim): Value {
  const difference = constantOf(sub(a, b));
  if (difference === undefined) {
    program.report("not-known", expr.span, { what: "The condition" });
    return UNKNOWN;
  }
  const value = plain(expr.operator, difference, 0);
  return typeof value === "boolean" ? { kind: "boolean", value } : UNKNOWN;
}

function plain(operator: BinaryOperator, a: number, b: number): number | boolean {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return ((a % b) + b) % b;
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
  }
}

export function negateNumber(value: NumberValue): Value {
  return value.dim === undefined ? number(-value.value) : dimension(negate(value.dim));
}

export function floorNumber(value: NumberValue): Value {
  return value.dim === undefined ? number(Math.floor(value.value)) : dimension(floor(value.dim));
}

export function roundUpNumber(value: NumberValue, step: NumberValue): Value {
  const [a, b] = [value.dim ?? (Number.isInteger(value.value) ? constant(value.value) : undefined), exact(step)];
  if (value.dim === undefined && step.dim === undefined) return number(Math.ceil(value.value / step.value) * step.value);
  return a === undefined || b === undefined ? UNKNOWN : dimension(roundUp(a, b));
}

export function equalNumbers(a: NumberValue, b: NumberValue): boolean {
  const [x, y] = [exact(a), exact(b)];
  return x !== undefined && y !== undefined ? equal(x, y) : a.value === b.value;
}
