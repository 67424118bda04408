// The text reader: characters cut at every chunk edge, splits, rows of any step, the whole of a held-out part.
import { describe, expect, test } from "vitest";
import type { DataSpec, SequenceSpec } from "../../runtime/artifact.js";
import { arraySource } from "../../runtime/bytes.js";
import { CorpusError, readCorpus } from "../../runtime/data/corpus.js";
import { permute } from "../../runtime/data/permute.js";
import { openTextData } from "../../runtime/data/text.js";
import { totalWeight } from "../../runtime/rows.js";
import { openSequence } from "../../runtime/sequences.js";
import { openTokenizers } from "../../runtime/tokenizers/index.js";

const text = "añ漢😀b\r\n𝕏é ".repeat(7);
const characters = [...text];
const tokenizers = openTokenizers({
  chars: { kind: "char", alphabet: [...new Set(characters)], specials: ["bos"] },
  bytes: { kind: "byte", specials: [] },
});
const chars = tokenizers.get("chars");
const bytes = tokenizers.get("bytes");
const utf8 = new TextEncoder().encode(text);
const source = (data: Uint8Array = utf8, name = "a.txt") => arraySource(data, name);

describe("a corpus", () => {
  test.each([4, 5, 6, 7, 11, 1000])("read %i bytes at a time is the text, in memory and paged", async (page) => {
    for (const tokenizer of [chars, bytes]) {
      for (const memory of [0, 2 ** 20]) {
        const corpus = await readCorpus([source()], tokenizer, { page, memory });
        expect(corpus.tokens === undefined).toBe(memory === 0);
        expect(corpus.characters).toBe(characters.length);
        expect(tokenizer.decode(await corpus.read(0, corpus.length))).toBe(text);
        for (const [first, count] of [
          [3, 9],
          [corpus.length - 2, 2],
          [20, 1],
        ] as const) {
          expect([...(await corpus.read(first, count))]).toEqual([...tokenizer.encode(text)].slice(first, first + count));
        }
        for (const at of [0, 1, 4, 5, 33, characters.length])
          expect(await corpus.tokenAt(at)).toBe(tokenizer.encode(characters.slice(0, at).join("")).length);
      }
    }
  });
  test("of several files is their texts in order, each without its byte-order mark", async () => {
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...utf8]);
    const corpus = await readCorpus([source(marked), source(utf8), source(new Uint8Array(0), "empty")], chars, { page: 8 });
    expect(chars.decode(await corpus.read(0, corpus.length))).toBe(text + text);
  });
  test("that is not UTF-8 is refused with the place", async () => {
    const broken = Uint8Array.from(utf8);
    broken[40] = 0xff;
    await expect(readCorpus([source(broken)], bytes, { page: 16 })).rejects.toThrow("a.txt is not UTF-8: the byte at 40");
    await expect(readCorpus([source(utf8.subarray(0, 2))], bytes)).rejects.toThrow(CorpusError);
  });
  test("with a character that the tokenizer does not know is refused", async () => {
    await expect(readCorpus([source(new TextEncoder().encode("aé?"))], chars)).rejects.toThrow(
      'a.txt: The character "?" (U+003F) at position 2',
    );
  });
});

const spec: DataSpec = {
  name: "plays",
  source: { kind: "text", paths: ["a.txt"] },
  base: "",
  split: { train: 0.9, val: 0.1 },
  field: "text",
};
const passage: SequenceSpec = {
  name: "passage",
  vocabulary: "chars",
  fields: [{ name: "text", tokenizer: "chars", list: false }],
  tokens: [{ kind: "predict", parts: [{ kind: "field", name: "text" }], weight: 1 }],
  rows: "window",
};
const open = (extra: Partial<SequenceSpec> = {}, memory = 2 ** 20, split = spec.split) =>
  openTextData({ ...spec, split }, [source()], openSequence({ ...passage, ...extra }, tokenizers), chars, { memory, page: 16 });
const place = { seed: 5, step: 0, micro: 0, batch: 4, accumulate: 2, length: 6 };
const ids = [...chars.encode(text)];

