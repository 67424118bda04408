// In: the cache folder and the process's environment. Out: the variables that make Dawn load the fetched Vulkan driver.
// Invariant: cheap (one small file is read) and without effect but for an empty folder for XDG_RUNTIME_DIR; a driver that the
// user chose through VK_DRIVER_FILES or VK_ICD_FILENAMES is never overridden.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, driverFolder } from "./paths.mjs";

/**
 * What a finished set-up leaves as `complete.json`.
 * @typedef {object} Completion
 * @property {string} driver the driver and its version, for people
 * @property {string} origin where it came from, for people
 * @property {string} icd the driver's description file, relative to the driver folder
 * @property {string[]} libraries the folders to search for shared libraries, relative to the driver folder
 * @property {{ path: string, bytes: number, sha256: string }[]} files every file that matters, relative to the driver folder
 */

/** The completion record's name inside the driver folder. */
export const completionName = "complete.json";

/**
 * The record of the finished set-up, or undefined where there is none.
 * @param {string} [folder]
 * @returns {Completion | undefined}
 */
export function completion(folder = driverFolder()) {
  let text;
  try {
    text = readFileSync(join(folder, completionName), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch {
    // A record that was cut short is none: the set-up is done again.
    return undefined;
  }
}

/**
 * The variables to add to `env` so that a process started with them finds the fetched driver; empty when none was fetched, when
 * the user chose a driver, or when `env` holds them already.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Record<string, string>}
 */
export function environment(env = process.env) {
  if (process.platform !== "linux") return {};
  const record = completion();
  if (record === undefined) return {};
  return driverEnvironment(driverFolder(), record, env);
}

/**
 * As `environment`, for a driver at a given place.
 * @param {string} folder
 * @param {Pick<Completion, "icd" | "libraries">} record
 * @param {NodeJS.ProcessEnv} env
 * @returns {Record<string, string>}
 */
export function driverEnvironment(folder, record, env) {
  const icd = join(folder, record.icd);
  if (env.VK_ICD_FILENAMES || (env.VK_DRIVER_FILES && env.VK_DRIVER_FILES !== icd)) return {};
  /** @type {Record<string, string>} */
  const added = {};
  if (env.VK_DRIVER_FILES !== icd) added.VK_DRIVER_FILES = icd;
  const present = (env.LD_LIBRARY_PATH ?? "").split(":").filter((part) => part !== "");
  const missing = record.libraries.map((part) => join(folder, part)).filter((part) => !present.includes(part));
  if (missing.length > 0) added.LD_LIBRARY_PATH = [...missing, ...present].join(":");
  if (!env.XDG_RUNTIME_DIR) {
    // Mesa complains on stderr when this is unset.
    const runtime = join(cacheFolder(), "xdg-runtime");
    mkdirSync(runtime, { recursive: true, mode: 0o700 });
    added.XDG_RUNTIME_DIR = runtime;
  }
  return added;
}
