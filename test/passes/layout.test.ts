// Where parameters lie: every element in one place, aligned, in groups that a binding can hold; decayed ones apart from the others.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Parameter } from "../../compiler/check/model.js";
import { elements } from "../../compiler/ir/graph.js";
import { portable } from "../../compiler/kernels/kernel.js";
import { layout, pieces, ROW } from "../../compiler/passes/layout.js";

const span = { file: { name: "test", text: "" }, start: 0, end: 0 };
const parameter = (name: string, shape: readonly number[]): Parameter => ({ name, shape, init: { kind: "zeros" }, span });
const decays = (p: Parameter) => p.shape.length > 1;
const shapes = fc.array(
  fc.oneof(fc.tuple(fc.integer({ min: 1, max: 900 })), fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 60 }))),
  {
    minLength: 1,
    maxLength: 12,
  },
);

describe("layout", () => {
  it("gives every row of every parameter one place, aligned, within groups of its own sort", () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom(2, 3, 100), (list, rows) => {
        const parameters = list.map((shape, i) => parameter(`p${i}`, shape));
        const limit = rows * ROW;
        const places = layout(parameters, decays, { ...portable, maxBinding: 4 * limit + 4 });
        for (const group of places.groups) {
          expect(group.size % ROW).toBe(0);
          expect(group.size).toBeLessThanOrEqual(limit);
          const own = places.places.filter((place) => place.group === group.index).sort((a, b) => a.offset - b.offset);
          expect(own.length).toBeGreaterThan(0);
          let end = 0;
          for (const place of own) {
            expect(place.offset % 64).toBe(0);
            expect(place.offset).toBeGreaterThanOrEqual(end);
            expect(decays(place.parameter)).toBe(group.decay);
            end = place.offset + elements(place.shape);
          }
          expect(end).toBeLessThanOrEqual(group.size);
        }
        for (const whole of parameters) {
          let first = 0;
          for (const piece of pieces(places, whole.name)) {
            expect(piece.first).toBe(first);
            expect(piece.shape.slice(1)).toEqual(whole.shape.slice(1));
            first += piece.shape[0] ?? 0;
          }
          expect(first).toBe(whole.shape[0]);
        }
      }),
    );
  });

  it("puts decayed groups first and names the pieces of a cut table by their first rows", () => {
    const places = layout([parameter("bias", [5]), parameter("table", [700, 4])], decays, { ...portable, maxBinding: 4 * ROW });
    expect(places.groups.map(({ decay }) => decay)).toEqual([true, true, true, false]);
    expect(places.places.map(({ name, shape }) => [name, shape[0]])).toEqual([
      ["table#0", 234],
      ["table#234", 234],
      ["table#468", 232],
      ["bias", 5],
    ]);
  });
});
