import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { failureOf } from "../../cli/failure.js";
import {
  checkpointPath,
  checkpoints,
  createRun,
  dropOldCheckpoints,
  isRun,
  latestCheckpoint,
  openRun,
  RUN_FORMAT,
  type RunRecord,
} from "../../cli/run-folder.js";
import { scratch } from "./scratch.js";

const folder = scratch();
afterAll(folder.remove);
let next = 0;
let path = "";
beforeEach(() => {
  path = join(folder.path, `run${next++}`);
});

const record: RunRecord = {
  format: RUN_FORMAT,
  entry: "model.elm",
  overrides: ["training.max_steps = 5"],
  training: "training",
  seed: 7,
  ulmus: "0.1.0",
  adapter: "none",
  base: "/somewhere",
  started: "2026-01-01T00:00:00.000Z",
};
const files = new Map([
  ["model.elm", "model m { }"],
  ["parts/blocks.elm", "block b() { }"],
  ["../data/text.txt", "\nabc😀"],
]);

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    const { exitCode, message, remedy } = failureOf(error);
    return `${exitCode}: ${message} | ${remedy}`.replaceAll(path, "RUN");
  }
  return "";
};

test("what is written is read back, texts outside of the folder and beyond 16 bits included", () => {
  createRun(path, record, files);
  expect(isRun(path)).toBe(true);
  const run = openRun(path);
  expect(run.record).toEqual(record);
  expect(new Map([...run.files].sort())).toEqual(new Map([...files].sort()));
});

test("folders that are no run, or not whole, are refused with a remedy", () => {
  expect(refusal(() => openRun(path))).toMatchInlineSnapshot(
    `"2: RUN is no run folder: there is no such folder. | Train one first: ulmus train FILE.elm -o RUN"`,
  );
  mkdirSync(path);
  expect(refusal(() => openRun(path))).toMatchInlineSnapshot(
    `"2: RUN is no run folder: it has no run.json. | Train one first: ulmus train FILE.elm -o RUN"`,
  );
  writeFileSync(join(path, "run.json"), '{ "format": 1, "ent');
  expect(refusal(() => openRun(path))).toMatchInlineSnapshot(
    `"1: RUN/run.json is not valid JSON: it was cut short or edited. | Restore the file, or train again into a new folder."`,
  );
  writeFileSync(join(path, "run.json"), '{ "format": 99 }');
  expect(refusal(() => openRun(path))).toMatchInlineSnapshot(
    `"1: RUN/run.json has format 99; this version of ulmus reads format 1. | Use the version of ulmus that wrote it, or train again."`,
  );
  writeFileSync(join(path, "run.json"), '{ "format": 1, "entry": "model.elm" }');
  expect(refusal(() => openRun(path))).toMatchInlineSnapshot(
    `"1: RUN/run.json lacks some of its entries: it was edited or cut short. | Restore the file, or train again into a new folder."`,
  );
  writeFileSync(join(path, "run.json"), JSON.stringify(record));
  expect(refusal(() => openRun(path))).toMatchInlineSnapshot(
    `"1: RUN is not whole: its program/ lacks model.elm. | Restore the folder, or train again into a new one."`,
  );
});

test("the latest checkpoint is the one of the highest step; two are kept, and nothing half written", () => {
  createRun(path, record, files);
  expect(refusal(() => latestCheckpoint(path))).toMatchInlineSnapshot(
    `"1: RUN has no checkpoint yet: its training ended before the first was written. | Start it again: ulmus train RUN --resume"`,
  );
  for (const step of [5, 1000000, 250, 90]) writeFileSync(checkpointPath(path, step), "");
  writeFileSync(join(path, "checkpoints", "step-9999999.safetensors.12.tmp"), "");
  expect(checkpoints(path).map(({ step }) => step)).toEqual([5, 90, 250, 1000000]);
  expect(latestCheckpoint(path).step).toBe(1000000);
  dropOldCheckpoints(path);
  expect(readdirSync(join(path, "checkpoints")).sort()).toEqual(["step-000250.safetensors", "step-1000000.safetensors"]);
});
