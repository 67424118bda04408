// The catalogue: every diagnostic of the compiler, its severity and its words. In: a code and typed facts. Out: a diagnostic.
// No other file of the compiler writes text that a user reads. Each code has a fixture in test/diagnostics, and a test says so.

import type { Diagnostic, Fix, Label } from "../grammar/diagnostic.js";
import type { Span } from "../grammar/source.js";

interface Text {
  readonly message: string;
  /** Beside the underlined text. */
  readonly at?: string;
  readonly notes?: readonly string[];
}

interface Entry<F> {
  readonly severity: Diagnostic["severity"];
  write(facts: F): Text;
}

const error = <F>(write: (facts: F) => Text): Entry<F> => ({ severity: "error", write });
const warning = <F>(write: (facts: F) => Text): Entry<F> => ({ severity: "warning", write });

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;
const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
const perhaps = (text: string | undefined): readonly string[] => (text === undefined ? [] : [text]);

export const catalogue = {
  // --- files and names ---
  "missing-file": error((f: { path: string; what: string }) => ({
    message: `${f.what} \`${f.path}\` cannot be read.`,
    at: "no such file",
  })),
  "missing-data": warning((f: { path: string }) => ({
    message: `The data file \`${f.path}\` is not there.`,
    at: "needed when training starts",
  })),
  "unknown-import": error((f: { name: string; from: string; has: readonly string[] }) => ({
    message: `\`${f.from}\` declares no \`${f.name}\`.`,
    notes: f.has.length === 0 ? [] : [`It declares ${listed(f.has)}.`],
  })),
  "unknown-section": error((f: { keyword: string }) => ({ message: `There is no section called \`${f.keyword}\`.` })),
  "same-name": error((f: { name: string; what: string }) => ({
    message: `${f.what} \`${f.name}\` is declared twice.`,
    at: "declared again",
  })),
  "name-needed": error((f: { keyword: string; second: boolean }) => ({
    message: f.second ? `A second \`${f.keyword}\` needs a name.` : `A \`${f.keyword}\` needs a name.`,
  })),
  "unknown-setting": error((f: { section: string; name: string; here?: string }) => ({
    message: `\`${f.section}\` has no setting called \`${f.name}\`, and its equations use no such name.`,
    at: f.here === undefined ? "" : `here it is called \`${f.here}\``,
  })),
  "set-twice": error((f: { name: string }) => ({ message: `\`${f.name}\` is set twice.`, at: "set again" })),
  "unknown-target": error((f: { path: string }) => ({
    message: `\`${f.path}\` names no setting of a section.`,
    notes: ["A line `section.setting = value` sets a setting of a section of this file or an import."],
  })),
  "missing-setting": error((f: { section: string; name: string; example: string }) => ({
    message: `\`${f.section}\` needs the setting \`${f.name}\`.`,
    notes: [`For example \`${f.example}\`.`],
  })),
  "wrong-setting": error((f: { name: string; expected: string; got: string }) => ({
    message: `\`${f.name}\` is ${f.expected}, not ${f.got}.`,
  })),
  "out-of-range": error((f: { name: string; value: string; range: string }) => ({
    message: `\`${f.name} = ${f.value}\` is out of range: it is ${f.range}.`,
  })),
  "circular-setting": error((f: { name: string }) => ({ message: `\`${f.name}\` is computed from itself.` })),
  "unknown-name": error((f: { name: string; what: "name" | "block" | "section" | "fact" | "special" }) => ({
    message:
      f.what === "block"
        ? `There is no block or primitive called \`${f.name}\`.`
        : f.what === "section"
          ? `There is no section called \`${f.name}\`.`
          : f.what === "fact"
            ? `\`${f.name}\` is no fact of tokens.`
            : f.what === "special"
              ? `\`${f.name}\` is no field, special or binding here.`
              : `Nothing is called \`${f.name}\` here.`,
    notes: f.what === "fact" ? ["Facts are `position`, `row`, `column`, `predicted` and `segment`; `vocab_size` is a number."] : [],
  })),
  "bound-twice": error((f: { name: string }) => ({
    message: `\`${f.name}\` already has a value.`,
    at: "bound again",
    notes: ["Each name is bound once; only in a `repeat` does an outer name get its next value, once a round."],
  })),
  "misplaced-item": error((f: { item: string; place: string }) => ({ message: `${f.item} has no place in ${f.place}.` })),
  "not-built-yet": error((f: { what: string }) => ({ message: `${f.what} cannot be compiled yet.` })),
  "not-built-yet-unused": warning((f: { what: string }) => ({
    message: `${f.what} cannot be compiled yet; nothing that is compiled uses it.`,
  })),

  // --- values ---
  "wrong-value": error((f: { expected: string; got: string }) => ({ message: `${f.expected} is needed here, but this is ${f.got}.` })),
  "wrong-operands": error((f: { operator: string; left: string; right: string }) => ({
    message: `\`${f.operator}\` does not take ${f.left} and ${f.right}.`,
  })),
  "no-entry": error((f: { key: string; has: readonly string[] }) => ({
    message: `There is no entry \`${f.key}\`.`,
    notes: [f.has.length === 0 ? "It is empty." : `There are ${listed(f.has)}.`],
  })),
  "out-of-bounds": error((f: { index: string; length: string }) => ({ message: `Index ${f.index} is outside a length of ${f.length}.` })),
  "not-known": error((f: { what: string }) => ({
    message: `${f.what} must be known before the program runs, and depends on the input here.`,
  })),
  "not-divisible": error((f: { numerator: string; denominator: string; near: readonly number[] }) => ({
    message: `${f.numerator} cannot be split evenly into ${f.denominator}.`,
    at: `${f.numerator} / ${f.denominator} is not a whole number`,
    notes: f.near.length === 0 ? [] : [`Nearby values that divide ${f.numerator}: ${f.near.join(", ")}.`],
  })),
  "not-whole": error((f: { what: string; value: string }) => ({ message: `${f.what} is a whole number of at least 0, not ${f.value}.` })),

  // --- calls ---
  "missing-argument": error((f: { callee: string; name: string }) => ({ message: `\`${f.callee}\` needs \`${f.name}\`.` })),
  "unknown-argument": error((f: { callee: string; name: string; has: readonly string[] }) => ({
    message: `\`${f.callee}\` has no argument called \`${f.name}\`.`,
    notes: [`It takes ${listed(f.has)}.`],
  })),
  "too-many-arguments": error((f: { callee: string; takes: number }) => ({
    message: `\`${f.callee}\` takes ${plural(f.takes, "argument")}.`,
    at: "one too many",
  })),
  "given-twice": error((f: { callee: string; name: string }) => ({ message: `\`${f.callee}\` gets \`${f.name}\` twice.` })),
  "not-callable": error((f: { what: string }) => ({ message: `This is ${f.what}, which cannot be called.` })),
  "missing-return": error((f: { name: string }) => ({ message: `\`${f.name}\` returns nothing.` })),
  "result-count": error((f: { name: string; declared: number; got: number }) => ({
    message: `\`${f.name}\` declares ${plural(f.declared, "result")}, but ${f.got} ${f.got === 1 ? "is" : "are"} given.`,
  })),
  "several-results": error((f: { count: number; names: number }) => ({
    message: `This has ${plural(f.count, "value")}, for ${plural(f.names, "name")}.`,
  })),
  "calls-too-deep": error((f: { name: string; limit: number }) => ({
    message: `\`${f.name}\` calls blocks more than ${f.limit} deep.`,
    notes: ["A block that calls itself never ends."],
  })),
  "too-many-rounds": error((f: { count: string; limit: number }) => ({
    message: `${f.count} rounds are too many: loops are unrolled, ${f.limit} at most.`,
  })),
  "too-large": error((f: { limit: number; what: "equations" | "calls and rounds of loops" }) => ({
    message: `This program has more than ${f.limit} ${f.what}.`,
  })),

  // --- shapes ---
  "shape-mismatch": error((f: { what: string; left: string; right: string }) => ({
    message: `${f.what} needs matching shapes, but these are ${f.left} and ${f.right}.`,
  })),
  "wrong-shape": error((f: { name: string; expected: string; got: string; where?: string }) => ({
    message: `\`${f.name}\` is declared ${f.expected}, but this is ${f.got}.`,
    notes: perhaps(f.where),
  })),
  "wrong-rank": error((f: { what: string; needs: string; got: string }) => ({
    message: `${f.what} needs ${f.needs}, but this is ${f.got}.`,
  })),
  "wrong-size": error((f: { from: string; to: string }) => ({ message: `${f.from} cannot be reshaped to ${f.to}: their sizes differ.` })),
  "wrong-axis": error((f: { axis: string; shape: string }) => ({ message: `There is no axis ${f.axis} in ${f.shape}.` })),
  "unknown-dimension": error((f: { name: string }) => ({ message: `The dimension \`${f.name}\` is solved by no argument.` })),
  "rows-as-value": error((f: { dim: string }) => ({
    message: `\`${f.dim}\` is used as a value, but it varies: a row count is one number in training and another when decoding.`,
    at: "a varying size stands in shapes only",
  })),
  "wrong-vocabulary": error((f: { expected: string; got: string }) => ({
    message: `\`${f.expected}\` tokens are read here, but \`${f.got}\` tokens are given.`,
  })),
  "tokens-as-numbers": error((f: { operator: string }) => ({
    message: `\`${f.operator}\` needs numbers, and these are tokens.`,
    notes: ["Tokens are looked up: `embedding(tokens, dim)` or `gather(table, tokens)`."],
  })),

  "table-too-small": error((f: { rows: number; vocabSize: number; tokenizer: string }) => ({
    message: `A table of ${f.rows} rows is too small for \`${f.tokenizer}\`, which has ${f.vocabSize} tokens.`,
  })),

  // --- parameters ---
  "same-parameter-name": error((f: { name: string }) => ({ message: `Two parameters would both be stored as \`${f.name}\`.` })),
  "parameter-shape": error((f: { shape: string }) => ({ message: `A parameter's shape must be numbers, but this is ${f.shape}.` })),
  "unused-parameter": warning((f: { name: string }) => ({ message: `The parameter \`${f.name}\` changes no result.` })),

  // --- tokenizers, sequences, data ---
  "no-forward": error((f: { model: string }) => ({ message: `The model \`${f.model}\` has no \`forward\`.` })),
  "no-characters": error((f: { path: string }) => ({ message: `The corpus \`${f.path}\` is empty.` })),
  "same-id": error((f: { name: string; other: string; id: number }) => ({
    message: `\`${f.name}\` and \`${f.other}\` both name id ${f.id}.`,
  })),
  "vocab-too-small": error((f: { name: string; size: number; needs: number }) => ({
    message: `\`${f.name}\` has ${f.needs} tokens, more than \`vocab_size = ${f.size}\`.`,
  })),
  "wrong-pattern": error((f: { what: string }) => ({
    message: `${f.what} is no part of a pattern.`,
    notes: ["A pattern is a list of fields, specials, strings, bindings of the section, `predict(…)`, `drop(…)` and `one_of([…])`."],
  })),
  "no-prediction": error((f: { sequence: string }) => ({
    message: `\`${f.sequence}\` predicts nothing.`,
    notes: ["Mark what is learned: `tokens = [predict(text)]`."],
  })),
  "no-text-tokenizer": error((f: { vocabulary: string }) => ({ message: `\`${f.vocabulary}\` cannot encode text.` })),
  "wrong-split": error((f: { sum: string }) => ({ message: `The shares of \`split\` add up to ${f.sum}, not 1.` })),
  "missing-field": error((f: { sequence: string; field: string; data: string; has: string }) => ({
    message: `\`${f.sequence}\` needs the field \`${f.field}\`, and \`${f.data}\` has \`${f.has}\`.`,
    notes: [`Name the column: \`${f.sequence}(${f.data}, ${f.field} = ${f.has})\`.`],
  })),

  // --- training and sampling ---
  "looks-ahead": error((f: { model: string; why: string }) => ({
    message: `\`${f.model}\` cannot learn or draw the next token: ${f.why}.`,
    at: "mixes rows",
  })),
  "wrong-output": error((f: { model: string; shape: string; needs: string }) => ({
    message: `\`${f.model}\` returns ${f.shape}, but ${f.needs} is needed to score the next token.`,
  })),
  "no-stream": error((f: { model: string; vocabulary: string }) => ({ message: `\`${f.model}\` reads no \`${f.vocabulary}\` tokens.` })),
  "top-k-above-vocabulary": warning((f: { topK: number; vocabSize: number; tokenizer: string }) => ({
    message: `\`top_k = ${f.topK}\` keeps every token: \`${f.tokenizer}\` has ${f.vocabSize}.`,
  })),
} satisfies Record<string, Entry<never>>;

export type Code = keyof typeof catalogue;
export type Facts<C extends Code> = Parameters<(typeof catalogue)[C]["write"]>[0];

export interface Details {
  /** Replaces the catalogue's words beside the underlined text. */
  readonly at?: string;
  readonly also?: readonly Label[];
  readonly notes?: readonly string[];
  readonly fix?: Fix;
}

/** The diagnostic of a code: its facts put into the catalogue's words. */
export function diagnose<C extends Code>(code: C, span: Span, facts: Facts<C>, details: Details = {}): Diagnostic {
  const entry = catalogue[code] as Entry<Facts<C>>;
  const text = entry.write(facts);
  return {
    code: code === "not-built-yet-unused" ? "not-built-yet" : code,
    severity: entry.severity,
    message: text.message,
    at: { span, text: details.at ?? text.at ?? "" },
    also: details.also ?? [],
    notes: [...(text.notes ?? []), ...(details.notes ?? [])],
    ...(details.fix === undefined ? {} : { fix: details.fix }),
  };
}

/** An edit that puts `name` in the place of `span`. */
export function replaceBy(name: string, span: Span): Fix {
  return { title: `replace by \`${name}\``, span, replacement: name };
}
