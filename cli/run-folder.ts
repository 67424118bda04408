// A run folder, readable by a person and by every later command:
//   run.json             what was run: entry file, --set lines, seed, versions, adapter
//   program/…            the `.elm` files as they were, and corpora.json: the alphabets that `char` tokenizers were built from
//   metrics.jsonl        one JSON object a line
//   checkpoints/*.safetensors   parameters, optimizer state, EMA
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exitCodes, Failure } from "./failure.js";

export const RUN_FORMAT = 1;

export interface RunRecord {
  readonly format: typeof RUN_FORMAT;
  /** Path of the entry file inside `program/`. */
  readonly entry: string;
  /** `--set` lines, `a.b = c`. */
  readonly overrides: readonly string[];
  readonly training: string;
  readonly seed: number;
  readonly ulmus: string;
  readonly adapter: string;
  /** Folder of the original entry file, against which data paths are resolved. */
  readonly base: string;
}

export interface RunFolder {
  readonly path: string;
  readonly record: RunRecord;
  /** Text of `program/` files by the path the program uses; a corpus is its alphabet. */
  readonly files: ReadonlyMap<string, string>;
}

export function createRun(path: string, record: RunRecord, files: ReadonlyMap<string, string>, alphabets: ReadonlyMap<string, string>): RunFolder {
  mkdirSync(join(path, "checkpoints"), { recursive: true });
  for (const [name, text] of files) {
    const target = join(path, "program", name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  writeFileSync(join(path, "program", "corpora.json"), `${JSON.stringify(Object.fromEntries(alphabets), null, 1)}\n`);
  writeFileSync(join(path, "run.json"), `${JSON.stringify(record, null, 2)}\n`);
  return { path, record, files: new Map([...files, ...alphabets]) };
}

export function isRun(path: string): boolean {
  return existsSync(join(path, "run.json"));
}

export function openRun(path: string): RunFolder {
  const recordPath = join(path, "run.json");
  if (!existsSync(recordPath)) {
    throw new Failure(`${path} is no run folder: it has no run.json.`, {
      exitCode: exitCodes.wrong,
      remedy: `Train one first: ulmus train FILE.elm -o ${path}`,
    });
  }
  const record = readJson<RunRecord>(recordPath);
  if (record.format !== RUN_FORMAT) {
    throw new Failure(`${recordPath} has format ${record.format}; this version of ulmus reads format ${RUN_FORMAT}.`, {
      remedy: "Use the version of ulmus that wrote it, or train again.",
    });
  }
  const program = join(path, "program");
  const files = new Map<string, string>();
  for (const name of readdirSync(program, { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".elm")) files.set(name.replaceAll("\\", "/"), readFileSync(join(program, name), "utf8"));
  }
  const corpora = readJson<Record<string, string>>(join(program, "corpora.json"));
  return { path, record, files: new Map([...files, ...Object.entries(corpora)]) };
}

function readJson<T>(path: string): T {
  const text = readFileSync(path, "utf8");
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Failure(`${path} is not valid JSON: it was cut short or edited.`, { remedy: "Restore the file, or train again into a new folder." });
  }
}
