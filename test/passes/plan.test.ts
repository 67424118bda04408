// Storage: the arena by brute force on random lifetimes, bindings by brute force on random ranges.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Region, Term } from "../../compiler/kernels/region.js";
import { allocate } from "../../compiler/passes/plan/arena.js";
import { bindRegion } from "../../compiler/passes/plan/bind.js";
import type { Range } from "../../compiler/passes/plan.js";

const slot = fc
  .record({ first: fc.nat(20), length: fc.nat(8), units: fc.integer({ min: 1, max: 9 }) })
  .map(({ first, length, units }) => ({ first, last: first + length, bytes: 256 * units }));

describe("the arena", () => {
  it("never puts two slots that are alive at once on each other, and needs at least what is alive at once", () => {
    fc.assert(
      fc.property(fc.array(slot, { maxLength: 40 }), (slots) => {
        const { offsets, bytes, live } = allocate(slots);
        let most = 0;
        for (let time = 0; time < 30; time++) {
          const alive = slots.map((s, i) => ({ ...s, offset: offsets[i] ?? -1 })).filter((s) => s.first <= time && time <= s.last);
          most = Math.max(
            most,
            alive.reduce((sum, s) => sum + s.bytes, 0),
          );
          for (const a of alive) {
            expect(a.offset % 256).toBe(0);
            expect(a.offset + a.bytes).toBeLessThanOrEqual(bytes);
            for (const b of alive) expect(a === b || a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true);
          }
        }
        expect(live).toBe(most);
      }),
    );
  });

  it("uses the place of what died", () => {
    const { bytes } = allocate([
      { first: 0, last: 1, bytes: 512 },
      { first: 1, last: 2, bytes: 256 },
      { first: 2, last: 3, bytes: 512 },
    ]);
    expect(bytes).toBe(768);
  });
});

const range: fc.Arbitrary<Range> = fc
  .record({ space: fc.constantFrom("a", "b"), offset: fc.nat(500), words: fc.integer({ min: 1, max: 300 }) })
  .map(({ space, offset, words }) => ({ space, offset: 4 * offset, bytes: 4 * words }));

function region(operands: number, results: number): Region {
  const terms: Term[] = Array.from({ length: operands }, (_, operand) => ({ kind: "load", operand, at: { kind: "full" }, dtype: "f32" }));
  return {
    domain: { kind: "flat", n: 1 },
    operands: terms.map(() => "f32" as const),
    terms,
    results: Array.from({ length: results }, () => ({ term: 0, at: { kind: "full" }, dtype: "f32" })),
  };
}

describe("bindings", () => {
  it("cover every tensor, begin where a binding may and do not overlap", () => {
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), fc.array(range, { maxLength: 3 }), (operands, results) => {
        const bound = bindRegion(
          region(operands.length, results.length),
          operands.map((r) => ({ range: r, scalar: false })),
          results,
          4,
        );
        const tensors = [...operands, ...results];
        [...bound.places.operands, ...bound.places.results].forEach((place, i) => {
          const tensor = tensors[i];
          const binding = bound.ranges[place.binding];
          expect(binding?.space).toBe(tensor?.space);
          expect((binding?.offset ?? 0) + 4 * place.offset).toBe(tensor?.offset);
          expect(4 * place.offset + (tensor?.bytes ?? 0)).toBeLessThanOrEqual(binding?.bytes ?? 0);
        });
        bound.ranges.forEach((a, i) => {
          expect(a.offset % 256).toBe(0);
          for (const b of bound.ranges.slice(i + 1))
            expect(a.space !== b.space || a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true);
        });
      }),
    );
  });
});
