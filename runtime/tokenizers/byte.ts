// One token a UTF-8 byte, ids 0 to 255. In: any text. Out: its bytes; back: text, with unfinished characters held back until they are whole.

import { decodeAll, EncodeError, type StreamDecoder, showSpecial, specialIds, type TokenArray, type Tokenizer } from "./tokenizer.js";

export function byteTokenizer(specialNames: readonly string[]): Tokenizer {
  const specials = specialIds(specialNames, 256);
  return {
    kind: "byte",
    vocabSize: 256 + specialNames.length,
    specials,
    encode: (text): TokenArray => {
      const lone = loneSurrogate(text);
      if (lone >= 0) throw new EncodeError(`The text has half of a surrogate pair at UTF-16 index ${lone}, which has no bytes.`, lone);
      return new TextEncoder().encode(text);
    },
    decode: (ids) => decodeAll(utf8Decoder(), ids),
    decoder: utf8Decoder,
    show: (id) =>
      id < 256
        ? id > 32 && id < 127
          ? String.fromCharCode(id)
          : `<0x${id.toString(16).toUpperCase().padStart(2, "0")}>`
        : (showSpecial(specials, id) ?? `<${id}>`),
  };
}

/** Bytes in, whole characters out; a byte that can start or continue nothing gives U+FFFD. Ids above 255 end an unfinished character. */
function utf8Decoder(): StreamDecoder {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const one = new Uint8Array(1);
  return {
    push: (id) => {
      if (id > 255) return decoder.decode();
      one[0] = id;
      return decoder.decode(one, { stream: true });
    },
    end: () => decoder.decode(),
  };
}

/** Index of a surrogate without its other half, −1 where there is none. */
function loneSurrogate(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(i + 1);
    if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return i;
    i += 1;
  }
  return -1;
}
