// A `model` section → its network: the forward's equations with B and T left symbolic, parameters with names, shapes and starts. Settings are
// numbers here; capitals of the forward's signature are the symbols.

import type { Section } from "../../grammar/tree.js";
import { runBody } from "./calls.js";
import { constant, type Dim, ONE, symbol } from "./dims.js";
import { evaluate } from "./evaluate.js";
import { emit, type Machine, machine, nameParameters, worst } from "./machine.js";
import type { Forward, Network, Parameter, Weights } from "./model.js";
import { toDim } from "./numbers.js";
import { type Declaration, findDeclaration } from "./program.js";
import type { Scope } from "./scope.js";
import { type Checker, headOf, read, sectionScope } from "./settings.js";
import { isCapital, type Solved } from "./signature.js";
import type { Vocabulary } from "./tokenizers.js";
import { dimension, type Reason, type RowMix, type TensorValue, UNKNOWN, type Value } from "./values.js";

export interface CheckedNetwork {
  readonly network: Network;
  readonly declaration: Declaration;
  /** The vocabulary of the stream. */
  readonly vocabulary: Vocabulary | undefined;
  /** What keeps the forward from scoring row by row. */
  readonly mix: RowMix | undefined;
  /** The first thing it reads that is not built yet. */
  readonly unbuilt: { readonly what: string } | undefined;
  readonly result: TensorValue | undefined;
}

/** Undefined after a report. */
export function network(
  checker: Checker,
  declaration: Declaration,
  vocabularyOf: (d: Declaration) => Vocabulary | undefined,
): CheckedNetwork | undefined {
  const { program } = checker;
  const settings = read(checker, declaration);
  const contextLength = settings.number("context_length", 256);
  const weights = weightsOf(checker, declaration);
  const section = declaration.parts.get("forward");
  if (section === undefined) {
    program.report("no-forward", headOf(declaration), { model: declaration.name });
    return undefined;
  }
  const m = machine();
  const values = new Map<string, Value>();
  const solved: Solved = { dims: new Map(), rest: undefined };
  const outer = sectionScope(checker, declaration);
  const scope: Scope = {
    ...outer,
    lookup: (name) => values.get(name) ?? solved.dims.get(name) ?? outer.lookup(name),
    visible: () => [...values.keys(), ...solved.dims.keys(), ...outer.visible()],
    machine: m,
    place: { node: m.root, block: declaration.name, binding: "", item: undefined, counters: [] },
  };
  const taken = inputs(checker, section, scope, m, values, solved, vocabularyOf);
  const result = taken === undefined ? UNKNOWN : runBody(checker, section, scope, values, solved);
  const results = result.kind === "tensor" ? [result] : result.kind === "tuple" ? result.values.filter((v) => v.kind === "tensor") : [];
  const parameters = nameParameters(program, m);
  if (taken === undefined || contextLength === undefined || results.length === 0 || weights === "wrong") return undefined;
  const dims = [...solved.dims].filter(([, value]) => value.dim !== undefined).map(([name]) => name);
  const forward: Forward = { equations: m.equations, results: results.map((r) => r.index), dims, tokens: m.tokens?.index };
  if (!m.full) unusedParameters(checker, m, results, parameters);
  return {
    network: {
      name: declaration.name,
      contextLength,
      parameters,
      forward,
      ...(weights === undefined || weights === "hub" ? {} : { weights }),
      span: headOf(declaration),
    },
    declaration,
    vocabulary: taken.vocabulary,
    mix: worst(results.map((r) => r.mix)),
    unbuilt: taken.unbuilt ?? (weights === "hub" ? { what: "Loading weights from a hub" } : undefined),
    result: results[0],
  };
}

