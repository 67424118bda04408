// Sequence and data sections → the specifications the runtime reads. In: declarations and vocabularies. Out: a pattern as data: fields, specials with
// their ids, texts with their tokenizer, what is predicted, dropped or drawn. Constructs that are not built yet are named, not guessed at.

import type { Expr, Section } from "../../grammar/tree.js";
import type { DataSpec, PatternPart, SequenceSpec } from "../../runtime/artifact.js";
import { resolvePath } from "../host.js";
import { replaceBy } from "../messages.js";
import { nearest } from "../suggest.js";
import { evaluate } from "./evaluate.js";
import { type Declaration, findDeclaration } from "./program.js";
import { type Checker, headOf, read, sectionScope } from "./settings.js";
import type { Vocabulary } from "./tokenizers.js";
import { describe, showNumber } from "./values.js";

export interface CheckedSequence {
  readonly spec: SequenceSpec;
  readonly declaration: Declaration;
  readonly vocabulary: Vocabulary;
  /** The first construct that is not built yet. */
  readonly unbuilt: { readonly what: string; readonly expr: Expr } | undefined;
}

interface Pattern {
  readonly checker: Checker;
  readonly declaration: Declaration;
  readonly vocabulary: Vocabulary;
  readonly fields: ReadonlyMap<string, { readonly vocabulary: Vocabulary; readonly list: boolean }>;
  /** Bindings of the section being read, against circles. */
  readonly open: readonly string[];
  unbuilt: { readonly what: string; readonly expr: Expr } | undefined;
  sound: boolean;
}

/** Undefined after a report. */
export function sequence(
  checker: Checker,
  declaration: Declaration,
  vocabularyOf: (d: Declaration) => Vocabulary | undefined,
): CheckedSequence | undefined {
  const { program } = checker;
  const settings = read(checker, declaration);
  const result = declaration.section.signature?.results[0];
  const owner = result?.name === undefined ? undefined : findDeclaration(declaration.unit, result.name.text);
  if (result?.name === undefined || owner?.keyword !== "tokenizer") {
    if (result?.name === undefined)
      program.report("missing-setting", headOf(declaration), {
        section: declaration.name,
        name: "-> vocabulary",
        example: `sequence ${declaration.name}(text: chars) -> chars`,
      });
    else program.report("unknown-name", result.name.span, { name: result.name.text, what: "section" });
    return undefined;
  }
  const vocabulary = vocabularyOf(owner);
  const fields = fieldsOf(checker, declaration.section, declaration, vocabularyOf);
  const tokens = declaration.settings.get("tokens");
  if (tokens === undefined)
    program.report("missing-setting", headOf(declaration), {
      section: declaration.name,
      name: "tokens",
      example: "tokens = [predict(text)]",
    });
  const rows = settings.word("rows", "one");
  if (vocabulary === undefined || fields === undefined || tokens === undefined || rows === undefined) return undefined;
  const pattern: Pattern = { checker, declaration, vocabulary, fields, open: [], unbuilt: undefined, sound: true };
  const parts = partsOf(pattern, tokens.value);
  if (!pattern.sound) return undefined;
  if (!hasPrediction(parts) && pattern.unbuilt === undefined) {
    program.report("no-prediction", tokens.value.span, { sequence: declaration.name });
    return undefined;
  }
  const shorten = settings.value("shorten");
  const shortened = shorten?.kind === "word" ? shorten.word : undefined;
  if (shorten !== undefined && (shortened === undefined || !fields.has(shortened)) && shorten.kind !== "unknown") {
    if (shortened !== undefined && [...(declaration.section.signature?.parameters ?? [])].some((p) => p.type?.shape !== undefined)) {
      pattern.unbuilt ??= { what: "Shortening a list", expr: declaration.settings.get("shorten")?.value ?? tokens.value };
    } else {
      program.report("wrong-setting", settings.span("shorten"), {
        name: "shorten",
        expected: "the name of a field",
        got: describe(shorten),
      });
      return undefined;
    }
  }
  if (settings.has("resize"))
    pattern.unbuilt ??= { what: "`resize` of a sequence", expr: declaration.settings.get("resize")?.value ?? tokens.value };
  return {
    declaration,
    vocabulary,
    unbuilt: pattern.unbuilt,
    spec: {
      name: declaration.name,
      vocabulary: owner.name,
      fields: [...fields].map(([name, field]) => ({ name, tokenizer: field.vocabulary.declaration.name, list: field.list })),
      tokens: parts,
      rows: rows === "packed" || rows === "window" || rows === "stream" ? rows : "one",
      ...(shortened === undefined ? {} : { shorten: shortened }),
    },
  };
}

