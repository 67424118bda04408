// Brackets are paired before the grammar is read, so that one lost bracket cannot swallow the rest of a file.
// In: tokens. Out: tokens whose brackets nest rightly and no deeper than `depthLimit`, and what had to be done for it.
// Invariant: tokens that nest rightly are left alone; layout is looked at only where brackets already disagree.

import { createTokenInstance, type IToken, type TokenType } from "chevrotain";
import type { Diagnostic, Fix } from "./diagnostic.js";
import { tell } from "./explain.js";
import type { SourceFile, Span } from "./source.js";
import { endsExpression, isName, itemAhead, markTokens as mark, wordTokens as word } from "./tokens.js";

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
  readonly closer: TokenType;
  /** Holds items (a section's braces), not values. */
  readonly items: boolean;
  /** The column at which the line of the bracket starts. */
  readonly indent: number;
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
    if (first) r.indent = token.startColumn ?? 1;
    const header = braces.get(i);
    if (header !== undefined) openBrace(r, header);
    if (endsValues(r, i, first)) closeTo(r, (open) => open.closer === mark.RBrace);
    if (first && r.surplus > 0) closeByLayout(r, token);
    if (first && r.surplus < 0 && atItems(r)) {
      const at = missingBrace(tokens, i);
      if (at !== undefined) braces.set(at, token);
    }
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
    r.stack.push({ token, closer, items, indent: r.indent });
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
  const typo = open !== undefined && !open.items && sameLine && (brace ? r.surplus < 0 && !startsLine(r.tokens, i) : true);
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
    r.diagnostics.push(tell("wrong-bracket", { open: open.token.image, found: token.image, close: text }, span, { also, fix: { title: `write \`${text}\``, span, replacement: text } }));
    r.stack.pop();
    r.out.push(madeUp(open.closer, token));
    return;
  }
  r.diagnostics.push(tell("stray-bracket", { text: token.image }, span, { fix: { title: "leave it out", span, replacement: "" } }));
}

/** Closes what is open above the innermost bracket that `stop` accepts, and says so once. */
function closeTo(r: Repair, stop: (open: Open) => boolean): void {
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
  const newline = outermost.items && outermost.token.startLine !== previous.startLine ? `\n${" ".repeat(Math.max(0, outermost.indent - 1))}` : "";
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

/** Whether token `i` cannot stand inside the round or square bracket that is open: it starts an item or a body. */
function endsValues(r: Repair, i: number, first: boolean): boolean {
  const open = top(r);
  const token = r.tokens[i];
  if (open === undefined || token === undefined || open.closer === mark.RBrace) return false;
  const { tokenType } = token;
  if (tokenType === word.return || tokenType === word.repeat || tokenType === word.import || tokenType === mark.Arrow) return true;
  const previous = r.tokens[i - 1];
  if (tokenType === mark.LBrace) return endsExpression(previous);
  if (!first || !itemAhead((k) => r.tokens[i + k - 1])) return false;
  // On a new line a named argument looks like a setting: it is one if nothing before it calls for more.
  return open.closer === mark.RBracket || !(previous?.tokenType === mark.Comma || previous?.tokenType === mark.LParen);
}

function openBrace(r: Repair, header: IToken): void {
  const previous = r.out[r.out.length - 1];
  if (previous === undefined) return;
  const brace = madeUp(mark.LBrace, previous);
  const end = spanOfToken(r.file, previous).end;
  r.stack.push({ token: brace, closer: mark.RBrace, items: true, indent: header.startColumn ?? 1 });
  r.out.push(brace);
  r.surplus++;
  const span = { file: r.file, start: header.startOffset, end };
  r.diagnostics.push(tell("missing-brace", { section: `\`${header.image}\`` }, span, { fix: { title: "open it", span: { file: r.file, start: end, end }, replacement: " {" } }));
}

/** If the line of token `i` is the head of a section without its `{`: the index of the token that should follow the `{`. */
function missingBrace(tokens: readonly IToken[], i: number): number | undefined {
  const head = tokens[i];
  if (head === undefined || !(isName(head) || head.tokenType === word.repeat)) return undefined;
  let end = i + 1;
  let depth = 0;
  let net = 0;
  while (end < tokens.length && (!startsLine(tokens, end) || depth > 0)) {
    const type = tokens[end]?.tokenType;
    if (type === mark.LParen || type === mark.LBracket) depth++;
    if (type === mark.RParen || type === mark.RBracket) depth--;
    if (type === mark.LBrace) net++;
    if (type === mark.RBrace) net--;
    end++;
  }
  const line = tokens.slice(i, end).map((token) => token.tokenType);
  const next = tokens[end];
  const words = line.findIndex((_, k) => !isName(tokens[i + k]));
  if (net < 0 && !line.includes(mark.LBrace)) {
    // All on one line, `name name a = 1 }` or `name a = 1 }`: the last word before the `=` is a setting's.
    return words >= 2 && line[words] === mark.Equals ? i + words - 1 : undefined;
  }
  if (next === undefined || next.tokenType === mark.LBrace || line.includes(mark.LBrace)) return undefined;
  const plainHead = words === -1 && line.length <= 2;
  const signatureHead = (words === 1 || words === 2) && line[words] === mark.LParen && !line.includes(mark.Equals);
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
  for (const token of tokens) {
    const { tokenType } = token;
    const opens = closerOf.has(tokenType);
    const closes = closers.has(tokenType);
    if (leaving !== undefined) {
      if (leaving === 0 && (closes || tokenType === mark.Comma)) leaving = undefined;
      else {
        if (opens) leaving++;
        if (closes) leaving--;
        continue;
      }
    }
    if (tokenType === mark.Comma || tokenType === mark.Equals || tokenType === word.return) {
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
