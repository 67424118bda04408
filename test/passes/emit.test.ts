// The artifact's parts: what the runtime relies on without asking.

import { describe, expect, it } from "vitest";
import { portable, type Target } from "../../compiler/kernels/kernel.js";
import { emit } from "../../compiler/passes/emit.js";
import { fuse } from "../../compiler/passes/fuse.js";
import { plan } from "../../compiler/passes/plan.js";
import { ARENA, UPLOAD } from "../../runtime/artifact.js";
import { charGpt, trainStep } from "./decoder.js";
import { decoding, rmsnorm } from "./graphs.js";

const target: Target = { ...portable, subgroup: 8 };
const { graph, homes, layout } = trainStep({ ...charGpt, layers: 2 }, target, 0.9);
const planned = (g: typeof graph) => plan(fuse(g, target, homes), target);
const emitted = emit({
  plans: new Map([
    ["step", planned(graph)],
    ["again", planned(graph)],
    ["norm", planned(rmsnorm(3, 7).graph)],
    ["decode", planned(decoding(2, 1).graph)],
  ]),
  layout,
  homes,
  kinds: [
    { name: "adam.m", role: "moment" },
    { name: "adam.v", role: "moment" },
    { name: "ema", role: "ema" },
  ],
  states: [{ name: "cache", role: "cache", dtype: "f32", shape: [2, 5, 2, 4] }],
});

describe("emit", () => {
  it("has each text once", () => {
    expect(new Set(emitted.shaders).size).toBe(emitted.shaders.length);
    const { step, again } = emitted.programs;
    expect(again?.steps).toEqual(step?.steps);
  });

  it("keeps every slice inside its buffer and every block", () => {
    expect(new Set(emitted.buffers.map((buffer) => buffer.name)).size).toBe(emitted.buffers.length);
    for (const program of Object.values(emitted.programs)) {
      const limit = (buffer: number) =>
        buffer === ARENA ? program.arenaBytes : buffer === UPLOAD ? program.uploadBytes : (emitted.buffers[buffer]?.bytes ?? 0);
      for (const step of program.steps) {
        const slices = step.kind === "copy" ? [step.from, step.to] : step.bindings;
        for (const slice of slices) expect(slice.offset + slice.bytes).toBeLessThanOrEqual(limit(slice.buffer));
        if (step.kind === "dispatch") expect(emitted.shaders[step.shader]).toContain("@compute");
        if (step.kind === "copy") expect(step.from.bytes).toBe(step.to.bytes);
      }
      for (const { offset } of [...program.scalars, ...program.inputs]) expect(offset).toBeLessThan(program.uploadBytes);
      for (const input of program.inputs) expect(input.offset % 256).toBe(0);
      for (const output of program.outputs) {
        expect(output.offset + output.source.bytes).toBeLessThanOrEqual(program.readbackBytes);
        expect(output.source.offset + output.source.bytes).toBeLessThanOrEqual(limit(output.source.buffer));
      }
    }
  });

  it("describes parameters, moments and EMA as parts of flat buffers, other states as their own", () => {
    const { tensors, buffers } = emitted;
    expect(new Set(tensors.map((tensor) => tensor.name)).size).toBe(tensors.length);
    expect(tensors.filter((tensor) => tensor.role === "parameter").length).toBe(layout.places.length);
    for (const tensor of tensors) {
      const size = 4 * tensor.shape.reduce((a, b) => a * b, 1);
      expect(tensor.offset + size).toBeLessThanOrEqual(buffers[tensor.buffer]?.bytes ?? 0);
    }
    const weight = tensors.find((tensor) => tensor.name === "0.q.weight");
    const moment = tensors.find((tensor) => tensor.name === "adam.m/0.q.weight");
    expect(moment).toMatchObject({ role: "moment", shape: weight?.shape, offset: weight?.offset, parameter: "0.q.weight" });
    expect(buffers[moment?.buffer ?? -1]?.name).toBe("adam.m.0");
    expect(buffers[tensors.find((tensor) => tensor.name === "cache")?.buffer ?? -1]?.name).toBe("cache");
  });
});
