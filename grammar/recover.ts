// How the parser finds its feet. In: the tokens ahead. Out: whether a rule may go on with them, or which to leave out.
// Invariant: brackets nest before and after, so what is left out never swallows a closing bracket of what is around it.

import { type CstNode, CstParser, EOF, type IToken, type ParserMethod, type TokenType } from "chevrotain";
import {
  endsExpression,
  isName,
  itemAhead,
  markTokens as mark,
  QuotedToken,
  StringToken,
  startsExpression,
  vocabulary,
  wordTokens as word,
} from "./tokens.js";

const openers: ReadonlySet<TokenType> = new Set([mark.LParen, mark.LBracket, mark.LBrace]);
const closers: ReadonlySet<TokenType> = new Set([mark.RParen, mark.RBracket, mark.RBrace]);
const noValue: ReadonlySet<TokenType> = new Set([mark.Colon, mark.Dot, mark.Equals, mark.EqualEqual, mark.Arrow, mark.Ellipsis]);
export const equalsLike: ReadonlySet<TokenType> = new Set([mark.Equals, mark.Colon, mark.EqualEqual]);

/** Tokens that no rule could use, and so are not in the tree. */
export interface Skipped {
  /** The rule that met them. */
  readonly rule: RuleName;
  readonly tokens: readonly IToken[];
  /** The token before them; none at the start of a file. */
  readonly previous: IToken | undefined;
}

export const ruleNames = [
  "file",
  "import",
  "item",
  "binding",
  "path",
  "assign",
  "section",
  "body",
  "signature",
  "parameter",
  "type",
  "shape",
  "dim",
  "repeat",
  "result",
  "expr",
  "cmp",
  "sum",
  "product",
  "unary",
  "postfix",
  "member",
  "call",
  "argument",
  "index",
  "slice",
  "atom",
  "list",
  "record",
  "entry",
  "hole",
] as const;

export type RuleName = (typeof ruleNames)[number];

/** The part of the parser that is no grammar: gates, and what is done where no rule fits. */
export class RecoveringParser extends CstParser {
  /** What was skipped since `start`. */
  skipped: Skipped[] = [];

  constructor() {
    super(vocabulary, { recoveryEnabled: true, nodeLocationTracking: "onlyOffset", maxLookahead: 2 });
  }

  /** Makes ready for a rule to be called on these tokens. */
  start(tokens: IToken[]): void {
    this.input = tokens;
    this.skipped = [];
  }

  protected rule(name: RuleName, definition: () => void): ParserMethod<[], CstNode> {
    return this.RULE(name, definition);
  }

  /** Brackets nest already: to make one up or leave one out would only undo that. */
  protected override canTokenTypeBeInsertedInRecovery(type: TokenType): boolean {
    return !openers.has(type) && !closers.has(type);
  }

  protected override canTokenTypeBeDeletedInRecovery(): boolean {
    const { tokenType } = this.LA(1);
    return !openers.has(tokenType) && !closers.has(tokenType);
  }

  /** Leaves out the tokens up to one that `stop` accepts, or that closes what is open here; always true, so that it can stand in a gate. */
  protected skipTo(rule: RuleName, stop: (token: IToken) => boolean): true {
    const before = this.LA(0);
    let previous = Number.isNaN(before.startOffset) ? undefined : before;
    let tokens: IToken[] = [];
    let depth = 0;
    for (let token = this.LA(1); token.tokenType !== EOF; token = this.LA(1)) {
      if (depth === 0 && (closers.has(token.tokenType) || stop(token))) break;
      if (openers.has(token.tokenType)) depth++;
      if (closers.has(token.tokenType)) depth--;
      const last = tokens[tokens.length - 1];
      // Between items each line is a mistake of its own.
      if (last !== undefined && depth === 0 && (rule === "file" || rule === "body") && token.startLine !== last.endLine) {
        this.skipped.push({ rule, tokens, previous });
        previous = last;
        tokens = [];
      }
      tokens.push(token);
      this.SKIP_TOKEN();
    }
    if (tokens.length > 0) this.skipped.push({ rule, tokens, previous });
    return true;
  }

  /** Leaves out marks that no value starts with and none is followed by, where a value must stand. */
  protected skipToValue(also?: TokenType): void {
    if (startsExpression(this.LA(1))) return;
    this.skipTo("expr", (token) => token.tokenType === also || !noValue.has(token.tokenType));
  }

  /** Whether the next token stands on the line of the last one: a value starts on the line of its `=`. */
  protected valueOnLine(): boolean {
    return this.LA(1).startLine === this.LA(0).endLine;
  }

  /** Whether a new line opens an item: then no expression goes on there. */
  protected newItem(): boolean {
    return !this.valueOnLine() && itemAhead((k) => this.LA(k));
  }

  /** Whether names, and then one of these, stand ahead on this line. */
  protected wordsBefore(types: ReadonlySet<TokenType>): boolean {
    const line = this.LA(0).endLine;
    for (let k = 1; k <= 4; k++) {
      const token = this.LA(k);
      if (token.startLine !== line) return false;
      if (!isName(token)) return k > 1 && types.has(token.tokenType);
    }
    return false;
  }

  /** Whether a section is ahead: `name {`, `name name {`, or with a signature, told from a call by the body that follows it. */
  protected sectionAhead(): boolean {
    let k = 2;
    while (k < 5 && (isName(this.LA(k)) || this.LA(k).tokenType === StringToken)) k++;
    // mistake: `sampler my sampler {`; three words on different lines are not one head.
    if (k > 3 && this.LA(k - 1).startLine !== this.LA(1).startLine) return false;
    if (this.LA(k).tokenType === mark.LBrace) return true;
    if (this.LA(k).tokenType === mark.LParen) {
      k = this.pastBracket(k);
      const { tokenType } = this.LA(k);
      if (tokenType === mark.LBrace || tokenType === mark.Arrow) return true;
    }
    // mistake: a head that cannot be read, but ends its line with the `{` of a body.
    const line = this.LA(k - 1).endLine;
    let equals = false;
    let arrow = false;
    while (this.LA(k).startLine === line && !closers.has(this.LA(k).tokenType)) {
      const { tokenType } = this.LA(k);
      equals ||= tokenType === mark.Equals;
      arrow ||= tokenType === mark.Arrow;
      if (tokenType === mark.LBrace) return (arrow || !equals) && endsExpression(this.LA(k - 1)) && this.LA(k + 1).startLine !== line;
      k = openers.has(tokenType) ? this.pastBracket(k) : k + 1;
    }
    return false;
  }

  /** The token after the bracket that token `k` opens; brackets nest. */
  protected pastBracket(k: number): number {
    let depth = 0;
    do {
      const { tokenType } = this.LA(k);
      if (tokenType === EOF) return k;
      if (openers.has(tokenType)) depth++;
      if (closers.has(tokenType)) depth--;
      k++;
    } while (depth > 0);
    return k;
  }
}

export function isComma(token: IToken): boolean {
  return token.tokenType === mark.Comma;
}

export function startsItem(token: IToken): boolean {
  return isName(token) || token.tokenType === word.repeat || token.tokenType === word.return;
}

export function startsEntry(token: IToken): boolean {
  return isName(token) || token.tokenType === StringToken || token.tokenType === QuotedToken;
}
