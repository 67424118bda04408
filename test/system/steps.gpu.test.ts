// What a training step asks of the device, counted at Dawn's own objects: upload, gradient, clipping, update and the loss's way back included.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arraySource } from "../../runtime/bytes.js";
import { openTextData } from "../../runtime/data/text.js";
import type { Device } from "../../runtime/device.js";
import { openNodeDevice } from "../../runtime/node.js";
import { openSequence } from "../../runtime/sequences.js";
import { initialise } from "../../runtime/tensors.js";
import { openTokenizers } from "../../runtime/tokenizers/index.js";
import { train } from "../../runtime/train/trainer.js";
import { countCalls } from "../runtime/count-calls.js";
import { checked, open, root } from "./harness.js";

let device: Device;
beforeAll(async () => {
  device = await openNodeDevice();
});
afterAll(() => device.destroy());

test("steps 2 to 50 of char-gpt: one submission and at most two writeBuffer each, nothing created but the command encoder", {
  timeout: 300_000,
}, async () => {
  // 65 characters, as many as tinyshakespeare has; what they say does not matter here.
  const text =
    Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(40 + ((i * i + 3 * i) % 65))).join("") +
    Array.from({ length: 65 }, (_, i) => String.fromCharCode(40 + i)).join("");
  const model = checked(join(root, "examples/shakespeare"), "char-gpt.elm", {
    set: ["plays.split = { train = 1 }"],
    texts: new Map([["tinyshakespeare.txt", text]]),
  });
  const { executable, artifact } = await open(model, { kind: "train", training: "training" }, device);
  await initialise(executable, 1);
  const [spec] = Object.values(artifact.data);
  const [sequence] = Object.values(artifact.sequences);
  const [tokenizer] = Object.keys(artifact.tokenizers);
  if (spec === undefined || sequence === undefined || tokenizer === undefined) throw new Error("no data");
  const tokenizers = openTokenizers(artifact.tokenizers);
  const data = await openTextData(
    spec,
    [arraySource(new TextEncoder().encode(text), "corpus")],
    openSequence(sequence, tokenizers),
    tokenizers.get(tokenizer),
  );

  await train({ executable, training: "training", data, maxSteps: 1 });
  const counted = countCalls(device.gpu);
  const losses: number[] = [];
  try {
    await train({ executable, training: "training", data, start: 1, maxSteps: 50, onStep: ({ loss }) => void losses.push(loss) });
  } finally {
    counted.restore();
  }
  const { submit = 0, writeBuffer = 0, createCommandEncoder = 0, ...created } = counted.calls;
  expect(losses.length).toBe(49);
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(submit).toBe(49);
  expect(writeBuffer).toBeLessThanOrEqual(2 * 49);
  expect(createCommandEncoder).toBe(49);
  expect(created).toEqual({});
  executable.destroy();
});
