// The tree as indented text, for reading and for golden files. In: a tree. Out: one node a line: kind, names and literal
// values, and where it stands as line:column-line:column, the end being one past the last character.

import type { SourceFile, Span } from "./source.js";
import { writeEscapes } from "./strings.js";
import type { Argument, Dim, Expr, File, Item, Parameter, Path, Signature, Slice, Type } from "./tree.js";

/** One line of the outline and what stands below it. */
interface Line {
  readonly text: string;
  readonly span: Span;
  readonly below: readonly Line[];
}

/** The outline of a file, one node a line, ending in a newline. */
export function outline(tree: File): string {
  const place = placer(tree.span.file);
  const imports = tree.imports.map((node): Line => {
    const names = node.names.map((name) => name.text).join(", ");
    return { text: `import ${names}`, span: node.span, below: [expression(node.from)] };
  });
  const comments = tree.comments.map(
    ({ text, ownLine, span }): Line => ({ text: `comment${ownLine ? "" : " beside"} ${text}`, span, below: [] }),
  );
  const root: Line = { text: "file", span: tree.span, below: [...imports, ...tree.items.map(item), ...comments] };
  const lines: string[] = [];
  const write = (line: Line, depth: number) => {
    lines.push(`${"  ".repeat(depth)}${line.text} ${place(line.span)}`);
    for (const child of line.below) write(child, depth + 1);
  };
  write(root, 0);
  return `${lines.join("\n")}\n`;
}

/** Turns spans of one file into `line:column-line:column`, looking lines up by halves. */
function placer(file: SourceFile): (span: Span) => string {
  const starts = [0];
  for (let i = file.text.indexOf("\n"); i >= 0; i = file.text.indexOf("\n", i + 1)) starts.push(i + 1);
  const position = (offset: number) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return `${low + 1}:${offset - (starts[low] ?? 0) + 1}`;
  };
  return (span) => `${position(span.start)}-${position(span.end)}`;
}

function item(node: Item): Line {
  switch (node.kind) {
    case "binding":
      return { text: `binding ${node.targets.map(pathText).join(", ")}`, span: node.span, below: [expression(node.value)] };
    case "section": {
      const text = node.name === undefined ? `section ${node.keyword.text}` : `section ${node.keyword.text} ${node.name.text}`;
      return {
        text,
        span: node.span,
        below: [...(node.signature === undefined ? [] : [signature(node.signature)]), ...node.items.map(item)],
      };
    }
    case "repeat":
      return {
        text: node.counter === undefined ? "repeat" : `repeat as ${node.counter.text}`,
        span: node.span,
        below: [expression(node.count), ...node.items.map(item)],
      };
    case "return":
      return { text: "return", span: node.span, below: node.values.map(expression) };
  }
}

function pathText(path: Path): string {
  return path.segments.map((segment) => (/^[A-Za-z_]\w*$/.test(segment.text) ? segment.text : `"${writeEscapes(segment.text)}"`)).join(".");
}

function signature(node: Signature): Line {
  return {
    text: "signature",
    span: node.span,
    below: [...node.parameters.map(parameter), ...node.results.map((type) => typeLine("result", type))],
  };
}

function parameter(node: Parameter): Line {
  const type = node.type === undefined ? [] : [typeLine("type", node.type)];
  const value = node.default === undefined ? [] : [expression(node.default)];
  return { text: `parameter ${node.name.text}`, span: node.span, below: [...type, ...value] };
}

function typeLine(role: string, node: Type): Line {
  const name = node.name === undefined ? "" : ` ${node.name.text}`;
  return { text: `${role}${name}${node.shape === undefined ? "" : " [ ]"}`, span: node.span, below: (node.shape ?? []).map(dim) };
}

function dim(node: Dim): Line {
  switch (node.kind) {
    case "rest":
      return { text: "rest", span: node.span, below: [] };
    case "dim":
      return { text: "dim", span: node.span, below: [expression(node.value)] };
  }
}

function argument(node: Argument): Line {
  return { text: node.name === undefined ? "argument" : `argument ${node.name.text}`, span: node.span, below: [expression(node.value)] };
}

function slice(node: Slice): Line {
  const ends = `${node.start === undefined ? "" : "start "}${node.stop === undefined ? "" : "stop "}`.trimEnd();
  const text = node.isRange ? `range ${ends}`.trimEnd() : "at";
  return { text, span: node.span, below: [node.start, node.stop].flatMap((end) => (end === undefined ? [] : [expression(end)])) };
}

function expression(node: Expr): Line {
  const { span } = node;
  switch (node.kind) {
    case "number":
      return { text: `number ${node.value}`, span, below: [] };
    case "string": {
      const text = node.parts.map((part) => (part.kind === "text" ? writeEscapes(part.text) : "{}")).join("");
      return {
        text: `string "${text}"`,
        span,
        below: node.parts.flatMap((part) => (part.kind === "hole" ? [expression(part.value)] : [])),
      };
    }
    case "boolean":
      return { text: String(node.value), span, below: [] };
    case "name":
      return { text: `name ${node.name}`, span, below: [] };
    case "list":
      return { text: "list", span, below: node.items.map(expression) };
    case "comprehension":
      return { text: `comprehension for ${node.counter.text}`, span, below: [expression(node.value), expression(node.over)] };
    case "record":
      return {
        text: "record",
        span,
        below: node.entries.map((entry) => ({ text: `entry ${pathText(entry.key)}`, span: entry.span, below: [expression(entry.value)] })),
      };
    case "if":
      return { text: "if", span, below: [node.condition, node.whenTrue, node.whenFalse].map(expression) };
    case "binary":
      return { text: `binary ${node.operator}`, span, below: [expression(node.left), expression(node.right)] };
    case "negate":
      return { text: "negate", span, below: [expression(node.value)] };
    case "member":
      return { text: `member ${node.member.text}`, span, below: [expression(node.object)] };
    case "call":
      return { text: "call", span, below: [expression(node.callee), ...node.arguments.map(argument)] };
    case "index":
      return { text: "index", span, below: [expression(node.object), ...node.slices.map(slice)] };
    case "paren":
      return { text: "paren", span, below: [expression(node.value)] };
    case "missing":
      return { text: "missing", span, below: [] };
  }
}
