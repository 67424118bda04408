// In: a logit, the largest one and a temperature. Out: exp((logit − largest) / temperature) as an integer, 2^30 for the largest itself.
// Invariant: integer arithmetic only (after one correctly rounded f32 subtraction), so that every device computes the same weights, their
// sums are exact in any order, and two samplers agree on every token. Relative error below 2e-8, absolute error at most half a unit.

/** Weight of the largest logit. */
export const ONE = 2 ** 30;

/** High word of the 64-bit product of two u32. */
export function mulHigh(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const mid = ah * bl + ((al * bl) >>> 16);
  const low = al * bh + (mid % 65536);
  return ah * bh + Math.floor(mid / 65536) + Math.floor(low / 65536);
}

/** log2(e) · 2^30 and ln(2) · 2^32. */
export const LOG2E = 0x5c551d95;
export const LN2 = 0xb17217f8;

/** 2^(−i / 32) · 2^31. */
export const powers: readonly number[] = Array.from({ length: 32 }, (_, i) => Math.round(2 ** (31 - i / 32)));

const words = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  words.setFloat32(0, value);
  return words.getUint32(0);
}

/** log2(e) / temperature as `mantissa` · 2^(96 − `exponent`): the exponent is the temperature's own, biased as in f32. */
export interface Slope {
  readonly mantissa: number;
  readonly exponent: number;
}

/** For a temperature > 0 (f32): ⌊log2(e) · 2^54 / m⌋ with m its 24-bit mantissa, by long division in base 256. */
export function slopeOf(temperature: number): Slope {
  const word = bitsOf(temperature);
  const m = (word & 0x7fffff) | 0x800000;
  let quotient = 0;
  let rest = 0;
  for (let i = 0; i < 7; i++) {
    const digit = i < 4 ? (LOG2E >>> (24 - 8 * i)) & 0xff : 0;
    const number = ((rest << 8) | digit) >>> 0;
    quotient = ((quotient << 8) | Math.floor(number / m)) >>> 0;
    rest = number % m;
  }
  return { mantissa: quotient, exponent: (word >>> 23) & 0xff };
}

/** round(2^30 · exp((logit − largest) / temperature)) to within a unit, from ⌊x⌋ and the fraction of x = (largest − logit) log2(e) / temperature. */
export function weightOf(logit: number, largest: number, slope: Slope): number {
  const word = bitsOf(Math.fround(largest - logit));
  const exponent = (word >>> 23) & 0xff;
  if (exponent === 0) return ONE;
  const m = (word & 0x7fffff) | 0x800000;
  const high = mulHigh((m << 8) >>> 0, slope.mantissa);
  // x in units of 2^-26.
  const shift = exponent - slope.exponent - 4;
  if (shift < -31) return ONE;
  if (shift > 2) return 0;
  const limit = 31 * 2 ** 26;
  if (shift >= 0 && high >= limit >>> shift) return 0;
  const x = shift >= 0 ? high << shift : high >>> -shift;
  if (x >= limit) return 0;
  const whole = x >>> 26;
  const y = mulHigh(((x & 0x1fffff) << 6) >>> 0, LN2);
  const y2 = mulHigh(y, y);
  const y3 = mulHigh(y2, y);
  const loss = y - (y2 >>> 1) + mulHigh(y3, 0x2aaaaaab);
  const power = powers[(x >>> 21) & 31] ?? 0;
  const value = power - mulHigh(power, loss);
  return Math.floor((value + 2 ** whole) / 2 ** (whole + 1));
}

/** ⌊mass · fraction⌋ for a fraction given in 2^-24, exact. */
export function share(mass: number, fraction24: number): number {
  return Number((BigInt(mass) * BigInt(fraction24)) >> 24n);
}
