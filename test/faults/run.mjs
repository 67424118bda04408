// Plants one fault at a time (faults.mjs) into a copy of the sources and runs the tests named beside it: each fault must make at least one of
// them fail. A fault whose text is no longer found, or that only breaks loading, is an error of the table, not a catch.
//   npm run test:faults [-- part-of-a-name …]
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { faults } from "./faults.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const copied = ["grammar", "compiler", "runtime", "cli", "test", "examples", "package.json", "vitest.config.ts", "tsconfig.base.json", "tsconfig.json"];
const wanted = process.argv.slice(2);
const chosen = wanted.length === 0 ? faults : faults.filter((fault) => wanted.some((part) => fault.name.includes(part)));

const copy = mkdtempSync(join(tmpdir(), "ulmus-faults-"));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
process.on("SIGINT", () => process.exit(130));
for (const entry of copied) cpSync(join(root, entry), join(copy, entry), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");

/** Runs vitest on the tests; the counts of its JSON report. */
function run(tests) {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const child = spawnSync(process.execPath, [vitest, "run", ...tests, "--bail=1", "--reporter=json", `--outputFile=${report}`], {
    cwd: copy,
    encoding: "utf8",
    timeout: 240_000,
  });
  try {
    const { numFailedTests, numPassedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
    const broken = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
    return { failed: numFailedTests, passed: numPassedTests, broken: broken.map((file) => file.message.split("\n")[0]) };
  } catch {
    return { failed: 0, passed: 0, broken: [`no report: ${child.stderr?.slice(-300) ?? child.error}`] };
  }
}

let missed = 0;
const started = Date.now();
const sound = new Map();
for (const [index, fault] of chosen.entries()) {
  const path = join(copy, fault.file);
  const text = readFileSync(path, "utf8");
  const places = text.split(fault.find).length - 1;
  const key = fault.tests.join(" ");
  let verdict;
  if (places !== 1) verdict = `ERROR  its text stands ${places} times in ${fault.file}`;
  else {
    if (!sound.has(key)) sound.set(key, run(fault.tests));
    const before = sound.get(key);
    if (before.failed > 0 || before.broken.length > 0 || before.passed === 0) verdict = `ERROR  its tests fail without it (${before.broken[0] ?? ""})`;
    else {
      writeFileSync(path, text.replace(fault.find, () => fault.replace));
      const result = run(fault.tests);
      writeFileSync(path, text);
      if (result.broken.length > 0) verdict = `ERROR  the sources no longer load: ${result.broken[0]}`;
      else verdict = result.failed > 0 ? "caught" : "MISSED";
    }
  }
  if (verdict !== "caught") missed++;
  console.log(`${String(index + 1).padStart(3)}/${chosen.length}  ${verdict.padEnd(7)} ${fault.name}`);
}
console.log(`\n${chosen.length - missed} of ${chosen.length} planted faults were caught, in ${Math.round((Date.now() - started) / 1000)} s`);
process.exit(missed > 0 ? 1 : 0);
