// The concrete tree becomes the syntax tree. In: what the parser made, perhaps with holes. Out: nodes with spans, and the
// mistakes only this step can see. Invariant: it never throws; a hole becomes a `missing` node as wide as nothing.

import type { CstElement, CstNode, IToken } from "chevrotain";
import { type Code, type Facts, tell } from "./explain.js";
import type { Diagnostic, Fix } from "./diagnostic.js";
import { join, type SourceFile, type Span, textOf } from "./source.js";
import { type Range, scanString, readEscapes } from "./strings.js";
import { QuotedToken } from "./tokens.js";
import type {
  Argument,
  BinaryOperator,
  Binding,
  Dim,
  Expr,
  Import,
  Item,
  MissingExpr,
  Name,
  Parameter,
  Path,
  RecordExpr,
  Repeat,
  Return,
  Section,
  Signature,
  Slice,
  StringLiteral,
  StringPart,
  Type,
} from "./tree.js";

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

function nodes(node: CstNode, key: string): readonly CstNode[] {
  return (node.children[key] ?? []).filter(isNode);
}

function node(parent: CstNode, key: string): CstNode | undefined {
  return nodes(parent, key)[0];
}

/** The tokens under a key that stand in the text: those the parser made up to go on are left out. */
function tokens(parent: CstNode, key: string): readonly IToken[] {
  const found: IToken[] = [];
  for (const element of parent.children[key] ?? []) if (!isNode(element) && !Number.isNaN(element.startOffset)) found.push(element);
  return found;
}

/** Builds the children under a key; each is told where the one before it ended, since it may hold nothing of the text. */
function each<T>(b: Builder, parent: CstNode, key: string, at: number, build: (child: CstNode, at: number) => T): readonly T[] {
  let end = at;
  return nodes(parent, key).map((child) => {
    const built = build(child, end);
    end = Math.max(end, spanOf(b.file, child, end).end);
    return built;
  });
}

