// Values: the part of `build.ts` below an item. In: nodes of the rules from `expr` down. Out: expressions with spans.

import type { CstNode, IToken } from "chevrotain";
import { type Builder, buildPath, each, missing, nameOf, node, nodes, pathText, say, spanOf, token, tokens } from "./concrete.js";
import { join, type Span } from "./source.js";
import { readEscapes, scanString } from "./strings.js";
import { QuotedToken } from "./tokens.js";
import type { Argument, BinaryOperator, Expr, Path, RecordExpr, Slice, StringLiteral, StringPart } from "./tree.js";

/** The expression after an `=`; it may have none on its line. */
export function buildValue(b: Builder, source: CstNode, name: string): Expr {
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

/** The expression under a key, or a `missing` node at `at`. */
export function buildChild(b: Builder, source: CstNode, key: string, at: number): Expr {
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
    say(
      b,
      "missing-then",
      {},
      { ...span, end: span.start + "if".length },
      { title: "write `then`", span: { ...span, start: end, end }, replacement: " then" },
    );
  } else if (token(source, "Else") === undefined) say(b, "missing-else", {}, { ...span, end: span.start + "if".length });
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
    if (operator !== undefined)
      left = { kind: "binary", operator, operatorSpan, left, right, span: join(join(left.span, operatorSpan), right.span) };
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
    return {
      kind: "call",
      callee: object,
      arguments: each(b, suffix, "argument", inside, (child, at) => buildArgument(b, child, at)),
      span,
    };
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

export function buildString(b: Builder, source: IToken): StringLiteral {
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
