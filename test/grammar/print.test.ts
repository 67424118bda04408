// How canonical text looks, and that printing it again changes nothing, wherever lines were broken and comments stand.

import fc from "fast-check";
import { expect, test } from "vitest";
import { format } from "../../grammar/index.js";
import { files, read, withoutPlaces } from "./reading.js";

function print(text: string): string {
  const { tree, diagnostics } = read(text);
  expect(diagnostics.map((d) => d.message)).toEqual([]);
  return format(tree);
}

test("spacing, alignment and blank lines", () => {
  expect(
    print(
      'import a,b   from"c.elm"\n\n\n\nmodel  gpt{\n\n dim=384 # width\n n_layers  =  6# depth\n\n # heads\n n_heads= {  L=1 ,"2B"=-2 }[ size ]\n}',
    ),
  ).toBe(`import a, b from "c.elm"

model gpt {
  dim      = 384  # width
  n_layers = 6    # depth

  # heads
  n_heads = { L = 1, "2B" = -2 }[size]
}
`);
});

test("a section on one line stays on one, items on a line stay together", () => {
  expect(print("sampler s{a=1 b=2}\nsampler t{}\nmodel m {\n a=1   b=2\n c=3 }")).toBe(`sampler s { a = 1   b = 2 }
sampler t {}
model m {
  a = 1   b = 2
  c = 3
}
`);
});

test("broken lines", () => {
  expect(
    print(`block f(x: [B],
  y: int)
  -> [B] { # body
  phrase = one_of([ # the first
  "a",
  # the second
  "b" # b
  ])
  m = mix([1, 2],
    weights = [3, 4])
  r = if a then 1
    else if b then 2 # two
    else 3
  s = a +
    b
  t = {
  a = 1, b = 2
  c = 3 }
  return r
}`),
  ).toBe(`block f(x: [B],
        y: int)
        -> [B] {     # body
  phrase = one_of([  # the first
    "a",
    # the second
    "b"  # b
  ])
  m      = mix([1, 2],
               weights = [3, 4])
  r      = if a then 1
           else if b then 2  # two
           else 3
  s      = a
    + b
  t      = {
    a = 1, b = 2
    c = 3
  }
  return r
}
`);
});

test("strings and numbers stay as they were meant", () => {
  expect(print(String.raw`x = "a\n\"\\\{ } \u{e9}{ f( "b" ) }"   y = 1e-3`)).toBe(
    `${String.raw`x = "a\n\"\\\{ } é{f("b")}"   y = 1e-3`}\n`,
  );
});

test("printing twice changes nothing, and every comment is kept once, wherever blanks and comments are put", () => {
  const places = fc.array(fc.tuple(fc.nat(), fc.constantFrom("\n", " ", "\n\n\n", " # beside\n", "\n # own line\n", "\t")), {
    minLength: 1,
    maxLength: 6,
  });
  let checked = 0;
  fc.assert(
    fc.property(fc.constantFrom(...files), places, ({ text }, insertions) => {
      const parts = text.split(/(\s+)/);
      for (const [at, blank] of insertions) parts[at % parts.length] += blank;
      const { tree, diagnostics } = read(parts.join(""));
      if (diagnostics.length > 0) return;
      checked++;
      const printed = format(tree);
      const again = read(printed);
      expect(again.diagnostics.map((d) => d.message)).toEqual([]);
      expect(withoutPlaces(again.tree)).toEqual(withoutPlaces(tree));
      expect(again.tree.comments.map((c) => c.text)).toEqual(tree.comments.map((c) => c.text));
      expect(format(again.tree)).toBe(printed);
    }),
    { numRuns: 200 },
  );
  expect(checked).toBeGreaterThan(50);
});
