// `ulmus doctor`: can this machine train? Node, drivers, adapters, which fast paths are on and why others are not, and what repairs it.
// Exit code 0 where a device opens, 1 where none does.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import type { Device } from "../../runtime/device.js";
import { listNodeAdapters, openNodeDevice } from "../../runtime/node.js";
import { exitCodes } from "../failure.js";
import { type Io, speech } from "../io.js";
import { paint, size, type Terminal, table } from "../terminal.js";
import { packageRoot, version } from "../version.js";
import type { Finish } from "./command.js";

/** What was found; the report is made of this alone. */
export interface Findings {
  readonly ulmus: string;
  readonly node: string;
  readonly platform: string;
  /** Variables that choose a driver, where they are set. */
  readonly environment: Readonly<Record<string, string>>;
  /** The driver that the set-up fetched, where there is one: its words and place. */
  readonly fetched: { readonly driver: string; readonly folder: string } | undefined;
  readonly cache: { readonly folder: string; readonly bytes: number };
  /** All adapters that were found. */
  readonly adapters: readonly string[];
  /** The one that is used. */
  readonly device: DeviceFindings | undefined;
  /** Why there is no device. */
  readonly reason: string | undefined;
  /** What repairs a missing driver. */
  readonly repair: string;
}

export interface DeviceFindings {
  readonly name: string;
  readonly vendor: string;
  readonly software: boolean;
  readonly subgroup: number;
  readonly f16: boolean;
  readonly maxBinding: number;
  readonly maxBuffer: number;
  readonly maxStorageBuffers: number;
  readonly maxWorkgroupMemory: number;
  readonly features: readonly string[];
}

/** The part of cli/setup that is asked; plain JavaScript, since it runs before anything is built. */
interface Setup {
  probe(): { readonly usable: true } | { readonly usable: false; readonly reason: string };
  completion(): { readonly driver: string; readonly origin: string } | undefined;
  cacheFolder(): string;
  driverFolder(): string;
}

export function registerDoctor(program: Command, io: Io, finish: Finish): void {
  program
    .command("doctor")
    .summary("say whether this machine can train, and what repairs it")
    .description("Looks at Node, the graphics drivers and the cache folder, opens a device, and says which fast paths it has.")
    .option("--json", "one JSON object")
    .option("--adapter <name>", "part of the name of the adapter to open")
    .addHelpText("after", "\nExample:\n  ulmus doctor")
    .action((options: { readonly json?: boolean; readonly adapter?: string }) => finish(() => runDoctor(io, options)));
}

async function runDoctor(io: Io, options: { readonly json?: boolean; readonly adapter?: string }): Promise<number> {
  const found = await examine(io, options.adapter);
  speech(io, options.json === true).emit("doctor", { ...found, paths: fastPaths(found.device) });
  if (options.json !== true) io.out.write(report(io.out, found));
  return found.device === undefined ? exitCodes.failed : exitCodes.done;
}

