// The lines of a file being printed. In: text, line by line, told which place of the source comes next. Out: the whole.
// Invariant: each comment comes out once, in order: beside the line that was being written when its place was passed, or on a
// line of its own.

import type { Comment } from "./tree.js";

interface Line {
  readonly indent: number;
  code: string;
  comment?: string;
}

/** Beyond this width a line's comment is not aligned with its neighbours'. */
const alignLimit = 100;

export class Lines {
  private readonly source: string;
  private readonly pending: readonly Comment[];
  private readonly written: Line[] = [];
  private taken = 0;
  /** Where in the source the last item or comment ended; nothing just after an opening brace. */
  private last: number | undefined;

  constructor(source: string, comments: readonly Comment[]) {
    this.source = source;
    this.pending = comments;
  }

  /** Goes on with the line being written. */
  write(code: string): void {
    const line = this.written[this.written.length - 1];
    if (line === undefined) this.written.push({ indent: 0, code });
    else line.code += code;
  }

  /** How wide the line being written is so far. */
  column(): number {
    const line = this.written[this.written.length - 1];
    return line === undefined ? 0 : line.indent + line.code.length;
  }

  /** Notes that a body was opened: no blank line follows. */
  opened(): void {
    this.last = undefined;
  }

  /** Notes that an item was written, which ends at `offset` of the source. */
  reached(offset: number): void {
    this.last = offset;
  }

  /** Starts a line for what stands at `offset` of the source, after its comments; before an item a blank line is kept. */
  next(indent: number, offset: number, item: boolean): void {
    this.comments(indent, offset, item);
    if (item) this.keepBlank(offset);
    this.written.push({ indent, code: "" });
  }

  /** Writes the comments that stand before `offset` of the source, between items or inside one. */
  comments(indent: number, offset: number, items: boolean): void {
    for (let comment = this.pending[this.taken]; comment !== undefined && comment.span.start < offset; comment = this.pending[this.taken]) {
      this.taken++;
      const line = this.written[this.written.length - 1];
      if (!comment.ownLine && line !== undefined && line.comment === undefined && line.code !== "") line.comment = comment.text;
      else {
        if (items) this.keepBlank(comment.span.start);
        this.written.push({ indent, code: "", comment: comment.text });
      }
      if (items && (this.last !== undefined || comment.ownLine)) this.last = Math.max(this.last ?? 0, comment.span.end);
    }
  }

  /** A blank line, if the source has one between what was written last and `offset`. */
  private keepBlank(offset: number): void {
    if (this.last !== undefined && /\n[^\S\n]*\n/.test(this.source.slice(this.last, offset))) this.written.push({ indent: 0, code: "" });
  }

  /** All lines, comments beside neighbouring lines aligned, ending in a newline if there are any. */
  text(): string {
    const columns = this.commentColumns();
    const lines = this.written.map((line, i) => {
      const code = line.code === "" ? "" : " ".repeat(line.indent) + line.code;
      if (line.comment === undefined) return code.trimEnd();
      return code === "" ? " ".repeat(line.indent) + line.comment : `${code.padEnd(columns[i] ?? 0)}  ${line.comment}`;
    });
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
  }

  /** For each line the width to which its code is padded before its comment. */
  private commentColumns(): readonly number[] {
    const columns: number[] = this.written.map(() => 0);
    const width = (line: Line | undefined) => {
      const total = line === undefined || line.code === "" || line.comment === undefined ? 0 : line.indent + line.code.length;
      return total > alignLimit ? 0 : total;
    };
    for (let i = 0; i < this.written.length; i++) {
      let end = i;
      let widest = 0;
      for (; width(this.written[end]) > 0; end++) widest = Math.max(widest, width(this.written[end]));
      columns.fill(widest, i, end);
      i = Math.max(i, end);
    }
    return columns;
  }
}
