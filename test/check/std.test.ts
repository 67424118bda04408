// The exported text of the standard blocks is the file's. `UPDATE=1` rewrites it.

import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { std } from "../../compiler/std/index.js";
import { parse } from "../../grammar/index.js";

const source = new URL("../../compiler/std/std.elm", import.meta.url);
const target = new URL("../../compiler/std/index.ts", import.meta.url);

test("compiler/std/index.ts is made from std.elm", () => {
  const text = readFileSync(source, "utf8");
  if (process.env["UPDATE"] === "1") {
    const body = text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");
    const head =
      "// The standard blocks as text, so that the compiler needs no disk. Made from std.elm: `UPDATE=1 npx vitest run test/check/std.test.ts`.\n\n";
    writeFileSync(target, `${head}export const std: string = \`${body}\`;\n`);
  } else expect(std).toBe(text);
});

test("std.elm parses", () => {
  expect(parse({ name: "std", text: std }).diagnostics).toEqual([]);
});
