// Calls of blocks and the running of bodies. A block is inlined where it is called, seeing its signature only; `repeat` is unrolled; a name is bound
// once, and inside `repeat` an outer name gets its next value, once a round.

import type { Span } from "../../grammar/source.js";
import type { Argument, Binding, CallExpr, Expr, Item, Parameter, Repeat, Return, Section, Type } from "../../grammar/tree.js";
import { replaceBy } from "../messages.js";
import { nearest } from "../suggest.js";
import { evaluate, ROUND_LIMIT } from "./evaluate.js";
import { type CallNode, nameEquation, type Place } from "./machine.js";
import { toCount } from "./numbers.js";
import type { Unit } from "./program.js";
import { type Context, EQUATION, PREFER_WORDS, type Scope, WORDS } from "./scope.js";
import { accept, match, parameterNames, type Solved } from "./signature.js";
import { describe, type NumberValue, number, showNumber, UNKNOWN, type Value } from "./values.js";

/** Blocks inside blocks, at most. */
export const DEPTH_LIMIT = 64;

export function callBlock(
  context: Context,
  expr: CallExpr,
  callee: { readonly section: Section; readonly unit: Unit },
  scope: Scope,
): Value {
  const { program } = context;
  const { section, unit } = callee;
  if (scope.machine?.full === true || !program.spend(expr.span)) return UNKNOWN;
  const name = section.name?.text ?? "";
  const parameters = section.signature?.parameters ?? [];
  const given = matchArguments(context, name, parameterNames(parameters), expr.arguments);
  if (given === undefined) return UNKNOWN;
  const explicit = given.get("name") !== undefined && !parameters.some((p) => p.name.text === "name") ? given.get("name") : undefined;
  const label = explicit === undefined ? undefined : evaluateLabel(context, explicit, scope);
  if (scope.depth >= DEPTH_LIMIT) {
    program.report("calls-too-deep", expr.span, { name, limit: DEPTH_LIMIT });
    return UNKNOWN;
  }
  const node = scope.place === undefined ? undefined : callNode(scope.place, name, label, expr);
  const values = new Map<string, Value>();
  const solved: Solved = { dims: new Map(), rest: undefined };
  const inner = blockScope(
    scope,
    unit,
    values,
    solved,
    node === undefined ? undefined : { node, block: name, binding: "", item: undefined, counters: [] },
  );
  let sound = true;
  for (const parameter of parameters) {
    const argument = given.get(parameter.name.text);
    const source = argument?.value ?? parameter.default;
    if (source === undefined) {
      program.report(
        "missing-argument",
        expr.span,
        { callee: name, name: parameter.name.text },
        { also: [{ span: parameter.span, text: "declared here" }] },
      );
      sound = false;
      continue;
    }
    // A default may use the arguments before it: after a wrong one it would only say the same again.
    if (argument === undefined && !sound) continue;
    const words =
      parameter.type?.name?.text === "word"
        ? PREFER_WORDS
        : argument?.name !== undefined || parameter.type?.name?.text === "list"
          ? WORDS
          : EQUATION;
    const at = argument === undefined ? ofDefault(inner, parameter) : scope;
    if (argument === undefined) program.calls.push(expr.span);
    const value = evaluate(context, source, at, words);
    if (argument === undefined) program.calls.pop();
    values.set(parameter.name.text, value);
    if (value.kind === "unknown") sound = false;
    if (!accept(context, parameter.name.text, parameter.type, value, argument?.value.span ?? expr.span, inner, solved)) sound = false;
  }
  // After the arguments, so that calls are numbered in the order they run.
  if (node !== undefined) scope.place?.node.children.push(node);
  if (!sound) return UNKNOWN;
  program.calls.push(expr.span);
  const result = runBody(context, section, inner, values, solved);
  program.calls.pop();
  return result;
}

/** The scope of a default: its parameter is the binding it stands in. */
function ofDefault(scope: Scope, parameter: Parameter): Scope {
  return scope.place === undefined ? scope : { ...scope, place: { ...scope.place, binding: parameter.name.text, item: parameter } };
}

function evaluateLabel(context: Context, argument: Argument, scope: Scope): string | undefined {
  const value = evaluate(context, argument.value, scope);
  if (value.kind === "string") return value.value;
  if (value.kind !== "unknown")
    context.program.report("wrong-value", argument.value.span, { expected: "`name`, a text in quotes,", got: describe(value) });
  return undefined;
}

