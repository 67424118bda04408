// In: a counter of four words and a key of two. Out: four random words, the same on every machine and in any order of asking.
// Philox-4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** Upper 32 bits of the product of two unsigned words. */
function mulhi(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const low = al * bl;
  const mid = ah * bl + (low >>> 16);
  const mid2 = al * bh + (mid & 0xffff);
  return (ah * bh + (mid >>> 16) + (mid2 >>> 16)) >>> 0;
}

/** Writes four words to `out` at `at`. */
export function philoxInto(out: Uint32Array, at: number, c0: number, c1: number, c2: number, c3: number, key0: number, key1: number): void {
  let x0 = c0 | 0;
  let x1 = c1 | 0;
  let x2 = c2 | 0;
  let x3 = c3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const h0 = mulhi(M0, x0 >>> 0);
    const h1 = mulhi(M1, x2 >>> 0);
    const l0 = Math.imul(M0, x0);
    const l1 = Math.imul(M1, x2);
    x0 = h1 ^ x1 ^ k0;
    x1 = l1;
    x2 = h0 ^ x3 ^ k1;
    x3 = l0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[at] = x0;
  out[at + 1] = x1;
  out[at + 2] = x2;
  out[at + 3] = x3;
}

/** Four random words. */
export function philox(counter: readonly [number, number, number, number], key: readonly [number, number]): Uint32Array {
  const out = new Uint32Array(4);
  philoxInto(out, 0, counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  return out;
}

/** 32-bit FNV-1a of a text's UTF-8 bytes: makes a key word of a name. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** A number in 0 … n − 1 of two random words; the bias is below 2⁻²⁰ for n up to 2³². */
export function below(n: number, high: number, low: number): number {
  // 53 bits of the two words as a fraction of one.
  const fraction = ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992;
  return Math.floor(fraction * n);
}