function token(parent: CstNode, key: string): IToken | undefined {
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

function say<C extends Code>(b: Builder, code: C, facts: Facts<C>, at: Span, fix?: Fix): void {
  b.report(tell(code, facts, at, fix === undefined ? {} : { fix }));
}

/** The imports and items of a `file` node, in the order of the text. */
export function buildFile(b: Builder, root: CstNode): { readonly imports: readonly Import[]; readonly items: readonly Item[] } {
  return {
    imports: nodes(root, "import").flatMap((child) => buildImport(b, child) ?? []),
    items: nodes(root, "item").flatMap((child) => buildItem(b, child) ?? []),
  };
}

function nameOf(b: Builder, source: IToken): Name {
  return { text: source.image, span: spanOf(b.file, source) };
}

function buildImport(b: Builder, source: CstNode): Import | undefined {
  const from = token(source, "String");
  if (from === undefined) return undefined;
  return { kind: "import", names: tokens(source, "Name").map((t) => nameOf(b, t)), from: buildString(b, from), span: spanOf(b.file, source) };
}

function buildItem(b: Builder, source: CstNode): Item | undefined {
  const binding = node(source, "binding");
  if (binding !== undefined) return buildBinding(b, binding);
  const section = node(source, "section");
  if (section !== undefined) return buildSection(b, section);
  const repeat = node(source, "repeat");
  if (repeat !== undefined) return buildRepeat(b, repeat);
  const lone = node(source, "lone");
  if (lone !== undefined) say(b, "missing-body", { section: textOf(spanOf(b.file, lone)).split("(", 1)[0] ?? "" }, spanOf(b.file, lone));
  const result = node(source, "result");
  return result === undefined ? undefined : buildReturn(b, result);
}

function buildBinding(b: Builder, source: CstNode): Binding | undefined {
  const targets = nodes(source, "path").flatMap((child) => buildPath(b, child) ?? []);
  const last = targets.pop();
  if (last === undefined) return undefined;
  const target = withExtraWords(b, last, tokens(source, "extra"));
  targets.push(target);
  const span = spanOf(b.file, source);
  const assign = node(source, "assign");
  if (node(source, "expr") === undefined && (assign === undefined || Number.isNaN(assign.location?.startOffset ?? Number.NaN))) {
    say(b, "lone-name", { name: pathText(target) }, target.span);
    return undefined;
  }
  return { kind: "binding", targets, value: buildValue(b, source, pathText(target)), span };
}

/** `top k` becomes `top_k`: what was surely meant, so that nothing else is said about it. */
function withExtraWords(b: Builder, path: Path, extra: readonly IToken[]): Path {
  const first = path.segments[path.segments.length - 1];
  const last = extra[extra.length - 1];
  if (first === undefined || last === undefined) return path;
  const name = { text: [first.text, ...extra.map((word) => word.image)].join("_"), span: join(first.span, spanOf(b.file, last)) };
  say(b, "space-in-name", { text: textOf(name.span).replace(/\s+/g, " ") }, name.span, {
    title: `write \`${name.text}\``,
    span: name.span,
    replacement: name.text,
  });
  return { segments: [...path.segments.slice(0, -1), name], span: join(path.span, name.span) };
}

function pathText(path: Path): string {
  return path.segments.map((segment) => segment.text).join(".");
}

function buildPath(b: Builder, source: CstNode): Path | undefined {
  const segments = tokens(source, "Name").map((t) => nameOf(b, t));
  return segments.length === 0 ? undefined : { segments, span: spanOf(b.file, source) };
}

/** The expression after an `=`; it may have none on its line. */
function buildValue(b: Builder, source: CstNode, name: string): Expr {
  const assign = node(source, "assign");
  const equals = token(source, "Equals") ?? (assign === undefined ? undefined : token(assign, "Equals"));
  const wrong = assign === undefined ? undefined : token(assign, "wrong");
  const value = node(source, "expr");
  if (wrong !== undefined) {
    const span = spanOf(b.file, wrong);
    const replacement = wrong.image === ":" ? " =" : "=";
    say(b, "wrong-equals", { name, found: wrong.image }, span, { title: "write `=`", span, replacement });
  }
  if (value !== undefined) {
    const expression = buildExpr(b, value, spanOf(b.file, source).end);
    if (equals === undefined && wrong === undefined) {
      const at = { ...expression.span, end: expression.span.start };
      say(b, "missing-equals", { name }, expression.span, { title: "write `=`", span: at, replacement: "= " });
    }
    return expression;
  }
  const sign = equals ?? wrong;
  if (sign === undefined) {
    const span = spanOf(b.file, source);
    say(b, "missing-value", { name }, span);
    return missing(b.file, span.end);
  }
  if (!b.unread.has(sign.startOffset)) say(b, "missing-value", { name }, spanOf(b.file, sign));
  return missing(b.file, spanOf(b.file, sign).end);
}

function buildSection(b: Builder, source: CstNode): Section | undefined {
  const keyword = token(source, "keyword");
  if (keyword === undefined) return undefined;
  const name = sectionName(b, source);
  const signature = node(source, "signature");
  return {
    kind: "section",
    keyword: nameOf(b, keyword),
    ...(name === undefined ? {} : { name }),
    ...(signature === undefined ? {} : { signature: buildSignature(b, signature) }),
    items: buildBody(b, source),
    span: spanOf(b.file, source),
  };
}

function sectionName(b: Builder, source: CstNode): Name | undefined {
  const name = token(source, "name");
  const quoted = token(source, "String");
  if (name === undefined && quoted !== undefined) {
    const span = spanOf(b.file, quoted);
    const text = quoted.image.slice(1, -1);
    say(b, "quoted-name", { text }, span, { title: "leave the quotes out", span, replacement: text });
    return { text, span };
  }
  if (name === undefined) return undefined;
  const path = { segments: [nameOf(b, name)], span: spanOf(b.file, name) };
  return withExtraWords(b, path, tokens(source, "extra")).segments[0];
}

function buildBody(b: Builder, parent: CstNode): readonly Item[] {
  const body = node(parent, "body");
  return body === undefined ? [] : nodes(body, "item").flatMap((child) => buildItem(b, child) ?? []);
}

function buildSignature(b: Builder, source: CstNode): Signature {
  const span = spanOf(b.file, source);
  const arrow = token(source, "Arrow");
  const after = arrow === undefined ? span.end : spanOf(b.file, arrow).end;
  return {
    parameters: nodes(source, "parameter").flatMap((child) => buildParameter(b, child) ?? []),
    results: each(b, source, "type", after, (child, at) => buildType(b, child, at, at === after ? "->" : ",")),
    span,
  };
}

function buildParameter(b: Builder, source: CstNode): Parameter | undefined {
  const name = token(source, "Name");
  if (name === undefined) return undefined;
  const type = node(source, "type");
  const colon = token(source, "Colon");
  const typeAt = spanOf(b.file, colon ?? name).end;
  return {
    name: nameOf(b, name),
    ...(type === undefined ? {} : { type: buildType(b, type, typeAt, ":") }),
    ...(token(source, "Equals") === undefined ? {} : { default: buildValue(b, source, name.image) }),
    span: spanOf(b.file, source),
  };
}

function buildType(b: Builder, source: CstNode, at: number, after: string): Type {
  const name = token(source, "Name");
  const shape = node(source, "shape");
  const span = spanOf(b.file, source, at);
  if (name === undefined && shape === undefined) say(b, "missing-type", { after }, { ...span, start: Math.max(0, span.start - after.length) });
  const inside = shape === undefined ? at : spanOf(b.file, shape, at).start + 1;
  return {
    ...(name === undefined ? {} : { name: nameOf(b, name) }),
    ...(shape === undefined ? {} : { shape: each(b, shape, "dim", inside, (child, end) => buildDim(b, child, end)) }),
    span,
  };
}

function buildDim(b: Builder, source: CstNode, at: number): Dim {
  const span = spanOf(b.file, source, at);
  if (token(source, "Ellipsis") !== undefined) return { kind: "rest", span };
  return { kind: "dim", value: buildChild(b, source, "expr", span.end), span };
}

function buildRepeat(b: Builder, source: CstNode): Repeat {
  const span = spanOf(b.file, source);
  const counter = token(source, "Name");
  return {
    kind: "repeat",
    count: buildChild(b, source, "expr", span.start + "repeat".length),
    ...(counter === undefined ? {} : { counter: nameOf(b, counter) }),
    items: buildBody(b, source),
    span,
  };
}

function buildReturn(b: Builder, source: CstNode): Return {
  const span = spanOf(b.file, source);
  const values = each(b, source, "expr", span.start + "return".length, (child, at) => buildExpr(b, child, at));
  return { kind: "return", values: values.length === 0 ? [missing(b.file, span.end)] : values, span };
}

/** The expression under a key, or a `missing` node at `at`. */
function buildChild(b: Builder, source: CstNode, key: string, at: number): Expr {
  const child = node(source, key);
  return child === undefined ? missing(b.file, at) : buildExpr(b, child, at);
}

/** Builds what an `expr` node holds; `at` is where its `missing` nodes stand if nothing was read. */
export function buildExpr(b: Builder, source: CstNode, at: number): Expr {
  const span = spanOf(b.file, source, at);
  if (token(source, "If") !== undefined) {
    sayIncomplete(b, source, span);
    return {
      kind: "if",
      condition: buildCondition(b, source, span),
      whenTrue: buildChild(b, source, "whenTrue", span.end),
      whenFalse: buildChild(b, source, "whenFalse", span.end),
      span,
    };
  }
  return buildOperand(b, node(source, "cmp"), span.start);
}

function buildCondition(b: Builder, source: CstNode, span: Span): Expr {
  const left = buildOperand(b, node(source, "cmp"), span.start + "if".length);
  const equals = token(source, "Equals");
  if (equals === undefined) return left;
  const operatorSpan = spanOf(b.file, equals);
  say(b, "equals-in-condition", {}, operatorSpan, { title: "write `==`", span: operatorSpan, replacement: "==" });
  const right = buildOperand(b, node(source, "compared"), operatorSpan.end);
  return { kind: "binary", operator: "==", operatorSpan, left, right, span: join(left.span, right.span) };
}

function sayIncomplete(b: Builder, source: CstNode, span: Span): void {
  const condition = node(source, "cmp");
  if (token(source, "Then") === undefined) {
    const { end } = condition === undefined ? span : spanOf(b.file, condition, span.end);
    say(b, "missing-then", {}, { ...span, end: span.start + "if".length }, { title: "write `then`", span: { ...span, start: end, end }, replacement: " then" });
  } else if (token(source, "Else") === undefined) {
    const at = { ...span, start: span.end };
    say(b, "missing-else", {}, { ...span, end: span.start + "if".length }, { title: "write `else`", span: at, replacement: " else " });
  }
}

/** Builds a node of the rules between `expr` and `atom`. */
function buildOperand(b: Builder, source: CstNode | undefined, at: number): Expr {
  if (source === undefined) return missing(b.file, at);
  switch (source.name) {
    case "cmp":
    case "sum":
    case "product":
      return buildBinary(b, source, at);
    case "unary":
      return buildUnary(b, source, at);
    case "postfix":
      return buildPostfix(b, source, at);
    default:
      return buildAtom(b, source, at);
  }
}

const operators: { readonly [text: string]: BinaryOperator } = {
  "+": "+",
  "-": "-",
  "*": "*",
  "/": "/",
  "%": "%",
  "==": "==",
  "!=": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

function buildBinary(b: Builder, source: CstNode, at: number): Expr {
  const operands = nodes(source, "operand");
  let left = buildOperand(b, operands[0], at);
  tokens(source, "operator").forEach((mark, i) => {
    const operatorSpan = spanOf(b.file, mark);
    const right = buildOperand(b, operands[i + 1], operatorSpan.end);
    const operator = operators[mark.image];
    if (operator !== undefined) left = { kind: "binary", operator, operatorSpan, left, right, span: join(join(left.span, operatorSpan), right.span) };
  });
  return left;
}

function buildUnary(b: Builder, source: CstNode, at: number): Expr {
  const minus = token(source, "Minus");
  if (minus === undefined) return buildOperand(b, node(source, "postfix"), at);
  const sign = spanOf(b.file, minus);
  const value = buildOperand(b, node(source, "postfix"), sign.end);
  return { kind: "negate", value, span: join(sign, value.span) };
}

function buildPostfix(b: Builder, source: CstNode, at: number): Expr {
  let object = buildOperand(b, node(source, "atom"), at);
  for (const suffix of nodes(source, "suffix")) object = buildSuffix(b, object, suffix);
  return object;
}

function buildSuffix(b: Builder, object: Expr, suffix: CstNode): Expr {
  const own = spanOf(b.file, suffix, object.span.end);
  const span = join(object.span, own);
  const inside = Math.min(own.start + 1, own.end);
  if (suffix.name === "member") {
    const name = token(suffix, "Name");
    if (name === undefined) say(b, "missing-name", { after: "." }, spanOf(b.file, suffix, object.span.end));
    return name === undefined ? { kind: "missing", span } : { kind: "member", object, member: nameOf(b, name), span };
  }
  if (suffix.name === "call")
    return { kind: "call", callee: object, arguments: each(b, suffix, "argument", inside, (child, at) => buildArgument(b, child, at)), span };
  return { kind: "index", object, slices: each(b, suffix, "slice", inside, (child, at) => buildSlice(b, child, at)), span };
}

function buildArgument(b: Builder, source: CstNode, at: number): Argument {
  const span = spanOf(b.file, source, at);
  const name = token(source, "Name");
  if (name === undefined) return { value: buildChild(b, source, "expr", span.start), span };
  return { name: nameOf(b, name), value: buildValue(b, source, name.image), span };
}

function buildSlice(b: Builder, source: CstNode, at: number): Slice {
  const span = spanOf(b.file, source, at);
  const start = node(source, "start");
  const stop = node(source, "stop");
  return {
    ...(start === undefined ? {} : { start: buildExpr(b, start, span.start) }),
    ...(stop === undefined ? {} : { stop: buildExpr(b, stop, span.end) }),
    isRange: token(source, "Colon") !== undefined,
    span,
  };
}

function buildAtom(b: Builder, source: CstNode, at: number): Expr {
  const span = spanOf(b.file, source, at);
  const number = token(source, "Number");
  if (number !== undefined) return { kind: "number", value: Number(number.image), span };
  const string = token(source, "String");
  if (string !== undefined) return buildString(b, string);
  if (token(source, "True") !== undefined) return { kind: "boolean", value: true, span };
  if (token(source, "False") !== undefined) return { kind: "boolean", value: false, span };
  const name = token(source, "Name");
  if (name !== undefined) return { kind: "name", name: name.image, span };
  const list = node(source, "list");
  if (list !== undefined) return buildList(b, list);
  const record = node(source, "record");
  if (record !== undefined) return buildRecord(b, record);
  if (token(source, "LParen") !== undefined) return { kind: "paren", value: buildChild(b, source, "expr", span.start + 1), span };
  return missing(b.file, span.start);
}

function buildList(b: Builder, source: CstNode): Expr {
  const span = spanOf(b.file, source);
  const items = each(b, source, "item", span.start + 1, (child, at) => buildExpr(b, child, at));
  if (token(source, "For") === undefined) return { kind: "list", items, span };
  const counter = token(source, "Name");
  const over = buildChild(b, source, "over", span.end);
  const value = items[0];
  if (counter === undefined || value === undefined) return { kind: "missing", span };
  return { kind: "comprehension", value, counter: nameOf(b, counter), over, span };
}

function buildRecord(b: Builder, source: CstNode): RecordExpr {
  const entries = nodes(source, "entry").flatMap((child) => {
    const key = buildKey(b, child);
    return key === undefined ? [] : [{ key, value: buildValue(b, child, pathText(key)), span: spanOf(b.file, child) }];
  });
  return { kind: "record", entries, span: spanOf(b.file, source) };
}

function buildKey(b: Builder, entry: CstNode): Path | undefined {
  const path = node(entry, "path");
  if (path !== undefined) return buildPath(b, path);
  const string = token(entry, "String");
  if (string === undefined) return undefined;
  const span = spanOf(b.file, string);
  const text = buildString(b, string)
    .parts.map((part) => (part.kind === "text" ? part.text : ""))
    .join("");
  return { segments: [{ text, span }], span };
}

function buildString(b: Builder, source: IToken): StringLiteral {
  const span = spanOf(b.file, source);
  if (source.tokenType === QuotedToken) {
    const text = source.image.slice(1, -1);
    return { kind: "string", parts: text === "" ? [] : [{ kind: "text", text }], span };
  }
  const parts: StringPart[] = [];
  for (const part of scanString(b.file.text, span.start).parts) {
    if (part.kind === "hole") parts.push({ kind: "hole", value: b.readHole(part) });
    else {
      const { text, bad } = readEscapes(b.file.text, part);
      for (const range of bad) say(b, "bad-escape", { text: b.file.text.slice(range.start, range.end) }, { file: b.file, ...range });
      parts.push({ kind: "text", text });
    }
  }
  return { kind: "string", parts, span };
}
