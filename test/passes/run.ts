// In: a planned program and what its inputs, scalars and states hold. Out: what its outputs hold after one run on a device, and every state that it updates.
// Invariant: the arena is full of garbage before the run, so that a value read before it is written shows.

import type { Bindings } from "../../compiler/interpret.js";
import { elements, type Graph } from "../../compiler/ir/graph.js";
import { fuse } from "../../compiler/passes/fuse.js";
import { type Homes, homeOf } from "../../compiler/passes/homes.js";
import { ARENA_SPACE, type Plan, plan, type Range, UPLOAD_SPACE } from "../../compiler/passes/plan.js";
import { COMPUTE, COPY_DST, COPY_SRC, type Device, MAP_READ, type Numbers, READ, STORAGE } from "../kernels/device.js";

const pad = (size: number): number => Math.max(256, Math.ceil(size / 256) * 256);

export interface Ran {
  readonly plan: Plan;
  readonly outputs: ReadonlyMap<string, Numbers>;
  readonly updates: ReadonlyMap<string, Numbers>;
}

/** Fuses, plans and runs a graph. */
export async function runGraph(
  context: Device,
  graph: Graph,
  bindings: Bindings,
  homes: Homes = new Map(),
  target = context.target,
): Promise<Ran> {
  const planned = plan(fuse(graph, target, homes), target);
  return runPlan(context, planned, graph, bindings, homes);
}

export async function runPlan(context: Device, planned: Plan, graph: Graph, bindings: Bindings, homes: Homes = new Map()): Promise<Ran> {
  const { device } = context;
  const usage = STORAGE | COPY_DST | COPY_SRC;
  const buffers = new Map<string, GPUBuffer>();
  const make = (name: string, size: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: pad(size), usage });
    buffers.set(name, buffer);
    return buffer;
  };
  const arena = make(ARENA_SPACE, planned.arenaBytes);
  device.queue.writeBuffer(arena, 0, new Uint32Array(arena.size / 4).fill(0x7149f2ca)); // 1e30
  const upload = make(UPLOAD_SPACE, planned.uploadBytes);
  for (const [name, size] of planned.buffers) make(name, size);
  const write = (buffer: GPUBuffer, offset: number, data: ArrayLike<number>, dtype: "f32" | "u32"): void => {
    const array = dtype === "f32" ? Float32Array.from(data) : Uint32Array.from(data);
    if (array.byteLength > 0) device.queue.writeBuffer(buffer, offset, array);
  };
  for (const { name, dtype, offset } of planned.scalars) write(upload, offset, [bindings.scalars?.[name] ?? Number.NaN], dtype);
  for (const { name, dtype, offset } of planned.inputs) write(upload, offset, bindings.inputs?.[name] ?? [], dtype);
  const at = (name: string): GPUBuffer => {
    const buffer = buffers.get(name);
    if (!buffer) throw new Error(`no buffer ${name}`);
    return buffer;
  };
  for (const node of graph.nodes) {
    if (node.op !== "state") continue;
    const home = homeOf(homes, node.attrs.name);
    const buffer = buffers.get(home.buffer);
    if (buffer) write(buffer, 4 * home.offset, bindings.state?.[node.attrs.name] ?? [], node.attrs.dtype);
  }

  const pipelines = new Map<string, GPUComputePipeline>();
  for (const step of planned.steps) {
    if (step.kind !== "dispatch" || pipelines.has(step.wgsl)) continue;
    device.pushErrorScope("validation");
    const layout = device.createBindGroupLayout({
      entries: step.bindings.map((_, binding) => ({ binding, visibility: COMPUTE, buffer: { type: "storage" as const } })),
    });
    const words = step.immediates.length;
    const pipeline = device.createComputePipeline({
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout], ...(words > 0 ? { immediateSize: 4 * words } : {}) }),
      compute: { module: device.createShaderModule({ code: step.wgsl }) },
    });
    const error = await device.popErrorScope();
    if (error) throw new Error(`${step.label}: ${error.message}\n${step.wgsl}`);
    pipelines.set(step.wgsl, pipeline);
  }
  device.pushErrorScope("validation");
  const encoder = device.createCommandEncoder();
  for (const step of planned.steps) {
    if (step.kind === "copy") {
      // Within one buffer WebGPU does not copy.
      const between = device.createBuffer({ size: step.from.bytes, usage });
      encoder.copyBufferToBuffer(at(step.from.space), step.from.offset, between, 0, step.from.bytes);
      encoder.copyBufferToBuffer(between, 0, at(step.to.space), step.to.offset, step.from.bytes);
      continue;
    }
    const pipeline = pipelines.get(step.wgsl);
    if (!pipeline) throw new Error("no pipeline");
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = step.bindings.map((range, binding) => ({
      binding,
      resource: { buffer: at(range.space), offset: range.offset, size: range.bytes },
    }));
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    if (step.immediates.length > 0) pass.setImmediates(0, new Uint32Array(step.immediates));
    pass.dispatchWorkgroups(...step.grid);
    pass.end();
  }
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) throw new Error(error.message);

  const read = async (range: Range, dtype: "f32" | "u32"): Promise<Numbers> => {
    const buffer = device.createBuffer({ size: range.bytes, usage: MAP_READ | COPY_DST });
    const copy = device.createCommandEncoder();
    copy.copyBufferToBuffer(at(range.space), range.offset, buffer, 0, range.bytes);
    device.queue.submit([copy.finish()]);
    await buffer.mapAsync(READ);
    const words = buffer.getMappedRange().slice(0);
    buffer.destroy();
    return dtype === "f32" ? new Float32Array(words) : new Uint32Array(words);
  };
  const outputs = new Map<string, Numbers>();
  for (const output of planned.outputs) outputs.set(output.name, await read(output.source, output.dtype));
  const updates = new Map<string, Numbers>();
  for (const [name, value] of graph.updates) {
    const type = graph.nodes[value]?.types[0];
    if (!type) continue;
    const home = homeOf(homes, name);
    updates.set(name, await read({ space: home.buffer, offset: 4 * home.offset, bytes: 4 * elements(type.shape) }, type.dtype));
  }
  for (const buffer of buffers.values()) buffer.destroy();
  return { plan: planned, outputs, updates };
}
