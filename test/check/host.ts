// Hosts for tests: files in memory, or a folder on disk.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../compiler/host.js";

export function memoryHost(files: Readonly<Record<string, string>>): Host {
  return { read: (path) => files[path], exists: (path) => path in files };
}

/** A folder, with some files in memory before it. */
export function folderHost(folder: string, files: Readonly<Record<string, string>> = {}): Host {
  const at = (path: string): string => join(folder, path);
  return {
    read: (path) => files[path] ?? (existsSync(at(path)) ? readFileSync(at(path), "utf8") : undefined),
    exists: (path) => path in files || existsSync(at(path)),
  };
}
