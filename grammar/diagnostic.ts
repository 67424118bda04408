// A diagnostic is data: which rule, what is wrong, where, why, and at most one edit that mends it.
// Text is written in a catalogue (grammar/explain.ts, compiler/messages.ts) and laid out by a renderer, never here.

import type { Span } from "./source.js";

export interface Label {
  readonly span: Span;
  /** Said beside the underlined text; may be empty. */
  readonly text: string;
}

/** One edit, offered as "did you mean". */
export interface Fix {
  readonly title: string;
  readonly span: Span;
  readonly replacement: string;
}

export interface Diagnostic {
  /** Words joined by hyphens, stable: `shape-mismatch`. */
  readonly code: string;
  readonly severity: "error" | "warning";
  /** One sentence with a full stop; names in backticks. */
  readonly message: string;
  /** The tight range that is wrong. */
  readonly at: Label;
  /** What explains it, perhaps in another file. */
  readonly also: readonly Label[];
  /** Facts, one sentence each. */
  readonly notes: readonly string[];
  readonly fix?: Fix;
}
