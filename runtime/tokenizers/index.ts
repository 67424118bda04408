// In: an artifact's tokenizer specs. Out: tokenizers by name, and where one's tokens lie in another's vocabulary.

import type { TokenizerSpec } from "../artifact.js";
import { byteTokenizer } from "./byte.js";
import { charTokenizer } from "./char.js";
import { labelTokenizer } from "./label.js";
import type { Tokenizer } from "./tokenizer.js";
import { unionTokenizer } from "./union.js";

export { EncodeError, type StreamDecoder, type TokenArray, type Tokenizer, tokenArray } from "./tokenizer.js";

/** The tokenizers of an artifact, by name. */
export interface Tokenizers {
  /** Throws where there is none of that name. */
  get(name: string): Tokenizer;
  /** What is added to `tokenizer`'s ids in `vocabulary`; undefined where it is no part of it. */
  offset(vocabulary: string, tokenizer: string): number | undefined;
}

/** Opens all tokenizers; a union's members are opened with it. */
export function openTokenizers(specs: Readonly<Record<string, TokenizerSpec>>): Tokenizers {
  const open = new Map<string, Tokenizer>();
  const get = (name: string): Tokenizer => {
    const known = open.get(name);
    if (known !== undefined) return known;
    const spec = specs[name];
    if (spec === undefined) throw new Error(`There is no tokenizer "${name}".`);
    const made = openTokenizer(spec, get);
    open.set(name, made);
    return made;
  };
  return {
    get,
    offset: (vocabulary, tokenizer) => {
      if (vocabulary === tokenizer) return 0;
      const spec = specs[vocabulary];
      if (spec?.kind !== "union") return undefined;
      const index = spec.members.indexOf(tokenizer);
      return index < 0 ? undefined : spec.offsets[index];
    },
  };
}

function openTokenizer(spec: TokenizerSpec, get: (name: string) => Tokenizer): Tokenizer {
  switch (spec.kind) {
    case "char":
      return charTokenizer(spec.alphabet, spec.specials);
    case "byte":
      return byteTokenizer(spec.specials);
    case "label":
      return labelTokenizer(spec.names, spec.specials);
    case "union": {
      const members = spec.members.map((name, i) => ({ name, tokenizer: get(name), offset: spec.offsets[i] ?? 0 }));
      return unionTokenizer(members, new Map(Object.entries(spec.specials)), spec.vocabSize);
    }
  }
}
