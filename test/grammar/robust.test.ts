// Whatever the text, reading it does not throw, its tree keeps places in order, and its messages are the language's own words.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Diagnostic, format, outline, parse } from "../../grammar/index.js";
import { marks, vocabulary } from "../../grammar/tokens.js";
import { files, read, shape, strayingSpans } from "./reading.js";

const words = [
  "import repeat return if then else true false from as for in a b model 2B 3 1e-3 'q' ; @ “ \\ \" # // ..",
  Object.values(marks).join(" "),
]
  .join(" ")
  .split(" ")
  .concat(['"x"', '"{a}"', '"{', "# c\n", "\n", "  ", "x = ", "\r\n", "é"]);

/** Names the parser library or its token types would be known by; quotations are the user's own text. */
const foreign = new RegExp(
  `expecting|redundant|viable|mismatch|early exit|token|lookahead|\\b(?:${vocabulary
    .map((type) => type.name)
    .filter(
      (name) =>
        ![
          "Import",
          "Repeat",
          "Return",
          "If",
          "Then",
          "Else",
          "True",
          "False",
          "From",
          "As",
          "For",
          "In",
          "Name",
          "Number",
          "String",
          "Comment",
        ].includes(name),
    )
    .join("|")})\\b|undefined|NaN|\\[object`,
);

function checkWords(diagnostics: readonly Diagnostic[], text: string): void {
  for (const { code, message, at, also, notes, fix } of diagnostics) {
    const said = [message, at.text, ...also.map((label) => label.text), ...notes, fix?.title ?? ""].join("\n").replace(/`[^`]*`/g, "…");
    expect(said, code).not.toMatch(foreign);
    expect(message, code).toMatch(/^[A-Z`].*\.$/s);
    for (const { start, end } of [at.span, ...also.map((label) => label.span), ...(fix === undefined ? [] : [fix.span])])
      expect(start >= 0 && start <= end && end <= text.length, `${code} at ${start}-${end} of ${text.length}`).toBe(true);
  }
}

function checkText(text: string): void {
  const { tree, diagnostics } = read(text);
  expect(strayingSpans(tree)).toEqual([]);
  checkWords(diagnostics, text);
  outline(tree);
  format(tree);
}

test("soups of words and marks", () => {
  const soup = fc.tuple(fc.array(fc.constantFrom(...words), { maxLength: 60 }), fc.constantFrom("", " "));
  fc.assert(
    fc.property(soup, ([parts, between]) => checkText(parts.join(between))),
    { numRuns: 1000 },
  );
});

test("any characters", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 80 }), checkText), { numRuns: 500 });
});

test("files with a piece cut out, doubled or moved", () => {
  const cut = fc.tuple(fc.constantFrom(...files), fc.nat(), fc.nat(200), fc.nat(), fc.boolean());
  fc.assert(
    fc.property(cut, ([{ text }, from, length, to, keep]) => {
      const start = from % text.length;
      const piece = text.slice(start, start + length);
      const rest = keep ? text : text.slice(0, start) + text.slice(start + length);
      const at = to % (rest.length + 1);
      checkText(rest.slice(0, at) + piece + rest.slice(at));
    }),
    { numRuns: 150 },
  );
});

test("a wrong word at every place of every rule", () => {
  const text = `import a, b from "c.elm"
a.b, c = if x < 1 then -y * 2 else z.w(1, k = 3)[0:, 1]
model m(x: v[B, ...], n: int = 3) -> [B], int {
  repeat 3 as i { h = [i + 1, 2] }
  g = { a = 1, "2B" = (2) }
  return "a{b}", [i for i in n]
}
sampler s { z = 1 }
`;
  expect(read(text).diagnostics).toEqual([]);
  const wrong = ["import", "return", "then", "3", '"s"', "name", "->", "...", "==", "=", "+", ",", ":", ".", "(", "]", "}", "@", "2B"];
  const places = [...text.matchAll(/\w+|[^\s\w]/g)].map((match) => match.index);
  for (const at of places)
    for (const word of wrong) {
      const mutated = `${text.slice(0, at)} ${word} ${text.slice(at)}`;
      checkWords(read(mutated).diagnostics, mutated);
    }
});

describe("one lost mark in a file", () => {
  const marksLost = { brackets: /[()[\]{}]/, quotes: /"/, equals: /=/ };
  test.each(Object.entries(marksLost))("%s: one message, and all other sections survive", (_, mark) => {
    let [lost, once, whole] = [0, 0, 0];
    for (const { name, text } of files) {
      const before = parse({ name, text }).tree.items.map((item) => shape([item]));
      const code = text.replace(/#.*/g, (comment) => " ".repeat(comment.length));
      for (let at = 0, nth = 0; at < text.length; at++) {
        // Every fifteenth: all of them take a minute.
        if (!mark.test(code[at] ?? "") || nth++ % 15 !== 0) continue;
        const { tree, diagnostics } = parse({ name, text: text.slice(0, at) + text.slice(at + 1) });
        const after = new Set(tree.items.map((item) => shape([item])));
        lost++;
        if (diagnostics.length <= 1) once++;
        if (before.filter((item) => !after.has(item)).length <= 1) whole++;
      }
    }
    expect(lost).toBeGreaterThan(30);
    expect(once / lost).toBeGreaterThan(0.97);
    expect(whole / lost).toBeGreaterThan(0.99);
  });
});

const deep = 10_000;
test.each([
  ["(", ")"],
  ["[", "]"],
  ["{ a = ", " }"],
  ["f(", ")"],
  ["if a then ", " else b"],
  ["-(", ")"],
  ['"{', '}"'],
])("%s nested ten thousand times", (open, close) => {
  for (const text of [`x = ${open.repeat(deep)}1${close.repeat(deep)}\ny = 2`, `x = ${open.repeat(deep)}`]) {
    const { tree, diagnostics } = read(text);
    expect(diagnostics.length).toBeGreaterThan(0);
    outline(tree);
    format(tree);
  }
});

test.each(["a {\n", "a { ", "x = a + ", "f(", "a, ", "a.", "repeat ", ")", "} ", '"{', '"', "1 1 ", "x = [1,,", "import "])(
  "%j repeated",
  (piece) => {
    const { tree, diagnostics } = read(piece.repeat(2000));
    expect(diagnostics.length).toBeGreaterThan(0);
    outline(tree);
    format(tree);
  },
);

test("long chains and long files are read whole", () => {
  const chain = `x = ${"a + ".repeat(900)}b`;
  expect(read(chain).diagnostics).toEqual([]);
  const { tree, diagnostics } = read("x = f(3, [1, 2])\n".repeat(3000));
  expect(diagnostics).toEqual([]);
  expect(tree.items).toHaveLength(3000);
});
