// Settings → values. In: a section. Out: each setting's value, computed when first asked for, in the scope of its section, its file, imports and std;
// and the check that every binding is a setting of the schema or a name that the section's own equations use.

import type { Span } from "../../grammar/source.js";
import type { Expr, Item, Signature, Type } from "../../grammar/tree.js";
import { type Code, type Details, type Facts, replaceBy } from "../messages.js";
import { nearest } from "../suggest.js";
import { evaluate } from "./evaluate.js";
import { type Declaration, findBinding, findDeclaration, type Program, type Unit } from "./program.js";
import { type Setting, settingsOf, showSettingType, synonymOf } from "./schema.js";
import { type Context, PREFER_WORDS, type Scope, WORDS } from "./scope.js";
import { describe, type NumberValue, showNumber, UNKNOWN, type Value } from "./values.js";

/** Settings already worked out, and those being worked out. */
export interface Settings {
  readonly values: Map<Expr, Value | "running">;
}

export interface Checker extends Context {
  readonly settings: Settings;
}

/** The value of a setting or of a name of the section's own; undefined where it has no such binding. */
export function settingValue(checker: Checker, declaration: Declaration, name: string): Value | undefined {
  const source = declaration.settings.get(name);
  if (source === undefined) return undefined;
  const type = settingsOf(declaration.keyword)[name]?.type;
  if (type?.kind === "pattern") return undefined;
  const scope = source.outside === undefined ? sectionScope(checker, declaration) : unitScope(checker, source.outside);
  const words = type !== undefined && (type.kind === "word" || type.kind === "form" || type.kind === "any") ? PREFER_WORDS : WORDS;
  return memo(checker, source.value, name, source.name.span, scope, words);
}

function memo(checker: Checker, expr: Expr, name: string, at: Span, scope: Scope, mode: typeof WORDS): Value {
  const known = checker.settings.values.get(expr);
  if (known === "running") {
    checker.program.report("circular-setting", at, { name });
    return UNKNOWN;
  }
  if (known !== undefined) return known;
  checker.settings.values.set(expr, "running");
  const value = evaluate(checker, expr, scope, mode);
  const span: Span = { ...at, end: Math.max(at.end, expr.span.end) };
  const result = value.kind === "number" ? { ...value, reason: { text: `because \`${name} = ${showNumber(value)}\``, span } } : value;
  checker.settings.values.set(expr, result);
  return result;
}

/** Equations and settings of a section see its bindings, then its file. */
export function sectionScope(checker: Checker, declaration: Declaration): Scope {
  const outer = unitScope(checker, declaration.unit);
  return {
    unit: declaration.unit,
    lookup: (name) => settingValue(checker, declaration, name) ?? outer.lookup(name),
    visible: () => [...declaration.settings.keys(), ...outer.visible()],
    depth: 0,
  };
}

export function unitScope(checker: Checker, unit: Unit): Scope {
  return {
    unit,
    lookup(name) {
      const section = findDeclaration(unit, name);
      if (section !== undefined) return { kind: "section", declaration: section };
      const found = findBinding(unit, name);
      return found === undefined
        ? undefined
        : memo(checker, found.binding.value, name, found.binding.span, unitScope(checker, found.unit), WORDS);
    },
    visible: () => [...unit.sections.keys(), ...unit.bindings.keys(), ...unit.imports.keys()],
    depth: 0,
  };
}

// --- which bindings are allowed ---

/** Reports bindings that are neither settings nor used, and settings that are not compiled yet where `used` says that they matter. */
export function checkBindings(checker: Checker, declaration: Declaration): void {
  const { program } = checker;
  const settings = settingsOf(declaration.keyword);
  const used = namesUsed(declaration);
  for (const [name, source] of declaration.settings) {
    if (Object.hasOwn(settings, name) || used.has(name)) continue;
    const synonym = synonymOf(declaration.keyword, name, used);
    const unset = [...used].filter((n) => !declaration.settings.has(n) && findDeclaration(declaration.unit, n) === undefined);
    const near = synonym ?? nearest(name, [...Object.keys(settings), ...unset]);
    const facts: Facts<"unknown-setting"> = {
      section: declaration.section.name === undefined ? declaration.keyword : `${declaration.keyword} ${declaration.name}`,
      name,
      ...(synonym === undefined ? {} : { here: synonym }),
    };
    program.report("unknown-setting", source.name.span, facts, near === undefined ? {} : { fix: replaceBy(near, source.name.span) });
  }
}

/** Every name that the section's values and equations mention. */
export function namesUsed(declaration: Declaration): Set<string> {
  const names = new Set<string>();
  for (const source of declaration.settings.values()) if (source.outside === undefined) addNames(source.value, names);
  for (const part of declaration.parts.values()) addItem(part, names);
  return names;
}

function addItem(item: Item, names: Set<string>): void {
  switch (item.kind) {
    case "binding":
      addNames(item.value, names);
      return;
    case "section":
      if (item.signature !== undefined) addSignature(item.signature, names);
      for (const inner of item.items) addItem(inner, names);
      return;
    case "repeat":
      addNames(item.count, names);
      for (const inner of item.items) addItem(inner, names);
      return;
    case "return":
      for (const value of item.values) addNames(value, names);
      return;
  }
}

