// The room's door: text → syntax tree, and back. Pure. `parse` never throws: every mistake is a diagnostic, and what is
// right around it is in the tree.

import type { CstNode, IToken } from "chevrotain";
import { balance } from "./brackets.js";
import { buildFile } from "./build.js";
import { buildExpr } from "./build-values.js";
import { type Builder, missing } from "./concrete.js";
import type { Diagnostic } from "./diagnostic.js";
import { explainError, explainSkipped, tell } from "./explain.js";
import { lex } from "./lex.js";
import { Parser } from "./parser.js";
import { oneEach } from "./report.js";
import type { SourceFile } from "./source.js";
import type { Range } from "./strings.js";
import type { Comment, Expr, File } from "./tree.js";

export type { Diagnostic, Fix, Label } from "./diagnostic.js";
export { outline } from "./outline.js";
export { format } from "./print.js";
export { join, type Position, positionAt, type SourceFile, type Span, textOf } from "./source.js";
export type * from "./tree.js";

/** One parser serves all: it analyses its grammar once, when this module is loaded. */
const parser = new Parser();

/** How often a text may stand in a hole of a text. */
const holeLimit = 8;

/** The tree of a file, whole even where the text is wrong, and what is wrong with it, in the order of the text. */
export function parse(file: SourceFile): { readonly tree: File; readonly diagnostics: readonly Diagnostic[] } {
  const read = readConcrete(file, "file");
  const { imports, items } = buildFile(builder(file, read, 0), read.root);
  const tree: File = { kind: "file", imports, items, comments: read.comments, span: { file, start: 0, end: file.text.length } };
  return { tree, diagnostics: oneEach([read.single, read.brackets, read.grammar], read.tokens) };
}

/** What reading gives before nodes are built; mistakes are listed by the step that found them. */
interface Concrete {
  readonly root: CstNode;
  readonly tokens: readonly IToken[];
  readonly comments: readonly Comment[];
  readonly single: Diagnostic[];
  readonly brackets: Diagnostic[];
  readonly grammar: Diagnostic[];
  readonly unread: ReadonlySet<number>;
}

function readConcrete(file: SourceFile, rule: "file" | "hole", range?: Range): Concrete {
  const { tokens, comments, diagnostics: single } = lex(file, range);
  const torn = single.some(({ code }) => code === "unclosed-string" || code === "unclosed-hole");
  const balanced = balance(file, tokens, torn);
  parser.start(balanced.tokens);
  const root = parser[rule]();
  const grammar = parser.errors.map((error) => explainError(file, error));
  const unread = new Set<number>();
  for (const skipped of parser.skipped) {
    const diagnostic = explainSkipped(file, skipped);
    if (diagnostic !== undefined) grammar.push(diagnostic);
    if (skipped.previous !== undefined) unread.add(skipped.previous.startOffset);
  }
  return { root, tokens: balanced.tokens, comments, single: [...single], brackets: [...balanced.diagnostics], grammar, unread };
}

function builder(file: SourceFile, read: Concrete, depth: number): Builder {
  return {
    file,
    unread: read.unread,
    report: (diagnostic) => read.grammar.push(diagnostic),
    readHole: (range) => readHole(file, range, read, depth),
  };
}

function readHole(file: SourceFile, range: Range, outer: Concrete, depth: number): Expr {
  const at = { file, start: range.start - 1, end: range.end + 1 };
  if (depth >= holeLimit) {
    outer.brackets.push(tell("too-deep", { limit: holeLimit }, at));
    return missing(file, range.start);
  }
  const inner = readConcrete(file, "hole", range);
  const comment = inner.comments[0];
  if (comment !== undefined) inner.single.push(tell("unknown-mark", { text: "#" }, comment.span));
  const expression = inner.root.children.expr?.[0];
  let value: Expr = missing(file, range.start);
  if (inner.tokens.length === 0) outer.single.push(tell("empty-hole", {}, at));
  else if (expression !== undefined && "children" in expression)
    value = buildExpr(builder(file, inner, depth + 1), expression, range.start);
  outer.single.push(...inner.single);
  outer.brackets.push(...inner.brackets);
  if (inner.tokens.length > 0) outer.grammar.push(...inner.grammar);
  return value;
}
