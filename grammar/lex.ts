// Text becomes tokens and comments. In: a range of a file. Out: tokens whose positions are the file's, and what is wrong
// with single tokens. Invariant: every mistake here costs one token at most; a lost quote costs the rest of its line.

import type { IToken } from "chevrotain";
import type { Diagnostic } from "./diagnostic.js";
import { tell } from "./explain.js";
import { positionAt, type SourceFile, type Span } from "./source.js";
import { type Range, scanString } from "./strings.js";
import { DigitName, endsExpression, lexer, markTokens, QuotedToken, SlashComment, StringToken } from "./tokens.js";
import type { Comment } from "./tree.js";

export interface Lexed {
  readonly tokens: IToken[];
  readonly comments: readonly Comment[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a whole file, or the inside of a hole, which is a range within one line. */
export function lex(file: SourceFile, range?: Range): Lexed {
  const diagnostics: Diagnostic[] = [];
  const lexed = lexer.tokenize(range === undefined ? file.text : file.text.slice(range.start, range.end));
  if (range !== undefined) moveTo(lexed.tokens.concat(lexed.groups.comments ?? []), file, range.start);
  for (const { offset, length } of lexed.errors) diagnostics.push(unknownText(file, offset + (range?.start ?? 0), length));
  // Where a quote is lost, what was text reads as words and what were words as text: nothing else on that line is told.
  const torn = new Set<number | undefined>();
  for (const token of lexed.tokens) {
    const diagnostic = checkToken(file, token, undefined);
    if (diagnostic?.code === "unclosed-string") torn.add(token.startLine);
  }
  for (const [i, token] of lexed.tokens.entries()) {
    const diagnostic = checkToken(file, token, lexed.tokens[i - 1]);
    if (diagnostic !== undefined && (diagnostic.code === "unclosed-string" || !torn.has(token.startLine))) diagnostics.push(diagnostic);
  }
  const comments: Comment[] = [];
  for (const token of lexed.groups.comments ?? []) {
    const span = { file, start: token.startOffset, end: token.startOffset + token.image.trimEnd().length };
    const lineStart = file.text.lastIndexOf("\n", span.start - 1) + 1;
    if (token.tokenType === SlashComment) {
      const marks = { file, start: span.start, end: span.start + 2 };
      diagnostics.push(tell("slash-comment", {}, marks, { fix: { title: "write `#`", span: marks, replacement: "#" } }));
    }
    comments.push({ text: token.image.trimEnd(), ownLine: file.text.slice(lineStart, span.start).trim() === "", span });
  }
  return { tokens: lexed.tokens, comments, diagnostics };
}

function moveTo(tokens: readonly IToken[], file: SourceFile, by: number): void {
  const { line } = positionAt(file, by);
  for (const token of tokens) {
    token.startOffset += by;
    token.endOffset = (token.endOffset ?? token.startOffset) + by;
    token.startLine = line;
    token.endLine = line;
  }
}

function checkToken(file: SourceFile, token: IToken, previous: IToken | undefined): Diagnostic | undefined {
  const span = { file, start: token.startOffset, end: token.startOffset + token.image.length };
  switch (token.tokenType) {
    case DigitName:
      return tell("digit-first", { text: token.image }, span);
    case markTokens.Ellipsis:
      // Two dots are read as three.
      return token.image === "..."
        ? undefined
        : tell("lookalike", { text: "..", instead: "..." }, span, { fix: { title: "write `...`", span, replacement: "..." } });
    case QuotedToken:
      return tell("single-quotes", {}, span, {
        fix: { title: "use double quotes", span, replacement: `"${token.image.slice(1, -1).replaceAll('"', '\\"')}"` },
      });
    case StringToken: {
      const { closed, openHole } = scanString(file.text, span.start);
      if (openHole !== undefined) {
        const at = { file, start: openHole, end: openHole + 1 };
        return tell("unclosed-hole", {}, at, { fix: { title: "write a plain brace", span: at, replacement: "\\{" } });
      }
      if (closed) return undefined;
      const end = { file, start: span.end, end: span.end };
      // Just after a value the quote is rather the end of a string whose beginning is lost.
      const stray = endsExpression(previous) && previous?.endLine === token.startLine;
      const more = stray ? {} : { fix: { title: "close it here", span: end, replacement: '"' } };
      return tell("unclosed-string", {}, { file, start: span.start, end: span.start + 1 }, more);
    }
    default:
      return undefined;
  }
}

/** Marks of other keyboards, word processors and papers, and how they are written here. */
const lookalikes: { readonly [text: string]: string } = {
  "“": '"',
  "”": '"',
  "„": '"',
  "«": '"',
  "»": '"',
  "‘": '"',
  "’": '"',
  "'": '"',
  "×": "*",
  "·": "*",
  "÷": "/",
  "−": "-",
  "–": "-",
  "—": "-",
  "→": "->",
  "⟶": "->",
  "…": "...",
  "≠": "!=",
  "≤": "<=",
  "≥": ">=",
  "：": ":",
  "，": ",",
  "（": "(",
  "）": ")",
};

function unknownText(file: SourceFile, offset: number, length: number): Diagnostic {
  const first = String.fromCodePoint(file.text.codePointAt(offset) ?? 0);
  const text = file.text.slice(offset, offset + Math.max(length, first.length));
  const span: Span = { file, start: offset, end: offset + text.length };
  const known = lookalikes[first];
  if (known !== undefined) {
    const at = { file, start: offset, end: offset + first.length };
    return tell("lookalike", { text: first, instead: known }, at, { fix: { title: `write \`${known}\``, span: at, replacement: known } });
  }
  if (text === ";") return tell("no-separator", { text }, span, { fix: { title: "leave it out", span, replacement: "" } });
  return tell("unknown-mark", { text: printable(text) }, span);
}

/** Text as it can be shown inside a sentence: short, and without control characters. */
function printable(text: string): string {
  const short = Array.from(text).slice(0, 12);
  return short
    .map((c) => (/[\p{C}\p{Z}`]/u.test(c) ? `U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}` : c))
    .join("");
}
