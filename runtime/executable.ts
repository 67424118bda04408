// In: an artifact and a device. Out: its programs, ready to run. Persistent buffers, one arena and one upload block for all programs, pipelines and
// bind groups are made by `open`; after that a run only writes the upload block, encodes the step list and submits: nothing is created but the encoder.

import { ARENA, ARTIFACT_VERSION, type Artifact, type Program, type Slice, type Step, type TensorSpec, UPLOAD } from "./artifact.js";
import { align, allocate, INDIRECT, mapRead, STAGING, STORAGE } from "./buffers.js";
import { type Device, IMMEDIATE_BYTES } from "./device.js";

/** Values of a run by name: a number for a scalar, an array of the declared type and size for an input. Names that the program does not list are ignored. */
export type UploadValues = Readonly<Record<string, number | Uint32Array | Float32Array>>;

/** Outputs of a run by name. */
export type Outputs = Readonly<Record<string, Float32Array | Uint32Array>>;

/** A run that was handed to the device. */
export interface Submission {
  /** The outputs; only where the run was asked to `read`. Rejects with `DeviceLostError` when the device goes away. */
  read(): Promise<Outputs>;
}

/** How far the making of pipelines has come, in kernels. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is being made ready: the kernel's label. */
  readonly label: string;
}

/** What is made ready, and how. */
export interface ExecutableOptions {
  /** Programs to make ready; absent: all. Others can be made ready later by `prepare`. */
  readonly programs?: readonly string[];
  readonly onProgress?: (progress: Progress) => void;
  /** Readbacks of one program that may be in flight. */
  readonly readbacks?: number;
  /** Whether to submit what has been encoded before this step: for programs that would run into a driver's watchdog. */
  readonly split?: (step: Step, index: number, program: string) => boolean;
}

/** What a run is to give back. */
export interface RunOptions {
  /** Copy the outputs out, to be had by `read()`. */
  readonly read?: boolean;
}

/** A dispatch or copy with its device objects. */
type Ready =
  | {
      readonly kind: "dispatch";
      readonly pipeline: GPUComputePipeline;
      readonly group: GPUBindGroup;
      readonly immediates: Uint32Array<ArrayBuffer>;
      readonly grid: readonly [number, number, number];
      readonly cut: boolean;
    }
  | {
      readonly kind: "copy";
      readonly from: GPUBuffer;
      readonly fromOffset: number;
      readonly to: GPUBuffer;
      readonly toOffset: number;
      readonly bytes: number;
      readonly cut: boolean;
    };

interface Plan {
  readonly program: Program;
  readonly block: ArrayBuffer;
  readonly steps: readonly Ready[];
  readonly free: GPUBuffer[];
}

/** The least arena, upload and bounce buffer, so that none is ever empty. */
const LEAST = 256;
/** Readbacks larger than this get one staging buffer, not a ring. */
const LARGE_READBACK = 4 * 2 ** 20;

/** An artifact on a device. Owns its buffers; `destroy` frees them. */
export class Executable {
  readonly artifact: Artifact;
  readonly device: Device;
  readonly tensors: ReadonlyMap<string, TensorSpec>;
  readonly #options: ExecutableOptions;
  readonly #buffers: readonly GPUBuffer[];
  readonly #arena: GPUBuffer;
  readonly #upload: GPUBuffer;
  /** Holds a range on its way within one buffer, and a tensor on its way in `swap`. */
  #bounce: GPUBuffer | undefined;
  readonly #bounces: GPUBuffer[] = [];
  readonly #plans = new Map<string, Plan>();
  readonly #pipelines = new Map<number, GPUComputePipeline>();
  readonly #groups = new Map<string, GPUBindGroup>();
  /** By the number of bindings: every binding is a read-write storage buffer. */
  readonly #groupLayouts = new Map<number, GPUBindGroupLayout>();
  #destroyed = false;

