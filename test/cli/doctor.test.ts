import { expect, test } from "vitest";
import { type Findings, fastPaths, report } from "../../cli/commands/doctor.js";
import { recorded } from "./io.js";

const device = {
  name: "llvmpipe (LLVM 15.0.6, 256 bits)",
  vendor: "mesa",
  software: true,
  subgroup: 8,
  f16: true,
  maxBinding: 128 * 2 ** 20,
  maxBuffer: 2 ** 31,
  maxStorageBuffers: 10,
  maxWorkgroupMemory: 32768,
  features: ["shader-f16", "subgroups"],
};
const found: Findings = {
  ulmus: "0.1.0",
  node: "v20.20.2",
  platform: "linux x64",
  environment: { VK_DRIVER_FILES: "/c/vulkan/icd.json" },
  fetched: { driver: "lavapipe 25.0", folder: "/c/vulkan" },
  cache: { folder: "/c", bytes: 239_000_000 },
  adapters: [device.name],
  device,
  reason: undefined,
  repair: "node cli/setup/driver.mjs",
};
const out = recorded("/").out;

test("a machine with a driver", () => {
  expect(report(out, found)).toMatchInlineSnapshot(`
    "ulmus            0.1.0
    node             v20.20.2 on linux x64
    VK_DRIVER_FILES  /c/vulkan/icd.json
    fetched driver   lavapipe 25.0, in /c/vulkan
    cache            /c, 228 MiB; deleting the folder removes all of it
    adapter          llvmpipe (LLVM 15.0.6, 256 bits) (mesa)
    limits           binding 128 MiB, buffer 2.0 GiB, 10 storage buffers a stage, workgroup memory 32.0 KiB
    features         shader-f16, subgroups
    fast paths
      on   subgroups: 8 lanes
      on   f16: \`shader-f16\` is there
      off  large bindings: a storage binding holds at most 128 MiB; larger tables are cut
      off  hardware: this driver computes on the processor
    This machine can train.
    "
  `);
});

test("a machine without one is told what repairs it", () => {
  expect(
    report(out, {
      ...found,
      adapters: [],
      device: undefined,
      fetched: undefined,
      environment: {},
      cache: { folder: "/c", bytes: 0 },
      reason: "Dawn found no adapter",
    }),
  ).toMatchInlineSnapshot(`
    "ulmus           0.1.0
    node            v20.20.2 on linux x64
    fetched driver  none
    cache           /c (empty)
    No device opens: Dawn found no adapter
      = help: fetch a software driver, without root and without touching the system: node cli/setup/driver.mjs
    "
  `);
});

test("a fast path that is off says why", () => {
  const why = (change: Partial<typeof device>) =>
    fastPaths({ ...device, ...change })
      .filter((path) => !path.on)
      .map((path) => `${path.name}: ${path.why}`);
  expect(why({ subgroup: 0 })).toContain("subgroups: their width is not one fixed number on this adapter");
  expect(why({ subgroup: 0, features: [] })).toContain("subgroups: the adapter does not offer the feature `subgroups`");
  expect(why({ f16: false, features: [] })).toContain("f16: the adapter does not offer the feature `shader-f16`");
  expect(fastPaths(undefined)).toEqual([]);
});
