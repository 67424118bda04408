// What an expression can be worth at compile time. Numbers and dimensions remember where they come from, so that a message can name the source;
// a tensor is an equation's index with its type, why each axis has its size, and what the forward did along the rows to make it.

import type { Span } from "../../grammar/source.js";
import type { BinaryExpr, Section } from "../../grammar/tree.js";
import { constantOf, type Dim, show, showShape } from "./dims.js";
import type { SymbolicType } from "./model.js";
import type { Declaration, Unit } from "./program.js";

/** Where a number comes from: `hidden = 512`. */
export interface Reason {
  readonly text: string;
  readonly span: Span;
}

/** Any number. One that no dimension stands in is a plain number; `dim` is set where it depends on B, T, … */
export interface NumberValue {
  readonly kind: "number";
  readonly value: number;
  readonly dim?: Dim;
  readonly reason?: Reason;
  /** The division it comes from: its operands, for "cannot be split evenly". */
  readonly quotient?: { readonly left: NumberValue; readonly right: NumberValue; readonly at: BinaryExpr };
}

/** Something done along the rows that the decoder cannot follow: `ahead` never, `unbuilt` not yet. */
export interface RowMix {
  readonly kind: "ahead" | "unbuilt";
  readonly why: string;
  readonly span: Span;
}

export interface TensorValue {
  readonly kind: "tensor";
  readonly index: number;
  readonly type: SymbolicType;
  readonly reasons: readonly (Reason | undefined)[];
  /** The axis that counts the rows of the stream. */
  readonly rows: number | undefined;
  readonly mix: RowMix | undefined;
}

/** `normal(0.02)`, `cosine(peak = …)`: words of the schema with arguments. A bare word is one without. */
export interface WordValue {
  readonly kind: "word";
  readonly word: string;
  readonly positional: readonly Argument[];
  readonly named: ReadonlyMap<string, Argument>;
  readonly called: boolean;
  readonly span: Span;
}

export interface Argument {
  readonly value: Value;
  readonly span: Span;
}

export type Value =
  | NumberValue
  | TensorValue
  | WordValue
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | { readonly kind: "record"; readonly entries: ReadonlyMap<string, Value> }
  /** Several results of one call. */
  | { readonly kind: "tuple"; readonly values: readonly Value[] }
  /** A section by its name: `chars` in `chars.vocab_size`, `gpt` in `model = gpt`. */
  | { readonly kind: "section"; readonly declaration: Declaration }
  /** `passage(plays, text = story)` */
  | {
      readonly kind: "examples";
      readonly sequence: Declaration;
      readonly data: Declaration;
      readonly columns: ReadonlyMap<string, Value>;
      readonly span: Span;
    }
  /** What a mistake is worth: said once, then silent. */
  | { readonly kind: "unknown" };

export type Callable =
  | { readonly kind: "block"; readonly section: Section; readonly unit: Unit }
  | { readonly kind: "primitive"; readonly name: string };

export const UNKNOWN: Value = { kind: "unknown" };

export function number(value: number, reason?: Reason): NumberValue {
  return reason === undefined ? { kind: "number", value } : { kind: "number", value, reason };
}

/** A dimension as a value: a plain number where it has no names. */
export function dimension(dim: Dim, reason?: Reason): NumberValue {
  const value = constantOf(dim);
  const because = reason === undefined ? {} : { reason };
  return value === undefined ? { kind: "number", value: Number.NaN, dim, ...because } : { kind: "number", value, ...because };
}

export function showNumber(value: NumberValue): string {
  return value.dim === undefined ? String(Number(value.value.toPrecision(12))) : show(value.dim);
}

export function showType(type: SymbolicType): string {
  return `${type.element === "token" ? (type.vocabulary ?? "token") : type.element === "int" ? "int" : ""}${showShape(type.shape)}`;
}

/** What a value is, in words for a message. */
export function describe(value: Value): string {
  switch (value.kind) {
    case "number":
      return value.dim === undefined ? `the number ${showNumber(value)}` : `the dimension ${showNumber(value)}`;
    case "tensor":
      return showType(value.type);
    case "boolean":
      return `\`${value.value}\``;
    case "string":
      return `the text ${JSON.stringify(value.value)}`;
    case "word":
      return value.called ? `\`${value.word}(…)\`` : `the word \`${value.word}\``;
    case "list":
      return `a list of ${value.items.length}`;
    case "record":
      return "a record";
    case "tuple":
      return `${value.values.length} values`;
    case "section":
      return `the ${value.declaration.keyword} \`${value.declaration.name}\``;
    case "examples":
      return "examples";
    case "unknown":
      return "unknown";
  }
}
