// The plain sampler by its own rules, one filter at a time, and the ops that keep caches and counts.

import { expect, it } from "vitest";
import { evaluateAll } from "../../compiler/interpret.js";
import { Builder } from "../../compiler/ir/builder.js";
import { type SampleSettings, sampleOne } from "../../compiler/ops/decode.js";
import { words } from "./cases.js";

const off: SampleSettings = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
const all = () => true;
const nothing = () => false;

/** Probabilities of each id, from where the draws of 1000 evenly spread numbers fall. */
function shares(
  logits: readonly number[],
  settings: Partial<SampleSettings>,
  seen: (id: number) => boolean = nothing,
  allowed: (id: number) => boolean = all,
): number[] {
  const counts = logits.map(() => 0);
  for (let i = 0; i < 1000; i++) {
    const id = sampleOne(Float32Array.from(logits), seen, allowed, { ...off, ...settings }, (i + 0.5) / 1000);
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts.map((n) => n / 1000);
}

const log = Math.log;
/** Probabilities 0.1, 0.4, 0.2, 0.3. */
const four = [log(1), log(4), log(2), log(3)];
const near = (expected: readonly number[]) => expected.map((p) => expect.closeTo(p, 2));

it("draws by the inverse of the cumulative probability, ids rising", () => {
  expect(shares(four, {})).toEqual(near([0.1, 0.4, 0.2, 0.3]));
  expect(sampleOne(Float32Array.from(four), nothing, all, off, 0)).toBe(0);
  expect(sampleOne(Float32Array.from(four), nothing, all, off, 1 - 2 ** -24)).toBe(3);
  // Half of two equal ones: the first's share ends there, and what lies at its end is the second's.
  expect(sampleOne(Float32Array.of(1, 1), nothing, all, off, 0.5 - 2 ** -24)).toBe(0);
  expect(sampleOne(Float32Array.of(1, 1), nothing, all, off, 0.5)).toBe(1);
});

it("divides by temperature; at 0 takes the largest, the lowest id of equals", () => {
  expect(shares(four, { temperature: 0.5 })).toEqual(near([1 / 30, 16 / 30, 4 / 30, 9 / 30]));
  expect(shares([1, 3, 3, 2], { temperature: 0 })).toEqual([0, 1, 0, 0]);
});

it("keeps the k largest, the lowest ids of equals at the k-th", () => {
  expect(shares(four, { topK: 2 })).toEqual(near([0, 4 / 7, 0, 3 / 7]));
  expect(shares([0, 1, 0, 0], { topK: 2 })).toEqual(near([1 / (1 + Math.E), Math.E / (1 + Math.E), 0, 0]));
  expect(shares(four, { topK: 1 })).toEqual([0, 1, 0, 0]);
  expect(shares(four, { topK: 9 })).toEqual(near([0.1, 0.4, 0.2, 0.3]));
});

it("keeps the fewest that reach p, of the mass that top-k left", () => {
  expect(shares(four, { topP: 0.6 })).toEqual(near([0, 4 / 7, 0, 3 / 7]));
  expect(shares(four, { topP: 0 })).toEqual([0, 1, 0, 0]);
  // Two of four equal ones are exactly one half: a third is not needed.
  expect(shares([0, 0, 0, 0], { topP: 0.5 })).toEqual([0.5, 0.5, 0, 0]);
  expect(shares(four, { topP: 1 })).toEqual(near([0.1, 0.4, 0.2, 0.3]));
  // Of 0.4, 0.3, 0.2 the first is 4/9 < 0.45, so it takes two; of the whole mass it would take two as well only below 0.7.
  expect(shares(four, { topK: 3, topP: 0.45 })).toEqual(near([0, 4 / 7, 0, 3 / 7]));
  expect(shares(four, { topK: 3, topP: 0.72 })).toEqual(near([0, 4 / 7, 0, 3 / 7]));
});

it("drops what has less than min_p times the largest probability", () => {
  expect(shares(four, { minP: 0.6 })).toEqual(near([0, 4 / 7, 0, 3 / 7]));
  expect(shares(four, { minP: 1 })).toEqual([0, 1, 0, 0]);
});

it("penalises ids that stand before: positive logits divided, others multiplied", () => {
  const seen = (id: number) => id < 2;
  expect(shares([2, -1, 1, 0], { repetitionPenalty: 2, temperature: 1 }, seen)).toEqual(shares([1, -2, 1, 0], {}));
});

it("draws allowed ids only", () => {
  expect(shares(four, { topK: 2 }, nothing, (id) => id !== 1)).toEqual(near([0, 0, 2 / 5, 3 / 5]));
  expect(shares(four, { temperature: 0 }, nothing, (id) => id === 2)).toEqual([0, 0, 1, 0]);
});

it("writes rows into caches and drops positions beyond them", () => {
  const b = new Builder("cache");
  const state = (name: string, dtype: "f32" | "u32", shape: readonly number[]) => b.emit("state", [], { name, dtype, shape });
  const written = b.emit(
    "cache_write",
    [state("cache", "f32", [2, 3, 2]), state("rows", "f32", [2, 2, 2]), state("positions", "u32", [2, 2])],
    {},
  );
  const dropped = b.emit(
    "cache_write",
    [state("cache", "f32", [2, 3, 2]), state("rows", "f32", [2, 2, 2]), state("beyond", "u32", [2, 2])],
    {},
  );
  const counted = b.emit("tally", [state("counts", "u32", [2, 3]), state("ids", "u32", [2])], {});
  const bindings = {
    cache: new Float32Array(12),
    rows: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    positions: words([2, 2], 2, 0xffffffff, 0, 1).data,
    // The first position beyond the cache is the next lane's first.
    beyond: words([2, 2], 3, 1, 3, 3).data,
    counts: words([2, 3], 0, 1, 0, 0, 0, 5).data,
    ids: words([2], 1, 2).data,
  };
  const values = evaluateAll(b.finish(), { state: bindings }, [written, dropped, counted]);
  expect([...(values.get(written)?.[0] ?? [])]).toEqual([0, 0, 0, 0, 1, 2, 5, 6, 7, 8, 0, 0]);
  expect([...(values.get(dropped)?.[0] ?? [])]).toEqual([0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect([...(values.get(counted)?.[0] ?? [])]).toEqual([0, 2, 0, 0, 0, 6]);
});
