// The one evaluator of sequences, pure. In: a sequence as data and field values. Out: its tokens with what is learned of each (`layout`), and the prompt,
// stop rule and legal ids of a sampler (`prompt`). Rows are cut from layouts in rows.ts; training and generation can not differ, as both come from here.

import type { PatternPart, SequenceSpec } from "./artifact.js";
import { type TokenArray, type Tokenizer, type Tokenizers, tokenArray } from "./tokenizers/index.js";

/** A field that is too long to lie in an array: only its number of tokens is known here, who reads it fills them in. */
export interface LongField {
  readonly length: number;
}

/** A field's text, its tokens (of the field's own tokenizer), or a long field. */
export type FieldValue = string | TokenArray | LongField;

export type Fields = Readonly<Record<string, FieldValue>>;

/** Tokens side by side that are alike: of one part of the pattern, all predicted or none. */
export interface Span {
  /** Ids of the vocabulary; undefined for a long field. */
  readonly ids: TokenArray | undefined;
  readonly length: number;
  /** Added to a long field's own ids to make ids of the vocabulary. */
  readonly offset: number;
  readonly predicted: boolean;
  /** Weight of its tokens' losses; 0 where not predicted. */
  readonly weight: number;
  /** The field it comes from, or what it is: `<eos>`, `"text"`, `text + " more"` where encoded at once. */
  readonly source: string;
  readonly field?: string;
}

/** Where a sampler starts, what it may draw and what ends it. */
export interface Prompt {
  /** All tokens before the first missing one; at least one. */
  readonly ids: readonly number[];
  /** The field that is drawn. */
  readonly field: string;
  /** The special that ends the field; undefined: it ends at `max_new_tokens`. */
  readonly stop: number | undefined;
  /** One bit an id of the vocabulary, id i at bit i % 32 of word ⌊i / 32⌋: the field's tokens and the stop. */
  readonly legal: Uint32Array;
}

/** A pattern that can not be laid out with the values given. */
export class SequenceError extends Error {
  override readonly name = "SequenceError";
}

/** A sequence with its tokenizers. */
export interface Sequence {
  readonly spec: SequenceSpec;
  readonly vocabulary: Tokenizer;
  /**
   * The tokens of one example. `draw` gives numbers in [0, 1) that decide `drop` and `one_of`; without it nothing is dropped and the first
   * alternative stands, as when generating. Throws `SequenceError` or `EncodeError`.
   */
  layout(fields: Fields, draw?: () => number): readonly Span[];
  /** What a sampler fills, given some fields, wholly or (the last predicted one) in part. */
  prompt(given: Readonly<Record<string, string>>): Prompt;
}

/** A part of the pattern after `drop` and `one_of` are decided; `group` tells the `predict` it stands in, 0 outside. */
type Atom =
  | {
      readonly kind: "text";
      readonly value: string;
      readonly tokenizer: string;
      readonly group: number;
      readonly weight: number;
      readonly source: string;
      readonly field?: string;
    }
  | {
      readonly kind: "tokens";
      readonly value: TokenArray | LongField;
      readonly tokenizer: string;
      readonly group: number;
      readonly weight: number;
      readonly source: string;
      readonly field: string;
    }
  | { readonly kind: "special"; readonly id: number; readonly group: number; readonly weight: number; readonly source: string }
  | { readonly kind: "missing"; readonly field: string; readonly group: number; readonly weight: number };

/** Opens a sequence. Throws where it needs a kind of field that is not text. */
export function openSequence(spec: SequenceSpec, tokenizers: Tokenizers): Sequence {
  const vocabulary = tokenizers.get(spec.vocabulary);
  for (const field of spec.fields) {
    if (field.list)
      throw new SequenceError(`Field \`${field.name}\` of sequence \`${spec.name}\` is a list; single text fields are supported.`);
  }
  return {
    spec,
    vocabulary,
    layout: (fields, draw) => {
      const atoms = flatten(spec, fields, draw);
      const missing = atoms.find((atom) => atom.kind === "missing");
      if (missing?.kind === "missing") throw new SequenceError(`Sequence \`${spec.name}\` needs the field \`${missing.field}\`.`);
      return encodeAtoms(spec, tokenizers, atoms);
    },
    prompt: (given) => makePrompt(spec, tokenizers, given),
  };
}