function addSignature(signature: Signature, names: Set<string>): void {
  const addType = (type: Type): void => {
    for (const dim of type.shape ?? []) if (dim.kind === "dim") addNames(dim.value, names);
  };
  for (const parameter of signature.parameters) {
    if (parameter.type !== undefined) addType(parameter.type);
    if (parameter.default !== undefined) addNames(parameter.default, names);
  }
  signature.results.forEach(addType);
}

function addNames(expr: Expr, names: Set<string>): void {
  switch (expr.kind) {
    case "name":
      names.add(expr.name);
      return;
    case "string":
      for (const part of expr.parts) if (part.kind === "hole") addNames(part.value, names);
      return;
    case "list":
      for (const item of expr.items) addNames(item, names);
      return;
    case "comprehension":
      addNames(expr.value, names);
      addNames(expr.over, names);
      return;
    case "record":
      for (const entry of expr.entries) addNames(entry.value, names);
      return;
    case "if":
      for (const part of [expr.condition, expr.whenTrue, expr.whenFalse]) addNames(part, names);
      return;
    case "binary":
      addNames(expr.left, names);
      addNames(expr.right, names);
      return;
    case "negate":
    case "paren":
      addNames(expr.value, names);
      return;
    case "member":
      addNames(expr.object, names);
      return;
    case "call":
      addNames(expr.callee, names);
      for (const argument of expr.arguments) addNames(argument.value, names);
      return;
    case "index":
      addNames(expr.object, names);
      for (const slice of expr.slices) for (const end of [slice.start, slice.stop]) if (end !== undefined) addNames(end, names);
      return;
    case "number":
    case "boolean":
    case "missing":
      return;
  }
}

// --- settings as what the schema says they are ---

export interface Read {
  readonly declaration: Declaration;
  report<C extends Code>(code: C, span: Span, facts: Facts<C>, details?: Details): void;
  span(name: string): Span;
  has(name: string): boolean;
  value(name: string): Value | undefined;
  /** A number within the schema's range; the missing one where there is none; undefined after a report. */
  number(name: string, missing: number): number | undefined;
  string(name: string): string | undefined;
  word(name: string, missing: string): string | undefined;
  section(name: string, keyword: Declaration["keyword"]): Declaration | undefined;
  /** A value of the wrong kind is reported. */
  wrong(name: string, value: Value): undefined;
}

export function read(checker: Checker, declaration: Declaration): Read {
  const { program } = checker;
  const span = (name: string): Span => declaration.settings.get(name)?.value.span ?? headOf(declaration);
  const value = (name: string): Value | undefined => settingValue(checker, declaration, name);
  const setting = (name: string): Setting | undefined => settingsOf(declaration.keyword)[name];
  const wrong = (name: string, got: Value): undefined => {
    const type = setting(name)?.type;
    if (got.kind !== "unknown" && type !== undefined) {
      const words = type.kind === "word" || type.kind === "form" ? type.words : [];
      const near = got.kind === "word" ? nearest(got.word, words) : undefined;
      program.report(
        "wrong-setting",
        span(name),
        { name, expected: showSettingType(type), got: describe(got) },
        near === undefined || got.kind !== "word" ? {} : { fix: replaceBy(near, { ...got.span, end: got.span.start + got.word.length }) },
      );
    }
    return undefined;
  };
  return {
    declaration,
    report: program.report,
    span,
    wrong,
    value,
    has: (name) => declaration.settings.has(name),
    number(name, missing) {
      const got = value(name);
      if (got === undefined) return missing;
      const type = setting(name)?.type;
      if (got.kind !== "number" || got.dim !== undefined) return wrong(name, got);
      const whole = type?.kind === "int";
      const [low, high] =
        type?.kind === "int"
          ? [type.min, Number.POSITIVE_INFINITY]
          : type?.kind === "number"
            ? [type.min, type.max]
            : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      if ((whole && !Number.isInteger(got.value)) || !(got.value >= low && got.value <= high))
        return outOfRange(program, name, got, span(name), type === undefined ? "" : showSettingType(type));
      return got.value;
    },
    string(name) {
      const got = value(name);
      if (got === undefined) return undefined;
      return got.kind === "string" ? got.value : wrong(name, got);
    },
    word(name, missing) {
      const got = value(name);
      if (got === undefined) return missing;
      const type = setting(name)?.type;
      const words = type?.kind === "word" || type?.kind === "form" ? type.words : [];
      const text = got.kind === "word" ? got.word : got.kind === "string" ? got.value : undefined;
      return text !== undefined && words.includes(text) ? text : wrong(name, got);
    },
    section(name, keyword) {
      const got = value(name);
      if (got === undefined) return undefined;
      if (got.kind === "section" && got.declaration.keyword === keyword) return got.declaration;
      if (got.kind !== "word") return wrong(name, got);
      const near = nearest(
        got.word,
        [...declaration.unit.sections.values()].filter((d) => d.keyword === keyword).map((d) => d.name),
      );
      program.report(
        "unknown-name",
        span(name),
        { name: got.word, what: "section" },
        near === undefined ? {} : { fix: replaceBy(near, span(name)) },
      );
      return undefined;
    },
  };
}

function outOfRange(program: Program, name: string, got: NumberValue, span: Span, range: string): undefined {
  program.report("out-of-range", span, { name, value: showNumber(got), range });
  return undefined;
}

/** The keyword and the name of a section. */
export function headOf(declaration: Declaration): Span {
  const { keyword, name } = declaration.section;
  return name === undefined ? keyword.span : { ...keyword.span, end: name.span.end };
}
