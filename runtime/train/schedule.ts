// In: a schedule and a step, counted from 0. Out: the learning rate of that step, and Adam's bias corrections. All in f64.

import type { Schedule } from "../artifact.js";

/**
 * Linear warm-up, peak · (s + 1) / warmup while s < warmup; then constant, or from peak to floor over the steps that are left, along a line or half a
 * cosine (Loshchilov and Hutter 2017); floor from `steps` on.
 */
export function learningRate(schedule: Schedule, step: number): number {
  const peak = schedule.kind === "constant" ? schedule.value : schedule.peak;
  if (step < schedule.warmup) return (peak * (step + 1)) / schedule.warmup;
  switch (schedule.kind) {
    case "constant":
      return schedule.value;
    case "linear":
      return schedule.floor + (schedule.peak - schedule.floor) * (1 - progress(schedule.warmup, schedule.steps, step));
    case "cosine":
      return (
        schedule.floor + (schedule.peak - schedule.floor) * 0.5 * (1 + Math.cos(Math.PI * progress(schedule.warmup, schedule.steps, step)))
      );
  }
}

/** How far `step` is from the end of the warm-up to `steps`, in [0, 1]. */
function progress(warmup: number, steps: number, step: number): number {
  return step >= steps ? 1 : (step - warmup) / (steps - warmup);
}

/** 1 / (1 − β₁ᵗ) and 1 / (1 − β₂ᵗ) at t = step + 1 (Kingma and Ba 2015). */
export function adamCorrections(betas: readonly [number, number], step: number): readonly [number, number] {
  const correction = (beta: number) => 1 / (1 - beta ** (step + 1));
  return [correction(betas[0]), correction(betas[1])];
}
