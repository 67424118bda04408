// The algebra of dimensions: ring and quotient laws on random expressions, checked in the normal form and with numbers put in.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  constant,
  constantOf,
  type Dim,
  divide,
  equal,
  evaluate,
  floor,
  isWhole,
  mul,
  negate,
  ONE,
  read,
  remainder,
  roundUp,
  show,
  sub,
  symbol,
  ZERO,
} from "../../compiler/check/dims.js";

const names = ["B", "T", "D", "n_heads"];
const leaf = fc.oneof(fc.integer({ min: -9, max: 9 }).map(constant), fc.constantFrom(...names).map(symbol));
const { dim } = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => add(a, b)),
    fc.tuple(tie("dim"), tie("dim")).map(([a, b]) => mul(a, b)),
    fc.tuple(tie("dim"), leaf).map(([a, b]) => divide(a, b) ?? a),
  ),
}));
const sizes = new Map([
  ["B", 6],
  ["T", 35],
  ["D", 48],
  ["n_heads", 4],
]);
const same = (a: Dim, b: Dim): void => {
  expect(show(a)).toBe(show(b));
  expect(equal(a, b)).toBe(true);
};

describe("ring laws", () => {
  test("addition commutes and associates", () => {
    fc.assert(
      fc.property(dim, dim, dim, (a, b, c) => {
        same(add(a, b), add(b, a));
        same(add(add(a, b), c), add(a, add(b, c)));
      }),
    );
  });
  test("multiplication commutes, associates and distributes", () => {
    fc.assert(
      fc.property(dim, dim, dim, (a, b, c) => {
        same(mul(a, b), mul(b, a));
        same(mul(mul(a, b), c), mul(a, mul(b, c)));
        same(mul(a, add(b, c)), add(mul(a, b), mul(a, c)));
      }),
    );
  });
  test("0 and 1 are neutral, and a − a is 0", () => {
    fc.assert(
      fc.property(dim, (a) => {
        same(add(a, ZERO), a);
        same(mul(a, ONE), a);
        same(sub(a, a), ZERO);
        same(mul(a, ZERO), ZERO);
        same(negate(negate(a)), a);
      }),
    );
  });
});

describe("quotients", () => {
  test("multiply back", () => {
    fc.assert(
      fc.property(dim, dim, (a, b) => {
        const q = divide(a, b);
        if (b.terms.size === 0) expect(q).toBeUndefined();
        else if (q !== undefined) same(mul(q, b), a.terms.size === 0 ? ZERO : mul(q, b));
      }),
    );
    fc.assert(
      fc.property(
        dim,
        leaf.filter((b) => b.terms.size > 0),
        (a, b) => same(mul(divide(a, b) ?? ZERO, b), a),
      ),
    );
  });
  test("a product divides by its factors", () => {
    fc.assert(
      fc.property(
        dim,
        leaf.filter((b) => b.terms.size > 0),
        (a, b) => same(divide(mul(a, b), b) ?? ZERO, a),
      ),
    );
  });
  test("heads: n_heads · (D / n_heads) is D", () => {
    const D = symbol("D");
    const heads = symbol("n_heads");
    const size = divide(D, heads) ?? ZERO;
    expect(show(size)).toBe("D/n_heads");
    same(mul(heads, size), D);
    same(mul(mul(symbol("B"), heads), size), mul(symbol("B"), D));
  });
  test("by a sum: exact where it divides, else a name that cancels", () => {
    const a = add(symbol("T"), ONE);
    same(divide(mul(a, symbol("D")), a) ?? ZERO, symbol("D"));
    const odd = divide(symbol("D"), a) ?? ZERO;
    expect(
      evaluate(
        odd,
        new Map([
          ["D", 12],
          ["T", 3],
        ]),
      ),
    ).toBe(3);
    expect(show(divide(odd, symbol("D")) ?? ZERO)).toBe("1/(T + 1)");
  });
  test("numbers reduce", () => {
    expect(show(divide(constant(12), constant(8)) ?? ZERO)).toBe("3/2");
    expect(isWhole(divide(constant(384), constant(5)) ?? ZERO)).toBe(false);
    expect(constantOf(divide(constant(384), constant(6)) ?? ZERO)).toBe(64);
  });
});

test("evaluation agrees with arithmetic", () => {
  fc.assert(
    fc.property(dim, dim, (a, b) => {
      const [x, y] = [evaluate(a, sizes), evaluate(b, sizes)];
      const close = (got: number, want: number): void =>
        expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(want)));
      close(evaluate(add(a, b), sizes), x + y);
      close(evaluate(mul(a, b), sizes), x * y);
      close(evaluate(sub(a, b), sizes), x - y);
    }),
  );
  expect(evaluate(symbol("X"), sizes)).toBeNaN();
});

test("what is shown reads back", () => {
  fc.assert(
    fc.property(dim, (a) => {
      const back = read(show(a));
      expect(back === undefined ? "nothing" : show(back)).toBe(show(a));
    }),
  );
  expect(read("2 +")).toBeUndefined();
});

test("floor, round_up and % keep what they cannot compute as names that evaluate", () => {
  const third = divide(mul(constant(8), symbol("D")), constant(3)) ?? ZERO;
  const up = roundUp(floor(third), constant(256));
  expect(evaluate(up, new Map([["D", 1024]]))).toBe(2816);
  expect(constantOf(roundUp(floor(divide(constant(8192), constant(3)) ?? ZERO), constant(256)))).toBe(2816);
  expect(evaluate(remainder(symbol("T"), constant(8)), sizes)).toBe(3);
  same(read(show(up)) ?? ZERO, up);
  same(floor(symbol("T")), symbol("T"));
});
