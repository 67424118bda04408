// Tokenizers: text → ids → the same text, errors that name what has no token, and streams that hold back unfinished characters.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EncodeError, openTokenizers } from "../../runtime/tokenizers/index.js";

const alphabet = ["\n", " ", "a", "é", "漢", "😀", "𝕏"];
const tokenizers = openTokenizers({
  chars: { kind: "char", alphabet, specials: ["bos", "eos"] },
  bytes: { kind: "byte", specials: ["eos"] },
  classes: { kind: "label", names: ["cat", "dog", "owl"], specials: [] },
  all: { kind: "union", members: ["bytes", "classes"], offsets: [0, 257], specials: { boi: 260, leaf: 7 }, vocabSize: 300 },
});
const chars = tokenizers.get("chars");
const bytes = tokenizers.get("bytes");
const all = tokenizers.get("all");
const overAlphabet = fc.array(fc.constantFrom(...alphabet)).map((letters) => letters.join(""));

describe("char", () => {
  test("round trips, one token a code point", () => {
    fc.assert(
      fc.property(overAlphabet, (text) => {
        const ids = chars.encode(text);
        expect(ids.length).toBe([...text].length);
        expect(chars.decode(ids)).toBe(text);
      }),
    );
  });
  test("an unknown character is named with its place, counted in code points", () => {
    expect(() => chars.encode("a😀b")).toThrow('"b" (U+0062) at position 2');
    expect(() => chars.encode("\ud83d")).toThrow(EncodeError);
  });
  test("specials come after the alphabet and decode to nothing", () => {
    expect(chars.vocabSize).toBe(9);
    expect(chars.specials).toEqual(
      new Map([
        ["bos", 7],
        ["eos", 8],
      ]),
    );
    expect(chars.decode([7, 2, 8])).toBe("a");
    expect([2, 7, 40].map(chars.show)).toEqual(["a", "<bos>", "<40>"]);
  });
});

describe("byte", () => {
  test("round trips any text, streamed or at once", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const ids = bytes.encode(text);
        expect(bytes.decode(ids)).toBe(text);
        const stream = bytes.decoder();
        const pieces = [...ids].map((id) => stream.push(id));
        pieces.push(stream.end());
        expect(pieces.join("")).toBe(text);
        expect(pieces.every((piece) => !piece.includes("\ufffd") || text.includes("\ufffd"))).toBe(true);
      }),
    );
  });
  test("holds back an unfinished character, and gives U+FFFD when it never comes", () => {
    const stream = bytes.decoder();
    const [a = 0, b = 0, c = 0, d = 0] = bytes.encode("😀");
    expect([stream.push(a), stream.push(b), stream.push(c), stream.push(d)]).toEqual(["", "", "", "😀"]);
    expect(stream.push(a)).toBe("");
    expect(stream.end()).toBe("\ufffd");
    expect(bytes.decode([0x61, a, 256, 0x62])).toBe("a\ufffdb");
    expect(bytes.decode([0xef, 0xbb, 0xbf, 0x61])).toBe("\ufeffa");
  });
  test("half a surrogate pair is refused", () => {
    expect(() => bytes.encode("a\udc00")).toThrow("surrogate");
    expect([0x0a, 0x41, 256].map(bytes.show)).toEqual(["<0x0A>", "A", "<eos>"]);
  });
});

test("label", () => {
  const classes = tokenizers.get("classes");
  expect([...classes.encode("dog\ncat")]).toEqual([1, 0]);
  expect(classes.decode([1, 0])).toBe("dog\ncat");
  expect(() => classes.encode("fish")).toThrow('"fish" is none of the 3 labels (cat, dog, owl)');
});

test("union", () => {
  expect(tokenizers.offset("all", "classes")).toBe(257);
  expect(tokenizers.offset("all", "chars")).toBeUndefined();
  expect(tokenizers.offset("chars", "chars")).toBe(0);
  expect(all.decode([0x61, 0xc3, 258, 260, 0x62, 7])).toBe("a\ufffddogb");
  expect([7, 258, 0x62, 280].map(all.show)).toEqual(["<leaf>", "dog", "b", "<280>"]);
  expect(() => all.encode("a")).toThrow("one member of the union");
  expect(() => tokenizers.get("none")).toThrow('no tokenizer "none"');
});
