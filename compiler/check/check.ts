// The room's door: an entry file → the checked model. In: its path, a host that reads files, and `--set` lines. Out: the model, where nothing is wrong,
// and every diagnostic. Never throws, and does not stop at the first mistake: each section is checked on its own, once.

import type { Diagnostic } from "../../grammar/diagnostic.js";
import type { Host } from "../host.js";
import { type Sections, sampler, training } from "./doing.js";
import type { Model, Sampler, Tokenizer, Training } from "./model.js";
import { type CheckedNetwork, network } from "./network.js";
import { type Declaration, loadProgram, type Override, type Program, reporter } from "./program.js";
import { settingsOf } from "./schema.js";
import { type CheckedData, type CheckedSequence, data, sequence } from "./sequences.js";
import { type Checker, checkBindings, headOf, settingValue } from "./settings.js";
import { tokenizer, type Vocabulary } from "./tokenizers.js";
import { number, UNKNOWN, type Value } from "./values.js";

export type { Override } from "./program.js";

/** What checking gives. */
export interface Checked {
  /** Undefined where an error was found. */
  readonly model: Model | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Checks the entry file and all it imports. `overrides` are lines like `training.batch_size = 8`. */
export function check(entry: string, host: Host, overrides: readonly Override[] = []): Checked {
  const { model, diagnostics } = analyse(entry, host, overrides);
  return { model: diagnostics.some((d) => d.severity === "error") ? undefined : model, diagnostics };
}

/** The same, with whatever could be made of a program that has errors: for editors, and for models whose tokenizers are not built yet. */
export function analyse(entry: string, host: Host, overrides: readonly Override[] = []): Checked {
  const out = reporter();
  const program = loadProgram(entry, host, overrides, out);
  if (program === undefined) return { model: undefined, diagnostics: out.diagnostics };
  const model = checkProgram(program);
  return { model, diagnostics: inOrder(out.diagnostics) };
}

/** In the order of the text, file by file. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(diagnostics.map((d) => d.at.span.file))];
  return [...diagnostics].sort(
    (a, b) => files.indexOf(a.at.span.file) - files.indexOf(b.at.span.file) || a.at.span.start - b.at.span.start,
  );
}

function checkProgram(program: Program): Model {
  const circle = (declaration: Declaration) => program.report("circular-setting", headOf(declaration), { name: declaration.name });
  const vocabularies: Once<Vocabulary> = once((declaration) => tokenizer(checker, declaration, vocabularies.get), circle);
  const networks = once<CheckedNetwork>((declaration) => network(checker, declaration, vocabularies.get), circle);
  const sequences = once<CheckedSequence>((declaration) => sequence(checker, declaration, vocabularies.get), circle);
  const sources = once<CheckedData | { readonly unbuilt: string }>((declaration) => data(checker, declaration), circle);
  const checker: Checker = { program, settings: { values: new Map() }, member };
  const sections: Sections = { network: networks.get, sequence: sequences.get, data: sources.get };

  const trainings = new Map<string, Training>();
  const samplers = new Map<string, Sampler>();
  const used = { data: new Map<string, CheckedData>() };
  const own = [...program.entry.sections.values()];
  const all = [...program.units.values()].flatMap((unit) => [...unit.sections.values()]);
  for (const declaration of all) checkBindings(checker, declaration);
  for (const declaration of own) {
    switch (declaration.keyword) {
      case "tokenizer":
        vocabularies.get(declaration);
        break;
      case "model":
        networks.get(declaration);
        break;
      case "sequence":
        sequences.get(declaration);
        break;
      case "data":
        sources.get(declaration);
        break;
      case "training": {
        const made = training(checker, declaration, sections);
        if (made === undefined) break;
        trainings.set(declaration.name, made.training);
        used.data.set(made.data.spec.name, made.data);
        break;
      }
      case "sampler": {
        const made = sampler(checker, declaration, sections);
        if (made !== undefined) samplers.set(declaration.name, made);
        break;
      }
      case "evaluation":
        program.report("not-built-yet-unused", headOf(declaration), { what: "An evaluation" });
        break;
    }
  }
  for (const [declaration, vocabulary] of vocabularies.done) {
    if (
      vocabulary?.unbuilt !== undefined &&
      vocabulary.members.length === 0 &&
      program.entry.sections.get(declaration.name) === declaration
    ) {
      program.report("not-built-yet-unused", headOf(declaration), { what: vocabulary.unbuilt });
    }
  }
  for (const [declaration, source] of sources.done) {
    if (source !== undefined && "unbuilt" in source) program.report("not-built-yet-unused", headOf(declaration), { what: source.unbuilt });
  }

  const tokenizers = new Map<string, Tokenizer>();
  for (const vocabulary of vocabularies.done.values()) {
    if (vocabulary?.spec === undefined) continue;
    const { name } = vocabulary.declaration;
    // Of several files: artifacts know tokenizers by name.
    if (tokenizers.has(name)) program.report("same-name", headOf(vocabulary.declaration), { name, what: "The tokenizer" });
    tokenizers.set(name, { name, spec: vocabulary.spec, vocabSize: vocabulary.size });
  }
  return {
    tokenizers,
    data: new Map(made(sources.done).flatMap((d) => ("unbuilt" in d ? [] : [[d.spec.name, (used.data.get(d.spec.name) ?? d).spec]]))),
    sequences: new Map(made(sequences.done).flatMap((s) => (s.unbuilt === undefined ? [[s.spec.name, s.spec]] : []))),
    networks: new Map(made(networks.done).map((n) => [n.network.name, n.network])),
    trainings,
    samplers,
    files: program.files,
  };

  /** `chars.vocab_size`, `bae.groups`, and any setting of another section: `bae.bits`. */
  function member(section: Extract<Value, { kind: "section" }>, name: string): Value | undefined {
    const { declaration } = section;
    if (declaration.keyword === "tokenizer" && (name === "vocab_size" || name === "groups")) {
      const vocabulary = vocabularies.get(declaration);
      if (vocabulary === undefined) return UNKNOWN;
      const value = name === "vocab_size" ? vocabulary.size : (vocabulary.groups ?? 1);
      return number(value, { text: `because \`${declaration.name}.${name} = ${value}\``, span: vocabulary.span });
    }
    const own = settingValue(checker, declaration, name);
    const fallback = settingsOf(declaration.keyword)[name]?.default;
    return own ?? (fallback !== undefined && /^\d+$/.test(fallback) ? number(Number(fallback)) : undefined);
  }
}

function made<T>(done: ReadonlyMap<Declaration, T | undefined>): T[] {
  return [...done.values()].filter((value): value is T & {} => value !== undefined);
}

interface Once<T> {
  readonly done: ReadonlyMap<Declaration, T | undefined>;
  get(declaration: Declaration): T | undefined;
}

/** Works each section out when it is first asked for; one that asks for itself is a `circle` and gets nothing. */
function once<T>(work: (declaration: Declaration) => T | undefined, circle: (declaration: Declaration) => void): Once<T> {
  const done = new Map<Declaration, T | undefined>();
  const running = new Set<Declaration>();
  return {
    done,
    get(declaration) {
      if (running.has(declaration)) circle(declaration);
      if (done.has(declaration)) return done.get(declaration);
      done.set(declaration, undefined);
      running.add(declaration);
      const value = work(declaration);
      running.delete(declaration);
      done.set(declaration, value);
      return value;
    },
  };
}