describe("text data", () => {
  test("is split by characters, the last part taking the rest", async () => {
    const data = await open();
    expect(data.splits).toEqual(["train", "val"]);
    expect(data.tokens("train")).toBe(Math.floor(characters.length * 0.9));
    expect(data.tokens("train") + data.tokens("val")).toBe(characters.length);
    expect((await open({}, 2 ** 20, {})).splits).toEqual(["train"]);
    await expect(open({}, 2 ** 20, { train: 0.5, val: 0.4 })).rejects.toThrow("add up to 1");
    await expect(data.rows("test", place)).rejects.toThrow("no part `test`; it has `train`, `val`");
  });
  test("windows are cuts of the part, the same whenever they are asked for, in memory and paged", async () => {
    const data = await open();
    const paged = await open({}, 0);
    const starts = new Set<number>();
    for (let step = 0; step < 60; step++) {
      const rows = await data.rows("train", { ...place, step, micro: step % 2 });
      expect(await paged.rows("train", { ...place, step, micro: step % 2 })).toEqual(rows);
      for (let b = 0; b < 4; b++) {
        const inputs = [...rows.tokens.subarray(b * 6, b * 6 + 6)];
        const targets = [...rows.targets.subarray(b * 6, b * 6 + 6)];
        expect(targets.slice(0, 5)).toEqual(inputs.slice(1));
        const row = [...inputs, targets[5]];
        const found = ids.findIndex((_, at) => row.every((id, i) => ids[at + i] === id));
        expect(found).toBeGreaterThanOrEqual(0);
        starts.add(found);
      }
      expect([...rows.position.subarray(6, 12)]).toEqual([0, 1, 2, 3, 4, 5]);
      expect(totalWeight(rows)).toBe(24);
    }
    // The text repeats every ten characters, so ten different starts are all there are.
    expect(starts.size).toBe(10);
    expect(await data.rows("train", { ...place, seed: 6 })).not.toEqual(await data.rows("train", place));
  });
  test("windows begin anywhere from the first token to the last that has a whole row after it", async () => {
    const letters = "añ漢😀b\r\n𝕏é";
    const data = await openTextData(
      { ...spec, split: {} },
      [source(new TextEncoder().encode(letters))],
      openSequence(passage, tokenizers),
      chars,
    );
    const starts = new Set<number>();
    for (let step = 0; step < 40; step++) {
      const rows = await data.rows("train", { ...place, step });
      for (let b = 0; b < 4; b++) starts.add([...chars.encode(letters)].indexOf(rows.tokens[b * 6] ?? -1));
    }
    expect([...starts].sort()).toEqual([0, 1, 2]);
  });
  test("a stream holds every cut once an epoch, in another order each epoch", async () => {
    const data = await open({ rows: "stream" }, 2 ** 20, {});
    const perEpoch = Math.floor((ids.length - 1) / 6);
    const seen: string[] = [];
    for (let step = 0; step * 8 < 2 * perEpoch; step++) {
      for (const micro of [0, 1]) {
        const rows = await data.rows("train", { ...place, step, micro });
        for (let b = 0; b < 4; b++) seen.push(rows.tokens.subarray(b * 6, b * 6 + 6).join());
      }
    }
    const expected = Array.from({ length: perEpoch }, (_, k) => ids.slice(k * 6, k * 6 + 6).join()).sort();
    expect(seen.slice(0, perEpoch).sort()).toEqual(expected);
    expect(seen.slice(perEpoch, 2 * perEpoch).sort()).toEqual(expected);
    expect(seen.slice(perEpoch, 2 * perEpoch)).not.toEqual(seen.slice(0, perEpoch));
  });
  test.each([
    [2, 2],
    [1, 4],
    [3, 4],
    [1, 6],
  ])("a part is scored in windows side by side, %i of %i: every token but the first once", async (batch, length) => {
    const data = await open();
    const first = data.tokens("train");
    const batches = data.evaluationBatches("val", batch, length);
    let weight = 0;
    const targets: number[] = [];
    for (let k = 0; k < batches; k++) {
      const rows = await data.evaluationRows("val", batch, length, k);
      weight += totalWeight(rows);
      rows.targets.forEach((id, i) => {
        if ((rows.weights[i] ?? 0) > 0) targets.push(id);
      });
    }
    expect(weight).toBe(data.tokens("val") - 1);
    expect(targets).toEqual(ids.slice(first + 1));
  });
  test("a part shorter than a row is refused with both numbers", async () => {
    const data = await open();
    await expect(data.rows("val", { ...place, length: 64 })).rejects.toThrow("has 7 tokens, but a row holds context_length + 1 = 65");
    await expect((await open({ rows: "one" })).rows("train", place)).rejects.toThrow("use `rows = window` or `stream`");
  });
});

test("permute is a bijection", () => {
  for (const n of [1, 2, 3, 10, 64, 65, 257]) {
    const order = Array.from({ length: n }, (_, i) => permute(n, i, [1, 2]));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
  }
});
