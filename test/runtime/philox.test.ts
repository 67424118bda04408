// Philox-4x32-10 against the vectors published with Random123, and the numbers made from it.
import { describe, expect, test } from "vitest";
import { below, hashName, philox } from "../../runtime/philox.js";
import { initialValues } from "../../runtime/tensors.js";

describe("philox", () => {
  const hex = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, "0")).join(" ");
  test.each([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ] as const)("of %j keyed by %j", (counter, key, expected) => {
    expect(hex(philox(counter, key))).toBe(expected);
  });
  test("names are hashed by FNV-1a", () => {
    expect(hashName("")).toBe(0x811c9dc5);
    expect(hashName("foobar")).toBe(0xbf9cf968);
  });
  test("below covers its range", () => {
    expect(below(10, 0, 0)).toBe(0);
    expect(below(10, 0xffffffff, 0xffffffff)).toBe(9);
  });
});

describe("initial values", () => {
  test("of a piece are those of the whole, wherever it starts", () => {
    for (const kind of ["normal", "uniform"] as const) {
      const init = kind === "normal" ? ({ kind, std: 0.02 } as const) : ({ kind, bound: 0.1 } as const);
      const whole = initialValues(init, 3, "wte.weight", 0, 1001);
      for (const [first, count] of [
        [0, 1],
        [1, 1],
        [3, 5],
        [4, 8],
        [997, 4],
        [250, 700],
      ] as const) {
        expect(initialValues(init, 3, "wte.weight", first, count)).toEqual(whole.subarray(first, first + count));
      }
    }
  });
  test("differ by seed and by name", () => {
    const init = { kind: "normal", std: 1 } as const;
    const base = initialValues(init, 1, "a", 0, 8);
    expect(initialValues(init, 2, "a", 0, 8)).not.toEqual(base);
    expect(initialValues(init, 1, "b", 0, 8)).not.toEqual(base);
  });
  test("have the declared moments", () => {
    const n = 200_000;
    const normal = initialValues({ kind: "normal", std: 0.02 }, 5, "w", 0, n);
    const mean = normal.reduce((a, b) => a + b, 0) / n;
    const deviation = Math.sqrt(normal.reduce((a, b) => a + b * b, 0) / n);
    expect(Math.abs(mean)).toBeLessThan(2e-4);
    expect(Math.abs(deviation - 0.02)).toBeLessThan(2e-4);
    const inside = normal.filter((v) => Math.abs(v) < 0.02).length / n;
    expect(Math.abs(inside - 0.6827)).toBeLessThan(0.005);
    const uniform = initialValues({ kind: "uniform", bound: 0.5 }, 5, "w", 0, n);
    expect(Math.min(...uniform.subarray(0, 50_000))).toBeGreaterThanOrEqual(-0.5);
    expect(Math.abs(uniform.reduce((a, b) => a + b, 0) / n)).toBeLessThan(5e-3);
    expect(Math.abs(uniform.reduce((a, b) => a + b * b, 0) / n - 1 / 12)).toBeLessThan(1e-3);
    expect(initialValues({ kind: "ones" }, 0, "w", 0, 2)).toEqual(Float32Array.of(1, 1));
    expect(initialValues({ kind: "constant", value: 0.25 }, 0, "w", 0, 2)).toEqual(Float32Array.of(0.25, 0.25));
    expect(initialValues({ kind: "zeros" }, 0, "w", 0, 2)).toEqual(new Float32Array(2));
  });
});
