// The vocabulary of the language: one table of words and marks, from which the lexer's token types are made.
// In: nothing. Out: token types, the lexer, and the word lists that editors colour by.
// Invariant: a string, with its holes, is one token that never crosses a line, so a lost quote costs one line only.

import { type CustomPatternMatcherReturn, createToken, type IToken, Lexer, type TokenType } from "chevrotain";
import { scanString } from "./strings.js";

/** Words that can never be names. */
export const keywords = ["import", "repeat", "return", "if", "then", "else", "true", "false"] as const;

/** Words that mean something in one place and are names everywhere else. */
export const contextualKeywords = ["from", "as", "for", "in"] as const;

/** Marks, by the name their token type has. The longer of two that start alike stands first. */
export const marks = {
  Arrow: "->",
  Ellipsis: "...",
  EqualEqual: "==",
  NotEqual: "!=",
  LessEqual: "<=",
  GreaterEqual: ">=",
  Less: "<",
  Greater: ">",
  Equals: "=",
  Plus: "+",
  Minus: "-",
  Star: "*",
  Slash: "/",
  Percent: "%",
  LParen: "(",
  RParen: ")",
  LBracket: "[",
  RBracket: "]",
  LBrace: "{",
  RBrace: "}",
  Comma: ",",
  Colon: ":",
  Dot: ".",
} as const;

type Keyword = (typeof keywords)[number] | (typeof contextualKeywords)[number];
type Mark = keyof typeof marks;

export const Name = createToken({ name: "Name", pattern: /[A-Za-z_][A-Za-z0-9_]*/ });

/** `2B`: read as a name, so that what follows survives, and reported. */
export const DigitName = createToken({ name: "DigitName", pattern: /[0-9]+(?:\.[0-9]+)?[A-Za-z_][A-Za-z0-9_]*/, categories: [Name] });

export const NumberToken = createToken({ name: "Number", pattern: /[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/, longer_alt: DigitName });

function matchString(text: string, offset: number): CustomPatternMatcherReturn | null {
  if (text[offset] !== '"') return null;
  return [text.slice(offset, scanString(text, offset).end)];
}

export const StringToken = createToken({ name: "String", pattern: matchString, line_breaks: false, start_chars_hint: ['"'] });

/** `'text'`: read as a string and reported. */
export const QuotedToken = createToken({ name: "Quoted", pattern: /'[^'\r\n]*'/, categories: [StringToken] });

const Blank = createToken({ name: "Blank", pattern: /[ \t\r\n\f\u00a0\ufeff]+/, group: Lexer.SKIPPED, line_breaks: true });
const CommentToken = createToken({ name: "Comment", pattern: /#[^\r\n]*/, group: "comments" });

/** `// text`: kept as a comment and reported. */
export const SlashComment = createToken({ name: "SlashComment", pattern: /\/\/[^\r\n]*/, group: "comments" });

function word(text: Keyword, contextual: boolean): TokenType {
  const name = text[0]?.toUpperCase() + text.slice(1);
  return createToken({ name, pattern: new RegExp(text), longer_alt: Name, ...(contextual ? { categories: [Name] } : {}) });
}

/** Token types of the words, by the word. */
export const wordTokens = Object.fromEntries([
  ...keywords.map((text) => [text, word(text, false)]),
  ...contextualKeywords.map((text) => [text, word(text, true)]),
]) as { readonly [K in Keyword]: TokenType };

/** Token types of the marks, by name. */
export const markTokens = Object.fromEntries(
  Object.entries(marks).map(([name, text]) => [name, createToken({ name, pattern: name === "Ellipsis" ? /\.\.\.?/ : text })]),
) as {
  readonly [K in Mark]: TokenType;
};

/** Every token type, in the order in which the lexer tries them. */
export const vocabulary: TokenType[] = [
  Blank,
  CommentToken,
  SlashComment,
  StringToken,
  QuotedToken,
  NumberToken,
  DigitName,
  ...Object.values(wordTokens),
  Name,
  ...Object.values(markTokens),
];

const nameTypes: ReadonlySet<TokenType> = new Set([Name, DigitName, ...contextualKeywords.map((text) => wordTokens[text])]);

/** Whether a token may be a name: contextual keywords may. */
export function isName(token: IToken | undefined): boolean {
  return token !== undefined && nameTypes.has(token.tokenType);
}

export function isKeyword(token: IToken | undefined): boolean {
  return token !== undefined && keywordTypes.has(token.tokenType);
}

const keywordTypes: ReadonlySet<TokenType> = new Set(keywords.map((text) => wordTokens[text]));

/** Whether a token is one of these marks. */
export function isMark(token: IToken | undefined, ...texts: readonly (typeof marks)[Mark][]): boolean {
  return token !== undefined && token.image !== "" && texts.some((text) => text === token.image);
}

/** Whether a value may end with this token. */
export function endsExpression(token: IToken | undefined): boolean {
  if (token === undefined) return false;
  const { tokenType } = token;
  return isName(token) || valueEnds.has(tokenType);
}

const valueEnds: ReadonlySet<TokenType> = new Set([
  NumberToken,
  StringToken,
  QuotedToken,
  wordTokens.true,
  wordTokens.false,
  markTokens.RParen,
  markTokens.RBracket,
  markTokens.RBrace,
]);

const valueStarts: ReadonlySet<TokenType> = new Set([
  NumberToken,
  StringToken,
  QuotedToken,
  wordTokens.if,
  wordTokens.true,
  wordTokens.false,
  markTokens.Minus,
  markTokens.LParen,
  markTokens.LBracket,
  markTokens.LBrace,
]);

/** Whether a value may start with this token. */
export function startsExpression(token: IToken): boolean {
  return isName(token) || valueStarts.has(token.tokenType);
}

/** Whether the tokens ahead (the next is 1) open an item: `a =`, `a.b =`, `a, b =`, `a {`, `a b {` or `a b (`. */
export function itemAhead(ahead: (k: number) => IToken | undefined): boolean {
  const second = ahead(2)?.tokenType;
  if (!isName(ahead(1))) return false;
  if (second === markTokens.Equals || second === markTokens.LBrace) return true;
  if (isName(ahead(2))) return ahead(3)?.tokenType === markTokens.LBrace || ahead(3)?.tokenType === markTokens.LParen;
  let k = 2;
  while (k < 16 && (ahead(k)?.tokenType === markTokens.Dot || ahead(k)?.tokenType === markTokens.Comma) && isName(ahead(k + 1))) k += 2;
  return k > 2 && ahead(k)?.tokenType === markTokens.Equals;
}

export const lexer = new Lexer(vocabulary, { positionTracking: "full", ensureOptimizations: true });
