// Learning rates and bias corrections at the steps where they change.
import { describe, expect, test } from "vitest";
import { adamCorrections, learningRate } from "../../runtime/train/index.js";

describe("schedules", () => {
  test("warm up, fall along half a cosine, stay at the floor", () => {
    const cosine = { kind: "cosine", peak: 1e-3, floor: 1e-4, warmup: 100, steps: 2000 } as const;
    expect(learningRate(cosine, 0)).toBeCloseTo(1e-5, 12);
    expect(learningRate(cosine, 99)).toBe(1e-3);
    expect(learningRate(cosine, 100)).toBe(1e-3);
    expect(learningRate(cosine, 1050)).toBeCloseTo(5.5e-4, 12);
    expect(learningRate(cosine, 1999)).toBeGreaterThan(1e-4);
    expect(learningRate(cosine, 2000)).toBe(1e-4);
    expect(learningRate(cosine, 9999)).toBe(1e-4);
    const linear = { ...cosine, kind: "linear" } as const;
    expect(learningRate(linear, 100)).toBe(1e-3);
    expect(learningRate(linear, 575)).toBeCloseTo(7.75e-4, 12);
    expect(learningRate(linear, 1050)).toBeCloseTo(5.5e-4, 12);
    expect(learningRate(linear, 2000)).toBe(1e-4);
    expect(learningRate({ kind: "constant", value: 0.5, warmup: 2 }, 0)).toBe(0.25);
    expect(learningRate({ kind: "constant", value: 0.5, warmup: 0 }, 0)).toBe(0.5);
  });
  test("Adam's corrections undo the start at zero", () => {
    const [first, second] = adamCorrections([0.9, 0.99], 0);
    expect(first).toBeCloseTo(10, 9);
    expect(second).toBeCloseTo(100, 9);
    expect(adamCorrections([0.9, 0.99], 5000)[0]).toBe(1);
  });
});
