import { it } from "vitest";
import { openDevice } from "../kernels/device.js";
import { fuse } from "../../compiler/passes/fuse.js";
import { plan } from "../../compiler/passes/plan.js";
import { portable } from "../../compiler/kernels/kernel.js";
import { mlp, rmsnorm, softmax, layernorm } from "../passes/graphs.js";
it("times", async () => {
  const c = (await openDevice())!;
  const device = c.device;
  for (const [cs, target] of [[rmsnorm(3, 66), portable], [mlp(6, 7, 11), c.target]] as const) {
    const p = plan(fuse(cs.graph, target), target);
    for (const step of p.steps) {
      if (step.kind !== "dispatch") continue;
      const t = performance.now();
      const layout = device.createBindGroupLayout({ entries: step.bindings.map((_, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" as const } })) });
      const pipeline = device.createComputePipeline({ layout: device.createPipelineLayout({ bindGroupLayouts: [layout], ...(step.immediates.length ? { immediateSize: 4 * step.immediates.length } : {}) }), compute: { module: device.createShaderModule({ code: step.wgsl + `\n// ${Math.random()}\nfn unused${Math.floor(Math.random() * 1e9)}() {}` }) } });
      const buf = device.createBuffer({ size: 4096 * 16, usage: GPUBufferUsage.STORAGE });
      const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: step.bindings.map((b, binding) => ({ binding, resource: { buffer: buf, offset: 4096 * binding, size: 4096 } })) });
      const t1 = performance.now();
      const e = device.createCommandEncoder(); const pass = e.beginComputePass(); pass.setPipeline(pipeline); pass.setBindGroup(0, group);
      if (step.immediates.length) pass.setImmediates(0, new Uint32Array(step.immediates));
      pass.dispatchWorkgroups(0, 0, 0); pass.end(); device.queue.submit([e.finish()]); await device.queue.onSubmittedWorkDone();
      console.log(step.kernel, step.label, (t1 - t).toFixed(0), "ms create,", (performance.now() - t1).toFixed(0), "ms first", step.wgsl.length, "chars");
      if (process.env.DUMP === step.kernel) console.log(step.wgsl);
    }
  }
}, 300000);