function fieldsOf(checker: Checker, section: Section, declaration: Declaration, vocabularyOf: (d: Declaration) => Vocabulary | undefined) {
  const fields = new Map<string, { vocabulary: Vocabulary; list: boolean }>();
  let sound = true;
  for (const parameter of section.signature?.parameters ?? []) {
    const name = parameter.type?.name;
    const owner = name === undefined ? undefined : findDeclaration(declaration.unit, name.text);
    if (name === undefined || owner?.keyword !== "tokenizer") {
      checker.program.report("unknown-name", name?.span ?? parameter.span, { name: name?.text ?? parameter.name.text, what: "section" });
      sound = false;
      continue;
    }
    const vocabulary = vocabularyOf(owner);
    if (vocabulary === undefined) sound = false;
    else fields.set(parameter.name.text, { vocabulary, list: parameter.type?.shape !== undefined });
  }
  return sound ? fields : undefined;
}

function partsOf(p: Pattern, expr: Expr): PatternPart[] {
  const { program } = p.checker;
  const wrong = (what: string): PatternPart[] => {
    program.report("wrong-pattern", expr.span, { what });
    p.sound = false;
    return [];
  };
  const later = (what: string): PatternPart[] => {
    p.unbuilt ??= { what, expr };
    return [];
  };
  switch (expr.kind) {
    case "list":
      return expr.items.flatMap((item) => partsOf(p, item));
    case "paren":
      return partsOf(p, expr.value);
    case "name":
      return named(p, expr.name, expr);
    case "string": {
      const holes = expr.parts.some((part) => part.kind === "hole" && part.value.kind === "member");
      if (holes) return later("A number of an example in a text");
      const value = evaluate(p.checker, expr, sectionScope(p.checker, p.declaration));
      if (value.kind !== "string") {
        p.sound = false;
        return [];
      }
      const tokenizer = textTokenizer(p.vocabulary);
      if (tokenizer === undefined) {
        if (p.vocabulary.unbuilt !== undefined) return later(p.vocabulary.unbuilt);
        program.report("no-text-tokenizer", expr.span, { vocabulary: p.vocabulary.declaration.name });
        p.sound = false;
        return [];
      }
      return value.value === "" ? [] : [{ kind: "text", text: value.value, tokenizer }];
    }
    case "call":
      return marked(p, expr);
    case "comprehension":
      return later("A repeated part of a pattern");
    case "index":
    case "member":
      return later("An item of a list in a pattern");
    case "missing":
      p.sound = false;
      return [];
    default:
      return wrong(`A value like \`${expr.span.file.text.slice(expr.span.start, expr.span.end)}\``);
  }
}

