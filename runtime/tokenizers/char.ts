// One token a Unicode code point, never half of a surrogate pair. In: text over a fixed alphabet. Out: ids into it; any other character is an error.

import { decodeAll, EncodeError, nameOf, showSpecial, specialIds, type Tokenizer, tokenArray } from "./tokenizer.js";

export function charTokenizer(alphabet: readonly string[], specialNames: readonly string[]): Tokenizer {
  const specials = specialIds(specialNames, alphabet.length);
  const vocabSize = alphabet.length + specialNames.length;
  const ids = new Map(alphabet.map((character, id) => [character.codePointAt(0) ?? 0, id]));
  const decoder = () => ({ push: (id: number) => alphabet[id] ?? "", end: () => "" });
  return {
    kind: "char",
    vocabSize,
    specials,
    encode: (text) => {
      const tokens = tokenArray(vocabSize, text.length);
      let count = 0;
      for (let i = 0; i < text.length; i++) {
        const code = text.codePointAt(i) ?? 0;
        const id = ids.get(code);
        if (id === undefined) {
          throw new EncodeError(
            `The character ${nameOf(String.fromCodePoint(code))} at position ${count} is not one of the ${alphabet.length} in the alphabet.`,
            count,
          );
        }
        if (code > 0xffff) i += 1;
        tokens[count++] = id;
      }
      return tokens.slice(0, count);
    },
    decode: (tokens) => decodeAll(decoder(), tokens),
    decoder,
    show: (id) => alphabet[id] ?? showSpecial(specials, id) ?? `<${id}>`,
  };
}