async function examine(io: Io, adapter: string | undefined): Promise<Findings> {
  const setup = await loadSetup();
  const record = setup.completion();
  const names = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "LD_LIBRARY_PATH", "ULMUS_CACHE"];
  const environment = Object.fromEntries(names.flatMap((name) => (io.env[name] === undefined ? [] : [[name, io.env[name]]])));
  // A broken driver may take its process down, so another process looks first.
  const state = setup.probe();
  let adapters: readonly string[] = [];
  let device: DeviceFindings | undefined;
  let reason = state.usable ? undefined : state.reason;
  if (state.usable) {
    try {
      adapters = (await listNodeAdapters()).map((each) => each.description);
      const open = await openNodeDevice(adapter === undefined ? {} : { adapter });
      device = describe(open);
      open.destroy();
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return {
    ulmus: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    environment,
    fetched: record === undefined ? undefined : { driver: `${record.driver} from ${record.origin}`, folder: setup.driverFolder() },
    cache: { folder: setup.cacheFolder(), bytes: bytesUnder(setup.cacheFolder()) },
    adapters,
    device,
    reason,
    repair: `node ${join(packageRoot, "cli", "setup", "driver.mjs")}`,
  };
}

function describe(device: Device): DeviceFindings {
  const { capability, description, features, maxBuffer } = device;
  return {
    name: description.description,
    vendor: description.vendor,
    software: capability.software,
    subgroup: capability.subgroup,
    f16: capability.f16,
    maxBinding: capability.maxBinding,
    maxBuffer,
    maxStorageBuffers: capability.maxStorageBuffers,
    maxWorkgroupMemory: capability.maxWorkgroupMemory,
    features: [...features].sort(),
  };
}

export interface FastPath {
  readonly name: string;
  readonly on: boolean;
  readonly why: string;
}

/** What the compiler may use of a device beyond the least that WebGPU promises. */
export function fastPaths(device: DeviceFindings | undefined): readonly FastPath[] {
  if (device === undefined) return [];
  const offered = device.features.includes("subgroups");
  return [
    {
      name: "subgroups",
      on: device.subgroup > 0,
      why:
        device.subgroup > 0
          ? `${device.subgroup} lanes`
          : offered
            ? "their width is not one fixed number on this adapter"
            : "the adapter does not offer the feature `subgroups`",
    },
    { name: "f16", on: device.f16, why: device.f16 ? "`shader-f16` is there" : "the adapter does not offer the feature `shader-f16`" },
    {
      name: "large bindings",
      on: device.maxBinding > 128 * 2 ** 20,
      why: `a storage binding holds at most ${size(device.maxBinding)}; larger tables are cut`,
    },
    {
      name: "hardware",
      on: !device.software,
      why: device.software ? "this driver computes on the processor" : "this is a graphics processor",
    },
  ];
}

/** The findings as people read them. */
export function report(out: Terminal, found: Findings): string {
  const mark = (good: boolean, text: string) => paint(out, good ? "green" : "yellow", text);
  const { device } = found;
  const rows: string[][] = [
    ["ulmus", found.ulmus],
    ["node", `${found.node} on ${found.platform}`],
    ...Object.entries(found.environment).map(([name, value]) => [name, value]),
    ["fetched driver", found.fetched === undefined ? "none" : `${found.fetched.driver}, in ${found.fetched.folder}`],
    [
      "cache",
      found.cache.bytes === 0
        ? `${found.cache.folder} (empty)`
        : `${found.cache.folder}, ${size(found.cache.bytes)}; deleting the folder removes all of it`,
    ],
  ];
  for (const name of found.adapters) if (name !== device?.name) rows.push(["also found", name]);
  if (device !== undefined) {
    rows.push(["adapter", `${device.name}${device.vendor === "" ? "" : ` (${device.vendor})`}`]);
    rows.push([
      "limits",
      `binding ${size(device.maxBinding)}, buffer ${size(device.maxBuffer)}, ${device.maxStorageBuffers} storage buffers a stage, workgroup memory ${size(device.maxWorkgroupMemory)}`,
    ]);
    rows.push(["features", device.features.join(", ") || "none"]);
  }
  const paths = fastPaths(device).map((path) => `  ${mark(path.on, path.on ? "on " : "off")}  ${path.name}: ${path.why}\n`);
  const end =
    device === undefined
      ? `${mark(false, "No device opens")}: ${found.reason ?? "no reason was given"}\n  = help: fetch a software driver, without root and without touching the system: ${found.repair}\n`
      : `${mark(true, "This machine can train.")}\n`;
  return `${table(rows, [], "")}${paths.length > 0 ? "fast paths\n" : ""}${paths.join("")}${end}`;
}

async function loadSetup(): Promise<Setup> {
  const load = (name: string): Promise<unknown> => import(pathToFileURL(join(packageRoot, "cli", "setup", name)).href);
  const parts: unknown[] = await Promise.all(["driver.mjs", "environment.mjs", "paths.mjs"].map(load));
  return Object.assign({}, ...parts) as Setup;
}

function bytesUnder(folder: string): number {
  if (!existsSync(folder)) return 0;
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath ?? entry.path, entry.name)).size;
  }
  return bytes;
}
