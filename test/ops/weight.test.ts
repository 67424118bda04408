// The sampler's integer weights against exp in double precision, and exact products of words.

import fc from "fast-check";
import { expect, it } from "vitest";
import { mulHigh, ONE, share, slopeOf, weightOf } from "../../compiler/ops/weight.js";

const f32 = (min: number, max: number) => fc.float({ min: Math.fround(min), max: Math.fround(max), noNaN: true });

it("is exp((logit − largest) / temperature) in units of 2^-30, to half a unit and 2e-8 of itself", () => {
  fc.assert(
    fc.property(f32(-40, 40), f32(0, 60), f32(0.0078125, 16), (largest, below, temperature) => {
      const logit = Math.fround(largest - below);
      const exact = ONE * Math.exp(-Math.fround(largest - logit) / temperature);
      expect(Math.abs(weightOf(logit, largest, slopeOf(temperature)) - exact)).toBeLessThanOrEqual(0.51 + 2e-8 * exact);
    }),
    { numRuns: 3000 },
  );
  expect(weightOf(3, 3, slopeOf(0.5))).toBe(ONE);
  expect(weightOf(-3e38, 3e38, slopeOf(1))).toBe(0);
  expect(weightOf(-1e-30, 0, slopeOf(1))).toBe(ONE);
});

it("multiplies words as whole numbers", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1), (a, b) => {
      expect(mulHigh(a, b)).toBe(Number((BigInt(a) * BigInt(b)) >> 32n));
    }),
  );
  expect(share(2 ** 40 + 1, 2 ** 24 - 1)).toBe(Number(((2n ** 40n + 1n) * (2n ** 24n - 1n)) >> 24n));
});
