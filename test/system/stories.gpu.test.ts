// stories260K, a real pretrained LLaMA, under a hand-written `.elm`: the published greedy ids, cached and uncached, alone and beside others.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../../runtime/device.js";
import type { Executable } from "../../runtime/executable.js";
import { openNodeDevice } from "../../runtime/node.js";
import { loadStoriesGolden, readSafetensors, referencePath, sharedData } from "../reference/load.js";
import { checked, open, positions, setParameters } from "./harness.js";

const weightsPath = sharedData("stories260K.safetensors");
const goldenPath = sharedData("stories260K-golden.json");
const present = weightsPath !== undefined && goldenPath !== undefined;

describe.skipIf(!present)("stories260K (needs stories260K.safetensors and its golden ids in the data folder)", () => {
  const golden = present ? loadStoriesGolden(goldenPath) : { greedyFromBOS: [], expectedText: "", logitsFirst3: [], minTop2Gap: 0 };
  const ids = golden.greedyFromBOS;
  let device: Device;
  beforeAll(async () => {
    device = await openNodeDevice();
  });
  afterAll(() => device.destroy());

  function model() {
    return checked(referencePath("."), "stories260K.elm", { texts: new Map([["stories260K.safetensors", ""]]) });
  }

  test("uncached: the argmax of a whole forward at every position is the next golden id; first logits to 1e-4", {
    timeout: 120_000,
  }, async () => {
    const rows = ids.length - 1;
    const { executable } = await open(model(), { kind: "forward", network: "stories", batch: 1, rows }, device);
    setParameters(executable, readSafetensors(weightsPath as string));
    const outputs = await executable.call("stories.forward", {
      tokens: Uint32Array.from(ids.slice(0, rows)),
      position: positions(1, rows),
    });
    const logits = outputs["logits"] as Float32Array;
    const vocabSize = logits.length / rows;
    expect(Array.from({ length: rows }, (_, i) => argmax(logits.subarray(i * vocabSize, (i + 1) * vocabSize)))).toEqual(ids.slice(1));
    golden.logitsFirst3.forEach((expected, position) => {
      const distance = Math.max(...expected.map((value, v) => Math.abs(value - (logits[position * vocabSize + v] ?? Number.NaN))));
      expect(distance).toBeLessThan(1e-4);
    });
    executable.destroy();
  });

  test.each([
    { lanes: 1, lane: 0 },
    { lanes: 3, lane: 1 },
  ])(
    "cached: lane $lane of $lanes draws the golden ids, from the first token and after a prompt",
    { timeout: 120_000 },
    async ({ lanes, lane }) => {
      const { executable } = await open(model(), { kind: "generate", sampler: "continue", lanes, chunk: 16 }, device);
      setParameters(executable, readSafetensors(weightsPath as string));
      expect(await greedy(executable, lanes, lane, ids.slice(0, 1), ids.length - 1)).toEqual(ids.slice(1));
      expect(await greedy(executable, lanes, lane, ids.slice(0, 38), ids.length - 38)).toEqual(ids.slice(38));
      executable.destroy();
    },
  );

  /** Fills the caches with the prompt but its last token, then draws. The other lanes read a shorter prompt of other ids. */
  async function greedy(executable: Executable, lanes: number, lane: number, prompt: readonly number[], count: number): Promise<number[]> {
    const chunk = 16;
    const prompts = Array.from({ length: lanes }, (_, l) => (l === lane ? prompt : [1, 300 + l].slice(0, Math.min(2, prompt.length))));
    for (let start = 0; start < prompt.length - 1; start += chunk) {
      const tokens = new Uint32Array(lanes * chunk);
      const position = new Uint32Array(lanes * chunk).fill(0xffffffff);
      prompts.forEach((own, l) => {
        for (let i = start; i < Math.min(start + chunk, own.length - 1); i++) {
          tokens[l * chunk + i - start] = own[i] ?? 0;
          position[l * chunk + i - start] = i;
        }
      });
      executable.run("continue.prefill", { tokens, position });
    }
    executable.write(
      "decode.token",
      Uint32Array.from(prompts, (own) => own.at(-1) ?? 0),
    );
    executable.write(
      "decode.position",
      Uint32Array.from(prompts, (own) => own.length - 1),
    );
    executable.clear(["decode.counts", "decode.draw"]);
    const settings = Float32Array.from({ length: lanes * 5 }, (_, i) => [0, 0, 1, 0, 1][i % 5] ?? 0);
    const allowed = new Uint32Array(16).fill(0xffffffff);
    executable.runMany("continue.decode", count, { settings, allowed, lane: Uint32Array.from({ length: lanes }, (_, l) => l), seed: 1 });
    const history = await executable.readTensor("decode.history");
    const width = history.length / lanes;
    return [...history.subarray(lane * width + prompt.length, lane * width + prompt.length + count)];
  }
});

function argmax(values: Float32Array): number {
  return values.reduce((best, value, i) => (value > (values[best] ?? 0) ? i : best), 0);
}
