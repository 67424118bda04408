// Source text and places in it. Offsets are UTF-16 indices into `text`; lines and columns start at 1.

export interface SourceFile {
  /** What messages call the file, as the user wrote it: `gpt.elm`. */
  readonly name: string;
  readonly text: string;
}

/** The half-open range [start, end) of a file's text. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export function positionAt(file: SourceFile, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let i = file.text.indexOf("\n"); i >= 0 && i < offset; i = file.text.indexOf("\n", i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

export function textOf(span: Span): string {
  return span.file.text.slice(span.start, span.end);
}

/** The smallest span that covers both, which must be of one file. */
export function join(a: Span, b: Span): Span {
  return { file: a.file, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}
