// Brackets are paired before the grammar is read, so that one lost bracket cannot swallow the rest of a file.
// In: tokens. Out: tokens whose brackets nest rightly and no deeper than `depthLimit`, and what had to be done for it.
// Invariant: tokens that nest rightly are left alone; layout is looked at only where brackets already disagree.

import { createTokenInstance, type IToken, type TokenType } from "chevrotain";
import type { Diagnostic, Fix } from "./diagnostic.js";
import { tell } from "./explain.js";
import type { SourceFile, Span } from "./source.js";
import { endsExpression, isKeyword, isName, itemAhead, markTokens as mark, Name, wordTokens as word } from "./tokens.js";

/** Brackets and `if`s that may stand in one another. */
export const depthLimit = 128;

/** The same with operators, members, calls and indices counted: a chain of them is as deep a tree as it is long. */
export const chainLimit = 1000;

export interface Balanced {
  readonly tokens: IToken[];
  readonly diagnostics: readonly Diagnostic[];
}

const closerOf = new Map<TokenType, TokenType>([
  [mark.LParen, mark.RParen],
  [mark.LBracket, mark.RBracket],
  [mark.LBrace, mark.RBrace],
]);
const closers: ReadonlySet<TokenType> = new Set(closerOf.values());

const textOfCloser = new Map<TokenType, string>([
  [mark.RParen, ")"],
  [mark.RBracket, "]"],
  [mark.RBrace, "}"],
]);

/** Pairs brackets; `silent` mends without a word, where something already reported explains the disagreement. */
export function balance(file: SourceFile, tokens: readonly IToken[], silent: boolean): Balanced {
  const repaired = nests(tokens) ? { tokens: [...tokens], diagnostics: [] } : repair(file, tokens);
  const shallow = limitDepth(file, repaired.tokens);
  return { tokens: shallow.tokens, diagnostics: [...(silent ? [] : repaired.diagnostics), ...shallow.diagnostics] };
}

function nests(tokens: readonly IToken[]): boolean {
  const open: TokenType[] = [];
  for (const { tokenType } of tokens) {
    const closer = closerOf.get(tokenType);
    if (closer !== undefined) open.push(closer);
    else if (closers.has(tokenType) && open.pop() !== tokenType) return false;
  }
  return open.length === 0;
}

interface Open {
  readonly token: IToken;
  /** Is that of a type's shape. */
  readonly shape: boolean;
  readonly closer: TokenType;
  /** Holds items (a section's braces), not values. */
  readonly items: boolean;
  /** The column at which the item of the bracket starts. */
  readonly indent: number;
  /** How many `then` and `else` the `if`s directly inside still call for. */
  thens: number;
  elses: number;
}

/** What is ahead and behind while brackets are mended. */
interface Repair {
  readonly file: SourceFile;
  readonly tokens: readonly IToken[];
  readonly out: IToken[];
  readonly stack: Open[];
  readonly diagnostics: Diagnostic[];
  /** `{` less `}` in what is not mended yet. */
  surplus: number;
  indent: number;
}

function repair(file: SourceFile, tokens: readonly IToken[]): Balanced {
  const count = (type: TokenType) => tokens.filter((token) => token.tokenType === type).length;
  const r: Repair = { file, tokens, out: [], stack: [], diagnostics: [], surplus: count(mark.LBrace) - count(mark.RBrace), indent: 1 };
  // Where a `{` has to be put in: before the token of this index.
  const braces = new Map<number, IToken>();
  tokens.forEach((token, i) => {
    const first = startsLine(tokens, i);
    if (first && atItems(r) && (isName(token) || isKeyword(token))) r.indent = token.startColumn ?? 1;
    const header = braces.get(i);
    if (header !== undefined) openBrace(r, header);
    closeValues(r, i, first);
    if (first && r.surplus > 0) closeByLayout(r, token);
    if (first && r.surplus < 0 && atItems(r)) {
      const at = missingBrace(tokens, i);
      if (at !== undefined) braces.set(at, token);
    }
    countIfs(r, token);
    take(r, i);
  });
  closeTo(r, () => false);
  return { tokens: r.out, diagnostics: r.diagnostics };
}

function startsLine(tokens: readonly IToken[], i: number): boolean {
  const previous = tokens[i - 1];
  return previous === undefined || (tokens[i]?.startLine ?? 0) > (previous.endLine ?? 0);
}

function top(r: Repair): Open | undefined {
  return r.stack[r.stack.length - 1];
}

