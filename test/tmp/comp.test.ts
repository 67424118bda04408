import { it } from "vitest";
import { checked } from "../system/harness.js";
import { compile } from "../../compiler/compile.js";
import { printPlan } from "../../compiler/passes/plan/print.js";
import { portable } from "../../compiler/kernels/kernel.js";
import { checkPlan } from "../passes/invariants.js";
import { readFileSync, writeFileSync } from "node:fs";
const target = { ...portable, subgroup: 8, software: true, maxStorageBuffers: 10 };
const dir = process.env.DIR ?? "test/reference";
it("compiles", () => {
  const file = process.env.ELM ?? "gpt.elm";
  const text = new Map<string, string>();
  const model = checked(`/work/main/${dir}`, file, { set: (process.env.SET ?? "").split(";").filter(Boolean) });
  for (const t of model.trainings.keys()) go({ kind: "train", training: t });
  for (const s of model.samplers.keys()) go({ kind: "generate", sampler: s, lanes: 1, chunk: 16, logits: true });
  function go(job: any) {
    const t = performance.now();
    const c = compile(model, job, target);
    for (const [name, p] of c.plans) {
      checkPlan(p, target);
      const text = printPlan(p);
      writeFileSync(`/tmp/plan.${file}.${name}.txt`, text);
      console.log(name, text.split("\n").filter((l) => /dispatches,|^upload/.test(l)).join(" "), (performance.now() - t).toFixed(0));
    }
  }
});
