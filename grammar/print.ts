// A tree becomes canonical text. In: a tree without mistakes. Out: the same file, laid out by one rule for all: two spaces,
// `=` aligned in a run of bindings, one space around operators, at most one blank line. Where the writer broke a line between
// elements, operators or items it stays broken. Invariant: printing what was printed changes nothing; every comment is kept,
// once and in its place.

import { Lines } from "./lines.js";
import type { SourceFile, Span } from "./source.js";
import { textOf } from "./source.js";
import { writeEscapes } from "./strings.js";
import { keywords } from "./tokens.js";
import type { Argument, Comment, Dim, Expr, File, Import, Item, Parameter, Path, Repeat, Section, Signature, Slice, Type } from "./tree.js";

/** The file as canonical text, ending in a newline if it says anything. */
export function format(tree: File): string {
  const p: Printer = { file: tree.span.file, comments: tree.comments, lines: new Lines(tree.span.file.text, tree.comments) };
  const items = [...tree.imports, ...tree.items].sort((a, b) => a.span.start - b.span.start);
  printItems(p, items, 0, tree.span.end + 1);
  return p.lines.text();
}

interface Printer {
  readonly file: SourceFile;
  readonly comments: readonly Comment[];
  readonly lines: Lines;
}

/** Whether the text broke a line between two places. */
function broken(p: Printer, start: number, end: number): boolean {
  return p.file.text.slice(start, end).includes("\n");
}

/** What stands between two places, without comments. */
function between(p: Printer, start: number, end: number): string {
  let text = "";
  let from = start;
  for (const { span } of p.comments)
    if (span.start >= from && span.start < end) {
      text += p.file.text.slice(from, span.start);
      from = span.end;
    }
  return text + p.file.text.slice(from, Math.max(from, end));
}

type Line = Item | Import;

/** Items at one indent; those that shared a line go on sharing it. */
function printItems(p: Printer, items: readonly Line[], indent: number, end: number): void {
  const rows: Line[][] = [];
  for (const item of items) {
    const row = rows[rows.length - 1];
    const previous = row?.[row.length - 1];
    const joins = previous !== undefined && !broken(p, previous.span.start, item.span.end);
    if (joins) row?.push(item);
    else rows.push([item]);
  }
  const widths = alignment(p, rows);
  rows.forEach((row, i) => {
    const [item] = row;
    if (item === undefined) return;
    p.lines.next(indent, item.span.start, true);
    row.forEach((each, k) => {
      if (k > 0) p.lines.write("   ");
      printItem(p, each, indent, widths[i] ?? 0);
    });
    p.lines.reached(row[row.length - 1]?.span.end ?? 0);
  });
  p.lines.comments(indent, end, true);
}

/** Targets that differ more in width than this are not padded to one another. */
const alignLimit = 12;

/** The width of a row that is one binding's target alone. */
function targetWidth(row: readonly Line[] | undefined): number | undefined {
  const item = row?.[0];
  return row?.length === 1 && item?.kind === "binding" ? targets(item.targets).length : undefined;
}

/** For each row the width its `=` is padded to: bindings under one another, without a blank line between them, form a run. */
function alignment(p: Printer, rows: readonly (readonly Line[])[]): readonly number[] {
  const widths = rows.map(() => 0);
  for (let i = 0; i < rows.length; ) {
    let narrowest = targetWidth(rows[i]) ?? 0;
    let widest = narrowest;
    let end = i + 1;
    for (; end < rows.length && targetWidth(rows[i]) !== undefined && adjacent(p, rows[end - 1], rows[end]); end++) {
      const width = targetWidth(rows[end]);
      if (width === undefined || Math.max(widest, width) - Math.min(narrowest, width) > alignLimit) break;
      narrowest = Math.min(narrowest, width);
      widest = Math.max(widest, width);
    }
    widths.fill(widest, i, end);
    i = end;
  }
  return widths;
}

function adjacent(p: Printer, above: readonly Line[] | undefined, row: readonly Line[] | undefined): boolean {
  const gap = p.file.text.slice(above?.[0]?.span.end ?? 0, row?.[0]?.span.start ?? 0);
  return !/\n[^\S\n]*\n/.test(gap);
}

function printItem(p: Printer, item: Line, indent: number, width: number): void {
  switch (item.kind) {
    case "import":
      p.lines.write(`import ${item.names.map((name) => name.text).join(", ")} from `);
      printExpr(p, item.from, indent);
      return;
    case "binding":
      p.lines.write(`${targets(item.targets).padEnd(width)} = `);
      printExpr(p, item.value, indent);
      return;
    case "return":
      p.lines.write("return ");
      printElements(p, item.values, indent + 2, (value) => printExpr(p, value, indent));
      return;
    case "section":
      printSection(p, item, indent);
      return;
    case "repeat":
      printRepeat(p, item, indent);
      return;
  }
}

function targets(paths: readonly Path[]): string {
  return paths.map(pathText).join(", ");
}