/** A field, a special of the vocabulary, or a binding of the section. */
function named(p: Pattern, name: string, expr: Expr): PatternPart[] {
  const { program } = p.checker;
  const field = p.fields.get(name);
  if (field !== undefined) {
    if (!isMember(p.vocabulary, field.vocabulary)) p.unbuilt ??= { what: `A field of another vocabulary (\`${name}\`)`, expr };
    return [{ kind: "field", name }];
  }
  const id = p.vocabulary.specials.get(name);
  if (id !== undefined) return [{ kind: "special", name, id }];
  const source = p.declaration.settings.get(name);
  if (source !== undefined && name !== "tokens") {
    if (p.open.includes(name)) {
      program.report("circular-setting", expr.span, { name });
      p.sound = false;
      return [];
    }
    const inner: Pattern = { ...p, open: [...p.open, name] };
    const parts = partsOf(inner, source.value);
    p.sound &&= inner.sound;
    p.unbuilt ??= inner.unbuilt;
    return parts;
  }
  if (p.vocabulary.unbuilt !== undefined) {
    p.unbuilt ??= { what: p.vocabulary.unbuilt, expr };
    return [];
  }
  const near = nearest(name, [...p.fields.keys(), ...p.vocabulary.specials.keys(), ...p.declaration.settings.keys()]);
  program.report("unknown-name", expr.span, { name, what: "special" }, near === undefined ? {} : { fix: replaceBy(near, expr.span) });
  p.sound = false;
  return [];
}

/** `predict(…)`, `drop(…)`, `one_of([…])`. */
function marked(p: Pattern, expr: Extract<Expr, { kind: "call" }>): PatternPart[] {
  const { program } = p.checker;
  const callee = expr.callee.kind === "name" ? expr.callee.name : "";
  const allowed: readonly string[] = callee === "predict" ? ["weight"] : callee === "drop" ? ["to", "rate"] : [];
  if (callee !== "predict" && callee !== "drop" && callee !== "one_of") {
    const near = nearest(callee, ["predict", "drop", "one_of"]);
    program.report(
      "wrong-pattern",
      expr.callee.span,
      { what: `\`${callee}(…)\`` },
      near === undefined ? {} : { fix: replaceBy(near, expr.callee.span) },
    );
    p.sound = false;
    return [];
  }
  const named = new Map<string, Expr>();
  const positional: Expr[] = [];
  for (const argument of expr.arguments) {
    if (argument.name === undefined) positional.push(argument.value);
    else if (allowed.includes(argument.name.text)) named.set(argument.name.text, argument.value);
    else {
      const near = nearest(argument.name.text, allowed);
      program.report(
        "unknown-argument",
        argument.name.span,
        { callee, name: argument.name.text, has: allowed },
        near === undefined ? {} : { fix: replaceBy(near, argument.name.span) },
      );
      p.sound = false;
    }
  }
  const number = (name: string, missing: number, low: number, high: number): number => {
    const source = named.get(name);
    if (source === undefined) return missing;
    const value = evaluate(p.checker, source, sectionScope(p.checker, p.declaration));
    if (value.kind === "number" && value.value >= low && value.value <= high) return value.value;
    if (value.kind !== "unknown")
      program.report("out-of-range", source.span, {
        name,
        value: describe(value),
        range: high === 1 ? "a number from 0 to 1" : "a number of at least 0",
      });
    p.sound = false;
    return missing;
  };
  switch (callee) {
    case "predict":
      return [
        { kind: "predict", parts: positional.flatMap((e) => partsOf(p, e)), weight: number("weight", 1, 0, Number.POSITIVE_INFINITY) },
      ];
    case "drop": {
      const to = named.get("to");
      const rate = number("rate", 0.1, 0, 1);
      return [{ kind: "drop", parts: positional.flatMap((e) => partsOf(p, e)), to: to === undefined ? [] : partsOf(p, to), rate }];
    }
    case "one_of": {
      const [list] = positional;
      if (list?.kind !== "list" || positional.length !== 1 || list.items.length === 0) {
        program.report("wrong-pattern", expr.span, { what: "`one_of` without a list of alternatives" });
        p.sound = false;
        return [];
      }
      const alternatives: PatternPart[] = [];
      for (const item of list.items) {
        const parts = partsOf(p, item);
        const [only] = parts;
        if (parts.length === 1 && only !== undefined) alternatives.push(only);
        else p.unbuilt ??= { what: "An alternative of several parts", expr: item };
      }
      return [{ kind: "oneOf", alternatives }];
    }
  }
}

