// What each form of the language becomes: read through the outline, which shows kinds, names, values and places.

import { expect, test } from "vitest";
import { type Expr, outline, textOf } from "../../grammar/index.js";
import { read } from "./reading.js";

/** The outline without places and without its first line. */
function sketch(text: string): string {
  const { tree, diagnostics } = read(text);
  expect(diagnostics).toEqual([]);
  return outline(tree)
    .replace(/ \d+:\d+-\d+:\d+$/gm, "")
    .replace(/^file\n/, "");
}

function value(text: string): Expr {
  const { tree, diagnostics } = read(`x = ${text}`);
  expect(diagnostics).toEqual([]);
  const item = tree.items[0];
  if (item?.kind !== "binding") throw new Error("a binding was expected");
  return item.value;
}

test("an outline", () => {
  const { tree } = read(
    'import a, b from "c.elm"\n\nmodel gpt { # here\n  dim = 2 * 3\n  forward(x: v[B, ...], n: int = 1) -> [B] { return x[0:, 1](n, k = -1.5) }\n}\n',
  );
  expect(outline(tree)).toBe(`file 1:1-7:1
  import a, b 1:1-1:25
    string "c.elm" 1:18-1:25
  section model gpt 3:1-6:2
    binding dim 4:3-4:14
      binary * 4:9-4:14
        number 2 4:9-4:10
        number 3 4:13-4:14
    section forward 5:3-5:76
      signature 5:10-5:43
        parameter x 5:11-5:23
          type v [ ] 5:14-5:23
            dim 5:16-5:17
              name B 5:16-5:17
            rest 5:19-5:22
        parameter n 5:25-5:35
          type int 5:28-5:31
          number 1 5:34-5:35
        result [ ] 5:40-5:43
          dim 5:41-5:42
            name B 5:41-5:42
      return 5:46-5:74
        call 5:53-5:74
          index 5:53-5:61
            name x 5:53-5:54
            range start 5:55-5:57
              number 0 5:55-5:56
            at 5:59-5:60
              number 1 5:59-5:60
          argument 5:62-5:63
            name n 5:62-5:63
          argument k 5:65-5:73
            negate 5:69-5:73
              number 1.5 5:70-5:73
  comment beside # here 3:13-3:19
`);
});

test("numbers", () => {
  for (const [text, number] of [
    ["1e-3", 1e-3],
    ["0.5", 0.5],
    ["42", 42],
    ["4.5e-6", 4.5e-6],
    ["1E+2", 100],
  ] as const)
    expect(value(text)).toMatchObject({ kind: "number", value: number });
});

test("strings: escapes and holes", () => {
  expect(value(String.raw`"a\n\t\"\\\{b} \u{1F600}"`)).toMatchObject({ kind: "string", parts: [{ kind: "text", text: 'a\n\t"\\{b} 😀' }] });
  expect(value('""')).toMatchObject({ parts: [] });
  const nested = value('"a{f({ b = "}" }, "{c}")}d"');
  expect(nested).toMatchObject({ kind: "string", parts: [{ kind: "text", text: "a" }, { kind: "hole" }, { kind: "text", text: "d" }] });
  const hole = nested.kind === "string" && nested.parts[1]?.kind === "hole" ? nested.parts[1].value : undefined;
  expect(hole?.kind).toBe("call");
  expect(hole === undefined ? "" : textOf(hole.span)).toBe('f({ b = "}" }, "{c}")');
});

test("operators bind as in arithmetic, and to the left", () => {
  expect(sketch("x = a - b - c * -d == e % f")).toBe(`  binding x
    binary ==
      binary -
        binary -
          name a
          name b
        binary *
          name c
          negate
            name d
      binary %
        name e
        name f
`);
});

test("words of one place are names elsewhere", () => {
  expect(sketch("from = as.for(in = in)\nfor { in = [for for in in in] }")).toBe(`  binding from
    call
      member for
        name as
      argument in
        name in
  section for
    binding in
      comprehension for in
        name for
        name in
`);
});

test("bindings with several targets and dotted paths, records with string keys", () => {
  expect(sketch('bae.bits, b = { "2B" = 1, image.size = [1, 1] c = 2 }[k]')).toBe(`  binding bae.bits, b
    index
      record
        entry "2B"
          number 1
        entry image.size
          list
            number 1
            number 1
        entry c
          number 2
      at
        name k
`);
});

test("repeat, if and several results", () => {
  expect(sketch("f(a) -> int, v[B] { repeat n / 2 as i { h = if i > 1 then a else b }\nreturn h, a }")).toBe(`  section f
    signature
      parameter a
      result int
      result v [ ]
        dim
          name B
    repeat as i
      binary /
        name n
        number 2
      binding h
        if
          binary >
            name i
            number 1
          name a
          name b
    return
      name h
      name a
`);
});

test("newlines mean nothing but before a value", () => {
  const { tree, diagnostics } = read("a\n=\tf\n(b\n,c)\n+ 1\nd =\ne = 2");
  expect(diagnostics.map((d) => d.code)).toEqual(["missing-value"]);
  expect(tree.items.map((item) => item.kind === "binding" && item.value.kind)).toEqual(["binary", "missing", "number"]);
});

test("an empty file and one of blanks and comments", () => {
  expect(read("").tree).toMatchObject({ imports: [], items: [], comments: [] });
  expect(read("\ufeff\r\n  # a\r\n").tree.comments).toMatchObject([{ text: "# a", ownLine: true }]);
});