function pathText(path: Path): string {
  return path.segments
    .map(({ text }) =>
      /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && !keywords.some((word) => word === text) ? text : `"${writeEscapes(text)}"`,
    )
    .join(".");
}

function printSection(p: Printer, item: Section, indent: number): void {
  p.lines.write(item.name === undefined ? item.keyword.text : `${item.keyword.text} ${item.name.text}`);
  if (item.signature !== undefined) printSignature(p, item.signature, indent);
  printBody(p, item, (item.signature?.span ?? item.name?.span ?? item.keyword.span).end, indent);
}

function printRepeat(p: Printer, item: Repeat, indent: number): void {
  p.lines.write("repeat ");
  printExpr(p, item.count, indent);
  if (item.counter !== undefined) p.lines.write(` as ${item.counter.text}`);
  printBody(p, item, (item.counter ?? item.count).span.end, indent);
}

/** `{ … }`, on one line if it stood on one. */
function printBody(p: Printer, owner: Section | Repeat, head: number, indent: number): void {
  const { end } = owner.span;
  const gap = between(p, head, end);
  const inside = gap.slice(Math.max(0, gap.indexOf("{")));
  const items = owner.items;
  const commented = p.comments.some(({ span }) => span.start > head && span.end < end);
  if (items.length === 0 && !commented) {
    p.lines.write(" {}");
    return;
  }
  if (!commented && !inside.includes("\n")) {
    p.lines.write(" { ");
    items.forEach((item, i) => {
      if (i > 0) p.lines.write("   ");
      printItem(p, item, indent, 0);
    });
    p.lines.write(" }");
    return;
  }
  p.lines.write(" {");
  p.lines.opened();
  printItems(p, items, indent + 2, end - 1);
  p.lines.next(indent, end - 1, false);
  p.lines.write("}");
}

function printSignature(p: Printer, signature: Signature, indent: number): void {
  const { parameters, results, span } = signature;
  const last = parameters[parameters.length - 1];
  const [result] = results;
  const hanging = p.lines.column() + 1;
  const close = last?.span.end ?? span.start + 1;
  printBracket(p, "(", ")", parameters, span.start + 1, (parameter, base) => printParameter(p, parameter, base), indent, close);
  if (result === undefined) return;
  const gap = between(p, close, result.span.start);
  if (gap.slice(gap.indexOf(")")).includes("\n")) p.lines.next(hanging, result.span.start, false);
  else p.lines.write(" ");
  p.lines.write("-> ");
  printElements(p, results, hanging, (type) => printType(p, type, indent));
}

function printParameter(p: Printer, parameter: Parameter, base: number): void {
  p.lines.write(parameter.name.text);
  if (parameter.type !== undefined) {
    p.lines.write(": ");
    printType(p, parameter.type, base);
  }
  if (parameter.default !== undefined) {
    p.lines.write(" = ");
    printExpr(p, parameter.default, base);
  }
}

function printType(p: Printer, type: Type, base: number): void {
  if (type.name !== undefined) p.lines.write(type.name.text);
  if (type.shape !== undefined)
    list(p, "[", "]", type.shape, (dim: Dim) => (dim.kind === "rest" ? p.lines.write("...") : printExpr(p, dim.value, base)));
}

/** Elements between brackets, on one line unless one of them is broken. */
function list<T>(p: Printer, open: string, close: string, elements: readonly T[], print: (element: T) => void): void {
  p.lines.write(open);
  elements.forEach((element, i) => {
    if (i > 0) p.lines.write(", ");
    print(element);
  });
  p.lines.write(close);
}

/** Elements separated by commas, broken where they were. */
function printElements<T extends { readonly span: Span }>(
  p: Printer,
  elements: readonly T[],
  base: number,
  print: (element: T) => void,
): void {
  elements.forEach((element, i) => {
    const previous = elements[i - 1];
    if (previous !== undefined) {
      p.lines.write(",");
      if (broken(p, previous.span.end, element.span.start)) p.lines.next(base, element.span.start, false);
      else p.lines.write(" ");
    }
    print(element);
  });
}

/**
 * Elements in brackets. If a line was broken after the opening bracket, they stand two spaces in and the closing bracket on a
 * line of its own; else lines broken between them start where the first element does.
 */
function printBracket<T extends { readonly span: Span }>(
  p: Printer,
  open: string,
  close: string,
  elements: readonly T[],
  inside: number,
  print: (element: T, base: number) => void,
  base: number,
  end: number,
): void {
  const [first] = elements;
  p.lines.write(open);
  const tall = first !== undefined && broken(p, inside, first.span.start);
  const column = tall ? base + 2 : p.lines.column();
  if (tall) p.lines.next(column, first.span.start, false);
  // Only a line that was broken starts anew: elsewhere what is inside stands on the line of what is outside.
  const apart = tall || elements.some((element, i) => i > 0 && broken(p, elements[i - 1]?.span.end ?? 0, element.span.start));
  printElements(p, elements, column, (element) => print(element, apart ? column : base));
  if (tall) {
    p.lines.comments(column, end, false);
    p.lines.next(base, end, false);
  }
  p.lines.write(close);
}

