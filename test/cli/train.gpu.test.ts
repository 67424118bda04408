// The road of a run on a device: train, look, stop, go on, write. Everything is done through `main`, as a person would.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readMetrics } from "../../cli/metrics.js";
import { main } from "../../cli/ulmus.js";
import { recorded, ulmus } from "./io.js";
import { scratch } from "./scratch.js";

const folder = scratch();
const cwd = folder.path;
const text = "the quick brown fox jumps over the lazy dog\n".repeat(40);

beforeAll(() => {
  writeFileSync(join(cwd, "small.elm"), readFileSync(new URL("small.elm", import.meta.url)));
  writeFileSync(join(cwd, "fox.txt"), text);
});
afterAll(folder.remove);

const events = (out: string): Record<string, unknown>[] =>
  out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const weights = (run: string): Buffer => {
  const names = readdirSync(join(cwd, run, "checkpoints")).sort();
  return readFileSync(join(cwd, run, "checkpoints", names.at(-1) ?? ""));
};

test("a run is trained, measured and kept", async () => {
  const { code, out, err } = await ulmus(cwd, "train", "small.elm", "-o", "runs/first");
  expect(err).toContain("model tiny: 5,296 parameters");
  expect(err).toMatch(/step 6: loss on val \d\.\d{4}, left-neighbour table \d\.\d{4}/);
  expect(out).toMatch(/loss over the whole held-out part \(val, 352 tokens\): \d\.\d{4} nats a token/);
  expect(code).toBe(0);
  const metrics = readMetrics(join(cwd, "runs/first/metrics.jsonl"));
  const losses = metrics.flatMap((metric) => ("loss" in metric ? [metric.loss] : []));
  expect(losses).toHaveLength(12);
  expect(losses[11]).toBeLessThan(losses[0] ?? 0);
  expect(metrics.filter((metric) => "val_loss" in metric).map((metric) => metric.step)).toEqual([6, 12]);
  expect(readFileSync(join(cwd, "runs/first/loss.svg"), "utf8")).toContain("</svg>");
  // The corpus is kept as its alphabet: enough to write, and no larger.
  expect(JSON.parse(readFileSync(join(cwd, "runs/first/program/corpora.json"), "utf8"))).toEqual({
    "fox.txt": "\n abcdefghijklmnopqrstuvwxyz",
  });
});

test("a run that is stopped and gone on with ends in the same bits as an unbroken one", async () => {
  const io = recorded(cwd, (line) => {
    if (line.includes('"event":"step","step":4,')) io.interrupt();
  });
  expect(await main(["train", "small.elm", "-o", "runs/broken", "--json"], io)).toBe(130);
  const stopped = events(io.written.out).at(-1);
  expect(stopped).toMatchObject({ event: "end", stopped: true });
  expect(stopped?.step).toBeGreaterThanOrEqual(4);
  expect(stopped?.step).toBeLessThan(12);
  expect(io.left).toEqual([]);
  const again = await ulmus(cwd, "train", "runs/broken", "--resume");
  expect(again.code).toBe(0);
  expect(readMetrics(join(cwd, "runs/broken/metrics.jsonl")).flatMap((metric) => ("loss" in metric ? [metric.step] : []))).toEqual(
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  expect(weights("runs/broken").equals(weights("runs/first"))).toBe(true);
  const done = await ulmus(cwd, "train", "runs/broken", "--resume");
  expect(done.code).toBe(2);
  expect(done.err).toContain("runs/broken is done: it has made all of its 12 steps.");
});

test("a second interrupt leaves at once", async () => {
  const io = recorded(cwd, (line) => {
    if (line.includes('"event":"step","step":2,')) {
      io.interrupt();
      io.interrupt();
    }
  });
  await main(["train", "small.elm", "-o", "runs/twice", "--json"], io);
  expect(io.left).toEqual([130]);
});

test("text is written without the corpus, the same for the same seed", async () => {
  const before = join(cwd, "fox.txt");
  const kept = readFileSync(before);
  rmSync(before);
  const once = await ulmus(cwd, "generate", "runs/first", "--seed", "5");
  const twice = await ulmus(cwd, "generate", "runs/first", "--seed", "5");
  writeFileSync(before, kept);
  expect(once.code).toBe(0);
  expect(once.out).toBe(twice.out);
  expect(once.out.startsWith("the ")).toBe(true);
  // What was given, what was drawn, and an end of line where there was none.
  expect(once.out.replace(/\n$/, "").length).toBeGreaterThanOrEqual(43);
  expect(once.err).toMatch(/40 tokens in .* a second; seed 5/);
  const several = await ulmus(cwd, "generate", "runs/first", "text=fox\\n", "-n", "3", "--seed", "5", "--set", "writer.max_new_tokens=7");
  expect(several.out.match(/^--- [123] ---\nfox\n/gm)).toHaveLength(3);
  const json = events((await ulmus(cwd, "generate", "runs/first", "-n", "2", "--seed", "5", "--json")).out);
  expect(json.map((event) => event.event)).toEqual(["sample", "sample", "end"]);
  // The first of several is the one that is drawn alone.
  expect(`the ${String(json[0]?.text)}`.trimEnd()).toBe(once.out.trimEnd());
});

test("a program whose model loads its weights writes by itself", async () => {
  mkdirSync(join(cwd, "loading"));
  writeFileSync(join(cwd, "loading", "fox.txt"), text);
  writeFileSync(
    join(cwd, "loading", "small.elm"),
    readFileSync(join(cwd, "small.elm"), "utf8").replace(
      "dim            = 16",
      'dim            = 16\n  weights        = load("../runs/first")',
    ),
  );
  const own = await ulmus(cwd, "generate", "loading/small.elm", "--seed", "5");
  expect(own.err).not.toContain("error");
  expect(own.out).toBe((await ulmus(cwd, "generate", "runs/first", "--seed", "5")).out);
});

test("an artifact and a checkpoint can be looked into", async () => {
  expect((await ulmus(cwd, "compile", "small.elm", "-o", "artifact.json")).code).toBe(0);
  expect(existsSync(join(cwd, "artifact.json"))).toBe(true);
  const artifact = await ulmus(cwd, "inspect", "artifact.json");
  expect(artifact.out).toMatch(/program +dispatches +copies +pipelines +arena/);
  const checkpoint = await ulmus(cwd, "inspect", "runs/first/checkpoints/step-000012.safetensors");
  expect(checkpoint.out).toContain("step = 12");
  expect((await ulmus(cwd, "inspect", "runs/first")).out).toMatch(/steps +12 of 12/);
});
