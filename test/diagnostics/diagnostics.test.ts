// Each code of the catalogue has a file of its own that brings it about, and the rendering one sees, as comments `#>` at its end. `UPDATE=1` rewrites them.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "../../compiler/check/check.js";
import { catalogue } from "../../compiler/messages.js";
import { render, renderAll } from "../../compiler/render.js";
import { distance, nearest } from "../../compiler/suggest.js";
import { memoryHost } from "../check/host.js";

const folder = new URL("./", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".elm"));
const others = { "text.txt": "abc\n", "empty.txt": "", "other.elm": "block layer(x: [..., D]) -> [..., D] { return x * 2 }\n" };
const MARK = "#>";

function source(name: string): { readonly text: string; readonly expected: string } {
  const lines = readFileSync(new URL(name, folder), "utf8").split("\n");
  const at = lines.findIndex((line) => line.startsWith(MARK));
  const [code, rest] = at < 0 ? [lines, []] : [lines.slice(0, at), lines.slice(at)];
  return {
    text: `${code.join("\n").trimEnd()}\n`,
    expected: rest
      .map((line) => line.slice(MARK.length + 1))
      .join("\n")
      .trimEnd(),
  };
}

test("every code has a fixture, and every fixture a code", () => {
  expect(files.map((name) => name.replace(".elm", "")).sort()).toEqual(Object.keys(catalogue).sort());
});

describe("fixtures", () => {
  for (const name of files) {
    test(name, () => {
      const { text, expected } = source(name);
      const { diagnostics, model } = check(name, memoryHost({ ...others, [name]: text }));
      const shown = renderAll(diagnostics, { color: false, width: 100 });
      if (process.env["UPDATE"] === "1") {
        const comments = shown.split("\n").map((line) => `${MARK} ${line}`.trimEnd());
        writeFileSync(new URL(name, folder), `${text}\n${comments.join("\n")}\n`);
      } else expect(shown).toBe(expected);
      const code = name.replace(".elm", "");
      expect(diagnostics.map((d) => d.code)).toContain(code === "not-built-yet-unused" ? "not-built-yet" : code);
      expect(model === undefined).toBe(diagnostics.some((d) => d.severity === "error"));
    });
  }
});

test("a fix, applied, takes its diagnostic away", () => {
  for (const name of files) {
    const { text } = source(name);
    const { diagnostics } = check(name, memoryHost({ ...others, [name]: text }));
    for (const { fix, code, at } of diagnostics) {
      if (fix === undefined || fix.span.file.name !== name) continue;
      const mended = text.slice(0, fix.span.start) + fix.replacement + text.slice(fix.span.end);
      const after = check(name, memoryHost({ ...others, [name]: mended })).diagnostics;
      expect(after.filter((d) => d.code === code && d.at.span.start === at.span.start).map((d) => d.message)).toEqual([]);
    }
  }
});

describe("rendering", () => {
  const { diagnostics } = check(
    "m.elm",
    memoryHost({ "m.elm": `tokenizer t { kind = byte   vocab_size = 7 }${" ".repeat(200)}# far away\n` }),
  );
  test("long lines are cut to the page", () => {
    const [diagnostic] = diagnostics;
    if (diagnostic === undefined) throw new Error("no diagnostic");
    for (const line of render(diagnostic, { color: false, width: 60 }).split("\n").slice(1))
      expect([...line].length).toBeLessThanOrEqual(60);
    expect(render(diagnostic, { color: true, width: 60 })).toContain("\u001b[31;1merror[vocab-too-small]\u001b[0m");
  });
});

describe("suggestions", () => {
  test("distance is a metric that counts a swap once", () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(fc.property(word, word, (a, b) => distance(a, b) === distance(b, a)));
    fc.assert(fc.property(word, (a) => distance(a, a) === 0));
    expect(distance("predcit", "predict")).toBe(1);
    expect(distance("kitten", "sitting")).toBe(3);
  });
  test("only what is near is suggested", () => {
    expect(nearest("n_layer", ["n_heads", "n_layers"])).toBe("n_layers");
    expect(nearest("abc", ["xyz"])).toBeUndefined();
    expect(nearest("dim", ["dim"])).toBeUndefined();
  });
});

test("no text makes the checker throw", () => {
  const texts = files.map((name) => source(name).text);
  const mutated = fc
    .tuple(
      fc.constantFrom(...texts),
      fc.nat(),
      fc.nat(40),
      fc.constantFrom("", "T", "[B, T]", "(", "}", "0", "-1", "x", " = ", "1e99", "if T then"),
    )
    .map(([text, at, length, put]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + length);
    });
  fc.assert(
    fc.property(mutated, (text) => {
      check("m.elm", memoryHost({ ...others, "m.elm": text }));
    }),
    { numRuns: 100 },
  );
}, 60_000);
