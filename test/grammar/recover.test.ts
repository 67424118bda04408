// Mistakes: each gets one sensible message at the right place, and what stands around it survives.

import { describe, expect, test } from "vitest";
import { codes } from "../../grammar/explain.js";
import { positionAt } from "../../grammar/index.js";
import { read, shape, strayingSpans } from "./reading.js";

interface Case {
  readonly text: string;
  /** `line:column code`, in order. */
  readonly told: readonly string[];
  readonly left?: string;
}

/** The mistake stands in a section between two settings, and a section follows. */
function inside(line: string, told: string, left: string): Case {
  return {
    text: `model m {\n  a = 1\n  ${line}\n  z = 2\n}\nsampler s { b = 3 }\n`,
    told: [told],
    left: `model m { a${left === "" ? "" : ` ${left}`} z } sampler s { b }`,
  };
}

const cases: { readonly [name: string]: Case } = {
  "no value": inside("dim =", "3:7 missing-value", "dim"),
  "no value of an argument": inside("x = f(a, b = )", "3:14 missing-value", "x"),
  "no value of an entry": inside("x = { a = 1, b }", "3:16 missing-value", "x"),
  "no equals": inside("dim 384", "3:7 missing-equals", "dim"),
  "no equals before a call": inside("n rmsnorm(x)", "3:5 missing-equals", "n"),
  "a colon for equals": inside("dim: 384", "3:6 wrong-equals", "dim"),
  "two equals": inside("dim == 384", "3:7 wrong-equals", "dim"),
  "a colon in a call": inside("x = f(axis: 1)", "3:13 wrong-equals", "x"),
  "a space in a name": inside("top k = 200", "3:3 space-in-name", "top_k"),
  "a space in a section's name": { text: "sampler my run { a = 1 }\nb = 2", told: ["1:9 space-in-name"], left: "sampler my_run { a } b" },
  "a quoted section name": { text: 'model "gpt" { a = 1 }', told: ["1:7 quoted-name"], left: "model gpt { a }" },
  "a name alone": inside("dim", "3:3 lone-name", ""),
  "a call alone": inside("print(x)", "3:3 missing-body", ""),
  "a keyword as a name": inside("if = 3", "3:3 reserved-word", ""),
  "a keyword as a value": inside("x = f(then)", "3:9 reserved-word", "x"),
  "an equals alone": inside("= 3", "3:3 missing-target", ""),
  "a number for a name": inside("for_each = [i for 3 in n]", "3:21 comprehension-form", "for_each"),
  "a digit first": inside("2B = 3", "3:3 digit-first", "2B"),
  "a number in a path": inside("x.3 = 4", "3:5 bad-name", "x"),
  "a point without a name": inside("x = y.", "3:8 missing-name", "x"),

  "no closing parenthesis": inside("x = f(x, g(y)", "3:8 unclosed-bracket", "x"),
  "no closing bracket": inside("x = f([1, 2)", "3:9 unclosed-bracket", "x"),
  "no closing bracket before a section": inside(
    "x = [1, 2\n  forward(x: [B]) -> [B] { return x }",
    "3:7 unclosed-bracket",
    "x forward { return }",
  ),
  "no closing brace of a record": inside("x = { a = 1, b = 2", "3:7 unclosed-bracket", "x"),
  "no closing parenthesis before then": inside("x = if f(a then b else c", "3:11 unclosed-bracket", "x"),
  "no closing parenthesis of a signature": inside(
    "forward(x: [B], n: int -> [B] {\n    return x\n  }",
    "3:10 unclosed-bracket",
    "forward { return }",
  ),
  "no closing bracket in a signature": inside(
    "forward(x: [B, n: int) -> [B] {\n    return x\n  }",
    "3:14 unclosed-bracket",
    "forward { return }",
  ),
  "no closing brace of a section": {
    text: "model m {\n  a = 1\n  forward(x: [B]) -> [B] {\n    return x\n  }\n\nsampler s {\n  b = 2\n}\ntraining { c = 3 }",
    told: ["1:9 unclosed-bracket"],
    left: "model m { a forward { return } } sampler s { b } training { c }",
  },
  "no closing brace of an inner section": {
    text: "model m {\n  forward(x: [B]) -> [B] {\n    return x\n  a = 1\n}\n\nsampler s {\n  b = 2\n}",
    told: ["2:26 unclosed-bracket"],
    left: "model m { forward { return } a } sampler s { b }",
  },
  "no opening brace": {
    text: "model m\n  a = 1\n  b = 2\n}\nsampler s { c = 3 }",
    told: ["1:1 missing-brace"],
    left: "model m { a b } sampler s { c }",
  },
  "no opening brace after a signature": inside("forward(x: [B]) -> [B]\n    return x\n  }", "3:3 missing-brace", "forward { return }"),
  "no opening brace on one line": {
    text: "data d source = 3 }\nsampler s { c = 3 }",
    told: ["1:1 missing-brace"],
    left: "data d { source } sampler s { c }",
  },
  "no opening brace of a record": inside("given = text = 3 }", "3:9 missing-brace", "given"),
  "no opening brace of a repeat": inside("repeat 3 as i\n    h = f(h)\n  }", "3:3 missing-brace", "repeat { h }"),
  "no brackets of a signature": inside("forwardx: [B]) -> [B] {\n    return x\n  }", "3:16 stray-bracket", "forwardx { return }"),
  "a parenthesis too many": inside("x = f(x))", "3:11 stray-bracket", "x"),
  "a brace too many": {
    text: "model m {\n  a = 1\n}\n}\nsampler s { b = 2 }",
    told: ["4:1 stray-bracket"],
    left: "model m { a } sampler s { b }",
  },
  "the wrong bracket": inside("x = [1, 2)", "3:12 wrong-bracket", "x"),
  "nothing in parentheses": inside("x = ()", "3:7 empty-parentheses", "x"),
  "two values in parentheses": inside("x = (1, 2)", "3:9 no-tuple", "x"),
  "nothing in an index": inside("x = y[]", "3:8 empty-index", "x"),

  "no closing quote": inside('x = f("abc, d = 3)', "3:9 unclosed-string", "x"),
  "no closing quote before a brace": {
    text: 'tokenizer t { corpus = "a.txt }\nb = 1',
    told: ["1:24 unclosed-string"],
    left: "tokenizer t { corpus } b",
  },
  "no opening quote": inside('x = load(a.txt", b = "c")', "3:26 unclosed-string", "x"),
  "no closing quote after a hole": inside('x = f(name = "blocks.{i + 1})', "3:16 unclosed-string", "x"),
  "a brace in a string": inside('x = "a { b"', "3:10 unclosed-hole", "x"),
  "an empty hole": inside('x = "a {} b"', "3:10 empty-hole", "x"),
  "a mistake in a hole": inside('x = "a {1 + } b"', "3:13 missing-operand", "x"),
  "an unknown escape": inside('x = "a \\q b"', "3:10 bad-escape", "x"),
  "single quotes": inside("x = 'abc'", "3:7 single-quotes", "x"),

  "no operand": inside("x = 3 +", "3:9 missing-operand", "x"),
  "no operand in brackets": inside("x = f(3 *, 4)", "3:11 missing-operand", "x"),
  "no first operand": inside("x = * 3", "3:7 unexpected-text", "x"),
  "no digit before the point": inside("x = .5", "3:7 bare-fraction", "x"),
  "no then": inside("x = if a b else c", "3:7 missing-then", "x"),
  "no else": inside("x = if a then b", "3:7 missing-else", "x"),
  "no value after then": inside("x = if a then else b", "3:12 missing-operand", "x"),
  "one equals in a condition": inside("x = if a = b then c else d", "3:12 equals-in-condition", "x"),
  "no comma": inside("x = f(a b, c)", "3:11 missing-comma", "x"),
  "no comma in a list": inside("x = [1 2]", "3:10 missing-comma", "x"),
  "a comma too many": inside("x = [1, 2, ]", "3:12 extra-comma", "x"),
  "a comma between items": inside("x = 1,", "3:8 no-separator", "x"),
  "a semicolon": inside("x = 1;", "3:8 no-separator", "x"),
  "two comparisons": inside("x = a < b < c", "3:13 chained-comparison", "x"),
  "two values": inside("x = (a b)", "3:10 side-by-side", "x"),
  "no counter": inside("x = [i for in n]", "3:17 comprehension-form", "x"),
  "another alphabet": inside("x = 3 × 4", "3:9 lookalike", "x"),
  "two points": inside("forward(x: [.., B]) { return x }", "3:15 lookalike", "forward { return }"),
  "an unknown mark": inside("x = a ? b", "3:9 unknown-mark", "x"),
  "a foreign comment": inside("x = 3 // why", "3:9 slash-comment", "x"),

  "no colon before a type": inside("forward(x [B]) -> [B] { return x }", "3:13 missing-colon", "forward { return }"),
  "no type": inside("forward(x: ) -> [B] { return x }", "3:12 missing-type", "forward { return }"),
  "no result type": inside("forward(x) -> { return x }", "3:14 missing-type", "forward { return }"),
  "a number for a parameter": inside("forward(3: int, y: int) -> [B] { return x }", "3:11 unexpected-text", "forward { return }"),

  "an import without quotes": { text: "import a from file.elm\nb = 1", told: ["1:15 import-form"], left: "b" },
  "an import without names": { text: 'import "x.elm"\nb = 1', told: ["1:8 import-form"], left: "b" },
  "an import without from": { text: 'import a "x.elm"\nb = 1', told: ["1:10 import-form"], left: "b" },
  "an import cut short": { text: 'import a from\nimport b from "b.elm"\nc = 1', told: ["1:10 import-form"], left: "c" },
  "an import in a section": { text: 'model m {\n  import a from "b.elm"\n  c = 1\n}', told: ["2:3 misplaced-import"] },

  "a misspelt keyword": { text: "modle m {\n  a = 1\n}", told: [], left: "modle m { a }" },
  "three mistakes": {
    text: "model m {\n  a =\n  b = [1, 2\n  c 3\n  d = 4\n}\n",
    told: ["2:5 missing-value", "3:7 unclosed-bracket", "4:5 missing-equals"],
    left: "model m { a b c d }",
  },
  "nested too deeply": { text: `x = ${"(".repeat(10_000)}1${")".repeat(10_000)}\ny = 2`, told: ["1:132 too-deep"], left: "x y" },
};

