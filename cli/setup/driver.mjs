// In: a machine. Out: a Vulkan driver that Dawn can use: the machine's own where it has one, otherwise one fetched into the
// cache folder, without privilege and without touching the system. Invariant: a fetched driver counts only once it is complete,
// checked and seen by Dawn; it is put in place by one rename, so an interrupted set-up is simply done again.
//
// As a program: node cli/setup/driver.mjs [--remove]

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { completion, completionName, driverEnvironment, environment } from "./environment.mjs";
import { fetchMesa } from "./mesa.mjs";
import { cacheFolder, driverFolder } from "./paths.mjs";
import { say, since } from "./steps.mjs";
import { fetchSwiftShader } from "./swiftshader.mjs";

export { environment } from "./environment.mjs";

/**
 * @typedef {object} Adapter what Dawn says of an adapter
 * @property {string} vendor
 * @property {string} architecture
 * @property {string} device
 * @property {string} description
 * @property {number} subgroupMinSize
 * @property {number} subgroupMaxSize
 * @property {string[]} features
 */

/**
 * @typedef {{ usable: true, adapter: Adapter } | { usable: false, reason: string, dawnLoads?: boolean }} DriverState
 */

/**
 * Asks Dawn for an adapter in a process of its own.
 * @param {NodeJS.ProcessEnv} [env] the child's environment
 * @returns {DriverState}
 */
export function probe(env = { ...process.env, ...environment() }) {
  const script = fileURLToPath(new URL("probe.mjs", import.meta.url));
  const child = spawnSync(process.execPath, [script], { env, encoding: "utf8", timeout: 120_000 });
  if (child.error) return { usable: false, reason: child.error.message };
  if (child.status === 0) return { usable: true, adapter: JSON.parse(child.stdout) };
  const words = child.stderr.trim().split("\n").at(-1);
  return {
    usable: false,
    reason: words || `the process that asked Dawn ended by ${child.signal ?? `status ${child.status}`}`,
    dawnLoads: child.status !== 2,
  };
}

/** @param {Adapter} adapter */
function describe(adapter) {
  const name = [adapter.description, adapter.device, adapter.vendor].find((part) => part !== "") ?? "an unnamed adapter";
  const width =
    adapter.subgroupMinSize === adapter.subgroupMaxSize
      ? `${adapter.subgroupMinSize}`
      : `${adapter.subgroupMinSize}–${adapter.subgroupMaxSize}`;
  const subgroups = adapter.features.includes("subgroups") ? `subgroups of ${width}` : "no subgroups";
  return `${name}; ${subgroups}, ${adapter.features.includes("shader-f16") ? "f16" : "no f16"}`;
}

/**
 * Every regular file under a folder with its size and digest, sorted by path. Links are left out: they hold nothing.
 * @param {string} folder
 * @returns {{ path: string, bytes: number, sha256: string }[]}
 */
function digests(folder) {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => lstatSync(join(folder, path)).isFile());
  return paths
    .filter((path) => path !== completionName && !path.includes("share/doc"))
    .sort()
    .map((path) => {
      const content = readFileSync(join(folder, path));
      return { path, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
    });
}

/** Whether the fetched driver is complete and unchanged. @param {string} folder */
function intact(folder) {
  const record = completion(folder);
  return record !== undefined && JSON.stringify(digests(folder)) === JSON.stringify(record.files);
}

/** How to get rid of the fetched driver, for people. */
const removal = () => `to remove it, delete ${driverFolder()} (or run: node cli/setup/driver.mjs --remove)`;

/**
 * Fetches a driver with `fetch`, lets Dawn try it, and puts it in place.
 * @param {(folder: string, say: (line: string) => void) => { driver: string, origin: string, icd: string, libraries: string[], downloaded: number }} fetch
 * @returns {Adapter}
 */
