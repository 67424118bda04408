// The sequence evaluator: layouts, rows, prompts, stop rules and legal ids from one pattern.
import { describe, expect, test } from "vitest";
import type { PatternPart, SequenceSpec } from "../../runtime/artifact.js";
import { emptyRows, PADDING, shortened, totalWeight, writeOne, writePacked } from "../../runtime/rows.js";
import { describeSequence, openSequence, printLayout, SequenceError } from "../../runtime/sequences.js";
import { openTokenizers } from "../../runtime/tokenizers/index.js";

const tokenizers = openTokenizers({
  chars: { kind: "char", alphabet: [..."abcdefgh \n"], specials: ["bos", "eos", "null"] },
  bytes: { kind: "byte", specials: [] },
  both: { kind: "union", members: ["bytes", "chars"], offsets: [0, 256], specials: { eos: 267, end: 300 }, vocabSize: 310 },
  // Bytes of which one is a special instead.
  marked: { kind: "union", members: ["bytes"], offsets: [0], specials: { leaf: 7 }, vocabSize: 256 },
});
const field = (name: string): PatternPart => ({ kind: "field", name });
const special = (name: string, id: number): PatternPart => ({ kind: "special", name, id });
const text = (value: string, tokenizer = "chars"): PatternPart => ({ kind: "text", text: value, tokenizer });
const predict = (weight: number, ...parts: PatternPart[]): PatternPart => ({ kind: "predict", parts, weight });
const bos = special("bos", 10);
const eos = special("eos", 11);

