// Executable over a small artifact written by hand: values, states, repeats, readback, and what is created per run.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ARENA, type Artifact, type Program, type Slice, type TensorSpec, UPLOAD } from "../../runtime/artifact.js";
import { OutOfMemoryError } from "../../runtime/buffers.js";
import type { Device } from "../../runtime/device.js";
import { Executable } from "../../runtime/executable.js";
import { openNodeDevice } from "../../runtime/node.js";
import { gatherTensor, initialise, initialValues, wholeTensors } from "../../runtime/tensors.js";
import { countCalls } from "./count-calls.js";

const N = 64;
const scaled = `requires immediate_address_space;
struct I { n: u32, factor: f32 } var<immediate> im: I;
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) g: vec3u) {
  if (g.x < im.n) { out[g.x] = x[g.x] * im.factor; }
}`;
const accumulate = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> rate: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) g: vec3u) { state[g.x] += rate[0] * x[g.x]; }`;

const bits = (value: number) => new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0;
const slice = (buffer: number, offset: number, bytes: number): Slice => ({ buffer, offset, bytes });

const program: Program = {
  uploadBytes: 512,
  scalars: [{ name: "rate", dtype: "f32", offset: 0 }],
  inputs: [{ name: "x", dtype: "f32", shape: [N], offset: 256 }],
  readbackBytes: 4 * N + 4,
  outputs: [
    { name: "state", dtype: "f32", shape: [N], source: slice(0, 0, 4 * N), offset: 0 },
    { name: "last", dtype: "f32", shape: [], source: slice(ARENA, 256 + 4 * (N - 1), 4), offset: 4 * N },
  ],
  arenaBytes: 512,
  steps: [
    {
      kind: "dispatch",
      shader: 0,
      bindings: [slice(UPLOAD, 256, 4 * N), slice(ARENA, 0, 4 * N)],
      immediates: [N, bits(3)],
      grid: [1, 1, 1],
      label: "scale",
    },
    { kind: "copy", from: slice(ARENA, 0, 4 * N), to: slice(ARENA, 256, 4 * N), label: "copy" },
    {
      kind: "dispatch",
      shader: 1,
      bindings: [slice(ARENA, 256, 4 * N), slice(UPLOAD, 0, 4), slice(0, 0, 4 * N)],
      immediates: [],
      grid: [1, 1, 1],
      label: "accumulate",
    },
  ],
};

const piece = (index: number, first: number, rows: number): TensorSpec => ({
  name: `table/${index}`,
  role: "parameter",
  dtype: "f32",
  shape: [rows, 5],
  buffer: 1 + index,
  offset: 0,
  init: { kind: "normal", std: 0.02 },
  piece: { of: "table", first, whole: [11, 5] },
});

const artifact: Artifact = {
  format: "ulmus",
  version: 1,
  buffers: [
    { name: "state", bytes: 1024 },
    { name: "table/0", bytes: 512 },
    { name: "table/1", bytes: 512 },
  ],
  tensors: [
    { name: "state", role: "counter", dtype: "f32", shape: [N], buffer: 0, offset: 0 },
    { name: "weight", role: "parameter", dtype: "f32", shape: [8], buffer: 0, offset: 256, init: { kind: "uniform", bound: 0.5 } },
    { name: "ema/weight", role: "ema", dtype: "f32", shape: [8], buffer: 0, offset: 512, parameter: "weight" },
    piece(0, 0, 7),
    piece(1, 7, 4),
  ],
  programs: { step: program },
  shaders: [scaled, accumulate],
  tokenizers: {},
  sequences: {},
  data: {},
  trainings: {},
  samplers: {},
};

const x = Float32Array.from({ length: N }, (_, i) => i);

describe("an executable", () => {
  let device: Device;
  let executable: Executable;
  const seen: string[] = [];
  beforeAll(async () => {
    device = await openNodeDevice();
    executable = await Executable.open(artifact, device, { onProgress: ({ label }) => seen.push(label) });
  });
  afterAll(() => {
    executable.destroy();
    device.destroy();
  });

  test("probes the adapter", () => {
    expect(device.capability.maxBinding).toBeGreaterThanOrEqual(128 * 2 ** 20);
    expect(device.capability.maxStorageBuffers).toBeGreaterThanOrEqual(8);
    expect(seen).toEqual(["scale", "accumulate", ""]);
  });

  test("runs dispatches, immediates and copies within one buffer in order, and keeps state", async () => {
    executable.clear(["state"]);
    const first = await executable.call("step", { x, rate: 2 });
    expect(first.state).toEqual(x.map((v) => 6 * v));
    expect(first.last).toEqual(Float32Array.of(3 * (N - 1)));
    const second = await executable.call("step", { x, rate: -1 });
    expect(second.state).toEqual(x.map((v) => 3 * v));
  });

  test("repeats a program in one submission", async () => {
    executable.clear(["state"]);
    const counted = countCalls(device.gpu);
    const outputs = await executable.runMany("step", 5, { x, rate: 1 }, { read: true }).read();
    counted.restore();
    expect(outputs.state).toEqual(x.map((v) => 15 * v));
    expect(counted.calls.submit).toBe(1);
    expect(counted.calls.writeBuffer).toBe(1);
  });

  test("creates nothing after the first run, with several readbacks in flight", async () => {
    executable.clear(["state"]);
    await executable.call("step", { x, rate: 1 });
    const counted = countCalls(device.gpu);
    const reads = [1, 2, 3].map(() => executable.run("step", { x, rate: 1 }, { read: true }).read());
    const results = await Promise.all(reads);
    counted.restore();
    expect(results.map((outputs) => outputs.state?.[1])).toEqual([6, 9, 12]);
    expect(counted.calls).toEqual({ createCommandEncoder: 3, submit: 3, writeBuffer: 3 });
  });

  test("says what is missing or of the wrong size", async () => {
    expect(() => executable.run("step", { x })).toThrow('needs the number "rate"');
    expect(() => executable.run("step", { rate: 1 })).toThrow('needs the array "x" of f32 [64]');
    expect(() => executable.run("step", { rate: 1, x: new Float32Array(3) })).toThrow("64 elements, but 3");
    expect(() => executable.run("nothing")).toThrow("not ready");
    expect(() => executable.write("state", new Float32Array(2))).toThrow("64 elements, but 2");
    await expect(executable.run("step", { x, rate: 0 }).read()).rejects.toThrow("not asked to read");
  });

  test("initialises by name, however a tensor is cut, and copies and exchanges the EMA", async () => {
    await initialise(executable, 7);
    const [table] = wholeTensors(artifact.tensors).filter((tensor) => tensor.name === "table");
    if (table === undefined) throw new Error("no table");
    const gathered = await gatherTensor(executable, table);
    expect(gathered.data).toEqual(initialValues({ kind: "normal", std: 0.02 }, 7, "table", 0, 55));
    const weight = await executable.readTensor("weight");
    expect(weight.some((v) => v !== 0)).toBe(true);
    expect(await executable.readTensor("ema/weight")).toEqual(weight);
    executable.write("ema/weight", new Float32Array(8).fill(9));
    await executable.swap([["weight", "ema/weight"]]);
    expect(await executable.readTensor("weight")).toEqual(new Float32Array(8).fill(9));
    expect(await executable.readTensor("ema/weight")).toEqual(weight);
  });

  test("names the bytes that do not fit", async () => {
    const large = { ...artifact, buffers: artifact.buffers.map((buffer) => ({ ...buffer, bytes: 2 ** 40 })) };
    const failure = Executable.open(large, device);
    await expect(failure).rejects.toThrow(OutOfMemoryError);
    await expect(failure).rejects.toThrow("1,099,511,627,776 bytes");
  });

  test("names the kernel that the driver refuses", async () => {
    const broken = { ...artifact, shaders: ["this is no WGSL", accumulate] };
    await expect(Executable.open(broken, device)).rejects.toThrow('refuses the kernel "scale"');
  });

  test("says so when the device is gone", async () => {
    const other = await openNodeDevice();
    const closed = await Executable.open(artifact, other);
    other.destroy();
    expect(() => closed.run("step", { x, rate: 1 })).toThrow("closed");
  });
});