describe.each(Object.entries(cases))("%s", (_, { text, told, left }) => {
  const { tree, diagnostics } = read(text);

  test("is told once, where it is", () => {
    const place = (offset: number) => {
      const { line, column } = positionAt(tree.span.file, offset);
      return `${line}:${column}`;
    };
    expect(diagnostics.map((d) => `${place(d.at.span.start)} ${d.code}`)).toEqual(told);
  });

  if (left !== undefined) test("leaves the rest", () => expect(shape(tree.items)).toBe(left));

  test("keeps places in order", () => expect(strayingSpans(tree)).toEqual([]));
});

test("every code has a case", () => {
  const seen = new Set(Object.values(cases).flatMap(({ text }) => read(text).diagnostics.map((d) => d.code)));
  expect(codes.filter((code) => !seen.has(code))).toEqual([]);
});

test("every fix, applied, leaves no more mistakes than before and not this one", () => {
  for (const [name, { text }] of Object.entries(cases)) {
    const { diagnostics } = read(text);
    for (const { code, fix } of diagnostics) {
      if (fix === undefined) continue;
      const mended = text.slice(0, fix.span.start) + fix.replacement + text.slice(fix.span.end);
      expect(read(mended).diagnostics.length, `${name}: ${code}, mended to ${mended}`).toBe(diagnostics.length - 1);
    }
  }
});

test("an import that is whole survives one that is not", () => {
  const { tree } = read('import a from\nimport b from "b.elm"\nc = 1');
  expect(tree.imports.map((node) => node.names.map((name) => name.text))).toEqual([["b"]]);
});