function isMember(vocabulary: Vocabulary, other: Vocabulary): boolean {
  return vocabulary.declaration === other.declaration || vocabulary.members.some((m) => isMember(m.vocabulary, other));
}

/** What encodes literal text: the vocabulary itself, or a union's first member that can. */
function textTokenizer(vocabulary: Vocabulary): string | undefined {
  if (vocabulary.kind === "char" || vocabulary.kind === "byte") return vocabulary.declaration.name;
  for (const member of vocabulary.members) {
    const found = textTokenizer(member.vocabulary);
    if (found !== undefined) return found;
  }
  return undefined;
}

function hasPrediction(parts: readonly PatternPart[]): boolean {
  return parts.some((part) => {
    switch (part.kind) {
      case "predict":
        return true;
      case "drop":
        return hasPrediction(part.parts);
      case "oneOf":
        return hasPrediction(part.alternatives);
      default:
        return false;
    }
  });
}

// --- data ---

export interface CheckedData {
  readonly spec: DataSpec;
  readonly declaration: Declaration;
}

/** Undefined after a report; `unbuilt` where the source is of a kind that is not built yet. */
export function data(checker: Checker, declaration: Declaration): CheckedData | { readonly unbuilt: string } | undefined {
  const { program } = checker;
  const settings = read(checker, declaration);
  const source = settings.value("source");
  if (source === undefined) {
    program.report("missing-setting", headOf(declaration), {
      section: declaration.name,
      name: "source",
      example: 'source = text("text.txt")',
    });
    return undefined;
  }
  const word = settings.word("source", "");
  if (word === undefined || source.kind !== "word") return undefined;
  if (word !== "text") return { unbuilt: `The source \`${word}(…)\`` };
  const later =
    ["fields", "group", "clip", "order"].find((name) => settings.has(name)) ?? (declaration.parts.size > 0 ? "example" : undefined);
  if (later !== undefined) return { unbuilt: `\`${later}\` of a data section` };
  for (const [name, argument] of source.named) {
    program.report("unknown-argument", argument.span, { callee: "text", name, has: ["path"] });
    return undefined;
  }
  const items = source.positional.flatMap((argument) => (argument.value.kind === "list" ? argument.value.items : [argument.value]));
  const paths = items.flatMap((item) => (item.kind === "string" ? [item.value] : []));
  if (paths.length !== items.length || paths.length === 0) {
    program.report("missing-argument", source.span, { callee: "text", name: "path" });
    return undefined;
  }
  for (const path of paths)
    if (!program.host.exists(resolvePath(declaration.unit.folder, path))) program.report("missing-data", source.span, { path });
  const split = splitOf(checker, declaration);
  const field = settings.has("field") ? settings.string("field") : "text";
  if (split === undefined || field === undefined) return undefined;
  return { declaration, spec: { name: declaration.name, source: { kind: "text", paths }, base: declaration.unit.folder, split, field } };
}

function splitOf(checker: Checker, declaration: Declaration): Readonly<Record<string, number>> | undefined {
  const settings = read(checker, declaration);
  const value = settings.value("split");
  if (value === undefined) return {};
  if (value.kind !== "record") return settings.wrong("split", value);
  const split: Record<string, number> = {};
  for (const [name, share] of value.entries) {
    if (share.kind !== "number") return settings.wrong("split", share);
    if (!(share.value > 0 && share.value <= 1)) {
      const range = "above 0 and at most 1";
      checker.program.report("out-of-range", settings.span("split"), { name: `split.${name}`, value: showNumber(share), range });
      return undefined;
    }
    split[name] = share.value;
  }
  const sum = Object.values(split).reduce((a, b) => a + b, 0);
  if (Math.abs(sum - 1) <= 1e-9) return split;
  checker.program.report("wrong-split", settings.span("split"), { sum: String(Number(sum.toPrecision(6))) });
  return undefined;
}