function sequence(tokens: PatternPart[], names: string[], extra: Partial<SequenceSpec> = {}) {
  const spec: SequenceSpec = {
    name: "s",
    vocabulary: "chars",
    fields: names.map((name) => ({ name, tokenizer: "chars", list: false })),
    tokens,
    rows: "one",
    ...extra,
  };
  return openSequence(spec, tokenizers);
}
const chat = sequence([bos, field("question"), text(" "), predict(1, field("answer"), eos)], ["question", "answer"]);
const bits = (mask: Uint32Array, size: number) =>
  Array.from({ length: size }, (_, id) => id).filter((id) => (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1);

describe("layout", () => {
  test("neighbouring text on one side of predict is encoded at once", () => {
    const spans = chat.layout({ question: "ab", answer: "cd" });
    expect(spans.map((span) => [span.source, [...(span.ids ?? [])], span.predicted, span.weight])).toEqual([
      ["<bos>", [10], false, 0],
      ['question + " "', [0, 1, 8], false, 0],
      ["answer", [2, 3], true, 1],
      ["<eos>", [11], true, 1],
    ]);
  });
  test("is printed", () => {
    expect(printLayout(chat, chat.layout({ question: "a", answer: "\n" }))).toBe(
      '0\t10\t<bos>\t-\t<bos>\n1\t0\ta\t-\tquestion + " "\n2\t8\t \t-\tquestion + " "\n3\t9\t\\n\t1\tanswer\n4\t11\t<eos>\t1\t<eos>\n',
    );
    expect(describeSequence(chat.spec)).toBe(
      'sequence s(question: chars, answer: chars) -> chars\nrows = one: one example a row, padded\ntokens\n  special bos, id 10\n  field question\n  text " ", by chars\n  predict, weight 1\n    field answer\n    special eos, id 11\n',
    );
  });
  test("drop and one_of are drawn in training and plain when generating", () => {
    const dropping = sequence(
      [
        { kind: "drop", parts: [field("a"), text("b")], to: [special("null", 12)], rate: 0.25 },
        { kind: "oneOf", alternatives: [text("c"), text("d"), text("e")] },
        predict(0.5, field("x")),
      ],
      ["a", "x"],
    );
    const ids = (numbers?: number[]) => {
      const queue = [...(numbers ?? [])];
      const draw = numbers === undefined ? undefined : () => queue.shift() ?? 0;
      return dropping.layout({ a: "a", x: "h" }, draw).flatMap((span) => [...(span.ids ?? [])]);
    };
    expect(ids()).toEqual([0, 1, 2, 7]);
    expect(ids([0.3, 0.99])).toEqual([0, 1, 4, 7]);
    expect(ids([0.2, 0.5])).toEqual([12, 3, 7]);
  });
  test("a member's tokens enter a union by its offset", () => {
    const mixed = sequence([{ kind: "field", name: "x" }, predict(1, text("a", "bytes"))], ["x"], { vocabulary: "both" });
    expect(mixed.layout({ x: "b" }).flatMap((span) => [...(span.ids ?? [])])).toEqual([257, 97]);
  });
  test("what is missing, unknown or of another vocabulary is named", () => {
    expect(() => chat.layout({ question: "a" })).toThrow("needs the field `answer`");
    expect(() => sequence([text("a", "bytes"), predict(1, field("x"))], ["x"]).layout({ x: "a" })).toThrow("no part of `chars`");
    expect(() => openSequence({ ...chat.spec, fields: [{ name: "x", tokenizer: "chars", list: true }] }, tokenizers)).toThrow("is a list");
  });
});

describe("rows", () => {
  test("one example a row, padded: targets are the inputs moved by one", () => {
    const rows = emptyRows(2, 7);
    expect(writeOne(rows, 0, chat.layout({ question: "a", answer: "cd" }), undefined)).toBe(true);
    expect(writeOne(rows, 1, chat.layout({ question: "abcdefg", answer: "c" }), undefined)).toBe(false);
    expect([...rows.tokens]).toEqual([10, 0, 8, 2, 3, 11, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...rows.targets]).toEqual([0, 8, 2, 3, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...rows.weights]).toEqual([0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...rows.predicted.subarray(0, 7)]).toEqual([0, 0, 0, 1, 1, 1, 0]);
    expect([...rows.position.subarray(0, 7)]).toEqual([0, 1, 2, 3, 4, 5, 0]);
    expect([...rows.segment.subarray(0, 7)]).toEqual([0, 0, 0, 0, 0, 0, PADDING]);
    expect(totalWeight(rows)).toBe(3);
  });
  test("an example that fills the row exactly has its last token as target only", () => {
    const rows = emptyRows(1, 4);
    expect(writeOne(rows, 0, chat.layout({ question: "a", answer: "c" }), undefined)).toBe(true);
    expect([...rows.tokens]).toEqual([10, 0, 8, 2]);
    expect([...rows.targets]).toEqual([0, 8, 2, 11]);
  });
  test("shorten gives way at its end", () => {
    const shortening = sequence([field("a"), predict(1, field("b"), eos)], ["a", "b"], { shorten: "a" });
    const spans = shortening.layout({ a: "abcd", b: "ef" });
    expect(shortened(spans, 5, "a")?.flatMap((span) => [...(span.ids ?? [])])).toEqual([0, 1, 4, 5, 11]);
    expect(shortened(spans, 3, "a")?.length).toBe(2);
    expect(shortened(spans, 2, "a")).toBeUndefined();
  });
  test("packed examples are segments with positions of their own, the first token of each has no loss", () => {
    const packing = sequence([predict(1, field("x"), eos)], ["x"]);
    const rows = emptyRows(1, 7);
    const count = writePacked(
      rows,
      0,
      ["ab", "cde", "f"].map((x) => packing.layout({ x })),
    );
    expect(count).toBe(2);
    expect([...rows.tokens]).toEqual([0, 1, 11, 2, 3, 4, 11]);
    expect([...rows.segment]).toEqual([0, 0, 0, 1, 1, 1, 1]);
    expect([...rows.position]).toEqual([0, 1, 2, 0, 1, 2, 3]);
    expect([...rows.weights]).toEqual([1, 1, 0, 1, 1, 1, 0]);
  });
});

describe("prompt", () => {
  test("draws the missing field, up to the special after it", () => {
    const prompt = chat.prompt({ question: "ab" });
    expect(prompt).toMatchObject({ ids: [10, 0, 1, 8], field: "answer", stop: 11 });
    expect(bits(prompt.legal, 13)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]);
  });
  test("goes on from a field given in part", () => {
    const passage = sequence([predict(1, field("text"))], ["text"]);
    const prompt = passage.prompt({ text: "ab" });
    expect(prompt).toMatchObject({ ids: [0, 1], field: "text", stop: undefined });
    expect(bits(prompt.legal, 13)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(chat.prompt({ question: "a", answer: "b" }).ids).toEqual([10, 0, 8, 1]);
  });
  test("needs what is not predicted, something to start from, and a single part to draw", () => {
    expect(() => chat.prompt({ answer: "a" })).toThrow("`question` of sequence `s` is not predicted");
    expect(() => chat.prompt({ q: "a" })).toThrow("no field `q`; it has `question`, `answer`");
    expect(() => sequence([predict(1, field("x"))], ["x"]).prompt({})).toThrow("Something must stand before");
    expect(() => sequence([predict(1, field("x"))], ["x"]).prompt({ x: "" })).toThrow("Something must stand before");
    expect(() => sequence([bos, predict(1, field("x"), eos, field("y"))], ["x", "y"]).prompt({})).toThrow(
      "more predicted fields after `x`",
    );
    expect(() => sequence([bos, field("x")], ["x"]).prompt({ x: "a" })).toThrow(SequenceError);
  });
  test("in a union only the field's own tokens are legal, without the ids that left it", () => {
    const mixed = sequence([text("a", "bytes"), predict(1, field("x"), special("end", 300))], ["x"], { vocabulary: "both" });
    const legal = bits(mixed.prompt({}).legal, 310);
    expect(legal).toEqual([256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 300]);
    const fields = [{ name: "x", tokenizer: "bytes", list: false }];
    const marked = sequence([text("a", "bytes"), predict(1, field("x"))], ["x"], { vocabulary: "marked", fields });
    expect(bits(marked.prompt({}).legal, 256)).toEqual(Array.from({ length: 256 }, (_, id) => id).filter((id) => id !== 7));
  });
});