/** A call at this place, not yet a child of its body's node. */
export function callNode(place: Place, callee: string, name: string | undefined, site: Expr): CallNode {
  return { callee, name, binding: place.binding, item: place.item, site, counters: place.counters, children: [] };
}

/** Positional and named arguments by parameter name; `name` is always allowed. Undefined after a report. */
export function matchArguments(
  context: Context,
  callee: string,
  names: readonly string[],
  given: readonly Argument[],
): Map<string, Argument> | undefined {
  const { program } = context;
  const result = new Map<string, Argument>();
  let next = 0;
  let sound = true;
  for (const argument of given) {
    const name = argument.name?.text ?? names[next++];
    if (name === undefined) {
      program.report("too-many-arguments", argument.span, { callee, takes: names.length });
      sound = false;
    } else if (argument.name !== undefined && name !== "name" && !names.includes(name)) {
      const near = nearest(name, names);
      program.report(
        "unknown-argument",
        argument.name.span,
        { callee, name, has: names },
        near === undefined ? {} : { fix: replaceBy(near, argument.name.span) },
      );
      sound = false;
    } else if (result.has(name)) {
      program.report("given-twice", argument.span, { callee, name });
      sound = false;
    } else result.set(name, argument);
  }
  return sound ? result : undefined;
}

/** A block sees its signature: parameters and solved dimensions; callables come from its file. */
function blockScope(outer: Scope, unit: Unit, values: Map<string, Value>, solved: Solved, place: Place | undefined): Scope {
  return {
    unit,
    lookup: (name) => values.get(name) ?? solved.dims.get(name),
    visible: () => [...values.keys(), ...solved.dims.keys()],
    depth: outer.depth + 1,
    ...(outer.machine === undefined ? {} : { machine: outer.machine }),
    ...(place === undefined ? {} : { place }),
  };
}

// --- bodies ---

/** Names of one body. `outer` are those a `repeat` gives a next value. */
interface Frame {
  readonly values: Map<string, Value>;
  readonly outer: Frame | undefined;
  readonly scope: Scope;
  /** Outer names that this round has given their next value. */
  readonly renewed: Set<string>;
}

/** Runs the items of a block or a forward whose parameters are in `values`, and checks what it returns. */
export function runBody(context: Context, section: Section, scope: Scope, values: Map<string, Value>, solved: Solved): Value {
  const { program } = context;
  const name = section.name?.text ?? section.keyword.text;
  const frame: Frame = { values, outer: undefined, scope, renewed: new Set() };
  const result = runItems(context, section.items, frame, name);
  if (result === undefined) {
    program.report("missing-return", section.name?.span ?? section.keyword.span, { name });
    return UNKNOWN;
  }
  const returned = result.values.map((expr) => ({ expr, value: inBinding(context, expr, frame, "out", result) }));
  const types = section.signature?.results ?? [];
  if (types.length !== returned.length && types.length > 0) {
    program.report("result-count", result.span, { name, declared: types.length, got: returned.length });
    return UNKNOWN;
  }
  let sound = true;
  returned.forEach(({ expr, value }, i) => {
    if (!acceptResult(context, types[i], value, expr.span, scope, solved)) sound = false;
  });
  if (!sound) return UNKNOWN;
  const [first] = returned;
  return returned.length === 1 && first !== undefined ? first.value : { kind: "tuple", values: returned.map((r) => r.value) };
}

function acceptResult(context: Context, type: Type | undefined, value: Value, at: Span, scope: Scope, solved: Solved): boolean {
  if (type === undefined || value.kind === "unknown") return true;
  if (type.shape === undefined || value.kind !== "tensor") return accept(context, "the result", type, value, at, scope, solved);
  return match(context, "the result", type, value, at, scope, solved);
}

/** Runs items until a `return`, which is given back unevaluated. */
function runItems(context: Context, items: readonly Item[], frame: Frame, name: string): Return | undefined {
  for (const item of items) {
    switch (item.kind) {
      case "binding":
        bind(context, item, frame);
        break;
      case "repeat":
        runRepeat(context, item, frame, name);
        break;
      case "return":
        if (frame.outer === undefined) return item;
        context.program.report("misplaced-item", item.span, { item: "A `return`", place: "a `repeat`" });
        break;
      case "section":
        context.program.report("misplaced-item", item.keyword.span, { item: `The section \`${item.keyword.text}\``, place: "equations" });
        break;
    }
  }
  return undefined;
}