/** The pattern as a flat list, with the fields' values put in. */
function flatten(spec: SequenceSpec, fields: Fields, draw: (() => number) | undefined): readonly Atom[] {
  const atoms: Atom[] = [];
  let groups = 0;
  const walk = (part: PatternPart, group: number, weight: number): void => {
    switch (part.kind) {
      case "field": {
        const field = spec.fields.find((each) => each.name === part.name);
        if (field === undefined) throw new SequenceError(`Sequence \`${spec.name}\` has no field \`${part.name}\`.`);
        const value = Object.hasOwn(fields, part.name) ? fields[part.name] : undefined;
        const common = { tokenizer: field.tokenizer, group, weight, source: part.name, field: part.name };
        if (value === undefined) atoms.push({ kind: "missing", field: part.name, group, weight });
        else if (typeof value === "string") atoms.push({ kind: "text", value, ...common });
        else atoms.push({ kind: "tokens", value, ...common });
        return;
      }
      case "special":
        atoms.push({ kind: "special", id: part.id, group, weight, source: `<${part.name}>` });
        return;
      case "text":
        atoms.push({ kind: "text", value: part.text, tokenizer: part.tokenizer, group, weight, source: JSON.stringify(part.text) });
        return;
      case "predict": {
        groups += 1;
        const own = groups;
        for (const inner of part.parts) walk(inner, own, part.weight);
        return;
      }
      case "drop": {
        const parts = draw !== undefined && draw() < part.rate ? part.to : part.parts;
        for (const inner of parts) walk(inner, group, weight);
        return;
      }
      case "oneOf": {
        const index = draw === undefined ? 0 : Math.floor(draw() * part.alternatives.length);
        const chosen = part.alternatives[index];
        if (chosen !== undefined) walk(chosen, group, weight);
        return;
      }
    }
  };
  for (const part of spec.tokens) walk(part, 0, 0);
  return atoms;
}

/** Neighbouring text of one tokenizer on one side of `predict` is encoded at once; all else is a boundary. */
function encodeAtoms(spec: SequenceSpec, tokenizers: Tokenizers, atoms: readonly Atom[]): readonly Span[] {
  const spans: Span[] = [];
  let pending: (Atom & { readonly kind: "text" })[] = [];
  const flush = (): void => {
    const head = pending[0];
    if (head === undefined) return;
    const text = pending.map((atom) => atom.value).join("");
    const ids = moved(
      tokenizers.get(head.tokenizer).encode(text),
      offsetOf(spec, tokenizers, head.tokenizer),
      tokenizers.get(spec.vocabulary).vocabSize,
    );
    const source = pending.map((atom) => atom.source).join(" + ");
    const only = pending.length === 1 && head.field !== undefined ? { field: head.field } : {};
    if (ids.length > 0) spans.push({ ids, length: ids.length, offset: 0, predicted: head.group > 0, weight: head.weight, source, ...only });
    pending = [];
  };
  for (const atom of atoms) {
    const last = pending[pending.length - 1];
    if (atom.kind === "text") {
      // What `shorten` may cut stands for itself.
      const apart = spec.shorten !== undefined && (atom.field === spec.shorten || last?.field === spec.shorten);
      if (last !== undefined && (last.group !== atom.group || last.tokenizer !== atom.tokenizer || apart)) flush();
      pending.push(atom);
      continue;
    }
    flush();
    const common = { predicted: atom.group > 0, weight: atom.weight };
    if (atom.kind === "special") {
      const ids = tokenArray(tokenizers.get(spec.vocabulary).vocabSize, 1);
      ids[0] = atom.id;
      spans.push({ ids, length: 1, offset: 0, source: atom.source, ...common });
    } else if (atom.kind === "tokens" && atom.value.length > 0) {
      const offset = offsetOf(spec, tokenizers, atom.tokenizer);
      const ids = isTokens(atom.value) ? moved(atom.value, offset, tokenizers.get(spec.vocabulary).vocabSize) : undefined;
      spans.push({ ids, length: atom.value.length, offset, source: atom.source, field: atom.field, ...common });
    }
  }
  flush();
  return spans;
}

