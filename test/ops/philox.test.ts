// The published vectors of Philox-4x32-10 and those of an implementation of its own (test/reference), and the streams made of it.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { evaluateAll } from "../../compiler/interpret.js";
import { Builder } from "../../compiler/ir/builder.js";
import { philox, sampleNumber, uniform, unit, type Words2, type Words4 } from "../../compiler/ops/philox.js";

type Vector = readonly [counter: Words4, key: Words2, words: Words4];
const vectors = JSON.parse(readFileSync(new URL("../reference/philox.json", import.meta.url), "utf8")) as Readonly<
  Record<"published" | "more", readonly Vector[]>
>;

it("meets its published vectors", () => {
  expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  expect(vectors.published.length).toBeGreaterThanOrEqual(3);
  for (const [counter, key, words] of [...vectors.published, ...vectors.more]) expect(philox(counter, key)).toEqual(words);
});

it("gives uniform element by element: word i mod 4 of counter (⌊i/4⌋, place, step, 0)", () => {
  const stream = uniform(11, 5, 6, 7);
  stream.forEach((value, i) => {
    expect(value).toBe(unit(philox([Math.floor(i / 4), 7, 6, 0], [5, 0x756c6d75])[i % 4] ?? 0));
  });
  const b = new Builder("uniform");
  const [seed, step] = (["seed", "step"] as const).map((name) => b.emit("scalar", [], { name, dtype: "u32" }));
  if (seed === undefined || step === undefined) throw new Error("no scalars");
  const value = b.emit("uniform", [seed, step], { place: 7, shape: [11] });
  expect(evaluateAll(b.finish(), { scalars: { seed: 5, step: 6 } }, [value]).get(value)?.[0]).toEqual(stream);
});

it("draws samples from a stream of their own", () => {
  expect(sampleNumber(9, 3, 2)).toBe((philox([3, 2, 0, 1], [9, 0x73616d70])[0] >>> 8) * 2 ** -24);
  const mean = Array.from({ length: 4096 }, (_, i) => sampleNumber(1, i, 0)).reduce((a, b) => a + b) / 4096;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
});
