// The compiler's view of the disk: texts by path, relative to the entry file's folder. In: a folder, or a run folder's stored texts.
// Invariant: a program imports `.elm` files of its own folder and below only, so that a run can store all of it; data may lie anywhere.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import type { Host } from "../compiler/host.js";
import { exitCodes, Failure } from "./failure.js";

export interface RecordingHost extends Host {
  /** Every text that was read, by the path asked for. */
  readonly texts: ReadonlyMap<string, string>;
  /** Imports that were refused because they lie outside of the folder. */
  readonly refused: ReadonlySet<string>;
  /** Files of the folder whose names fit a pattern with `*`, absolute. */
  list(pattern: string): readonly string[];
}

export function folderHost(folder: string): RecordingHost {
  const texts = new Map<string, string>();
  const refused = new Set<string>();
  return {
    texts,
    refused,
    read(path) {
      const known = texts.get(path);
      if (known !== undefined) return known;
      if (path.endsWith(".elm") && (isAbsolute(path) || path.split("/").includes(".."))) {
        refused.add(path);
        return undefined;
      }
      const text = readText(resolve(folder, path));
      if (text !== undefined) texts.set(path, text);
      return text;
    },
    list: (pattern) => matches(folder, pattern),
    exists: (path) => (path.includes("*") ? matches(folder, path).length > 0 : existsSync(resolve(folder, path))),
  };
}

/** Texts from memory, as a run folder stores them. Its data may be gone by now, which only training would notice. */
export function storedHost(stored: ReadonlyMap<string, string>): RecordingHost {
  return { texts: stored, refused: new Set(), list: () => [], read: (path) => stored.get(path), exists: () => true };
}

/** The files that a data path names, absolute and in a fixed order; a path with `*` may name several. */
export function dataFiles(folder: string, path: string): readonly string[] {
  return path.includes("*") ? matches(folder, path) : [resolve(folder, path)];
}

function matches(folder: string, pattern: string): readonly string[] {
  const whole = resolve(folder, pattern);
  const parent = dirname(whole);
  if (parent.includes("*") || !existsSync(parent)) return [];
  const shape = new RegExp(`^${basename(whole).split("*").map(literally).join(".*")}$`);
  return readdirSync(parent)
    .filter((name) => shape.test(name))
    .sort()
    .map((name) => join(parent, name));
}

function literally(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
}

/** The text of a file, undefined where there is none; other troubles are failures that name it. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why =
      code === "EISDIR"
        ? "it is a folder"
        : code === "EACCES"
          ? "reading it is not permitted"
          : error instanceof Error
            ? error.message
            : String(error);
    throw new Failure(`${path} can not be read: ${why}.`, { exitCode: exitCodes.wrong });
  }
}
