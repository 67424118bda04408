// The room's door: text → syntax tree, and back. Pure; never throws; every mistake is a diagnostic.

import type { IRecognitionException, IToken } from "chevrotain";
import { type Builder, buildExpr, buildFile, missing, spanOf } from "./build.js";
import type { Diagnostic } from "./diagnostic.js";
import { tell } from "./explain.js";
import { Parser } from "./parser.js";
import type { SourceFile } from "./source.js";
import { lexer } from "./tokens.js";
import type { Comment, Expr, File } from "./tree.js";

export type { Diagnostic, Fix, Label } from "./diagnostic.js";
export * from "./source.js";
export type * from "./tree.js";

/** One parser serves all: it analyses its grammar once, when this module is loaded. */
const parser = new Parser();

/** The tree of a file, whole even where the text is wrong, and what is wrong with it. */
export function parse(file: SourceFile): { readonly tree: File; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic) => diagnostics.push(diagnostic);
  const explain = (error: IRecognitionException) =>
    report(tell("unexpected-text", { text: error.token.image }, spanOf(file, error.token, file.text.length)));
  const lexed = lexer.tokenize(file.text);
  parser.input = lexed.tokens;
  const cst = parser.file();
  parser.errors.forEach(explain);
  const builder: Builder = {
    file,
    report,
    readHole: ({ start, end }): Expr => {
      const inner = lexer.tokenize(file.text.slice(start, end)).tokens.map((token) => moved(token, start));
      parser.input = inner;
      const expression = parser.expr();
      parser.errors.forEach(explain);
      return expression === undefined ? missing(file, start) : buildExpr(builder, expression, start);
    },
  };
  const { imports, items } = buildFile(builder, cst);
  const comments = (lexed.groups["comments"] ?? []).map((token): Comment => {
    const span = spanOf(file, token);
    const before = file.text.slice(file.text.lastIndexOf("\n", span.start - 1) + 1, span.start);
    return { text: token.image.trimEnd(), ownLine: before.trim() === "", span };
  });
  return { tree: { kind: "file", imports, items, comments, span: { file, start: 0, end: file.text.length } }, diagnostics };
}

function moved(token: IToken, by: number): IToken {
  return { ...token, startOffset: token.startOffset + by, endOffset: (token.endOffset ?? token.startOffset) + by };
}
