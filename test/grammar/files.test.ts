// The fifteen files of the design: they parse, every node knows its place, and printing settles at once.

import { describe, expect, test } from "vitest";
import { format, outline, parse, textOf } from "../../grammar/index.js";
import { files, read, strayingSpans, withoutPlaces } from "./reading.js";

test("there are fifteen", () => expect(files).toHaveLength(15));

describe.each(files.map((file) => [file.name, file] as const))("%s", (_, file) => {
  const { tree, diagnostics } = parse(file);

  test("parses without a diagnostic", () => expect(diagnostics.map((d) => d.message)).toEqual([]));

  test("has every span inside its parent's", () => expect(strayingSpans(tree)).toEqual([]));

  test("has a comment for each `#` outside strings", () => {
    const marks = file.text.split("\n").filter((line) => /(?:^|\s)#/.test(line));
    expect(tree.comments.map((comment) => textOf(comment.span))).toHaveLength(marks.length);
    expect(tree.comments.every((comment) => comment.text === textOf(comment.span))).toBe(true);
  });

  test("prints to a text that says the same, and prints to itself", () => {
    const printed = format(tree);
    const again = read(printed);
    expect(again.diagnostics).toEqual([]);
    expect(withoutPlaces(again.tree)).toEqual(withoutPlaces(tree));
    expect(again.tree.comments.map((c) => [c.text, c.ownLine])).toEqual(tree.comments.map((c) => [c.text, c.ownLine]));
    expect(format(again.tree)).toBe(printed);
  });

  test("keeps comments beside the same item", () => {
    const beside = (text: string) =>
      text
        .split("\n")
        .filter((line) => /\S\s+#/.test(line))
        .map((line) => /^\s*(\w*).*?(#.*)$/.exec(line)?.slice(1));
    expect(beside(format(tree))).toEqual(beside(file.text));
  });

  test("has an outline of one node a line, each with its place", () => {
    for (const line of outline(tree).trimEnd().split("\n")) expect(line).toMatch(/ \d+:\d+-\d+:\d+$/);
  });
});
