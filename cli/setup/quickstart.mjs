// In: a clone of the repository, Node and npm. Out: a character model of Moby-Dick trained from scratch, and 500 characters of
// its text. Invariant: every part is skipped when it is done already, but for the training, which always starts anew.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { setUpDriver } from "./driver.mjs";
import { packageRoot } from "./paths.mjs";
import { build, copyExampleData, installDependencies, runNode, say, since } from "./steps.mjs";

const launcher = join(packageRoot, "cli/setup/launch.mjs");

/** Runs `ulmus` with arguments and ends this process with its status where it fails. @param {readonly string[]} args */
async function ulmus(args) {
  say(`ulmus ${args.join(" ")}`);
  const status = await runNode(launcher, args);
  if (status !== 0) process.exit(status);
}

/** The quick start from its first step to its last. */
async function quickstart() {
  const start = performance.now();
  installDependencies();
  build();
  const driver = setUpDriver();
  if (!driver.usable) throw new Error(`training needs a Vulkan driver: ${driver.reason}`);
  copyExampleData();
  rmSync(join(packageRoot, "runs/moby-dick"), { recursive: true, force: true });
  await ulmus(["train", "examples/moby-dick/model.elm", "-o", "runs/moby-dick"]);
  await ulmus(["generate", "runs/moby-dick"]);
  console.log();
  say(`quick start done in ${since(start)}`);
}

try {
  await quickstart();
} catch (error) {
  console.error(`quick start failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