function atItems(r: Repair): boolean {
  return top(r)?.items ?? true;
}

/** Takes the token `i` as it stands, or mends what its being a bracket shows to be wrong. */
function take(r: Repair, i: number): void {
  const token = r.tokens[i];
  if (token === undefined) return;
  const closer = closerOf.get(token.tokenType);
  if (closer !== undefined) {
    const items = token.tokenType === mark.LBrace && atItems(r) && endsExpression(r.out[r.out.length - 1]);
    r.stack.push({ token, shape: opensShape(r.tokens, i), closer, items, indent: r.indent, thens: 0, elses: 0 });
    r.out.push(token);
  } else if (closers.has(token.tokenType)) takeCloser(r, token, i);
  else r.out.push(token);
}

function takeCloser(r: Repair, token: IToken, i: number): void {
  const open = top(r);
  if (open?.closer === token.tokenType) {
    r.stack.pop();
    r.out.push(token);
    return;
  }
  const sameLine = open !== undefined && open.token.startLine === token.startLine;
  const brace = token.tokenType === mark.RBrace;
  // The brackets that may be closed on the way: a `)` closes no section.
  const reach = brace ? r.stack : r.stack.slice(r.stack.findLastIndex((o) => o.items) + 1);
  const typo =
    open !== undefined &&
    !open.items &&
    sameLine &&
    !closedLater(r.tokens, i, open.closer) &&
    (!brace || (r.surplus < 0 && !startsLine(r.tokens, i)));
  if (reach.some((o) => o.closer === token.tokenType) && !(brace && typo)) {
    closeTo(r, (o) => o.closer === token.tokenType);
    r.stack.pop();
    r.out.push(token);
    return;
  }
  if (brace) r.surplus++;
  const span = spanOfToken(r.file, token);
  if (open !== undefined && typo) {
    const text = textOfCloser.get(open.closer) ?? "";
    const also = [{ span: spanOfToken(r.file, open.token), text: "opened here" }];
    r.diagnostics.push(
      tell("wrong-bracket", { open: open.token.image, found: token.image, close: text }, span, {
        also,
        fix: { title: `write \`${text}\``, span, replacement: text },
      }),
    );
    r.stack.pop();
    r.out.push(madeUp(open.closer, token));
    return;
  }
  // Before an arrow it ends a signature whose beginning is lost.
  const signature = r.tokens[i + 1]?.tokenType === mark.Arrow;
  const more = signature ? {} : { fix: { title: "leave it out", span, replacement: "" } };
  r.diagnostics.push(tell("stray-bracket", { text: token.image }, span, more));
}

/** Whether the bracket that `closer` closes, open before token `i`, is closed by one of its own on the line of token `i`. */
function closedLater(tokens: readonly IToken[], i: number, closer: TokenType): boolean {
  let depth = 0;
  for (let k = i + 1; k < tokens.length && !startsLine(tokens, k); k++) {
    const type = tokens[k]?.tokenType;
    if (type === undefined) return false;
    if (depth === 0 && type === closer) return true;
    if (closerOf.has(type)) depth++;
    if (closers.has(type)) depth--;
  }
  return false;
}

/** Closes what is open above the innermost bracket that `stop` accepts, and says so once. */
function closeTo(r: Repair, stop: (open: Open) => boolean): void {
  const comma = r.out[r.out.length - 1]?.tokenType === mark.Comma && top(r)?.closer !== mark.RBrace ? r.out.pop() : undefined;
  closeAfter(r, stop);
  if (comma !== undefined) r.out.push(comma);
}

function closeAfter(r: Repair, stop: (open: Open) => boolean): void {
  const previous = r.out[r.out.length - 1];
  let outermost: Open | undefined;
  let text = "";
  for (let open = top(r); open !== undefined && !stop(open); open = top(r)) {
    r.stack.pop();
    if (previous !== undefined) r.out.push(madeUp(open.closer, previous));
    if (open.closer === mark.RBrace) r.surplus--;
    text += textOfCloser.get(open.closer) ?? "";
    outermost = open;
  }
  if (outermost === undefined || previous === undefined) return;
  const end = spanOfToken(r.file, previous).end;
  const newline =
    outermost.items && outermost.token.startLine !== previous.startLine ? `\n${" ".repeat(Math.max(0, outermost.indent - 1))}` : "";
  const fix: Fix = { title: `close it with \`${text}\``, span: { file: r.file, start: end, end }, replacement: newline + text };
  r.diagnostics.push(tell("unclosed-bracket", { open: outermost.token.image }, spanOfToken(r.file, outermost.token), { fix }));
}

