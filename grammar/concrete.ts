// Reading the concrete tree. In: what the parser made. Out: its children by name, names, paths and spans.
// Invariant: what the parser made up to go on is never seen by those who ask here.

import type { CstElement, CstNode, IToken } from "chevrotain";
import type { Diagnostic, Fix } from "./diagnostic.js";
import { type Code, type Facts, tell } from "./explain.js";
import type { SourceFile, Span } from "./source.js";
import type { Range } from "./strings.js";
import type { Expr, MissingExpr, Name, Path } from "./tree.js";

/** What building needs from outside: where the text is, whom to tell, and how to read the inside of a hole. */
export interface Builder {
  readonly file: SourceFile;
  readonly report: (diagnostic: Diagnostic) => void;
  readonly readHole: (range: Range) => Expr;
  /** Starts of the marks after which something stood that could not be read, and was reported. */
  readonly unread: ReadonlySet<number>;
}

/** `missing` nodes made because something else, already reported, was not understood. */
export function missing(file: SourceFile, at: number): MissingExpr {
  return { kind: "missing", span: { file, start: at, end: at } };
}

function isNode(element: CstElement): element is CstNode {
  return "children" in element;
}

export function nodes(node: CstNode, key: string): readonly CstNode[] {
  return (node.children[key] ?? []).filter(isNode);
}

export function node(parent: CstNode, key: string): CstNode | undefined {
  return nodes(parent, key)[0];
}

/** The tokens under a key that stand in the text: those the parser made up to go on are left out. */
export function tokens(parent: CstNode, key: string): readonly IToken[] {
  const found: IToken[] = [];
  for (const element of parent.children[key] ?? []) if (!isNode(element) && !Number.isNaN(element.startOffset)) found.push(element);
  return found;
}

/** Builds the children under a key; each is told where the one before it ended, since it may hold nothing of the text. */
export function each<T>(b: Builder, parent: CstNode, key: string, at: number, build: (child: CstNode, at: number) => T): readonly T[] {
  let end = at;
  return nodes(parent, key).map((child) => {
    const built = build(child, end);
    end = Math.max(end, spanOf(b.file, child, end).end);
    return built;
  });
}

export function token(parent: CstNode, key: string): IToken | undefined {
  return tokens(parent, key)[0];
}

/** The one place that turns positions of the parser into spans: it gives NaN where nothing of the text was read. */
export function spanOf(file: SourceFile, element: CstElement, otherwise = 0): Span {
  const place = isNode(element) ? element.location : element;
  const start = place?.startOffset ?? Number.NaN;
  const end = (place?.endOffset ?? Number.NaN) + 1;
  if (Number.isNaN(start)) return { file, start: otherwise, end: otherwise };
  return { file, start, end: Number.isNaN(end) ? start : Math.max(start, end) };
}

export function say<C extends Code>(b: Builder, code: C, facts: Facts<C>, at: Span, fix?: Fix): void {
  b.report(tell(code, facts, at, fix === undefined ? {} : { fix }));
}

export function nameOf(b: Builder, source: IToken): Name {
  return { text: source.image, span: spanOf(b.file, source) };
}

export function pathText(path: Path): string {
  return path.segments.map((segment) => segment.text).join(".");
}

export function buildPath(b: Builder, source: CstNode): Path | undefined {
  const segments = tokens(source, "Name").map((t) => nameOf(b, t));
  return segments.length === 0 ? undefined : { segments, span: spanOf(b.file, source) };
}
