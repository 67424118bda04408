// In: an implementation (dispatches) and arrays. Out: the arrays that its results hold after it ran on a device.
// Invariant: everything lies in one buffer filled with garbage first, as in the arena of a run, so a kernel that reads what it did not write shows.

import type { TensorType } from "../../compiler/ir/graph.js";
import { bytes } from "../../compiler/ir/graph.js";
import type { Dispatch, Implementation, Target } from "../../compiler/kernels/kernel.js";
import { NoAdapterError } from "../../runtime/device.js";
import { openNodeDevice } from "../../runtime/node.js";

export type Numbers = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface Device {
  readonly device: GPUDevice;
  readonly target: Target;
  readonly timestamps: boolean;
  readonly pipelines: Map<string, GPUComputePipeline>;
}

const alignment = 256;
/** `GPUBufferUsage`, `GPUShaderStage` and `GPUMapMode`, which Node has no globals for. */
export const STORAGE = 0x80;
export const COPY_DST = 8;
export const COPY_SRC = 4;
export const MAP_READ = 1;
export const COMPUTE = 4;
export const READ = 1;

let opened: Promise<Device | undefined> | undefined;

/** The machine's best adapter, or undefined where there is none; opened once a process. */
export function openDevice(): Promise<Device | undefined> {
  opened ??= open();
  return opened;
}

async function open(): Promise<Device | undefined> {
  try {
    const { gpu, capability } = await openNodeDevice({ disable: ["timestamp_quantization"] });
    gpu.addEventListener("uncapturederror", (event) => console.error((event as GPUUncapturedErrorEvent).error.message));
    return { device: gpu, target: capability, timestamps: gpu.features.has("timestamp-query"), pipelines: new Map() };
  } catch (error) {
    if (error instanceof NoAdapterError) return undefined;
    throw error;
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`nothing at ${index} of ${list.length}`);
  return item;
}

async function pipelineOf({ device, pipelines }: Device, dispatch: Dispatch): Promise<GPUComputePipeline> {
  const known = pipelines.get(dispatch.wgsl);
  if (known) return known;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: dispatch.wgsl });
  const layout = device.createBindGroupLayout({
    entries: dispatch.bindings.map((_, binding) => ({
      binding,
      visibility: COMPUTE,
      buffer: { type: "storage" as const },
    })),
  });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({
      bindGroupLayouts: [layout],
      ...(dispatch.immediates.length > 0 ? { immediateSize: 4 * dispatch.immediates.length } : {}),
    }),
    compute: { module },
  });
  const error = await device.popErrorScope();
  if (error) throw new Error(`${dispatch.kernel}: ${error.message}\n${dispatch.wgsl}`);
  pipelines.set(dispatch.wgsl, pipeline);
  return pipeline;
}

/** A loaded implementation whose inputs lie on the device, to be run any number of times. */
export interface Loaded {
  /** Runs it `times` times in one submission; milliseconds of the whole. */
  run(times: number): Promise<number>;
  /** What result `index` holds. */
  read(index: number): Promise<Numbers>;
  destroy(): void;
}

/** Puts inputs, results and scratch into one arena. */
export async function load(
  context: Device,
  implementation: Implementation,
  inputs: readonly Numbers[],
  inputTypes: readonly TensorType[],
  outputTypes: readonly TensorType[],
): Promise<Loaded> {
  const { device } = context;
  let top = 0;
  const place = (size: number): { offset: number; size: number } => {
    const range = { offset: top, size: Math.max(4, size) };
    top = Math.ceil((top + Math.max(4, size)) / alignment) * alignment;
    return range;
  };
  const inputRanges = inputTypes.map((type) => place(bytes(type)));
  const outputRanges = outputTypes.map((type, i) =>
    implementation.inPlace?.[0] === i ? at(inputRanges, implementation.inPlace[1]) : place(bytes(type)),
  );
  const scratchRanges = implementation.scratch.map(place);
  const size = Math.max(alignment, top);
  const arena = device.createBuffer({ size, usage: STORAGE | COPY_DST | COPY_SRC });
  device.queue.writeBuffer(arena, 0, new Uint32Array(size / 4).fill(0x7149f2ca)); // 1e30
  inputs.forEach((data, i) => {
    if (data.byteLength > 0) device.queue.writeBuffer(arena, at(inputRanges, i).offset, data);
  });
  const steps = await Promise.all(
    implementation.dispatches.map(async (dispatch) => {
      const pipeline = await pipelineOf(context, dispatch);
      const group = device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: dispatch.bindings.map((binding, i) => {
          const ranges = binding.kind === "input" ? inputRanges : binding.kind === "output" ? outputRanges : scratchRanges;
          const range = ranges[binding.index];
          if (!range) throw new Error(`${dispatch.kernel}: binding ${i} names no ${binding.kind} ${binding.index}`);
          return { binding: i, resource: { buffer: arena, offset: range.offset, size: Math.ceil(range.size / 4) * 4 } };
        }),
      });
      if (dispatch.immediates.length > 16) throw new Error(`${dispatch.kernel}: ${dispatch.immediates.length} immediates`);
      return { pipeline, group, words: new Uint32Array(dispatch.immediates), grid: dispatch.grid };
    }),
  );
  return {
    async run(times) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (let i = 0; i < times; i++) {
        for (const step of steps) {
          pass.setPipeline(step.pipeline);
          pass.setBindGroup(0, step.group);
          if (step.words.length > 0) pass.setImmediates(0, step.words);
          pass.dispatchWorkgroups(...step.grid);
        }
      }
      pass.end();
      const commands = encoder.finish();
      const begin = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - begin;
    },
    async read(index) {
      const range = at(outputRanges, index);
      const type = at(outputTypes, index);
      const buffer = device.createBuffer({ size: Math.ceil(range.size / 4) * 4, usage: MAP_READ | COPY_DST });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(arena, range.offset, buffer, 0, buffer.size);
      device.queue.submit([encoder.finish()]);
      await buffer.mapAsync(READ);
      const copy = buffer.getMappedRange().slice(0, bytes(type));
      buffer.destroy();
      return type.dtype === "f32" ? new Float32Array(copy) : new Uint32Array(copy);
    },
    destroy() {
      arena.destroy();
    },
  };
}

/** Loads, runs once and reads every result. */
export async function runOnce(
  context: Device,
  implementation: Implementation,
  inputs: readonly Numbers[],
  inputTypes: readonly TensorType[],
  outputTypes: readonly TensorType[],
): Promise<Numbers[]> {
  const loaded = await load(context, implementation, inputs, inputTypes, outputTypes);
  await loaded.run(1);
  const results: Numbers[] = [];
  for (let i = 0; i < outputTypes.length; i++) results.push(await loaded.read(i));
  loaded.destroy();
  return results;
}