/** Prints an expression; `base` is the indent of the line or bracket it stands in, lines broken in it stand two further. */
function printExpr(p: Printer, node: Expr, base: number, chain?: number): void {
  const { lines } = p;
  switch (node.kind) {
    case "number":
    case "missing":
      lines.write(textOf(node.span));
      return;
    case "string":
      lines.write('"');
      for (const part of node.parts) {
        if (part.kind === "text") lines.write(writeEscapes(part.text));
        else {
          lines.write("{");
          printExpr(p, part.value, base);
          lines.write("}");
        }
      }
      lines.write('"');
      return;
    case "boolean":
      lines.write(String(node.value));
      return;
    case "name":
      lines.write(node.name);
      return;
    case "list":
      printBracket(p, "[", "]", node.items, node.span.start + 1, (item, at) => printExpr(p, item, at), base, node.span.end - 1);
      return;
    case "comprehension":
      lines.write("[");
      printExpr(p, node.value, base);
      lines.write(` for ${node.counter.text} in `);
      printExpr(p, node.over, base);
      lines.write("]");
      return;
    case "record":
      printRecord(p, node.entries, node.span, base);
      return;
    case "if":
      printIf(p, node, base, chain ?? lines.column());
      return;
    case "binary":
      printExpr(p, node.left, base);
      if (broken(p, node.left.span.end, node.right.span.start)) lines.next(base + 2, node.right.span.start, false);
      else lines.write(" ");
      lines.write(`${node.operator} `);
      printExpr(p, node.right, base);
      return;
    case "negate":
      lines.write("-");
      printExpr(p, node.value, base);
      return;
    case "member":
      printExpr(p, node.object, base);
      lines.write(`.${node.member.text}`);
      return;
    case "call":
      printExpr(p, node.callee, base);
      printBracket(
        p,
        "(",
        ")",
        node.arguments,
        node.callee.span.end,
        (argument, at) => printArgument(p, argument, at),
        base,
        node.span.end - 1,
      );
      return;
    case "index":
      printExpr(p, node.object, base);
      list(p, "[", "]", node.slices, (slice) => printSlice(p, slice, base));
      return;
    case "paren":
      lines.write("(");
      printExpr(p, node.value, base);
      lines.write(")");
      return;
  }
}

function printArgument(p: Printer, argument: Argument, base: number): void {
  if (argument.name !== undefined) p.lines.write(`${argument.name.text} = `);
  printExpr(p, argument.value, base);
}

function printSlice(p: Printer, slice: Slice, base: number): void {
  if (slice.start !== undefined) printExpr(p, slice.start, base);
  if (slice.isRange) p.lines.write(":");
  if (slice.stop !== undefined) printExpr(p, slice.stop, base);
}

/** A record keeps its lines; commas stand between the entries of a line. */
function printRecord(p: Printer, entries: Extract<Expr, { kind: "record" }>["entries"], span: Span, base: number): void {
  const [first] = entries;
  if (first === undefined) {
    p.lines.write("{}");
    return;
  }
  const tall = broken(p, span.start, span.end) && broken(p, span.start, first.span.start);
  p.lines.write("{");
  const column = tall ? base + 2 : p.lines.column() + 1;
  if (tall) p.lines.next(column, first.span.start, false);
  else p.lines.write(" ");
  const apart = tall || entries.some((entry, i) => i > 0 && broken(p, entries[i - 1]?.span.end ?? 0, entry.span.start));
  entries.forEach((entry, i) => {
    const previous = entries[i - 1];
    if (previous !== undefined) {
      if (broken(p, previous.span.end, entry.span.start)) p.lines.next(column, entry.span.start, false);
      else p.lines.write(", ");
    }
    p.lines.write(`${pathText(entry.key)} = `);
    printExpr(p, entry.value, apart ? column : base);
  });
  if (!tall) {
    p.lines.write(" }");
    return;
  }
  p.lines.comments(column, span.end - 1, false);
  p.lines.next(base, span.end - 1, false);
  p.lines.write("}");
}

/** `then` and `else` of a broken choice stand under its `if`; so do those of an `else if`. */
function printIf(p: Printer, node: Extract<Expr, { kind: "if" }>, base: number, column: number): void {
  const gap = (start: number, end: number) => {
    if (broken(p, start, end)) p.lines.next(column, end, false);
    else p.lines.write(" ");
  };
  p.lines.write("if ");
  printExpr(p, node.condition, base);
  gap(node.condition.span.end, node.whenTrue.span.start);
  p.lines.write("then ");
  printExpr(p, node.whenTrue, base);
  gap(node.whenTrue.span.end, node.whenFalse.span.start);
  p.lines.write("else ");
  printExpr(p, node.whenFalse, base, column);
}
