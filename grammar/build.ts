// The concrete tree becomes the syntax tree. In: what the parser made, perhaps with holes. Out: nodes with spans, and the
// mistakes only this step can see. Invariant: it never throws; a hole becomes a `missing` node as wide as nothing.

import type { CstNode, IToken } from "chevrotain";
import { buildChild, buildExpr, buildString, buildValue } from "./build-values.js";
import { type Builder, buildPath, each, missing, nameOf, node, nodes, pathText, say, spanOf, token, tokens } from "./concrete.js";
import { join, textOf } from "./source.js";
import type { Binding, Dim, Import, Item, Name, Parameter, Path, Repeat, Return, Section, Signature, Type } from "./tree.js";

/** The imports and items of a `file` node, in the order of the text. */
export function buildFile(b: Builder, root: CstNode): { readonly imports: readonly Import[]; readonly items: readonly Item[] } {
  return {
    imports: nodes(root, "import").flatMap((child) => buildImport(b, child) ?? []),
    items: nodes(root, "item").flatMap((child) => buildItem(b, child) ?? []),
  };
}

function buildImport(b: Builder, source: CstNode): Import | undefined {
  const from = token(source, "String");
  if (from === undefined) return undefined;
  return {
    kind: "import",
    names: tokens(source, "Name").map((t) => nameOf(b, t)),
    from: buildString(b, from),
    span: spanOf(b.file, source),
  };
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
  if (name === undefined && shape === undefined)
    say(b, "missing-type", { after }, { ...span, start: Math.max(0, span.start - after.length) });
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
