// One token a name of a fixed list. In: a name, or names one a line. Out: their ids; any other name is an error.

import { EncodeError, showSpecial, specialIds, type Tokenizer, tokenArray } from "./tokenizer.js";

export function labelTokenizer(names: readonly string[], specialNames: readonly string[]): Tokenizer {
  const specials = specialIds(specialNames, names.length);
  const vocabSize = names.length + specialNames.length;
  const ids = new Map(names.map((name, id) => [name, id]));
  const decoder = () => {
    let first = true;
    return {
      push: (id: number) => {
        const name = names[id];
        if (name === undefined) return "";
        const text = first ? name : `\n${name}`;
        first = false;
        return text;
      },
      end: () => "",
    };
  };
  return {
    kind: "label",
    vocabSize,
    specials,
    encode: (text) => {
      const given = text === "" ? [] : text.split("\n");
      const tokens = tokenArray(vocabSize, given.length);
      given.forEach((name, i) => {
        const id = ids.get(name);
        if (id === undefined)
          throw new EncodeError(
            `"${name}" is none of the ${names.length} labels (${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}).`,
            i,
          );
        tokens[i] = id;
      });
      return tokens;
    },
    decode: (tokens) => {
      const stream = decoder();
      let text = "";
      for (const id of tokens) text += stream.push(id);
      return text;
    },
    decoder,
    show: (id) => names[id] ?? showSpecial(specials, id) ?? `<${id}>`,
  };
}