  private constructor(
    artifact: Artifact,
    device: Device,
    options: ExecutableOptions,
    buffers: readonly GPUBuffer[],
    arena: GPUBuffer,
    upload: GPUBuffer,
  ) {
    this.artifact = artifact;
    this.device = device;
    this.tensors = new Map(artifact.tensors.map((tensor) => [tensor.name, tensor]));
    this.#options = options;
    this.#buffers = buffers;
    this.#arena = arena;
    this.#upload = upload;
  }

  /**
   * Allocates the buffers and makes the programs ready. Throws `OutOfMemoryError` naming the buffer and its bytes, and where the artifact is of
   * another version.
   */
  static async open(artifact: Artifact, device: Device, options: ExecutableOptions = {}): Promise<Executable> {
    device.check();
    const { format, version }: { readonly format: string; readonly version: number } = artifact;
    if (format !== "ulmus" || version !== ARTIFACT_VERSION)
      throw new Error(
        `This is no artifact of version ${ARTIFACT_VERSION}, which is the one that is read, but of version ${version}: compile it again.`,
      );
    const programs = Object.values(artifact.programs);
    const made: GPUBuffer[] = [];
    let executable: Executable | undefined;
    try {
      for (const buffer of artifact.buffers) made.push(await allocate(device, buffer.bytes, STORAGE, `buffer "${buffer.name}"`));
      const buffers = made.slice();
      const arena = await allocate(
        device,
        Math.max(LEAST, ...programs.map((program) => program.arenaBytes)),
        STORAGE,
        "the arena of activations",
      );
      made.push(arena);
      const upload = await allocate(
        device,
        Math.max(LEAST, ...programs.map((program) => program.uploadBytes)),
        STORAGE,
        "the upload block",
      );
      made.push(upload);
      executable = new Executable(artifact, device, options, buffers, arena, upload);
      await executable.prepare(options.programs ?? Object.keys(artifact.programs));
      return executable;
    } catch (error) {
      executable?.destroy();
      for (const buffer of made) buffer.destroy();
      throw error;
    }
  }

