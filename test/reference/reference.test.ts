// The committed reference values hold together: shapes, counts, schedule, masks, and that the clip and the decline are real.
// What computes against them stands elsewhere; this only keeps the files from drifting apart.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  loadPhilox,
  loadTwins,
  loadTwinTensors,
  microBatches,
  readSafetensors,
  referencePath,
  relativeDistance,
  sharedData,
  type TwinName,
} from "./load.js";

const twins = loadTwins();
const names: readonly TwinName[] = ["gpt", "llama"];

describe("twins", () => {
  it("have 20 batches of 5 rows of 38 ids, as micro-batches of 2 and 3", () => {
    expect(twins.batches.map((b) => b.map((r) => r.length))).toEqual(Array.from({ length: 20 }, () => Array(5).fill(twins.context + 1)));
    for (const id of twins.batches.flat(2)) expect(id).toBeLessThan(twins.vocabulary);
    const parts = microBatches(twins, 3);
    expect(parts.map((p) => p.rows)).toEqual([2, 3]);
    const padded = microBatches(twins, 3, 3);
    expect(padded.map((p) => p.rows)).toEqual([3, 3]);
    const sum = (ps: readonly { readonly weights: Float32Array }[]) => ps.reduce((n, p) => n + p.weights.reduce((a, b) => a + b, 0), 0);
    expect(sum(padded)).toBe(sum(parts));
    expect(sum(parts)).toBe(5 * twins.context - (twins.unpredicted[3] ?? []).reduce((a, b) => a + b, 0));
  });

  it("read the corpus: the batches are its characters, numbered by code point", () => {
    const text = [...readFileSync(referencePath("twin.txt"), "utf8")];
    const alphabet = [...new Set(text)].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0));
    expect(alphabet).toHaveLength(twins.vocabulary);
    const ids = twins.batches.flat(2);
    expect(ids.map((i) => alphabet[i]).join("")).toBe(text.slice(0, ids.length).join(""));
  });

  it("state the schedule's formula", () => {
    const { warmup, steps, peak, floor } = twins;
    twins.rates.forEach((rate, s) => {
      const cosine = floor + (peak - floor) * 0.5 * (1 + Math.cos((Math.PI * (s - warmup)) / (steps - warmup)));
      expect(rate).toBeCloseTo(s < warmup ? (peak * (s + 1)) / warmup : cosine, 12);
    });
  });

  it.each(names)("%s: gradients of every parameter, with the stated norms; the clip bites and the loss falls", (name) => {
    const weights = loadTwinTensors(name, "weights");
    const { losses, gradientNorms, clip } = twins.twins[name];
    for (const [what, step] of [
      ["gradient-1", 0],
      ["gradient-20", 19],
    ] as const) {
      const gradient = loadTwinTensors(name, what);
      expect([...gradient.keys()].sort()).toEqual([...weights.keys()].sort());
      let square = 0;
      for (const [parameter, g] of gradient) {
        expect(g.shape).toEqual(weights.get(parameter)?.shape);
        square += g.data.reduce((a, x) => a + x * x, 0);
      }
      expect(Math.sqrt(square) / (gradientNorms[step] ?? Number.NaN)).toBeCloseTo(1, 6);
    }
    expect(gradientNorms.filter((n) => n > clip).length).toBeGreaterThan(10);
    expect(losses.at(-1)).toBeLessThan(0.9 * (losses[0] ?? Number.NaN));
  });

  it("measures distance relative to the reference", () => {
    expect(relativeDistance([3, 4.5], [3, 4])).toBeCloseTo(0.1, 12);
  });
});

describe("philox.json", () => {
  // Written out once more, in BigInt: independent of the script that made the file and of the runtime.
  function philox(counter: readonly number[], key: readonly number[]): number[] {
    const mask = 0xffffffffn;
    let c = counter.map(BigInt);
    let k = key.map(BigInt);
    for (let round = 0; round < 10; round++) {
      const [c0 = 0n, c1 = 0n, c2 = 0n, c3 = 0n] = c;
      const [k0 = 0n, k1 = 0n] = k;
      const a = 0xd2511f53n * c0;
      const b = 0xcd9e8d57n * c2;
      c = [(b >> 32n) ^ c1 ^ k0, b & mask, (a >> 32n) ^ c3 ^ k1, a & mask];
      k = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
    }
    return c.map(Number);
  }

  it("agrees with the algorithm as published", () => {
    const { published, more } = loadPhilox();
    expect(published).toHaveLength(3);
    for (const [counter, key, result] of [...published, ...more]) expect(philox(counter, key)).toEqual(result);
  });
});

const stories = sharedData("stories260K.safetensors");
if (stories === undefined) console.warn("SKIPPED: stories260K.safetensors is not in ../shared/data");
describe.skipIf(stories === undefined)("stories260K.safetensors", () => {
  it("has the parameters that stories260K.elm names", () => {
    const tensors = readSafetensors(stories ?? "");
    const layer = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"];
    const expected = [
      "token_embd.weight",
      "output_norm.weight",
      ...[0, 1, 2, 3, 4].flatMap((i) => layer.map((n) => `blk.${i}.${n}.weight`)),
    ];
    expect([...tensors.keys()].sort()).toEqual(expected.sort());
  });
});
