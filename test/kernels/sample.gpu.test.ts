// The device's sampler against the plain one, token by token: each filter alone, in pairs and all together, at its edges.

import { expect, test } from "vitest";
import { kernels } from "../../compiler/kernels/index.js";
import { ops } from "../../compiler/ops/table.js";
import { slopeOf, weightOf } from "../../compiler/ops/weight.js";
import { f, generator, type SampleSettings, sampleData, sampleTypes, u } from "./cases.js";
import { openDevice, runOnce } from "./device.js";

const device = await openDevice();
if (!device) console.warn("SKIPPED: no GPU adapter; `npm run setup` looks for a driver");

const rows = 10_000;
const V = 37;

/** Edges are part of each list: k = 1 and k > V, p = 0 and p = 1, temperatures near 0. */
const filters: Readonly<Record<string, (lane: number) => SampleSettings>> = {
  "no filter": () => [1, 0, 1, 0, 1],
  greedy: () => [0, 5, 0.5, 0.1, 1],
  temperature: (lane) => [[0.01, 0.5, 0.8, 1.5, 10][lane % 5] ?? 1, 0, 1, 0, 1],
  "top-k": (lane) => [1, [1, 2, 5, 36, 37, 1000][lane % 6] ?? 0, 1, 0, 1],
  "top-p": (lane) => [1, 0, [0, 1e-8, 0.1, 0.5, 0.9, 0.999, 1][lane % 7] ?? 1, 0, 1],
  "min-p": (lane) => [1, 0, 1, [0, 1e-6, 0.05, 0.5, 1][lane % 5] ?? 0, 1],
  "repetition penalty": (lane) => [1, 0, 1, 0, [0.5, 1, 1.2, 3][lane % 4] ?? 1],
  "top-k and top-p": (lane) => [0.8, [3, 10][lane % 2] ?? 0, [0.3, 0.9, 0.99][lane % 3] ?? 1, 0, 1],
  "top-p and min-p": (lane) => [1.2, 0, [0.5, 0.95][lane % 2] ?? 1, [0.01, 0.2][lane % 3] ?? 0, 1],
  "all together": (lane) => [0.9, [4, 12, 30][lane % 3] ?? 0, [0.6, 0.95][lane % 2] ?? 1, [0.02, 0.1][lane % 5] ?? 0, 1.3],
};

test.skipIf(!device).each(Object.keys(filters))(`${rows} tokens are those of the plain sampler: %s`, async (name) => {
  const settingsOf = filters[name];
  if (!device || !settingsOf) throw new Error("no device");
  const types = sampleTypes(rows, V);
  const data = sampleData(rows, V, settingsOf, generator(name.length));
  const outputs = ops.sample.infer(types, {});
  const expected = ops.sample.evaluate?.(data, types, outputs, {})[0];
  for (const software of [true, false]) {
    const implementation = kernels.sample.implement({}, types, outputs, { ...device.target, software });
    const [actual] = await runOnce(device, implementation, data, types, outputs);
    expect(actual).toEqual(expected);
  }
  expect(new Set(expected).size).toBeGreaterThan(V / 2);
});

/** What the filters leave of one row's softmax, by their definitions in double precision: the probability of each id. */
function distribution(logits: readonly number[], [temperature, k, p, minP]: SampleSettings): readonly number[] {
  const order = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  const weight = logits.map((logit) => Math.exp((logit - Math.max(...logits)) / temperature));
  const kept = order.slice(0, k > 0 ? k : logits.length);
  const total = kept.reduce((sum, id) => sum + (weight[id] ?? 0), 0);
  let mass = 0;
  const nucleus = kept.filter((id) => {
    const before = mass;
    mass += (weight[id] ?? 0) / total;
    return p >= 1 || before < p;
  });
  const alive = new Set(nucleus.filter((id) => (weight[id] ?? 0) >= minP));
  const left = [...alive].reduce((sum, id) => sum + (weight[id] ?? 0), 0);
  return logits.map((_, id) => (alive.has(id) ? (weight[id] ?? 0) / left : 0));
}

/** χ² over the ids that can be drawn, as a standard normal deviate (Wilson and Hilferty 1931). */
function deviate(counts: readonly number[], expected: readonly number[]): number {
  const cells = expected.flatMap((e, id) => (e > 0 ? [((counts[id] ?? 0) - e) ** 2 / e] : []));
  const freedom = cells.length - 1;
  const chi2 = cells.reduce((sum, x) => sum + x, 0);
  return (Math.cbrt(chi2 / freedom) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom));
}