function isTokens(value: TokenArray | LongField): value is TokenArray {
  return value instanceof Uint8Array || value instanceof Uint16Array || value instanceof Uint32Array;
}

function offsetOf(spec: SequenceSpec, tokenizers: Tokenizers, tokenizer: string): number {
  const offset = tokenizers.offset(spec.vocabulary, tokenizer);
  if (offset === undefined) {
    throw new SequenceError(
      `Tokens of \`${tokenizer}\` are no part of \`${spec.vocabulary}\`, the vocabulary of sequence \`${spec.name}\`: such fields go to the model by name, which is not supported.`,
    );
  }
  return offset;
}

function moved(ids: TokenArray, offset: number, vocabSize: number): TokenArray {
  if (offset === 0) return ids;
  const out = tokenArray(vocabSize, ids.length);
  for (let i = 0; i < ids.length; i++) out[i] = (ids[i] ?? 0) + offset;
  return out;
}

/**
 * The first predicted field that is not given is drawn from its start; where all are given, the last predicted one goes on from its end. A field
 * outside `predict` must be given. What stands after the drawn field is never reached, but a special right after it, in `predict`, ends it.
 */
function makePrompt(spec: SequenceSpec, tokenizers: Tokenizers, given: Readonly<Record<string, string>>): Prompt {
  for (const name of Object.keys(given)) {
    if (!spec.fields.some((field) => field.name === name)) {
      throw new SequenceError(
        `Sequence \`${spec.name}\` has no field \`${name}\`; it has ${spec.fields.map((field) => `\`${field.name}\``).join(", ")}.`,
      );
    }
  }
  const atoms = flatten(spec, given, undefined);
  const outside = atoms.find((atom) => atom.kind === "missing" && atom.group === 0);
  if (outside?.kind === "missing")
    throw new SequenceError(`The field \`${outside.field}\` of sequence \`${spec.name}\` is not predicted, so it must be given.`);
  let at = atoms.findIndex((atom) => atom.kind === "missing");
  let before = atoms.slice(0, Math.max(0, at));
  if (at < 0) {
    at = atoms.findLastIndex((atom) => atom.group > 0 && atom.kind === "text" && atom.field !== undefined);
    before = atoms.slice(0, at + 1);
  }
  const open = atoms[at];
  if (open === undefined || (open.kind !== "missing" && open.kind !== "text") || open.field === undefined) {
    throw new SequenceError(`Sequence \`${spec.name}\` predicts no field, so there is nothing to draw.`);
  }
  const drawn = open.field;
  const after = atoms.slice(at + 1);
  const more = after.find((atom) => atom.kind === "missing" || (atom.group > 0 && atom.kind === "text" && atom.field !== undefined));
  if (more !== undefined)
    throw new SequenceError(`Sequence \`${spec.name}\` has more predicted fields after \`${drawn}\`: give them, or draw one at a time.`);
  const tokenizerName = spec.fields.find((field) => field.name === drawn)?.tokenizer ?? spec.vocabulary;
  const tokenizer = tokenizers.get(tokenizerName);
  if (tokenizer.kind === "label")
    throw new SequenceError(`Field \`${drawn}\` of sequence \`${spec.name}\` is a label; text fields can be drawn.`);
  const ids = encodeAtoms(spec, tokenizers, before).flatMap((span) => [...(span.ids ?? [])]);
  if (ids.length === 0)
    throw new SequenceError(
      `Something must stand before the first token that is drawn: give \`${drawn}\` a beginning, as in ${drawn}="\\n".`,
    );
  const following = after[0];
  const stop = following?.kind === "special" && following.group > 0 ? following.id : undefined;
  return {
    ids,
    field: drawn,
    stop,
    legal: legalIds(tokenizers.get(spec.vocabulary), tokenizer, offsetOf(spec, tokenizers, tokenizerName), stop),
  };
}

