// Generation over a model whose next token depends on every position of its cache: prompts, batches, full contexts, stops.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Device } from "../../runtime/device.js";
import { Executable } from "../../runtime/executable.js";
import { generate } from "../../runtime/generate.js";
import { openNodeDevice } from "../../runtime/node.js";
import { CONTEXT, expectedDraws, summing } from "./small-artifacts.js";

const idsOf = (text: string) => [...text].map((letter) => letter.charCodeAt(0) - 97);
const textOf = (ids: readonly number[]) => ids.map((id) => String.fromCharCode(97 + id)).join("");

describe("generate", () => {
  let device: Device;
  beforeAll(async () => {
    device = await openNodeDevice();
  });
  afterAll(() => device.destroy());

  async function withModel<R>(options: Parameters<typeof summing>[0], use: (executable: Executable) => Promise<R>): Promise<R> {
    const executable = await Executable.open(summing(options), device);
    try {
      return await use(executable);
    } finally {
      executable.destroy();
    }
  }

  test.each(["a", "hg", "abcdefgh", "hhhhhhhhhh", "abcdefghabcdefgha"])(
    "goes on from %j over full contexts, streaming the same text",
    async (prompt) => {
      await withModel({}, async (executable) => {
        const streamed: string[] = ["", "", ""];
        const { samples, tokens } = await generate(
          executable,
          "writer",
          { text: prompt },
          { count: 3, seed: 11, onText: (text, index) => (streamed[index] += text) },
        );
        expect(tokens).toBe(75);
        for (const sample of samples) {
          const expected = expectedDraws(idsOf(prompt), sample.index, 25, { seed: 11 });
          expect(sample.ids).toEqual(expected);
          expect(sample.text).toBe(textOf(expected));
          expect(streamed[sample.index]).toBe(sample.text);
          expect(sample.reason).toBe("length");
        }
      });
    },
  );

  test("a sample does not depend on its batch, and stops at its special", async () => {
    await withModel({ stops: true }, async (executable) => {
      const many = await generate(executable, "writer", {}, { count: 7, seed: 2 });
      expect(many.samples.length).toBe(7);
      for (const sample of many.samples) {
        const expected = expectedDraws([0], sample.index, 25, { seed: 2, stops: true });
        expect(sample.ids).toEqual(expected);
        expect(sample.reason).toBe(expected.length < 25 ? "stop" : "length");
      }
      expect(many.samples.some((sample) => sample.reason === "stop")).toBe(true);
      const few = await generate(executable, "writer", {}, { count: 2, seed: 2 });
      expect(few.samples).toEqual(many.samples.slice(0, 2));
    });
  });

  test("of a sequence that is one example ends where its context is full", async () => {
    await withModel({ rows: "one" }, async (executable) => {
      const { samples } = await generate(executable, "writer", { text: "abc" }, { temperature: 4 });
      expect(samples[0]?.reason).toBe("context");
      expect(samples[0]?.ids).toEqual(expectedDraws([0, 1, 2], 0, CONTEXT - 2, { seed: 0, temperature: 4 }));
      await expect(generate(executable, "writer", { text: "abcabcabcabc" })).rejects.toThrow(
        "prompt has 12 tokens, but the context holds 10",
      );
      await expect(generate(executable, "nobody")).rejects.toThrow('no sampler "nobody"');
    });
  });

  test("draws nothing when asked for nothing, and counts the prompt", async () => {
    await withModel({}, async (executable) => {
      const { samples } = await generate(executable, "writer", {}, { maxNewTokens: 0 });
      expect(samples).toEqual([{ index: 0, prompt: [0], ids: [], text: "", reason: "length" }]);
      await generate(executable, "writer", { text: "ccb" }, { maxNewTokens: 1, seed: 4 });
      const counts = await executable.readTensor("decode.counts");
      const [drawn = 0] = expectedDraws([2, 2, 1], 0, 1, { seed: 4 });
      const expected = [0, 1, 2, 0, 0, 0, 0, 0, 0];
      expected[drawn] = (expected[drawn] ?? 0) + 1;
      expect([...counts.subarray(0, 9)]).toEqual(expected);
    });
  });

  test("refuses settings out of range, and a second call meanwhile", async () => {
    await withModel({}, async (executable) => {
      for (const wrong of [
        { count: 1.5 },
        { count: Number.NaN },
        { seed: -1 },
        { seed: 2 ** 32 },
        { temperature: -1 },
        { temperature: Number.NaN },
        { topK: -1 },
        { topP: 1.5 },
        { minP: Number.NaN },
        { repetitionPenalty: 0 },
        { maxNewTokens: Number.NaN },
      ])
        await expect(generate(executable, "writer", {}, wrong), JSON.stringify(wrong)).rejects.toThrow(RangeError);
      expect((await generate(executable, "writer", {}, { count: 0 })).samples).toEqual([]);
      const first = generate(executable, "writer", {}, { seed: 2 });
      await expect(generate(executable, "writer")).rejects.toThrow("drawing already");
      expect((await first).samples[0]?.ids).toEqual(expectedDraws([0], 0, 25, { seed: 2 }));
      const stop = new AbortController();
      stop.abort();
      const { samples } = await generate(executable, "writer", {}, { count: 4, signal: stop.signal });
      expect(samples.map(({ reason, ids }) => [reason, ids.length])).toEqual(Array.from({ length: 4 }, () => ["aborted", 0]));
    });
  });
});
