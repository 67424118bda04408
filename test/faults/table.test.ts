// The table of planted faults is in step with the sources: each text stands once where it should, the tests beside it are there. Whether each fault is
// caught is asked by `npm run test:faults`.

import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Fault, faults } from "./faults.mjs";

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);

test("each fault's text stands once in its file", () => {
  const lost = faults.filter(({ file, find }: Fault) => readFileSync(at(file), "utf8").split(find).length !== 2);
  expect(lost.map(({ file, name }: Fault) => `${file}: ${name}`)).toEqual([]);
});

test("each fault changes its text, has a name of its own and tests that exist", () => {
  expect(faults.filter(({ find, replace }: Fault) => find === replace)).toEqual([]);
  expect(new Set(faults.map(({ file, name }: Fault) => `${file}: ${name}`)).size).toBe(faults.length);
  expect(faults.flatMap(({ tests }: Fault) => tests).filter((path) => !existsSync(at(path)))).toEqual([]);
  expect(faults.length).toBeGreaterThanOrEqual(60);
});