  /** Bytes on the device: persistent buffers, arena and upload block. */
  get bytes(): number {
    return [...this.#buffers, this.#arena, this.#upload].reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** Compiles and warms up the pipelines of programs that are not ready yet. */
  async prepare(names: readonly string[]): Promise<void> {
    const fresh = names.filter((name) => !this.#plans.has(name));
    const first = new Map<number, Step & { kind: "dispatch" }>();
    for (const name of fresh) {
      for (const step of this.#program(name).steps) {
        if (step.kind === "dispatch" && !this.#pipelines.has(step.shader) && !first.has(step.shader)) first.set(step.shader, step);
      }
    }
    await Promise.all([...first].map(async ([shader, step]) => this.#pipelines.set(shader, await this.#compile(shader, step, fresh))));
    const nothing = await allocate(this.device, 12, INDIRECT, "the size of no workgroups");
    let done = 0;
    for (const [shader, step] of first) {
      this.#options.onProgress?.({ done, total: first.size, label: step.label });
      await this.#warmUp(shader, step, nothing);
      done += 1;
    }
    nothing.destroy();
    if (first.size > 0) this.#options.onProgress?.({ done, total: first.size, label: "" });
    for (const name of fresh) this.#plans.set(name, await this.#plan(name));
  }

  /** Runs a program once: one upload, one submission. Throws where a value is missing or of another size. */
  run(name: string, values: UploadValues = {}, options: RunOptions = {}): Submission {
    return this.runMany(name, 1, values, options);
  }

  /** Runs a program `times` times with the same upload in one submission; outputs are those of the last. */
  runMany(name: string, times: number, values: UploadValues = {}, options: RunOptions = {}): Submission {
    this.#check();
    const plan = this.#plans.get(name);
    if (plan === undefined) throw new Error(`Program "${name}" is not ready: name it in \`programs\` or call \`prepare\`.`);
    this.#fill(name, plan, values);
    const queue = this.device.gpu.queue;
    if (plan.program.uploadBytes > 0) queue.writeBuffer(this.#upload, 0, plan.block);
    let encoder = this.device.gpu.createCommandEncoder();
    let pass: GPUComputePassEncoder | undefined;
    for (let round = 0; round < times; round++) {
      for (const step of plan.steps) {
        if (step.cut) {
          pass?.end();
          pass = undefined;
          queue.submit([encoder.finish()]);
          encoder = this.device.gpu.createCommandEncoder();
        }
        if (step.kind === "copy") {
          pass?.end();
          pass = undefined;
          encoder.copyBufferToBuffer(step.from, step.fromOffset, step.to, step.toOffset, step.bytes);
        } else {
          pass ??= encoder.beginComputePass();
          pass.setPipeline(step.pipeline);
          pass.setBindGroup(0, step.group);
          if (step.immediates.length > 0) pass.setImmediates(0, step.immediates);
          pass.dispatchWorkgroups(step.grid[0], step.grid[1], step.grid[2]);
        }
      }
    }
    pass?.end();
    const staging = options.read === true ? this.#copyOut(name, plan, encoder) : undefined;
    queue.submit([encoder.finish()]);
    if (staging === undefined) {
      return { read: () => Promise.reject(new Error(`This run of "${name}" was not asked to read its outputs: pass { read: true }.`)) };
    }
    const outputs = this.#readOutputs(plan, staging);
    // The promise is made now, so that the copy is under way; whoever does not await `read()` must not bring the process down.
    outputs.catch(() => undefined);
    return { read: () => outputs };
  }

  /** Runs a program once and gives its outputs. */
  call(name: string, values: UploadValues = {}): Promise<Outputs> {
    return this.run(name, values, { read: true }).read();
  }

  /** Writes a whole tensor. Throws where the type or the number of elements differs. */
  write(name: string, data: Float32Array | Uint32Array): void {
    this.#check();
    const tensor = this.tensor(name);
    const count = elements(tensor.shape);
    if (data.length !== count)
      throw new Error(`Tensor "${name}" is [${tensor.shape.join(", ")}], ${count} elements, but ${data.length} were given.`);
    if ((data instanceof Float32Array ? "f32" : "u32") !== tensor.dtype) throw new Error(`Tensor "${name}" is of ${tensor.dtype}.`);
    this.device.gpu.queue.writeBuffer(this.#at(tensor.buffer), tensor.offset, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }

  /** Reads a whole tensor (a piece, where it is cut). */
  async readTensor(name: string): Promise<Float32Array | Uint32Array> {
    this.#check();
    const tensor = this.tensor(name);
    const bytes = 4 * elements(tensor.shape);
    const staging = await allocate(this.device, bytes, STAGING, `the copy of "${name}"`);
    const encoder = this.device.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#at(tensor.buffer), tensor.offset, staging, 0, bytes);
    this.device.gpu.queue.submit([encoder.finish()]);
    try {
      const copy = await mapRead(this.device, staging, bytes);
      return tensor.dtype === "f32" ? new Float32Array(copy) : new Uint32Array(copy);
    } finally {
      staging.destroy();
    }
  }

  /** Sets tensors to zero. */
  clear(names: readonly string[]): void {
    this.#check();
    const encoder = this.device.gpu.createCommandEncoder();
    for (const name of names) {
      const tensor = this.tensor(name);
      encoder.clearBuffer(this.#at(tensor.buffer), tensor.offset, 4 * elements(tensor.shape));
    }
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  /** Copies tensors on the device, pairs of [from, to] of equal size. */
  async copy(pairs: readonly (readonly [from: string, to: string])[]): Promise<void> {
    this.#check();
    const ranges = pairs.map(([from, to]) => this.#pair(from, to));
    if (ranges.length === 0) return;
    const bounce = await this.#bounceOf(Math.max(LEAST, ...ranges.map(([from]) => from.bytes)));
    const encoder = this.device.gpu.createCommandEncoder();
    for (const [from, to] of ranges) {
      // Both may lie in one buffer, within which WebGPU does not copy.
      encoder.copyBufferToBuffer(this.#at(from.buffer), from.offset, bounce, 0, from.bytes);
      encoder.copyBufferToBuffer(bounce, 0, this.#at(to.buffer), to.offset, to.bytes);
    }
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  /** Exchanges the values of pairs of tensors of equal size: done twice, it changes nothing. For evaluating with the EMA copy. */
  async swap(pairs: readonly (readonly [a: string, b: string])[]): Promise<void> {
    this.#check();
    const ranges = pairs.map(([a, b]) => this.#pair(a, b));
    if (ranges.length === 0) return;
    const half = Math.max(LEAST, ...ranges.map(([a]) => a.bytes));
    const bounce = await this.#bounceOf(2 * half);
    const encoder = this.device.gpu.createCommandEncoder();
    for (const [a, b] of ranges) {
      encoder.copyBufferToBuffer(this.#at(a.buffer), a.offset, bounce, 0, a.bytes);
      encoder.copyBufferToBuffer(this.#at(b.buffer), b.offset, bounce, half, b.bytes);
      encoder.copyBufferToBuffer(bounce, 0, this.#at(b.buffer), b.offset, b.bytes);
      encoder.copyBufferToBuffer(bounce, half, this.#at(a.buffer), a.offset, a.bytes);
    }
    this.device.gpu.queue.submit([encoder.finish()]);
  }

  /** Waits until everything submitted has run. */
  async idle(): Promise<void> {
    this.#check();
    await this.device.gpu.queue.onSubmittedWorkDone();
    this.device.check();
  }

  tensor(name: string): TensorSpec {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new Error(`The artifact has no tensor "${name}".`);
    return tensor;
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const buffer of [...this.#buffers, this.#arena, this.#upload]) buffer.destroy();
    for (const buffer of this.#bounces) buffer.destroy();
    for (const plan of this.#plans.values()) for (const buffer of plan.free) buffer.destroy();
  }

  #check(): void {
    if (this.#destroyed) throw new Error("This executable was destroyed.");
    this.device.check();
  }

  #program(name: string): Program {
    const program = this.artifact.programs[name];
    if (program === undefined)
      throw new Error(`The artifact has no program "${name}"; it has ${Object.keys(this.artifact.programs).join(", ")}.`);
    return program;
  }

  #at(buffer: number): GPUBuffer {
    if (buffer === ARENA) return this.#arena;
    if (buffer === UPLOAD) return this.#upload;
    const found = this.#buffers[buffer];
    if (found === undefined) throw new Error(`The artifact has no buffer ${buffer}.`);
    return found;
  }

  #range(name: string): Slice {
    const tensor = this.tensor(name);
    return { buffer: tensor.buffer, offset: tensor.offset, bytes: 4 * elements(tensor.shape) };
  }

  #pair(a: string, b: string): readonly [Slice, Slice] {
    const pair = [this.#range(a), this.#range(b)] as const;
    if (pair[0].bytes !== pair[1].bytes) throw new Error(`Tensors "${a}" and "${b}" differ in size.`);
    return pair;
  }

  async #bounceOf(bytes: number): Promise<GPUBuffer> {
    if (this.#bounce !== undefined && this.#bounce.size >= bytes) return this.#bounce;
    // A smaller one may be part of a plan: it is freed with the executable.
    this.#bounce = await allocate(this.device, bytes, STORAGE, "the exchange buffer");
    this.#bounces.push(this.#bounce);
    return this.#bounce;
  }

  async #compile(shader: number, step: Step & { kind: "dispatch" }, programs: readonly string[]): Promise<GPUComputePipeline> {
    const code = this.artifact.shaders[shader];
    if (code === undefined) throw new Error(`The artifact has no shader ${shader}.`);
    const uses = programs
      .flatMap((name) => this.#program(name).steps)
      .filter((other) => other.kind === "dispatch" && other.shader === shader);
    const immediates = uses.some((use) => use.kind === "dispatch" && use.immediates.length > 0);
    const gpu = this.device.gpu;
    const layout = gpu.createPipelineLayout({
      bindGroupLayouts: [this.#groupLayout(step.bindings.length)],
      immediateSize: immediates ? IMMEDIATE_BYTES : 0,
    });
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ code, label: step.label });
    await gpu.popErrorScope();
    try {
      return await gpu.createComputePipelineAsync({ layout, compute: { module }, label: step.label });
    } catch (cause) {
      this.device.check();
      const messages = (await module.getCompilationInfo()).messages.map(
        (message) => `${message.lineNum}:${message.linePos} ${message.message}`,
      );
      const where = step.origin === undefined ? "" : ` (from ${step.origin})`;
      const reason = messages.length > 0 ? messages.join("\n") : cause instanceof Error ? cause.message : String(cause);
      throw new Error(`The driver refuses the kernel "${step.label}"${where}: ${reason}`, { cause });
    }
  }

  #groupLayout(bindings: number): GPUBindGroupLayout {
    const known = this.#groupLayouts.get(bindings);
    if (known !== undefined) return known;
    const entries = Array.from({ length: bindings }, (_, binding) => ({
      binding,
      visibility: COMPUTE_STAGE,
      buffer: { type: "storage" as const },
    }));
    const layout = this.device.gpu.createBindGroupLayout({ entries });
    this.#groupLayouts.set(bindings, layout);
    return layout;
  }

  /**
   * A dispatch of no workgroups compiles without effect: software drivers do the real work at the first dispatch. Its size is read from a buffer of
   * zeros, as Dawn prints a warning for one that is written out.
   */
  async #warmUp(shader: number, step: Step & { kind: "dispatch" }, nothing: GPUBuffer): Promise<void> {
    const gpu = this.device.gpu;
    gpu.pushErrorScope("validation");
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline(shader));
    pass.setBindGroup(0, this.#group(step));
    if (step.immediates.length > 0) pass.setImmediates(0, Uint32Array.from(step.immediates));
    pass.dispatchWorkgroupsIndirect(nothing, 0);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    const error = await gpu.popErrorScope();
    if (error !== null) throw new Error(`The kernel "${step.label}" can not be run: ${error.message}`);
    await gpu.queue.onSubmittedWorkDone();
    this.device.check();
  }

  #pipeline(shader: number): GPUComputePipeline {
    const pipeline = this.#pipelines.get(shader);
    if (pipeline === undefined) throw new Error(`Shader ${shader} is not compiled.`);
    return pipeline;
  }

  #group(step: Step & { kind: "dispatch" }): GPUBindGroup {
    const key = step.bindings.map((slice) => `${slice.buffer}:${slice.offset}:${slice.bytes}`).join(" ");
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const entries = step.bindings.map((slice, binding) => ({
      binding,
      resource: { buffer: this.#at(slice.buffer), offset: slice.offset, size: align(slice.bytes) },
    }));
    const group = this.device.gpu.createBindGroup({ layout: this.#groupLayout(step.bindings.length), entries, label: step.label });
    this.#groups.set(key, group);
    return group;
  }

  async #plan(name: string): Promise<Plan> {
    const program = this.#program(name);
    const gpu = this.device.gpu;
    const inner = program.steps.filter((step) => step.kind === "copy" && step.from.buffer === step.to.buffer);
    const bounce =
      inner.length === 0
        ? undefined
        : await this.#bounceOf(Math.max(LEAST, ...inner.map((step) => (step.kind === "copy" ? step.from.bytes : 0))));
    gpu.pushErrorScope("validation");
    const steps = program.steps.flatMap((step, index) => this.#ready(step, index, name, bounce));
    const error = await gpu.popErrorScope();
    if (error !== null) throw new Error(`Program "${name}" can not be run on this device: ${error.message}`);
    const depth = program.readbackBytes > LARGE_READBACK ? 1 : (this.#options.readbacks ?? 4);
    const free: GPUBuffer[] = [];
    for (let i = 0; i < depth && program.readbackBytes > 0; i++)
      free.push(await allocate(this.device, program.readbackBytes, STAGING, `the readback of "${name}"`));
    return { program, block: new ArrayBuffer(align(program.uploadBytes)), steps, free };
  }

  #ready(step: Step, index: number, program: string, bounce: GPUBuffer | undefined): readonly Ready[] {
    const cut = index > 0 && this.#options.split?.(step, index, program) === true;
    switch (step.kind) {
      case "dispatch": {
        const immediates = Uint32Array.from(step.immediates);
        return [{ kind: "dispatch", pipeline: this.#pipeline(step.shader), group: this.#group(step), immediates, grid: step.grid, cut }];
      }
      case "copy": {
        const { from, to } = step;
        const ends = {
          from: this.#at(from.buffer),
          fromOffset: from.offset,
          to: this.#at(to.buffer),
          toOffset: to.offset,
          bytes: from.bytes,
        };
        if (from.buffer !== to.buffer || bounce === undefined) return [{ kind: "copy", ...ends, cut }];
        return [
          { kind: "copy", ...ends, to: bounce, toOffset: 0, cut },
          { kind: "copy", ...ends, from: bounce, fromOffset: 0, cut: false },
        ];
      }
    }
  }

  /** Writes values into the program's host block. */
  #fill(name: string, plan: Plan, values: UploadValues): void {
    const view = new DataView(plan.block);
    for (const scalar of plan.program.scalars) {
      const value = values[scalar.name];
      if (typeof value !== "number") throw new Error(`Program "${name}" needs the number "${scalar.name}".`);
      if (scalar.dtype === "f32") view.setFloat32(scalar.offset, value, true);
      else view.setUint32(scalar.offset, value, true);
    }
    for (const input of plan.program.inputs) {
      const value = values[input.name];
      const count = elements(input.shape);
      if (value === undefined || typeof value === "number")
        throw new Error(`Program "${name}" needs the array "${input.name}" of ${input.dtype} [${input.shape.join(", ")}].`);
      if (value.length !== count || (value instanceof Float32Array ? "f32" : "u32") !== input.dtype) {
        throw new Error(
          `Input "${input.name}" of program "${name}" is ${input.dtype} [${input.shape.join(", ")}], ${count} elements, but ${value.length} of ${value instanceof Float32Array ? "f32" : "u32"} were given.`,
        );
      }
      if (value instanceof Float32Array) new Float32Array(plan.block, input.offset, count).set(value);
      else new Uint32Array(plan.block, input.offset, count).set(value);
    }
  }

  #copyOut(name: string, plan: Plan, encoder: GPUCommandEncoder): GPUBuffer {
    if (plan.program.readbackBytes === 0) throw new Error(`Program "${name}" has no outputs.`);
    const staging = plan.free.pop();
    if (staging === undefined)
      throw new Error(`Too many readbacks of "${name}" are in flight: await the \`read()\` of earlier runs first.`);
    for (const output of plan.program.outputs) {
      encoder.copyBufferToBuffer(this.#at(output.source.buffer), output.source.offset, staging, output.offset, output.source.bytes);
    }
    return staging;
  }

  async #readOutputs(plan: Plan, staging: GPUBuffer): Promise<Outputs> {
    const copy = await mapRead(this.device, staging, staging.size);
    plan.free.push(staging);
    const outputs: Record<string, Float32Array | Uint32Array> = {};
    for (const output of plan.program.outputs) {
      const count = elements(output.shape);
      outputs[output.name] =
        output.dtype === "f32" ? new Float32Array(copy, output.offset, count) : new Uint32Array(copy, output.offset, count);
    }
    return outputs;
  }
}

/** `GPUShaderStage.COMPUTE`, which is a global in browsers only. */
const COMPUTE_STAGE = 4;

function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