/** The forward's parameters as input equations; the first stream of tokens is the sequence's. */
function inputs(
  checker: Checker,
  section: Section,
  scope: Scope,
  m: Machine,
  values: Map<string, Value>,
  solved: Solved,
  vocabularyOf: (d: Declaration) => Vocabulary | undefined,
): { readonly vocabulary: Vocabulary | undefined; readonly unbuilt: { readonly what: string } | undefined } | undefined {
  const { program } = checker;
  let stream: Vocabulary | undefined;
  let unbuilt: { readonly what: string } | undefined;
  let beside: { readonly what: string } | undefined;
  let sound = true;
  const parameters = section.signature?.parameters ?? [];
  for (const parameter of parameters) {
    const name = parameter.name.text;
    const { type } = parameter;
    if (type?.shape === undefined) {
      program.report("wrong-value", parameter.span, {
        expected: "A tensor or tokens with a shape, like `tokens: chars[B, T]`,",
        got: `\`${name}\` without one`,
      });
      sound = false;
      continue;
    }
    const owner = type.name === undefined ? undefined : findDeclaration(scope.unit, type.name.text);
    if (type.name !== undefined && owner?.keyword !== "tokenizer") {
      program.report("unknown-name", type.name.span, { name: type.name.text, what: "section" });
      sound = false;
      continue;
    }
    const vocabulary = owner === undefined ? undefined : vocabularyOf(owner);
    if (owner !== undefined && vocabulary === undefined) {
      sound = false;
      continue;
    }
    if (vocabulary?.unbuilt !== undefined) unbuilt ??= { what: vocabulary.unbuilt };
    const shape: Dim[] = [];
    const reasons: (Reason | undefined)[] = [];
    for (const [axis, dim] of type.shape.entries()) {
      if (dim.kind === "rest") {
        program.report("unknown-dimension", dim.span, { name: "..." });
        sound = false;
        continue;
      }
      const last = axis === type.shape.length - 1;
      if (dim.value.kind === "name" && isCapital(dim.value.name)) {
        const known = solved.dims.get(dim.value.name);
        const size = last && axis > 1 && vocabulary?.groups !== undefined ? constant(vocabulary.groups) : symbol(dim.value.name);
        if (known === undefined) solved.dims.set(dim.value.name, dimension(size));
        shape.push(known?.dim ?? size);
        reasons.push(undefined);
        continue;
      }
      const value = evaluate(checker, dim.value, scope);
      const size = toDim(program, value, dim.span, "A dimension");
      if (size === undefined) sound = false;
      shape.push(size ?? ONE);
      reasons.push(value.kind === "number" ? value.reason : undefined);
    }
    const tokens = vocabulary !== undefined;
    const isStream = tokens && shape.length >= 2 && m.tokens === undefined;
    if (!isStream && tokens) unbuilt ??= { what: "A forward that reads a field apart" };
    if (!tokens) beside ??= { what: "A forward that reads a tensor beside its tokens" };
    const role = isStream ? "tokens" : tokens ? "field" : "tensor";
    const elements = { element: tokens ? "token" : "float", shape, ...(owner === undefined ? {} : { vocabulary: owner.name }) } as const;
    const value = emit(program, m, "input", [], { name, role }, elements, parameter.span, { rows: isStream ? 1 : undefined, reasons });
    if (isStream) {
      m.tokens = value;
      stream = vocabulary;
    }
    values.set(name, value);
  }
  return sound ? { vocabulary: stream, unbuilt: unbuilt ?? (stream === undefined ? undefined : beside) } : undefined;
}

function weightsOf(checker: Checker, declaration: Declaration): Weights | "hub" | "wrong" | undefined {
  const settings = read(checker, declaration);
  const value = settings.value("weights");
  if (value === undefined) return undefined;
  if (value.kind !== "word" || value.word !== "load") {
    settings.wrong("weights", value);
    return "wrong";
  }
  const [path] = value.positional;
  if (path?.value.kind === "word" && path.value.word === "hub") return "hub";
  if (path?.value.kind !== "string") {
    settings.report("missing-argument", value.span, { callee: "load", name: "path" });
    return "wrong";
  }
  const names = ["prefix", "ignore", "fresh", "rename"];
  for (const [name, argument] of value.named) {
    if (names.includes(name)) continue;
    settings.report("unknown-argument", argument.span, { callee: "load", name, has: ["path", ...names] });
    return "wrong";
  }
  const texts = (name: string): string[] => {
    const list = value.named.get(name)?.value;
    return list?.kind === "list" ? list.items.flatMap((item) => (item.kind === "string" ? [item.value] : [])) : [];
  };
  const prefix = value.named.get("prefix")?.value;
  const rename = value.named.get("rename")?.value;
  const renamed =
    rename?.kind === "record" ? [...rename.entries].flatMap(([from, to]) => (to.kind === "string" ? [[from, to.value] as const] : [])) : [];
  return {
    path: path.value.value,
    prefix: prefix?.kind === "string" ? prefix.value : "",
    ignore: texts("ignore"),
    fresh: texts("fresh"),
    rename: Object.fromEntries(renamed),
    span: value.span,
  };
}

/** A parameter that no result depends on is trained for nothing. */
function unusedParameters(checker: Checker, m: Machine, results: readonly TensorValue[], parameters: readonly Parameter[]): void {
  const reached = new Set<number>();
  const todo = results.map((r) => r.index);
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    if (reached.has(index)) continue;
    reached.add(index);
    todo.push(...(m.equations[index]?.inputs ?? []));
  }
  const used = new Set<string>();
  m.equations.forEach((equation, index) => {
    if (equation.op === "parameter" && reached.has(index)) used.add(equation.attrs.name);
  });
  for (const { name, span } of parameters) if (!used.has(name)) checker.program.report("unused-parameter", span, { name });
}