function bind(context: Context, binding: Binding, frame: Frame): void {
  const { program } = context;
  const names = binding.targets.map((path) => path.segments[0]);
  const first = names[0]?.text ?? "";
  for (const path of binding.targets) {
    if (path.segments.length > 1) program.report("misplaced-item", path.span, { item: "A dotted name", place: "equations" });
  }
  const value = inBinding(context, binding.value, frame, first, binding);
  if (names.length === 1) {
    const [target] = names;
    if (value.kind === "tuple") program.report("several-results", binding.value.span, { count: value.values.length, names: 1 });
    if (target !== undefined) assign(context, frame, target.text, target.span, value.kind === "tuple" ? UNKNOWN : value);
    return;
  }
  const parts = value.kind === "tuple" ? value.values : value.kind === "list" ? value.items : undefined;
  if (value.kind !== "unknown" && parts?.length !== names.length)
    program.report("several-results", binding.value.span, { count: parts?.length ?? 1, names: names.length });
  names.forEach((target, i) => {
    if (target !== undefined)
      assign(context, frame, target.text, target.span, parts?.length === names.length ? (parts[i] ?? UNKNOWN) : UNKNOWN);
  });
}

/** Evaluates what a name is bound to; parameters made in it and its last equation take the name. */
function inBinding(context: Context, expr: Expr, frame: Frame, name: string, item: Binding | Return): Value {
  const place = frame.scope.place === undefined ? undefined : { ...frame.scope.place, binding: name, item };
  const scope = {
    ...frame.scope,
    lookup: (asked: string) => lookup(frame, asked),
    visible: () => visible(frame),
    ...(place === undefined ? {} : { place }),
  };
  const before = scope.machine?.equations.length ?? 0;
  const value = evaluate(context, expr, scope);
  if (value.kind === "tensor" && scope.machine !== undefined && place !== undefined && value.index >= before)
    nameEquation(scope.machine, value, place);
  return value.kind === "number" && item.kind === "binding" ? because(value, name, item.span) : value;
}

/** A number that gets a name is known by it in messages. */
function because(value: NumberValue, name: string, span: Span): NumberValue {
  return { ...value, reason: { text: `because \`${name} = ${showNumber(value)}\``, span } };
}

function lookup(frame: Frame, name: string): Value | undefined {
  for (let at: Frame | undefined = frame; at !== undefined; at = at.outer) {
    const value = at.values.get(name);
    if (value !== undefined) return value;
    if (at.outer === undefined) return at.scope.lookup(name);
  }
  return undefined;
}

function* visible(frame: Frame): Iterable<string> {
  for (let at: Frame | undefined = frame; at !== undefined; at = at.outer) {
    yield* at.values.keys();
    if (at.outer === undefined) yield* at.scope.visible();
  }
}

function assign(context: Context, frame: Frame, name: string, span: Span, value: Value): void {
  if (frame.values.has(name)) {
    context.program.report("bound-twice", span, { name });
    return;
  }
  for (let at = frame.outer; at !== undefined; at = at.outer) {
    if (!at.values.has(name)) continue;
    if (frame.renewed.has(name)) context.program.report("bound-twice", span, { name });
    frame.renewed.add(name);
    at.values.set(name, value);
    return;
  }
  frame.values.set(name, value);
}

function runRepeat(context: Context, repeat: Repeat, frame: Frame, name: string): void {
  const { program } = context;
  const scope: Scope = { ...frame.scope, lookup: (asked) => lookup(frame, asked), visible: () => visible(frame) };
  const count = toCount(program, evaluate(context, repeat.count, scope), repeat.count.span, "The number of rounds");
  if (count === undefined) return;
  if (count > ROUND_LIMIT) {
    program.report("too-many-rounds", repeat.count.span, { count: String(count), limit: ROUND_LIMIT });
    return;
  }
  for (let round = 0; round < count && frame.scope.machine?.full !== true && program.spend(repeat.span); round++) {
    const place = frame.scope.place === undefined ? undefined : { ...frame.scope.place, counters: [...frame.scope.place.counters, round] };
    const values = new Map<string, Value>(repeat.counter === undefined ? [] : [[repeat.counter.text, number(round)]]);
    const inner: Frame = { values, outer: frame, scope: place === undefined ? frame.scope : { ...frame.scope, place }, renewed: new Set() };
    runItems(context, repeat.items, inner, name);
  }
}