/** A section whose `}` is lost ends where a line starts no further right than the section's own. */
function closeByLayout(r: Repair, token: IToken): void {
  const column = token.startColumn ?? 1;
  for (let open = top(r); open !== undefined && r.surplus > 0; open = top(r)) {
    const deeper = column > open.indent || token.startLine === open.token.startLine;
    if (open.closer !== mark.RBrace || deeper || (closers.has(token.tokenType) && column === open.indent)) return;
    closeTo(r, (o) => o !== open);
  }
}

/** Closes the round and square brackets in which token `i` cannot stand: it starts an item or a body, or answers an `if` outside. */
function closeValues(r: Repair, i: number, first: boolean): void {
  const open = top(r);
  const token = r.tokens[i];
  const previous = r.tokens[i - 1];
  if (open === undefined || token === undefined || open.closer === mark.RBrace) return;
  const brace = (o: Open) => o.closer === mark.RBrace;
  switch (token.tokenType) {
    case word.return:
    case word.repeat:
    case word.import:
    case mark.Arrow:
      closeTo(r, brace);
      return;
    case mark.LBrace:
      if (endsExpression(previous) || previous?.tokenType === mark.Ellipsis) closeTo(r, brace);
      return;
    case word.then:
      closeTo(r, (o) => brace(o) || o.thens > 0);
      return;
    case word.else:
      closeTo(r, (o) => brace(o) || o.elses > 0);
      return;
    default: {
      if (!isName(token)) return;
      if (open.shape && previous?.tokenType === mark.Comma && r.tokens[i + 1]?.tokenType === mark.Colon) closeTo(r, (o) => !o.shape);
      if (!first) return;
      // On a new line a named argument looks like a setting: it is one if what stands before it is complete.
      const setting = itemAhead((k) => r.tokens[i + k - 1]);
      if (endsExpression(previous) ? setting || token.tokenType === Name : setting && open.closer === mark.RBracket)
        closeTo(r, (o) => brace(o) || (o.closer === mark.RParen && previous?.tokenType === mark.Comma));
      else if (setting && previous?.tokenType !== mark.Comma && previous?.tokenType !== mark.LParen) closeTo(r, brace);
    }
  }
}

/** Whether the bracket at `i` stands where a type does: after `:` or `->`, and perhaps a name. */
function opensShape(tokens: readonly IToken[], i: number): boolean {
  if (tokens[i]?.tokenType !== mark.LBracket) return false;
  const before = tokens[isName(tokens[i - 1]) ? i - 2 : i - 1]?.tokenType;
  return before === mark.Colon || before === mark.Arrow;
}

/** Counts the answers that an `if` at this place calls for; those outside any bracket need no count. */
function countIfs(r: Repair, { tokenType }: IToken): void {
  const open = top(r);
  if (open === undefined) return;
  if (tokenType === word.if) open.thens++;
  if (tokenType === word.then && open.thens > 0) {
    open.thens--;
    open.elses++;
  }
  if (tokenType === word.else && open.elses > 0) open.elses--;
}

/** Puts in the `{` of a section, or of a record after `=` and `return`. */
function openBrace(r: Repair, header: IToken): void {
  const previous = r.out[r.out.length - 1];
  if (previous === undefined) return;
  const brace = madeUp(mark.LBrace, previous);
  const end = spanOfToken(r.file, previous).end;
  const items = !(previous.tokenType === mark.Equals || previous.tokenType === word.return);
  r.stack.push({ token: brace, shape: false, closer: mark.RBrace, items, indent: header.startColumn ?? 1, thens: 0, elses: 0 });
  r.out.push(brace);
  r.surplus++;
  const span = { file: r.file, start: items ? header.startOffset : previous.startOffset, end };
  r.diagnostics.push(
    tell("missing-brace", { section: items ? `\`${header.image}\`` : "This record" }, span, {
      fix: { title: "open it", span: { file: r.file, start: end, end }, replacement: " {" },
    }),
  );
}

