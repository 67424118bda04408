// A model of GPT-2's shape (124M parameters, random weights): its table is larger than one storage binding. It takes a training step and decodes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../../runtime/device.js";
import { openNodeDevice } from "../../runtime/node.js";
import { gatherTensor, initialise, wholeTensors } from "../../runtime/tensors.js";
import { referencePath } from "../reference/load.js";
import { checked, open, positions } from "./harness.js";

const rows = 64;
const vocabSize = 50257;
const drawn = 16;
const tokens = Uint32Array.from({ length: rows }, (_, i) => (i * 7919 + 11) % vocabSize);

describe("a GPT-2 of 124M parameters", () => {
  let device: Device;
  beforeAll(async () => {
    device = await openNodeDevice();
  });
  afterAll(() => device.destroy());
  const model = () => checked(referencePath("."), "gpt2-shape.elm");

  test("takes a training step of 1 × 64: first loss 10.8 ± 0.3, every gradient finite, every parameter moved a finite way", {
    timeout: 300_000,
  }, async () => {
    const { executable, artifact, graphs } = await open(model(), { kind: "train", training: "training" }, device);
    expect(artifact.tensors.filter((tensor) => tensor.piece !== undefined && tensor.role === "parameter").length).toBeGreaterThan(1);
    for (const graph of graphs.values()) {
      const largest = Math.max(
        ...graph.nodes.flatMap((node) =>
          node.op === "state" || node.op === "pack" ? [] : node.types.map((type) => type.shape.reduce((a, b) => a * b, 1)),
        ),
      );
      // Nothing as large as the whole vocabulary's log-probabilities, and no T × T scores of all heads and layers.
      expect(largest).toBeLessThan(32 * 2 ** 20);
    }
    await initialise(executable, 1);
    const outputs = await executable.call("training.step", {
      tokens,
      targets: Uint32Array.from(tokens, (id) => (id * 31 + 7) % vocabSize),
      weights: new Float32Array(rows).fill(1),
      position: positions(1, rows),
      loss_scale: 1 / rows,
      learning_rate: 3e-4,
      "adam.correction1": 1 / (1 - 0.9),
      "adam.correction2": 1 / (1 - 0.95),
      seed: 1,
      step: 0,
    });
    expect(Math.abs((outputs["loss"]?.[0] ?? Number.NaN) - 10.8)).toBeLessThan(0.3);
    expect(Number.isFinite(outputs["gradient_norm"]?.[0])).toBe(true);
    for (const role of ["gradient", "parameter"] as const) {
      for (const tensor of wholeTensors(artifact.tensors, new Set([role]))) {
        const { data } = await gatherTensor(executable, tensor);
        expect(allFinite(data), tensor.name).toBe(true);
      }
    }
    executable.destroy();
  });

  test("decodes 16 tokens greedily, the same as the uncached forward's", { timeout: 300_000 }, async () => {
    const generating = await open(model(), { kind: "generate", sampler: "continue", lanes: 1, chunk: 16 }, device);
    await initialise(generating.executable, 1);
    const prompt = [11, 50256, 3000];
    const position = new Uint32Array(16).fill(0xffffffff);
    const chunk = new Uint32Array(16);
    prompt.slice(0, -1).forEach((id, i) => {
      chunk[i] = id;
      position[i] = i;
    });
    const { executable } = generating;
    executable.run("continue.prefill", { tokens: chunk, position });
    executable.write("decode.token", Uint32Array.of(prompt.at(-1) ?? 0));
    executable.write("decode.position", Uint32Array.of(prompt.length - 1));
    const allowed = new Uint32Array(Math.ceil(vocabSize / 32)).fill(0xffffffff);
    executable.runMany("continue.decode", drawn, { settings: Float32Array.of(0, 0, 1, 0, 1), allowed, lane: Uint32Array.of(0), seed: 1 });
    const history = await executable.readTensor("decode.history");
    const ids = [...prompt, ...history.subarray(prompt.length, prompt.length + drawn)];
    executable.destroy();

    const whole = await open(model(), { kind: "forward", network: "gpt2", batch: 1, rows: ids.length }, device);
    await initialise(whole.executable, 1);
    const { logits } = await whole.executable.call("gpt2.forward", { tokens: Uint32Array.from(ids), position: positions(1, ids.length) });
    const expected = Array.from({ length: drawn }, (_, i) =>
      argmax((logits as Float32Array).subarray((prompt.length - 1 + i) * vocabSize, (prompt.length + i) * vocabSize)),
    );
    expect(ids.slice(prompt.length)).toEqual(expected);
    whole.executable.destroy();
  });
});

function allFinite(data: Float32Array | Uint32Array): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}
