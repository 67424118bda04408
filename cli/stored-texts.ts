// What a run keeps of its program: the `.elm` files as they were, and of each corpus no more than its tokenizers need, so that a run can be
// generated from and gone on with without the corpus, and is not as large as it.

import { check } from "../compiler/check/check.js";
import type { Model } from "../compiler/check/model.js";
import { storedHost } from "./host.js";
import type { Checked } from "./program.js";

/** Texts by path. A text is reduced to its distinct characters where the tokenizers come out the same. */
export function storedTexts({ model, source }: Checked): ReadonlyMap<string, string> {
  const whole = new Map(source.host.texts);
  const stored = new Map(whole);
  for (const [path, text] of whole) {
    if (path.endsWith(".elm")) continue;
    const reduced = new Map(stored).set(path, alphabetOf(text));
    const again = check(source.entry, storedHost(reduced), source.overrides);
    if (again.model !== undefined && sameTokenizers(again.model, model)) stored.set(path, alphabetOf(text));
  }
  return stored;
}

/** The distinct characters of a text, in order of their code points. */
export function alphabetOf(text: string): string {
  const seen = new Set<string>();
  for (const character of text) seen.add(character);
  return [...seen].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0)).join("");
}

function sameTokenizers(a: Model, b: Model): boolean {
  const specs = (model: Model) => JSON.stringify([...model.tokenizers].map(([name, { spec, vocabSize }]) => [name, spec, vocabSize]));
  return specs(a) === specs(b);
}
