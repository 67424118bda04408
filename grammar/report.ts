// Of the mistakes found in one item only the first is told: the others are mostly its echoes.
// In: diagnostics by the step that found them, and the tokens. Out: what the reader is told, in the order of the text.

import type { IToken } from "chevrotain";
import type { Diagnostic } from "./diagnostic.js";
import type { Code } from "./explain.js";

/** Mistakes that have no echoes: nothing after them is misread. */
const alone: ReadonlySet<string> = new Set<Code>(["bad-escape", "single-quotes", "slash-comment", "digit-first"]);

/**
 * Keeps one diagnostic an item, from the earliest step that has any: a text that is never closed explains lost brackets,
 * a lost bracket explains what the grammar cannot read.
 */
export function oneEach(steps: readonly (readonly Diagnostic[])[], tokens: readonly IToken[]): readonly Diagnostic[] {
  const starts = itemStarts(tokens);
  const told = new Set<number>();
  const kept: Diagnostic[] = [];
  for (const step of steps)
    for (const diagnostic of [...step].sort(byPlace)) {
      const item = itemAt(starts, diagnostic.at.span.start);
      if (!alone.has(diagnostic.code)) {
        if (told.has(item)) continue;
        told.add(item);
      }
      kept.push(diagnostic);
    }
  return kept.sort(byPlace);
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  return a.at.span.start - b.at.span.start;
}

/** What goes on with an item on the next line. */
const goesOn = /^(?:then|else|->|[-+*/%<>.,:()[\]]|[<>=!]=)$/;

/** Where lines of items start: tokens that are the first of their line and stand in no bracket but braces. */
function itemStarts(tokens: readonly IToken[]): readonly number[] {
  const starts: number[] = [];
  let line = 0;
  // How many round and square brackets are open inside each brace.
  const inside: number[] = [0];
  for (const token of tokens) {
    const first = token.image !== "" && (token.startLine ?? 0) > line;
    if (first && inside[inside.length - 1] === 0 && !goesOn.test(token.image)) starts.push(token.startOffset);
    line = Math.max(line, token.endLine ?? 0);
    const innermost = inside.length - 1;
    switch (token.tokenType.name) {
      case "LBrace":
        inside.push(0);
        break;
      case "RBrace":
        if (innermost > 0) inside.pop();
        break;
      case "LParen":
      case "LBracket":
        inside[innermost] = (inside[innermost] ?? 0) + 1;
        break;
      case "RParen":
      case "RBracket":
        inside[innermost] = Math.max(0, (inside[innermost] ?? 0) - 1);
        break;
      default:
        break;
    }
  }
  return starts;
}

/** The last start that is not after `offset`, by its index; -1 before the first. */
function itemAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
