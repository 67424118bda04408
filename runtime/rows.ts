// In: layouts of examples (sequences.ts). Out: training rows: inputs, targets, loss weights and facts, [batch, context_length] each.
// A row holds context_length + 1 tokens, of which all but the last are inputs and all but the first targets. Padding has weight 0 and segment PADDING.

import type { Span } from "./sequences.js";
import type { TokenArray } from "./tokenizers/index.js";

/** Segment of padding: equal to no example's. */
export const PADDING = 0xffffffff;

/** Rows as a program's inputs take them, by their names. */
export interface Rows {
  readonly batch: number;
  /** Inputs of a row: context_length. */
  readonly length: number;
  readonly tokens: Uint32Array;
  readonly targets: Uint32Array;
  /** Of the targets' losses; 0 where the target is not predicted, is padding, or has nothing of its segment before it. */
  readonly weights: Float32Array;
  readonly position: Uint32Array;
  readonly row: Uint32Array;
  readonly column: Uint32Array;
  /** 1 where the input token itself is predicted. */
  readonly predicted: Uint32Array;
  readonly segment: Uint32Array;
}

/** Empty rows, all padding. */
export function emptyRows(batch: number, length: number): Rows {
  const words = () => new Uint32Array(batch * length);
  return {
    batch,
    length,
    tokens: words(),
    targets: words(),
    weights: new Float32Array(batch * length),
    position: words(),
    row: words(),
    column: words(),
    predicted: words(),
    segment: words().fill(PADDING),
  };
}

/** Tokens of a layout from `start` on, `count` at most, as pieces with the place in the row where each goes. */
export interface Cut {
  readonly span: Span;
  /** First token of the span that is taken. */
  readonly first: number;
  readonly count: number;
  /** Place in the row. */
  readonly at: number;
}

export function cutSpans(spans: readonly Span[], start: number, count: number): readonly Cut[] {
  const cuts: Cut[] = [];
  let at = 0;
  for (const span of spans) {
    const first = Math.max(0, start - at);
    const end = Math.min(span.length, start + count - at);
    if (end > first) cuts.push({ span, first, count: end - first, at: at + first - start });
    at += span.length;
    if (at >= start + count) break;
  }
  return cuts;
}

export function layoutLength(spans: readonly Span[]): number {
  return spans.reduce((sum, span) => sum + span.length, 0);
}

/** Writes part of a layout into a row from place `at` on, as `segment`, its positions from `position` on. `read` gives a long field's own tokens. */
export function writeCuts(
  rows: Rows,
  index: number,
  cuts: readonly Cut[],
  options: { readonly at?: number; readonly segment?: number; readonly position?: number; readonly read?: (cut: Cut) => TokenArray } = {},
): void {
  const { at = 0, segment = 0, position = 0 } = options;
  const { length } = rows;
  const base = index * length;
  for (const cut of cuts) {
    const { span } = cut;
    const source = span.ids ?? options.read?.(cut);
    if (source === undefined)
      throw new Error(`The field \`${span.field ?? span.source}\` is too long to lie in memory, so it has to be read.`);
    const shift = span.ids === undefined ? -cut.first : 0;
    const offset = span.ids === undefined ? span.offset : 0;
    for (let i = 0; i < cut.count; i++) {
      const place = at + cut.at + i;
      const id = (source[cut.first + shift + i] ?? 0) + offset;
      if (place > length) break;
      if (place < length) {
        rows.tokens[base + place] = id;
        rows.position[base + place] = position + cut.at + i;
        rows.predicted[base + place] = span.predicted ? 1 : 0;
        rows.segment[base + place] = segment;
      }
      if (place > 0) {
        rows.targets[base + place - 1] = id;
        // The token before must be of the same segment, else nothing could have predicted this one.
        rows.weights[base + place - 1] = rows.segment[base + place - 1] === segment ? span.weight : 0;
      }
    }
  }
}

/** `rows = one`: an example a row. False where it is longer than a row even with `shorten` cut to nothing; the row stays padding. */
export function writeOne(rows: Rows, index: number, spans: readonly Span[], shorten: string | undefined): boolean {
  const fitting = shortened(spans, rows.length + 1, shorten);
  if (fitting === undefined) return false;
  writeCuts(rows, index, cutSpans(fitting, 0, rows.length + 1));
  return true;
}

/** A layout of at most `limit` tokens, cut at the end of the field `shorten`; undefined where that is not enough. */
export function shortened(spans: readonly Span[], limit: number, shorten: string | undefined): readonly Span[] | undefined {
  let excess = layoutLength(spans) - limit;
  if (excess <= 0) return spans;
  const cut = spans.toReversed().flatMap((span) => {
    if (excess <= 0 || span.field === undefined || span.field !== shorten) return [span];
    const taken = Math.min(excess, span.length);
    excess -= taken;
    const length = span.length - taken;
    return length === 0 ? [] : [{ ...span, length, ids: span.ids?.subarray(0, length) }];
  });
  return excess > 0 ? undefined : cut.toReversed();
}

/** `rows = packed`: whole examples side by side, each its own segment and positions, in order, until the next does not fit. Gives how many went in. */
export function writePacked(rows: Rows, index: number, examples: readonly (readonly Span[])[]): number {
  let at = 0;
  for (const [segment, spans] of examples.entries()) {
    const count = layoutLength(spans);
    if (at + count > rows.length + 1) return segment;
    writeCuts(rows, index, cutSpans(spans, 0, count), { at, segment });
    at += count;
  }
  return examples.length;
}

/** Sum of the weights: what a step's summed loss is divided by. */
export function totalWeight(rows: Rows): number {
  let sum = 0;
  for (const weight of rows.weights) sum += weight;
  return sum;
}