test.skipIf(!device).each<readonly [string, SampleSettings]>([
  ["no filter", [1, 0, 1, 0, 1]],
  ["temperature", [1.7, 0, 1, 0, 1]],
  ["top-k", [1, 9, 1, 0, 1]],
  ["top-p", [1, 0, 0.8, 0, 1]],
  ["min-p", [1, 0, 1, 0.2, 1]],
  ["all together", [0.8, 20, 0.9, 0.05, 1]],
])("the frequencies of 100,000 tokens pass a χ² test: %s", async (_name, settings) => {
  if (!device) throw new Error("no device");
  const [lanes, size, draws] = [10_000, 23, 10];
  const types = sampleTypes(lanes, size);
  const outputs = ops.sample.infer(types, {});
  const logits = Array.from({ length: size }, (_, id) => Math.fround(2 * Math.sin(3 * id)));
  const counts = new Array<number>(size).fill(0);
  for (let draw = 0; draw < draws; draw++) {
    const data = [
      Float32Array.from({ length: lanes * size }, (_, i) => logits[i % size] ?? 0),
      new Uint32Array(lanes * size),
      Uint32Array.of(0xffffffff),
      Float32Array.from({ length: lanes * 5 }, (_, i) => settings[i % 5] ?? 0),
      Uint32Array.from({ length: lanes }, (_, lane) => lane),
      new Uint32Array(lanes).fill(draw),
      Uint32Array.of(20_261_121),
    ];
    const [ids] = await runOnce(device, kernels.sample.implement({}, types, outputs, device.target), data, types, outputs);
    for (const id of ids ?? []) counts[id] = (counts[id] ?? 0) + 1;
  }
  const expected = distribution(logits, settings).map((probability) => probability * lanes * draws);
  expect(counts.filter((count, id) => count > 0 && expected[id] === 0)).toEqual([]);
  // Two-sided 0.1 %: neither too far from the distribution nor, as with a counter in place of chance, too near it.
  expect(Math.abs(deviate(counts, expected))).toBeLessThan(3.3);
});

test.skipIf(!device)("a vocabulary of 70,001 ids", async () => {
  if (!device) throw new Error("no device");
  const [lanes, size] = [6, 70_001];
  const types = sampleTypes(lanes, size);
  const settings: readonly SampleSettings[] = [
    [1, 0, 0.9, 0, 1],
    [1, 40, 1, 0, 1],
    [2, 0, 1, 0.01, 1.1],
    [0, 0, 1, 0, 1],
    [0.7, 1000, 0.99, 0, 1],
    [1, 0, 1, 0, 1],
  ];
  const data = sampleData(lanes, size, (lane) => settings[lane] ?? [1, 0, 1, 0, 1], generator(5));
  const outputs = ops.sample.infer(types, {});
  const implementation = kernels.sample.implement({}, types, outputs, device.target);
  const [actual] = await runOnce(device, implementation, data, types, outputs);
  expect(actual).toEqual(ops.sample.evaluate?.(data, types, outputs, {})[0]);
});

test("weights are those of the exponential function to eight digits", () => {
  const random = generator(3);
  for (let i = 0; i < 20_000; i++) {
    const temperature = Math.fround(Math.exp(6 * random() - 3));
    const largest = Math.fround(20 * random() - 10);
    const logit = Math.fround(largest - temperature * Math.exp(9 * random() - 5));
    const exact = 2 ** 30 * Math.exp(Math.fround(largest - logit) / -temperature);
    expect(Math.abs(weightOf(logit, largest, slopeOf(temperature)) - exact)).toBeLessThanOrEqual(0.5 + 2e-8 * exact);
  }
  expect(weightOf(2, 2, slopeOf(0.3))).toBe(2 ** 30);
  expect(weightOf(Number.NEGATIVE_INFINITY, 2, slopeOf(0.3))).toBe(0);
});

test.skipIf(!device)("a decoded row is the same bits alone and in a batch", async () => {
  if (!device) throw new Error("no device");
  const [N, K] = [65, 128];
  const random = generator(11);
  const x = Float32Array.from({ length: 16 * K }, () => random() - 0.5);
  const w = Float32Array.from({ length: N * K }, () => random() - 0.5);
  const attrs = { transposeA: false, transposeB: true };
  for (const software of [true, false]) {
    const rowsOf = async (M: number): Promise<Float32Array> => {
      const types = [f(M, K), f(N, K)];
      const implementation = kernels.matmul.implement(attrs, types, [f(M, N)], { ...device.target, software });
      const [result] = await runOnce(device, implementation, [x.slice(0, M * K), w], types, [f(M, N)]);
      if (!(result instanceof Float32Array)) throw new Error("not f32");
      return result;
    };
    const all = await rowsOf(16);
    for (const M of [1, 2, 3, 4, 7, 8, 15]) expect(await rowsOf(M)).toEqual(all.slice(0, M * N));
  }
});

test.skipIf(!device)("a decoded lane attends to the same bits alone and in a batch", async () => {
  if (!device) throw new Error("no device");
  const [S, H, D] = [70, 4, 32];
  const random = generator(12);
  const floats = (n: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: n }, () => random() - 0.5);
  const [q, k, v] = [floats(5 * H * D), floats(5 * S * H * D), floats(5 * S * H * D)];
  const bound = Uint32Array.of(70, 3, 64, 0, 33);
  const attrs = { bound: "given", window: 0, segmented: false, scale: 0.2 } as const;
  for (const software of [true, false]) {
    const lanes = async (B: number): Promise<Float32Array> => {
      const types = [f(B, 1, H, D), f(B, S, H, D), f(B, S, H, D), u(B, 1)];
      const outputs = [f(B, 1, H, D), f(B, 1, H)];
      const data = [q.slice(0, B * H * D), k.slice(0, B * S * H * D), v.slice(0, B * S * H * D), bound.slice(0, B)];
      const implementation = kernels.attention.implement(attrs, types, outputs, { ...device.target, software });
      const [result] = await runOnce(device, implementation, data, types, outputs);
      if (!(result instanceof Float32Array)) throw new Error("not f32");
      return result;
    };
    const all = await lanes(5);
    for (const B of [1, 2, 3]) expect(await lanes(B)).toEqual(all.slice(0, B * H * D));
  }
});