function place(fetch) {
  mkdirSync(cacheFolder(), { recursive: true });
  for (const left of readdirSync(cacheFolder()).filter((name) => name.startsWith("vulkan-unfinished-"))) {
    // Another set-up may be at work: only what has not been touched for an hour is a leftover.
    if (Date.now() - lstatSync(join(cacheFolder(), left)).mtimeMs > 3_600_000) rmSync(join(cacheFolder(), left), { recursive: true });
  }
  const folder = mkdtempSync(join(cacheFolder(), "vulkan-unfinished-"));
  try {
    const { downloaded, ...record } = fetch(folder, say);
    const found = probe({ ...process.env, ...driverEnvironment(folder, record, process.env) });
    if (!found.usable) throw new Error(`Dawn does not accept the fetched driver: ${found.reason}`);
    const files = digests(folder);
    writeFileSync(join(folder, completionName), `${JSON.stringify({ ...record, files }, null, 1)}\n`);
    chmodSync(folder, 0o755);
    rmSync(driverFolder(), { recursive: true, force: true });
    renameSync(folder, driverFolder());
    const unpacked = files.reduce((sum, file) => sum + file.bytes, 0);
    const megabytes = `${(downloaded / 1e6).toFixed(1)} MB fetched, ${(unpacked / 1e6).toFixed(0)} MB unpacked`;
    say(`${record.driver} from ${record.origin} is in ${driverFolder()}: ${megabytes}`);
    say(removal());
    return found.adapter;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Makes sure that Dawn finds an adapter, fetching a software driver where it has to. Never throws for want of a driver: the
 * state says whether there is one, and if not, why.
 * @returns {DriverState}
 */
export function setUpDriver() {
  const start = performance.now();
  if (process.platform === "linux" && completion() !== undefined) {
    if (intact(driverFolder())) {
      const found = probe();
      if (found.usable) {
        say(`using the Vulkan driver fetched before: ${describe(found.adapter)}`);
        return found;
      }
      say(`the Vulkan driver fetched before does not work any more (${found.reason}); fetching it again`);
    } else say("the Vulkan driver fetched before is incomplete or changed; fetching it again");
    rmSync(driverFolder(), { recursive: true });
  }
  const own = probe();
  if (own.usable) {
    say(`this machine's own driver works, nothing to set up: ${describe(own.adapter)}`);
    return own;
  }
  if (process.platform !== "linux")
    return { usable: false, reason: `${own.reason}; on ${process.platform} Dawn uses the system's own driver` };
  const chosen = process.env.VK_DRIVER_FILES ? "VK_DRIVER_FILES" : process.env.VK_ICD_FILENAMES ? "VK_ICD_FILENAMES" : undefined;
  if (chosen) return { usable: false, reason: `${own.reason} with ${chosen}=${process.env[chosen]}: unset it to have a driver fetched` };

  say(`no usable Vulkan driver on this machine (${own.reason}); fetching a software driver into ${driverFolder()}`);
  /** @type {string[]} */
  const reasons = [];
  for (const [name, fetch] of /** @type {const} */ ([
    ["lavapipe", fetchMesa],
    ["SwiftShader", fetchSwiftShader],
  ])) {
    try {
      const adapter = place(fetch);
      say(`Vulkan driver set up in ${since(start)}: ${describe(adapter)}`);
      return { usable: true, adapter };
    } catch (error) {
      say(`${name} could not be set up: ${messageOf(error)}`);
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { usable: false, reason: reasons.join("; ") };
}

/** Removes the fetched driver, and what an interrupted set-up left. */
export function removeDriver() {
  const names = existsSync(cacheFolder()) ? readdirSync(cacheFolder()) : [];
  for (const name of names.filter((found) => /^(vulkan|vulkan-unfinished-.*|xdg-runtime)$/.test(found))) {
    rmSync(join(cacheFolder(), name), { recursive: true });
  }
  say(`removed ${driverFolder()}`);
}

if (argv[1] !== undefined && fileURLToPath(import.meta.url) === realpathSync(argv[1])) {
  if (argv.includes("--remove")) removeDriver();
  else {
    const state = setUpDriver();
    if (!state.usable) {
      console.error(`no usable Vulkan driver: ${state.reason}`);
      process.exitCode = 1;
    }
  }
}
