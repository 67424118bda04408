// Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): in, a counter and a key; out, four words. A pure
// function, so a number depends on seed, step, place and element only, never on the order in which anything runs.

export type Words2 = readonly [number, number];
export type Words4 = readonly [number, number, number, number];

/** Second key words, one a use: "ulum" and "samp" in ASCII. Two uses never share a stream. */
export const UNIFORM_KEY = 0x756c6d75;
export const SAMPLE_KEY = 0x73616d70;

/** High word of the 64-bit product of two u32. */
function mulHigh(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const mid = ah * bl + ((al * bl) >>> 16);
  const low = al * bh + (mid % 65536);
  return ah * bh + Math.floor(mid / 65536) + Math.floor(low / 65536);
}

export function philox(counter: Words4, key: Words2): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0);
    const high1 = mulHigh(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The top 24 bits of a word as a number in [0, 1), exact in f32. */
export function unit(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** Elements 0 … n − 1 of the stream of one place in one step. */
export function uniform(n: number, seed: number, step: number, place: number): Float32Array {
  const result = new Float32Array(n);
  for (let i = 0; i < n; i += 4) {
    philox([i / 4, place >>> 0, step, 0], [seed, UNIFORM_KEY]).forEach((word, j) => {
      if (i + j < n) result[i + j] = unit(word);
    });
  }
  return result;
}

/** The number with which lane `lane` draws its `draw`-th token. */
export function sampleNumber(seed: number, draw: number, lane: number): number {
  return unit(philox([draw, lane, 0, 1], [seed, SAMPLE_KEY])[0]);
}
