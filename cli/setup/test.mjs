// In: a clone of the repository, Node and npm. Out: the results of the tests, tier by tier, a table of counts, and as the very
// last line `N passed, N failed, N skipped`. Invariant: a tier that can not run is counted and explained, never passed over; the
// exit status is 0 only when nothing failed.
//
//   node cli/setup/test.mjs [--tier plain|gpu|browser]… [name of a test file]…     the tests
//   node cli/setup/test.mjs --faults [argument]…                                   the planted faults (test/faults/run.mjs)

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { environment, setUpDriver } from "./driver.mjs";
import { packageRoot } from "./paths.mjs";
import { build, copyExampleData, installDependencies, runNode, say, since } from "./steps.mjs";

/** @typedef {"plain" | "gpu" | "browser"} Tier */
/** @typedef {{ tier: Tier, passed: number, failed: number, skipped: number, note: string }} Counts */
/** @typedef {{ status: string, name: string, assertionResults: { status: string, fullName: string }[] }} FileResult */

/** @type {readonly Tier[]} */
const tiers = ["plain", "gpu", "browser"];
const suffix = { plain: ".test.ts", gpu: ".gpu.test.ts", browser: ".browser.test.ts" };
const vitest = join(packageRoot, "node_modules/vitest/vitest.mjs");

/** The test files of one tier, relative to the repository. @param {Tier} tier */
function filesOf(tier) {
  const all = readdirSync(join(packageRoot, "test"), { recursive: true, encoding: "utf8" });
  const special = [suffix.gpu, suffix.browser];
  return all.filter((name) => name.endsWith(suffix[tier]) && (tier !== "plain" || !special.some((end) => name.endsWith(end))));
}

/**
 * How many tests a tier holds, without running them.
 * @param {Tier} tier
 * @param {readonly string[]} filters
 */
function countTests(tier, filters) {
  const list = spawnSync(process.execPath, [vitest, "list", ...filters, "--project", tier, "--json"], {
    cwd: packageRoot,
    encoding: "utf8",
  });
  if (list.status !== 0) throw new Error(`the tests of the ${tier} tier could not be listed: ${list.stderr}`);
  return JSON.parse(list.stdout).length;
}

/**
 * Counts of one vitest report. A file that fails as a whole (it does not load, a hook throws) counts as one failure.
 * @param {readonly FileResult[]} files
 */
function tally(files) {
  const tests = files.flatMap((file) => file.assertionResults.map(({ status }) => status));
  const broken = files.filter((file) => file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"));
  const passed = tests.filter((status) => status === "passed").length;
  const failed = tests.filter((status) => status === "failed").length + broken.length;
  return { passed, failed, skipped: tests.length + broken.length - passed - failed };
}

/**
 * Runs one tier.
 * @param {Tier} tier
 * @param {readonly string[]} filters
 * @param {string} folder for the report
 * @returns {Promise<Counts>}
 */
async function runTier(tier, filters, folder) {
  const report = join(folder, `${tier}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const env = { ...process.env, ...environment() };
  const status = await runNode(vitest, ["run", ...filters, "--project", tier, "--passWithNoTests", ...reporters], env);
  /** @type {{ testResults: FileResult[] }} */
  let results;
  try {
    results = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { tier, passed: 0, failed: 1, skipped: 0, note: `vitest ended with status ${status} and left no report` };
  }
  const counts = tally(results.testResults);
  for (const file of results.testResults) {
    const skipped = file.assertionResults.filter(({ status }) => status !== "passed" && status !== "failed");
    for (const { fullName } of skipped) say(`SKIPPED in ${relative(packageRoot, file.name)}: ${fullName}`);
  }
  // A crash or an unhandled error may leave every single test passed.
  if (status !== 0 && counts.failed === 0) return { tier, ...counts, failed: 1, note: `vitest ended with status ${status}` };
  return { tier, ...counts, note: counts.skipped > 0 ? "skipped tests are named above" : "" };
}

/** @param {readonly Counts[]} all */
function table(all) {
  const rows = [
    ["tier", "passed", "failed", "skipped", ""],
    ...all.map((c) => [c.tier, c.passed, c.failed, c.skipped, c.note].map(String)),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const pad = (/** @type {string} */ cell, /** @type {number} */ column) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : column < 4 ? cell.padStart(widths[column] ?? 0) : cell;
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

/** @param {readonly string[]} args */
async function test(args) {
  const start = performance.now();
  installDependencies();
  build();
  copyExampleData();
  const driver = setUpDriver();
  if (args[0] === "--faults") {
    if (!driver.usable) throw new Error(`the planted faults need a Vulkan driver: ${driver.reason}`);
    process.exitCode = await runNode(join(packageRoot, "test/faults/run.mjs"), args.slice(1), { ...process.env, ...environment() });
    return;
  }
  const chosen = args.filter((_, index) => args[index - 1] === "--tier");
  const filters = args.filter((arg, index) => arg !== "--tier" && args[index - 1] !== "--tier");
  const unknown = chosen.find((name) => !tiers.some((tier) => tier === name));
  if (unknown !== undefined) throw new Error(`there is no tier '${unknown}': the tiers are ${tiers.join(", ")}`);
  const folder = mkdtempSync(join(tmpdir(), "ulmus-test-"));
  /** @type {Counts[]} */
  const all = [];
  try {
    for (const tier of tiers.filter((name) => chosen.length === 0 || chosen.includes(name))) {
      if (filesOf(tier).length === 0) {
        all.push({ tier, passed: 0, failed: 0, skipped: 0, note: "no test files" });
      } else if (tier === "gpu" && !driver.usable) {
        const skipped = countTests(tier, filters);
        say(
          `\n\nSKIPPED: the ${skipped} tests of the gpu tier, because this machine has no usable Vulkan driver and none could be fetched:\n${driver.reason}\n`,
        );
        all.push({ tier, passed: 0, failed: 0, skipped, note: "SKIPPED: no Vulkan driver" });
      } else {
        say(`the ${tier} tier`);
        all.push(await runTier(tier, filters, folder));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(`all tiers in ${since(start)}\n`);
  console.log(`${table(all)}\n`);
  const sum = (/** @type {"passed" | "failed" | "skipped"} */ field) => all.reduce((total, counts) => total + counts[field], 0);
  process.exitCode = sum("failed") === 0 ? 0 : 1;
  console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
}

try {
  await test(process.argv.slice(2));
} catch (error) {
  console.error(`the tests could not run: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
