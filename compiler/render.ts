// Diagnostics → text: source lines, carets, labels, notes and one suggestion. In: a diagnostic and how wide the page is. Out: lines in the frame
// that the manual shows. All layout of diagnostics is here; all their words are in the catalogues.

import type { Diagnostic, Label } from "../grammar/diagnostic.js";
import { positionAt, type SourceFile } from "../grammar/source.js";

/** What diagnostics are laid out for. */
export interface RenderOptions {
  readonly color: boolean;
  /** Columns of the page. */
  readonly width: number;
}

type Paint = (code: string, text: string) => string;

interface Mark {
  readonly line: number;
  /** From 0, in code points. */
  readonly start: number;
  readonly length: number;
  readonly text: string;
  readonly main: boolean;
}

const TAB = "  ";

/** The diagnostic as a frame; ends without a newline. */
export function render(diagnostic: Diagnostic, options: RenderOptions): string {
  const paint: Paint = options.color ? (code, text) => `\u001b[${code}m${text}\u001b[0m` : (_, text) => text;
  const tone = diagnostic.severity === "error" ? "31;1" : "33;1";
  const lines = [`${paint(tone, `${diagnostic.severity}[${diagnostic.code}]`)}: ${diagnostic.message}`];
  const { file, start } = diagnostic.at.span;
  const { line, column } = positionAt(file, start);
  const files: { file: SourceFile; head: string; labels: { label: Label; main: boolean }[] }[] = [
    { file, head: `${file.name}:${line}:${column}`, labels: [{ label: diagnostic.at, main: true }] },
  ];
  for (const label of diagnostic.also) {
    const group = files.find((g) => g.file.name === label.span.file.name);
    const at = positionAt(label.span.file, label.span.start);
    if (group !== undefined) group.labels.push({ label, main: false });
    else files.push({ file: label.span.file, head: `${label.span.file.name}:${at.line}:${at.column}`, labels: [{ label, main: false }] });
  }
  const marks = files.map((g) => g.labels.map(({ label, main }) => markOf(label, main)));
  const gutter = Math.max(1, ...marks.flat().map((m) => String(m.line).length));
  for (const [i, group] of files.entries()) {
    lines.push(paint("34", `${" ".repeat(gutter)} ┌─ ${group.head}`));
    lines.push(...frame(group.file, marks[i] ?? [], gutter, options.width, paint, tone));
  }
  const indent = " ".repeat(gutter + 1);
  for (const note of diagnostic.notes) lines.push(...wrap(note, `${indent}= `, `${indent}  `, options.width));
  if (diagnostic.fix !== undefined) lines.push(...wrap(`help: ${diagnostic.fix.title}`, `${indent}= `, `${indent}  `, options.width));
  return lines.join("\n");
}

/** Several, with an empty line between. */
export function renderAll(diagnostics: readonly Diagnostic[], options: RenderOptions): string {
  return diagnostics.map((d) => render(d, options)).join("\n\n");
}

function lineText(file: SourceFile, line: number): string {
  return file.text.split("\n")[line - 1]?.replace(/\r$/, "") ?? "";
}

/** What a span covers of its first line; at least one column. */
function markOf(label: Label, main: boolean): Mark {
  const { file, start, end } = label.span;
  const { line, column } = positionAt(file, start);
  const text = lineText(file, line);
  const before = text.slice(0, column - 1);
  const covered = text.slice(column - 1, column - 1 + Math.max(1, end - start));
  return { line, start: widthOf(before), length: Math.max(1, widthOf(covered)), text: label.text, main };
}

function expand(text: string): string {
  return text.replaceAll("\t", TAB);
}

/** Columns of a text: a code point is one, a tab two. */
function widthOf(text: string): number {
  return [...expand(text)].length;
}

function frame(file: SourceFile, marks: readonly Mark[], gutter: number, width: number, paint: Paint, tone: string): string[] {
  const lines: string[] = [];
  const empty = paint("34", `${" ".repeat(gutter)} │`);
  const numbers = [...new Set(marks.map((m) => m.line))].sort((a, b) => a - b);
  for (const [i, line] of numbers.entries()) {
    const before = numbers[i - 1];
    if (before !== undefined && line > before + 1) lines.push(paint("34", `${" ".repeat(gutter)} ·`));
    const text = expand(lineText(file, line));
    const here = marks.filter((m) => m.line === line).sort((a, b) => a.start - b.start || (a.main ? -1 : 1));
    const room = Math.max(20, width - gutter - 3);
    const points = [...text];
    const shift = points.length <= room ? 0 : Math.max(0, Math.min((here[0]?.start ?? 0) - 8, points.length - room));
    lines.push(`${paint("34", `${String(line).padStart(gutter)} │`)} ${points.slice(shift, shift + room).join("")}`.trimEnd());
    for (const mark of here) {
      const length = Math.min(mark.length, Math.max(1, room - (mark.start - shift)));
      const under = `${" ".repeat(Math.max(0, mark.start - shift))}${paint(mark.main ? tone : "34", `${(mark.main ? "^" : "-").repeat(length)}${mark.text === "" ? "" : ` ${mark.text}`}`)}`;
      lines.push(`${empty} ${under}`);
    }
  }
  return lines;
}

function wrap(text: string, first: string, next: string, width: number): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(" ")) {
    const blank = line === first || line === next;
    if (!blank && line.length + 1 + word.length > width) {
      lines.push(line);
      line = next + word;
    } else line += blank ? word : ` ${word}`;
  }
  lines.push(line);
  return lines;
}