/** The drawn field's own pieces, without any special but `stop`. */
function legalIds(vocabulary: Tokenizer, tokenizer: Tokenizer, offset: number, stop: number | undefined): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocabulary.vocabSize / 32));
  const set = (id: number, on: boolean): void => {
    const word = mask[id >>> 5] ?? 0;
    mask[id >>> 5] = on ? word | (1 << (id & 31)) : word & ~(1 << (id & 31));
  };
  for (let id = 0; id < tokenizer.vocabSize; id++) set(id + offset, true);
  for (const id of tokenizer.specials.values()) set(id + offset, false);
  for (const id of vocabulary.specials.values()) set(id, false);
  if (stop !== undefined) set(stop, true);
  return mask;
}

/** The pattern for people: one line a part, indented as it is nested. */
export function describeSequence(spec: SequenceSpec): string {
  const fields = spec.fields.map((field) => `${field.name}: ${field.tokenizer}${field.list ? "[]" : ""}`).join(", ");
  const lines = [`sequence ${spec.name}(${fields}) -> ${spec.vocabulary}`, `rows = ${spec.rows}: ${rowRules[spec.rows]}`];
  if (spec.shorten !== undefined) lines.push(`shorten = ${spec.shorten}: gives way where an example is longer than a row`);
  lines.push("tokens");
  const walk = (part: PatternPart, indent: string): void => {
    switch (part.kind) {
      case "field":
        lines.push(`${indent}field ${part.name}`);
        return;
      case "special":
        lines.push(`${indent}special ${part.name}, id ${part.id}`);
        return;
      case "text":
        lines.push(`${indent}text ${JSON.stringify(part.text)}, by ${part.tokenizer}`);
        return;
      case "predict":
        lines.push(`${indent}predict, weight ${part.weight}`);
        for (const inner of part.parts) walk(inner, `${indent}  `);
        return;
      case "drop":
        lines.push(`${indent}drop, rate ${part.rate}`);
        for (const inner of part.parts) walk(inner, `${indent}  `);
        lines.push(`${indent}  else`);
        for (const inner of part.to) walk(inner, `${indent}    `);
        return;
      case "oneOf":
        lines.push(`${indent}one of ${part.alternatives.length}`);
        for (const inner of part.alternatives) walk(inner, `${indent}  `);
        return;
    }
  };
  for (const part of spec.tokens) walk(part, "  ");
  return `${lines.join("\n")}\n`;
}

const rowRules: Readonly<Record<SequenceSpec["rows"], string>> = {
  one: "one example a row, padded",
  packed: "whole examples side by side, each its own segment and positions",
  window: "a cut of context_length + 1 tokens at a random place",
  stream: "examples end to end, cut anywhere, one segment",
};

/** A layout for people: place, id, token and loss weight (`-` where not predicted), one line a token, long fields as one line. */
export function printLayout(sequence: Sequence, spans: readonly Span[]): string {
  const lines: string[] = [];
  let at = 0;
  for (const span of spans) {
    const mark = span.predicted ? String(span.weight) : "-";
    if (span.ids === undefined) lines.push(`${at}…${at + span.length - 1}\t\t(${span.length} tokens)\t${mark}\t${span.source}`);
    for (const [i, id] of (span.ids ?? []).entries())
      lines.push(`${at + i}\t${id}\t${JSON.stringify(sequence.vocabulary.show(id)).slice(1, -1)}\t${mark}\t${span.source}`);
    at += span.length;
  }
  return `${lines.join("\n")}\n`;
}
