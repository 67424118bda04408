import { it } from "vitest";
import { fuse } from "../../compiler/passes/fuse.js";
import { plan } from "../../compiler/passes/plan.js";
import { printPlan } from "../../compiler/passes/plan/print.js";
import { portable } from "../../compiler/kernels/kernel.js";
import { charGpt, decodeStep } from "../passes/decoder.js";
it("counts", () => {
  const target = { ...portable, subgroup: 8, software: true, maxStorageBuffers: 10 };
  const g = decodeStep({ ...charGpt, B: +(process.env.B ?? 1), layers: 2 });
  console.log(printPlan(plan(fuse(g, target), target)));
});
