// What a person sees when the words of the command line, the program or a run folder are wrong: message, remedy, exit code. No device is opened.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRun, RUN_FORMAT } from "../../cli/run-folder.js";
import { version } from "../../cli/version.js";
import { ulmus } from "./io.js";
import { scratch } from "./scratch.js";

const folder = scratch();
const cwd = folder.path;
const program = readFileSync(new URL("small.elm", import.meta.url), "utf8");
const text = "the quick brown fox jumps over the lazy dog\n".repeat(40);

const record = {
  format: RUN_FORMAT,
  entry: "small.elm",
  overrides: [],
  training: "training",
  seed: 1,
  ulmus: version,
  adapter: "none",
  base: cwd,
  started: "2026-01-01T00:00:00.000Z",
} as const;
const stored = new Map([
  ["small.elm", program],
  ["fox.txt", text],
]);

beforeAll(() => {
  writeFileSync(join(cwd, "small.elm"), program);
  writeFileSync(join(cwd, "fox.txt"), text);
  mkdirSync(join(cwd, "full"));
  writeFileSync(join(cwd, "full", "letter.txt"), "dear");
  createRun(join(cwd, "run"), record, stored);
});
afterAll(folder.remove);

/** Code and both streams, with the folder's name taken out. */
async function say(...argv: string[]): Promise<string> {
  const { code, out, err } = await ulmus(cwd, ...argv);
  return `${code}\n${out}${err}`.replaceAll(cwd, "HERE");
}

describe("words", () => {
  test("--version", async () => {
    expect(await ulmus(cwd, "--version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });

  test("no word is answered with help, and exit code 2", async () => {
    const { code, out } = await ulmus(cwd);
    expect(code).toBe(2);
    expect(out).toBe((await ulmus(cwd, "--help")).out);
  });

  for (const argv of [
    ["chek", "small.elm"],
    ["check"],
    ["check", "a.elm", "b.elm"],
    ["generate", "run", "-n", "0"],
    ["train", "small.elm", "--set", "dim"],
    ["compile", "small.elm", "--emit", "asm"],
    ["train", "small.elm", "--fast"],
  ]) {
    test(`ulmus ${argv.join(" ")}`, async () => {
      expect(await say(...argv)).toMatchSnapshot();
    });
  }
});

describe("help", () => {
  for (const command of [undefined, "check", "compile", "train", "generate", "inspect", "doctor"]) {
    test(`ulmus ${command ?? ""} --help`, async () => {
      const { code, out } = await ulmus(cwd, ...(command === undefined ? [] : [command]), "--help");
      expect(code).toBe(0);
      await expect(out).toMatchFileSnapshot(`golden/help-${command ?? "ulmus"}.txt`);
    });
  }
});

describe("programs", () => {
  test("a right one is summed up", async () => {
    expect(await say("check", "small.elm")).toMatchSnapshot();
  });

  test("a file that is not there", async () => {
    expect(await say("check", "smal.elm")).toMatchSnapshot();
    expect(await say("train", "nowhere/x.elm", "-o", "new")).toMatchSnapshot();
  });

  test("a corpus that is not there", async () => {
    mkdirSync(join(cwd, "alone"));
    writeFileSync(join(cwd, "alone", "small.elm"), program);
    expect(await say("check", "alone/small.elm")).toMatchSnapshot();
  });

  test("settings that are not there or out of range", async () => {
    expect(await say("check", "small.elm", "--set", "training.batchsize=8")).toMatchSnapshot();
    expect(await say("train", "small.elm", "-o", "new", "--set", "trainig.batch_size=8")).toMatchSnapshot();
    expect(await say("check", "small.elm", "--set", "training.batch_size=0")).toMatchSnapshot();
  });

  test("an import from outside", async () => {
    writeFileSync(join(cwd, "alone", "importing.elm"), 'import layer from "../small.elm"\n');
    expect(await say("check", "alone/importing.elm")).toMatchSnapshot();
  });

  test("--json: one object a line, no other text", async () => {
    for (const argv of [
      ["check", "small.elm"],
      ["check", "small.elm", "--set", "training.batch_size=0"],
      ["inspect", "small.elm"],
      ["inspect", "run"],
    ]) {
      const { out, err } = await ulmus(cwd, ...argv, "--json");
      expect(err).toBe("");
      const events = out
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { event: string }).event);
      expect(events.length).toBeGreaterThan(0);
      expect(events.every((event) => typeof event === "string")).toBe(true);
    }
    const { code, out } = await ulmus(cwd, "check", "nothing.elm", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ event: "error", exit_code: 2 });
  });
});

describe("runs", () => {
  for (const argv of [
    ["train", "small.elm"],
    ["train", "small.elm", "-o", "run"],
    ["train", "small.elm", "-o", "full"],
    ["train", "small.elm", "other", "-o", "new"],
    ["train", "run"],
    ["train", "small.elm", "--resume"],
    ["train", "small.elm", "-o", "new", "--resume"],
    ["train", "run", "--resume", "-o", "new"],
    ["train", "run", "--resume", "--seed", "9"],
    ["generate", "full"],
    ["generate", "new"],
    ["generate", "run"],
    ["generate", "run", "poet"],
    ["generate", "run", "writer", "again"],
    ["generate", "run", "txt=a"],
    ["generate", "run", "text=a", "text=b"],
    ["generate", "run", "text="],
    ["generate", "run", "text=ABC"],
    ["generate", "small.elm"],
    ["inspect", "full"],
    ["inspect", "nothing"],
    ["inspect", "fox.txt"],
    ["inspect", "run"],
  ]) {
    test(`ulmus ${argv.join(" ")}`, async () => {
      expect(await say(...argv)).toMatchSnapshot();
    });
  }

  test("a program that has changed is not gone on with", async () => {
    createRun(join(cwd, "old"), record, new Map(stored).set("small.elm", `${program}# old\n`));
    expect(await say("train", "small.elm", "-o", "old", "--resume")).toMatchSnapshot();
  });

  test("data that is gone is named", async () => {
    createRun(join(cwd, "moved"), { ...record, base: join(cwd, "elsewhere") }, stored);
    expect(await say("train", "moved", "--resume")).toMatchSnapshot();
  });
});

describe("artifacts and weights", () => {
  test("files that are not what their names say", async () => {
    writeFileSync(join(cwd, "cut.json"), '{ "format": "ul');
    writeFileSync(join(cwd, "other.json"), "{}");
    writeFileSync(join(cwd, "old.json"), '{ "format": "ulmus", "version": 99 }');
    writeFileSync(join(cwd, "cut.safetensors"), "abc");
    for (const name of ["cut.json", "other.json", "old.json", "cut.safetensors"]) expect(await say("inspect", name)).toMatchSnapshot();
  });
});
