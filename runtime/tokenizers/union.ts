// Several tokenizers as one vocabulary: members take consecutive id ranges, specials ids of the whole. In: nothing as text (a field's text is
// encoded by its member and moved by the member's offset). Out: text of mixed tokens, each run by its member.

import { decodeAll, EncodeError, type StreamDecoder, type Tokenizer } from "./tokenizer.js";

export interface Member {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly offset: number;
}

export function unionTokenizer(members: readonly Member[], specials: ReadonlyMap<string, number>, vocabSize: number): Tokenizer {
  const special = new Map([...specials].map(([name, id]) => [id, name]));
  const memberOf = (id: number): Member | undefined => {
    if (special.has(id)) return undefined;
    return members.find((member) => id >= member.offset && id < member.offset + member.tokenizer.vocabSize);
  };
  const decoder = (): StreamDecoder => {
    let current: { readonly member: Member; readonly stream: StreamDecoder } | undefined;
    return {
      push: (id) => {
        const member = memberOf(id);
        if (member !== undefined && current?.member === member) return current.stream.push(id - member.offset);
        const rest = current?.stream.end() ?? "";
        current = member === undefined ? undefined : { member, stream: member.tokenizer.decoder() };
        return rest + (current === undefined || member === undefined ? "" : current.stream.push(id - member.offset));
      },
      end: () => current?.stream.end() ?? "",
    };
  };
  return {
    kind: "union",
    vocabSize,
    specials,
    encode: () => {
      throw new EncodeError(`Text must be of one member of the union (${members.map((member) => member.name).join(", ")}).`, 0);
    },
    decode: (ids) => decodeAll(decoder(), ids),
    decoder,
    show: (id) => {
      const name = special.get(id);
      if (name !== undefined) return `<${name}>`;
      const member = memberOf(id);
      return member === undefined ? `<${id}>` : member.tokenizer.show(id - member.offset);
    },
  };
}