/** If the line of token `i` is the head of a section without its `{`: the index of the token that should follow the `{`. */
function missingBrace(tokens: readonly IToken[], i: number): number | undefined {
  const head = tokens[i];
  if (head === undefined || !(isName(head) || head.tokenType === word.repeat || head.tokenType === word.return)) return undefined;
  let end = i + 1;
  let depth = 0;
  let net = 0;
  // The marks of the line that stand in no round or square bracket.
  const flat: (TokenType | undefined)[] = [];
  while (end < tokens.length && (!startsLine(tokens, end) || depth > 0)) {
    const type = tokens[end]?.tokenType;
    if (type === mark.LParen || type === mark.LBracket) depth++;
    if (type === mark.RParen || type === mark.RBracket) depth--;
    if (depth === 0) flat.push(type);
    if (type === mark.LBrace) net++;
    if (type === mark.RBrace) net--;
    end++;
  }
  const line = tokens.slice(i, end).map((token) => token.tokenType);
  const next = tokens[end];
  const words = line.findIndex((_, k) => !isName(tokens[i + k]));
  if (net < 0 && !line.includes(mark.LBrace)) {
    // All on one line: `name name a = 1 }` and `repeat n a = 1 }`, `a = b = 1 }` and `return b = 1 }`.
    const setting = (k: number) => isName(tokens[i + k]) && line[k + 1] === mark.Equals;
    const record = line.findIndex((type, k) => (type === mark.Equals || type === word.return) && setting(k + 1));
    const section =
      head.tokenType === word.repeat ? line.findIndex((_, k) => setting(k)) : words >= 2 && line[words] === mark.Equals ? words - 1 : -1;
    const at = section >= 0 ? section : record >= 0 ? record + 1 : -1;
    return at > 0 ? i + at : undefined;
  }
  if (next === undefined || next.tokenType === mark.LBrace || line.includes(mark.LBrace)) return undefined;
  const plainHead = words === -1 && line.length <= 2;
  const signatureHead = (words === 1 || words === 2) && line[words] === mark.LParen && !flat.includes(mark.Equals);
  const deeper = (next.startColumn ?? 1) > (head.startColumn ?? 1);
  return deeper && (plainHead || signatureHead || head.tokenType === word.repeat) ? end : undefined;
}

/** A token that stands nowhere in the text, just after another. */
function madeUp(type: TokenType, after: IToken): IToken {
  const end = (after.endOffset ?? after.startOffset) + 1;
  const { endLine = 1, endColumn = 1 } = after;
  return createTokenInstance(type, "", end, end - 1, endLine, endLine, endColumn, endColumn);
}

function spanOfToken(file: SourceFile, token: IToken): Span {
  return { file, start: token.startOffset, end: Math.max(token.startOffset, (token.endOffset ?? token.startOffset) + 1) };
}

const links: ReadonlySet<TokenType> = new Set([
  mark.Plus,
  mark.Minus,
  mark.Star,
  mark.Slash,
  mark.Percent,
  mark.Dot,
  mark.LParen,
  mark.LBracket,
]);

/** Leaves out what stands too deep for any reader, and for the stack of the machine. */
function limitDepth(file: SourceFile, tokens: IToken[]): Balanced {
  interface Level {
    nesting: number;
    chain: number;
    readonly base: { readonly nesting: number; readonly chain: number };
  }
  let level: Level = { nesting: 0, chain: 0, base: { nesting: 0, chain: 0 } };
  const stack: Level[] = [];
  const out: IToken[] = [];
  let at: IToken | undefined;
  // While something is left out: how many brackets are open inside it.
  let leaving: number | undefined;
  for (const [i, token] of tokens.entries()) {
    const { tokenType } = token;
    const opens = closerOf.has(tokenType);
    const closes = closers.has(tokenType);
    const item = leaving !== undefined && startsLine(tokens, i) && itemAhead((k) => tokens[i + k - 1]);
    if (leaving !== undefined) {
      if (leaving === 0 && (closes || item || tokenType === mark.Comma)) leaving = undefined;
      else {
        if (opens) leaving++;
        if (closes) leaving--;
        continue;
      }
    }
    if (item || tokenType === mark.Comma || tokenType === mark.Equals || tokenType === word.return) {
      level.nesting = level.base.nesting;
      level.chain = level.base.chain;
    }
    if (tokenType === word.if) level.nesting++;
    if (tokenType === word.if || links.has(tokenType)) level.chain++;
    if (opens) {
      const base = { nesting: level.nesting + 1, chain: level.chain + 1 };
      stack.push(level);
      level = { ...base, base };
    }
    if (closes) level = stack.pop() ?? level;
    out.push(token);
    if (level.nesting >= depthLimit || level.chain >= chainLimit) {
      at ??= token;
      leaving = 0;
    }
  }
  if (at === undefined) return { tokens, diagnostics: [] };
  return { tokens: out, diagnostics: [tell("too-deep", { limit: depthLimit }, spanOfToken(file, at))] };
}
