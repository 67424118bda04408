// The interface of all tokenizers, and the compact arrays that tokens lie in. Ids are the tokenizer's own: from 0 to vocabSize − 1, specials last.

/** Tokens in the narrowest unsigned type that holds the vocabulary. */
export type TokenArray = Uint8Array | Uint16Array | Uint32Array;

/** Turns tokens into text piece by piece: what is not yet a whole character is held back. */
export interface StreamDecoder {
  push(id: number): string;
  /** What was held back and will never become whole: U+FFFD a broken character. */
  end(): string;
}

/** Text to ids and back. */
export interface Tokenizer {
  readonly kind: "char" | "byte" | "label" | "union";
  readonly vocabSize: number;
  /** Special ids by name. They are never encoded to, and decode to nothing. */
  readonly specials: ReadonlyMap<string, number>;
  /** Throws `EncodeError` naming what has no token and where it stands. */
  encode(text: string): TokenArray;
  decode(ids: Iterable<number>): string;
  decoder(): StreamDecoder;
  /** An id for people: the character, `<name>` of a special, `<0x0A>` of a byte. */
  show(id: number): string;
}

/** Text that has no tokens. */
export class EncodeError extends Error {
  override readonly name = "EncodeError";
  /** Code points before the one that has no token. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/** An empty array of `length` tokens below `vocabSize`. */
export function tokenArray(vocabSize: number, length: number): TokenArray {
  if (vocabSize <= 256) return new Uint8Array(length);
  return vocabSize <= 65536 ? new Uint16Array(length) : new Uint32Array(length);
}

/** Specials take the ids after the last piece. */
export function specialIds(names: readonly string[], first: number): ReadonlyMap<string, number> {
  return new Map(names.map((name, i) => [name, first + i]));
}

/** Decodes all ids with a fresh stream decoder. */
export function decodeAll(decoder: StreamDecoder, ids: Iterable<number>): string {
  let text = "";
  for (const id of ids) text += decoder.push(id);
  return text + decoder.end();
}

/** `<name>` of a special id, undefined for others. */
export function showSpecial(specials: ReadonlyMap<string, number>, id: number): string | undefined {
  for (const [name, special] of specials) if (special === id) return `<${name}>`;
  return undefined;
}

/** A character for messages: visible, quoted, with its code point. */
export function nameOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `${JSON.stringify(character)} (U+${code})`;
}
