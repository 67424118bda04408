// In: vitest. Out: the three tiers of tests, named by what they need. Invariant: the tests' processes get the environment of a
// fetched Vulkan driver (the loader reads it only when a process starts). The gpu tier runs two files at a time: with an empty shader
// cache most of it is a software driver compiling kernels, which takes one core however many there are.

import { configDefaults, defineConfig } from "vitest/config";
import { environment } from "./cli/setup/environment.mjs";

Object.assign(process.env, environment());

const special = ["test/**/*.gpu.test.ts", "test/**/*.browser.test.ts"];

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    projects: [
      { test: { name: "plain", include: ["test/**/*.test.ts"], exclude: [...configDefaults.exclude, ...special], testTimeout: 30_000 } },
      { test: { name: "gpu", include: ["test/**/*.gpu.test.ts"], testTimeout: 600_000, hookTimeout: 120_000 } },
      { test: { name: "browser", include: ["test/**/*.browser.test.ts"], fileParallelism: false, testTimeout: 180_000 } },
    ],
  },
});
