import { it } from "vitest";
import { openDevice } from "../kernels/device.js";
import { fuse } from "../../compiler/passes/fuse.js";
import { plan } from "../../compiler/passes/plan.js";
import { charGpt, trainStep } from "../passes/decoder.js";
it("profiles", async () => {
  const c = (await openDevice())!;
  const device = c.device;
  const d = trainStep({ ...charGpt, layers: +(process.env.LAYERS ?? 1) }, c.target);
  const p = plan(fuse(d.graph, c.target, d.homes), c.target);
  const bufs = new Map<string, GPUBuffer>();
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  for (const [n, s] of [["arena", p.arenaBytes], ["upload", p.uploadBytes], ...p.buffers] as const) bufs.set(n, device.createBuffer({ size: Math.ceil(s / 256) * 256, usage }));
  const steps = p.steps.flatMap((s) => (s.kind === "dispatch" ? [s] : []));
  const pipes = new Map<string, GPUComputePipeline>();
  const groups = steps.map((step) => {
    let pipeline = pipes.get(step.wgsl);
    if (!pipeline) {
      const layout = device.createBindGroupLayout({ entries: step.bindings.map((_, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" as const } })) });
      pipeline = device.createComputePipeline({ layout: device.createPipelineLayout({ bindGroupLayouts: [layout], ...(step.immediates.length ? { immediateSize: 4 * step.immediates.length } : {}) }), compute: { module: device.createShaderModule({ code: step.wgsl }) } });
      pipes.set(step.wgsl, pipeline);
    }
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: step.bindings.map((b, binding) => ({ binding, resource: { buffer: bufs.get(b.space)!, offset: b.offset, size: b.bytes } })) });
    return { pipeline, group, words: new Uint32Array(step.immediates), step };
  });
  const run = async (list: typeof groups, times: number) => {
    const e = device.createCommandEncoder();
    const pass = e.beginComputePass();
    for (let i = 0; i < times; i++) for (const g of list) { pass.setPipeline(g.pipeline); pass.setBindGroup(0, g.group); if (g.words.length) pass.setImmediates(0, g.words); pass.dispatchWorkgroups(...g.step.grid); }
    pass.end();
    const cmd = e.finish();
    const t = performance.now();
    device.queue.submit([cmd]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - t) / times;
  };
  await run(groups, 1);
  let best = 1e9;
  for (let i = 0; i < 5; i++) best = Math.min(best, await run(groups, 1));
  console.log("whole", best.toFixed(1), "ms", groups.length);
  const by = new Map<string, { ms: number; n: number }>();
  for (const g of groups) {
    let ms = 1e9;
    for (let i = 0; i < 4; i++) ms = Math.min(ms, await run([g], 2));
    const k = `${g.step.kernel} ${g.step.label} ${g.step.grid}`;
    const o = by.get(k) ?? { ms: 0, n: 0 };
    by.set(k, { ms: o.ms + ms, n: o.n + 1 });
  }
  const rows = [...by].sort((a, b) => b[1].ms - a[1].ms);
  console.log(rows.slice(0, 40).map(([k, v]) => `${v.ms.toFixed(2)} ms ×${v.n} ${k}`).join("\n"));
}, 300000);
