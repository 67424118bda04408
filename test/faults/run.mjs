// Plants one fault at a time (faults.mjs) into a copy of the sources and runs the tests named beside it: each fault must make at least one of
// them fail. A fault whose text is no longer found, or that only breaks loading or makes a kernel that does not compile, is an error of the table,
// not a catch.
//   npm run test:faults [-- part-of-a-name-or-file …]
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { faults } from "./faults.mjs";

/** @typedef {import("./faults.mjs").Fault} Fault */
/** @typedef {{ fullName: string, status: string, failureMessages?: string[] }} Test */
/** @typedef {{ tests: readonly Test[], broken: string }} Outcome */

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const copied = [
  "grammar",
  "compiler",
  "runtime",
  "cli",
  "test",
  "examples",
  "package.json",
  "vitest.config.ts",
  "tsconfig.base.json",
  "tsconfig.json",
];
const wanted = process.argv.slice(2);
const chosen = faults.filter(({ name, file }) => wanted.length === 0 || wanted.some((part) => name.includes(part) || file.includes(part)));
const names = faults.map(({ file, name }) => `${file}: ${name}`);
const twice = names.find((name, i) => names.indexOf(name) !== i);
if (twice !== undefined) throw new Error(`two faults are called "${twice}"`);

const copy = mkdtempSync(join(tmpdir(), "ulmus-faults-"));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
for (const entry of copied) cpSync(join(root, entry), join(copy, entry), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");

/** What a fault must not be: text that no compiler takes, a name that is not there. */
const nonsense =
  /Transform failed|ReferenceError|is not defined|is not a function|does not provide an export|parsing WGSL|Invalid ShaderModule/;

/**
 * Runs vitest; the tests that ran, and why there are none where files do not load or kernels do not compile.
 * @param {readonly string[]} files
 * @param {string | undefined} grep
 * @param {boolean} bail stop at the first failure
 * @returns {Outcome}
 */
function run(files, grep, bail) {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const options = [...(grep === undefined ? [] : ["-t", grep]), ...(bail ? ["--bail=1"] : []), "--reporter=json", `--outputFile=${report}`];
  const child = spawnSync(process.execPath, [vitest, "run", ...files, ...options], { cwd: copy, encoding: "utf8", timeout: 240_000 });
  try {
    /** @type {{ testResults: { status: string, message: string, assertionResults: Test[] }[] }} */
    const { testResults } = JSON.parse(readFileSync(report, "utf8"));
    const tests = testResults.flatMap((file) => file.assertionResults).filter(({ status }) => status === "passed" || status === "failed");
    // A file that fails while its tests are collected fails as a whole.
    for (const { status, message, assertionResults } of testResults) {
      if (status === "failed" && assertionResults.length === 0) tests.push({ fullName: message, status, failureMessages: [message] });
    }
    const broken = tests.flatMap((test) => test.failureMessages ?? []).find((message) => nonsense.test(message));
    return { tests, broken: broken?.split("\n")[0] ?? "" };
  } catch {
    return { tests: [], broken: `no report: ${child.error ?? child.stderr?.slice(-300)}` };
  }
}

/** What test files say without a fault: each set of them is run once, with all tests that a chosen fault asks for. @type {Map<string, Outcome>} */
const sound = new Map();

/** @param {Fault} fault @returns {Outcome} */
function soundOf({ tests }) {
  const key = tests.join(" ");
  const greps = chosen.flatMap((fault) => (fault.tests.join(" ") === key ? [fault.grep] : []));
  const known = sound.get(key) ?? run(tests, greps.includes(undefined) ? undefined : greps.join("|"), false);
  sound.set(key, known);
  return known;
}

/** @param {Fault} fault @returns {string} */
function verdictOf(fault) {
  const path = join(copy, fault.file);
  const text = readFileSync(path, "utf8");
  const places = text.split(fault.find).length - 1;
  if (places !== 1) return `ERROR  its text stands ${places} times in ${fault.file}`;
  const before = soundOf(fault);
  const own = before.tests.filter(({ fullName }) => fault.grep === undefined || new RegExp(fault.grep).test(fullName));
  if (before.broken !== "") return `ERROR  its tests do not run without it: ${before.broken}`;
  if (own.length === 0) return "ERROR  it names no test";
  if (own.some(({ status }) => status === "failed")) return "ERROR  its tests fail without it";
  writeFileSync(
    path,
    text.replace(fault.find, () => fault.replace),
  );
  const { tests, broken } = run(fault.tests, fault.grep, true);
  writeFileSync(path, text);
  if (broken !== "") return `ERROR  it is no fault but breaks the sources: ${broken}`;
  return tests.some(({ status }) => status === "failed") ? "caught" : "MISSED";
}

const started = Date.now();
const seconds = (/** @type {number} */ since) => ((Date.now() - since) / 1000).toFixed(0);
/** @type {string[]} */
const missed = [];
for (const [index, fault] of chosen.entries()) {
  const begun = Date.now();
  const verdict = verdictOf(fault);
  const line = `${verdict.padEnd(7)} ${fault.file}: ${fault.name}`;
  if (verdict !== "caught") missed.push(line);
  console.log(`${String(index + 1).padStart(3)}/${chosen.length}  ${line} (${seconds(begun)} s)`);
}
if (missed.length > 0) console.log(`\n${missed.join("\n")}`);
console.log(`\n${chosen.length - missed.length} of ${chosen.length} planted faults were caught, in ${seconds(started)} s`);
process.exit(missed.length > 0 || chosen.length === 0 ? 1 : 0);
