// The syntax tree: form without meaning. Every node has a span; a hole left by a mistake is a `missing` expression,
// never dropped and never thrown. One `Section` shape serves every keyword, since the parser knows no vocabulary.

import type { Span } from "./source.js";

export interface File {
  readonly kind: "file";
  readonly imports: readonly Import[];
  readonly items: readonly Item[];
  readonly comments: readonly Comment[];
  readonly span: Span;
}

/** `# …` to the end of the line; `ownLine`: nothing but blanks stands before it. */
export interface Comment {
  readonly text: string;
  readonly ownLine: boolean;
  readonly span: Span;
}

export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** `import a, b from "file.elm"` */
export interface Import {
  readonly kind: "import";
  readonly names: readonly Name[];
  readonly from: StringLiteral;
  readonly span: Span;
}

export type Item = Binding | Section | Repeat | Return;

/** `a = e`, `bae.bits = 16` (two segments), `fake, penalty = e` (two targets). */
export interface Binding {
  readonly kind: "binding";
  readonly targets: readonly Path[];
  readonly value: Expr;
  readonly span: Span;
}

export interface Path {
  readonly segments: readonly Name[];
  readonly span: Span;
}

/** `keyword name? (signature)? { items }` */
export interface Section {
  readonly kind: "section";
  readonly keyword: Name;
  readonly name?: Name;
  readonly signature?: Signature;
  readonly items: readonly Item[];
  readonly span: Span;
}

export interface Signature {
  readonly parameters: readonly Parameter[];
  readonly results: readonly Type[];
  readonly span: Span;
}

export interface Parameter {
  readonly name: Name;
  readonly type?: Type;
  readonly default?: Expr;
  readonly span: Span;
}

/** `chars[B, T]`, `[..., D]`, `int`: a name, a shape, or both. */
export interface Type {
  readonly name?: Name;
  readonly shape?: readonly Dim[];
  readonly span: Span;
}

export type Dim = { readonly kind: "rest"; readonly span: Span } | { readonly kind: "dim"; readonly value: Expr; readonly span: Span };

/** `repeat count as counter { … }` */
export interface Repeat {
  readonly kind: "repeat";
  readonly count: Expr;
  readonly counter?: Name;
  readonly items: readonly Item[];
  readonly span: Span;
}

export interface Return {
  readonly kind: "return";
  readonly values: readonly Expr[];
  readonly span: Span;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "==" | "!=" | "<" | "<=" | ">" | ">=";

export type Expr =
  | NumberLiteral
  | StringLiteral
  | BooleanLiteral
  | NameExpr
  | ListExpr
  | Comprehension
  | RecordExpr
  | IfExpr
  | BinaryExpr
  | NegateExpr
  | MemberExpr
  | CallExpr
  | IndexExpr
  | ParenExpr
  | MissingExpr;

export interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
  readonly span: Span;
}

/** `parts` are literal text and `{e}` holes in order, escapes resolved; a plain string has one text part, or none if empty. */
export interface StringLiteral {
  readonly kind: "string";
  readonly parts: readonly StringPart[];
  readonly span: Span;
}

export type StringPart = { readonly kind: "text"; readonly text: string } | { readonly kind: "hole"; readonly value: Expr };

export interface BooleanLiteral {
  readonly kind: "boolean";
  readonly value: boolean;
  readonly span: Span;
}

export interface NameExpr {
  readonly kind: "name";
  readonly name: string;
  readonly span: Span;
}

export interface ListExpr {
  readonly kind: "list";
  readonly items: readonly Expr[];
  readonly span: Span;
}

/** `[value for counter in over]` */
export interface Comprehension {
  readonly kind: "comprehension";
  readonly value: Expr;
  readonly counter: Name;
  readonly over: Expr;
  readonly span: Span;
}

/** `{ a = 1, "2B" = 2, image.size = [1, 1] }`; a string key is a path of one segment. */
export interface RecordExpr {
  readonly kind: "record";
  readonly entries: readonly { readonly key: Path; readonly value: Expr; readonly span: Span }[];
  readonly span: Span;
}

export interface IfExpr {
  readonly kind: "if";
  readonly condition: Expr;
  readonly whenTrue: Expr;
  readonly whenFalse: Expr;
  readonly span: Span;
}

export interface BinaryExpr {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly operatorSpan: Span;
  readonly left: Expr;
  readonly right: Expr;
  readonly span: Span;
}

export interface NegateExpr {
  readonly kind: "negate";
  readonly value: Expr;
  readonly span: Span;
}

/** `tokens.position` */
export interface MemberExpr {
  readonly kind: "member";
  readonly object: Expr;
  readonly member: Name;
  readonly span: Span;
}

export interface CallExpr {
  readonly kind: "call";
  readonly callee: Expr;
  readonly arguments: readonly Argument[];
  readonly span: Span;
}

export interface Argument {
  readonly name?: Name;
  readonly value: Expr;
  readonly span: Span;
}

/** `x[i]`, `x[:, 0:8]` */
export interface IndexExpr {
  readonly kind: "index";
  readonly object: Expr;
  readonly slices: readonly Slice[];
  readonly span: Span;
}

/** `e` alone picks one; with a colon, a range whose missing ends are the axis's. */
export interface Slice {
  readonly start?: Expr;
  readonly stop?: Expr;
  readonly isRange: boolean;
  readonly span: Span;
}

/** Kept so that the formatter can print what was written. */
export interface ParenExpr {
  readonly kind: "paren";
  readonly value: Expr;
  readonly span: Span;
}

export interface MissingExpr {
  readonly kind: "missing";
  readonly span: Span;
}
