// A run folder, readable by a person and by every later command:
//   run.json             what was run: entry file, --set lines, seed, versions, adapter
//   program/…            the `.elm` files as they were, and corpora.json: the texts that tokenizers were built from, an alphabet where that is enough
//   metrics.jsonl        one JSON object a line
//   loss.svg             the same as a picture
//   checkpoints/step-N.safetensors   parameters, optimizer state, EMA after step N

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure, wrong } from "./failure.js";

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
  readonly started: string;
}

export interface RunFolder {
  /** As messages call it. */
  readonly path: string;
  readonly record: RunRecord;
  /** Text of `program/` files by the path the program uses; a corpus is its alphabet. */
  readonly files: ReadonlyMap<string, string>;
}

const CORPORA = "corpora.json";

/** Writes a new folder; `run.json` last, so that a folder that has one is whole. */
export function createRun(path: string, record: RunRecord, files: ReadonlyMap<string, string>): RunFolder {
  mkdirSync(join(path, "checkpoints"), { recursive: true });
  mkdirSync(join(path, "program"), { recursive: true });
  const corpora: Record<string, string> = {};
  for (const [name, text] of files) {
    if (!name.endsWith(".elm")) {
      corpora[name] = text;
      continue;
    }
    const target = join(path, "program", name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  writeFileSync(join(path, "program", CORPORA), `${JSON.stringify(corpora, null, 1)}\n`);
  writeRecord(path, record);
  return { path, record, files };
}

/** Puts a new record in the place of the old one, whole or not at all. */
export function writeRecord(path: string, record: RunRecord): void {
  const target = join(path, "run.json");
  writeFileSync(`${target}.tmp`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${target}.tmp`, target);
}

export function isRun(path: string): boolean {
  return existsSync(join(path, "run.json"));
}

/** Opens the folder at `path`, which messages call `shown`. Throws a failure with a remedy where it is no run, or one that this version does not read. */
export function openRun(path: string, shown = path): RunFolder {
  const recordPath = join(path, "run.json");
  if (!existsSync(recordPath)) {
    const why = existsSync(path) ? "it has no run.json" : "there is no such folder";
    throw wrong(`${shown} is no run folder: ${why}.`, `Train one first: ulmus train FILE.elm -o ${shown}`);
  }
  const record = recordOf(readJson(recordPath, join(shown, "run.json")), join(shown, "run.json"));
  const program = join(path, "program");
  const files = new Map<string, string>();
  const stored = existsSync(program) ? readdirSync(program, { recursive: true, encoding: "utf8" }) : [];
  for (const name of stored) {
    if (name.endsWith(".elm")) files.set(name.replaceAll("\\", "/"), readFileSync(join(program, name), "utf8"));
  }
  const corpora = existsSync(join(program, CORPORA)) ? readJson(join(program, CORPORA), join(shown, "program", CORPORA)) : undefined;
  if (!files.has(record.entry) || typeof corpora !== "object" || corpora === null) {
    throw new Failure(`${shown} is not whole: its program/ lacks ${files.has(record.entry) ? CORPORA : record.entry}.`, {
      remedy: "Restore the folder, or train again into a new one.",
    });
  }
  for (const [name, text] of Object.entries(corpora)) if (typeof text === "string") files.set(name, text);
  return { path: shown, record, files };
}

function recordOf(value: unknown, path: string): RunRecord {
  const record = typeof value === "object" && value !== null ? (value as Partial<RunRecord>) : {};
  if (record.format !== RUN_FORMAT) {
    throw new Failure(`${path} has format ${record.format}; this version of ulmus reads format ${RUN_FORMAT}.`, {
      remedy: "Use the version of ulmus that wrote it, or train again.",
    });
  }
  const { entry, overrides, training, seed, ulmus, adapter, base, started } = record;
  const texts = [entry, training, ulmus, adapter, base, started];
  if (texts.some((text) => typeof text !== "string") || typeof seed !== "number" || !Array.isArray(overrides)) {
    throw new Failure(`${path} lacks some of its entries: it was edited or cut short.`, {
      remedy: "Restore the file, or train again into a new folder.",
    });
  }
  return record as RunRecord;
}

function readJson(path: string, shown: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new Failure(`${shown} is not valid JSON: it was cut short or edited.`, {
      remedy: "Restore the file, or train again into a new folder.",
    });
  }
}

// --- checkpoints ---

export interface Checkpoint {
  readonly path: string;
  /** Steps done when it was written. */
  readonly step: number;
}

export function checkpointPath(run: string, step: number): string {
  return join(run, "checkpoints", `step-${String(step).padStart(6, "0")}.safetensors`);
}

/** Checkpoints by step, the latest last. */
export function checkpoints(run: string): readonly Checkpoint[] {
  const folder = join(run, "checkpoints");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const match = /^step-(\d+)\.safetensors$/.exec(name);
      return match === null ? [] : [{ path: join(folder, name), step: Number(match[1]) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** The latest checkpoint; a failure with a remedy where there is none yet. */
export function latestCheckpoint(run: string, shown = run): Checkpoint {
  const latest = checkpoints(run).at(-1);
  if (latest === undefined)
    throw new Failure(`${shown} has no checkpoint yet: its training ended before the first was written.`, {
      remedy: `Start it again: ulmus train ${shown} --resume`,
    });
  return latest;
}

/** Keeps the latest `keep` checkpoints: the last, and one before it in case the last was damaged. What a killed process left half written goes too. */
export function dropOldCheckpoints(run: string, keep = 2): void {
  const folder = join(run, "checkpoints");
  const halves = existsSync(folder) ? readdirSync(folder).filter((name) => /^step-\d+\.safetensors\.\d+\.tmp$/.test(name)) : [];
  for (const name of halves) rmSync(join(folder, name), { force: true });
  for (const checkpoint of checkpoints(run).slice(0, -keep)) rmSync(checkpoint.path, { force: true });
}
