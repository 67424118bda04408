// What the grammar's tests share: the design's files, and questions asked of trees.

import { readdirSync, readFileSync } from "node:fs";
import { type Diagnostic, type File, type Item, parse, type SourceFile, type Span } from "../../grammar/index.js";

const folder = new URL("files/", import.meta.url);

/** The fifteen files of the language's design. */
export const files: readonly SourceFile[] = readdirSync(folder)
  .filter((name) => name.endsWith(".elm"))
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") }));

export function read(text: string): { readonly tree: File; readonly diagnostics: readonly Diagnostic[] } {
  return parse({ name: "test.elm", text });
}

/** Items as one line of text: `model m { dim forward { return } }`. */
export function shape(items: readonly Item[]): string {
  const each = (item: Item): string => {
    switch (item.kind) {
      case "binding":
        return item.targets.map((path) => path.segments.map((name) => name.text).join(".")).join(",");
      case "section":
        return `${item.keyword.text}${item.name === undefined ? "" : ` ${item.name.text}`} { ${shape(item.items)} }`;
      case "repeat":
        return `repeat { ${shape(item.items)} }`;
      case "return":
        return "return";
    }
  };
  return items.map(each).join(" ");
}

/** A node without places, for comparing trees of different texts. */
export function withoutPlaces(tree: File): unknown {
  const { imports, items } = tree;
  return JSON.parse(JSON.stringify({ imports, items }, (key, value) => (key === "span" || key === "operatorSpan" ? undefined : value)));
}

function isSpan(value: unknown): value is Span {
  return typeof value === "object" && value !== null && "start" in value && "end" in value && "file" in value;
}

/** Nodes whose span is not a range of the file inside their parent's, by path. */
export function strayingSpans(tree: File): readonly string[] {
  const straying: string[] = [];
  const walk = (value: unknown, parent: Span, path: string) => {
    if (typeof value !== "object" || value === null || isSpan(value)) return;
    const own = "span" in value && isSpan(value.span) ? value.span : undefined;
    if (own !== undefined && !(own.start <= own.end && own.start >= parent.start && own.end <= parent.end))
      straying.push(`${path} ${own.start}-${own.end} outside ${parent.start}-${parent.end}`);
    for (const [key, child] of Object.entries(value)) walk(child, own ?? parent, `${path}.${key}`);
  };
  walk(tree, { file: tree.span.file, start: 0, end: tree.span.file.text.length }, "file");
  return straying;
}
