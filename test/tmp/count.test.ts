import { it } from "vitest";
import { fuse } from "/work/main/compiler/passes/fuse.js";
import { plan } from "/work/main/compiler/passes/plan.js";
import { printPlan } from "/work/main/compiler/passes/plan/print.js";
import { portable } from "/work/main/compiler/kernels/kernel.js";
import { charGpt, trainStep } from "/work/main/test/passes/decoder.js";
it("counts", () => {
  const target = { ...portable, subgroup: 8, software: !!process.env.SOFT, maxStorageBuffers: +(process.env.SB ?? 10) };
  const t0 = performance.now();
  const d = trainStep({ ...charGpt, layers: +(process.env.LAYERS ?? 4) }, target);
  const t1 = performance.now();
  const c = fuse(d.graph, target, d.homes);
  const t2 = performance.now();
  const p = plan(c, target);
  const t3 = performance.now();
  const text = printPlan(p);
  console.log(text.split("\n").filter((l) => process.env.ALL || !/^buffer/.test(l)).join("\n"));
  console.log(d.graph.nodes.length, "nodes; graph", t1 - t0, "fuse", t2 - t1, "plan", t3 - t2);
});
