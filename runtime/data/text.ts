// In: a text, its split and a sequence. Out: training rows of any step, and the rows of a whole held-out split. Rows of step s depend on (seed, s, row)
// only, so a resumed run reads exactly what an unbroken one would have read.

import type { DataSpec } from "../artifact.js";
import type { ByteSource } from "../bytes.js";
import { below, hashName, philox } from "../philox.js";
import { type Cut, cutSpans, emptyRows, layoutLength, type Rows, shortened, writeCuts } from "../rows.js";
import { type Sequence, SequenceError, type Span } from "../sequences.js";
import type { TokenArray, Tokenizer } from "../tokenizers/index.js";
import { type Corpus, CorpusError, type CorpusOptions, readCorpus } from "./corpus.js";
import { permute } from "./permute.js";

/** Which rows of a training run are wanted. */
export interface BatchPlace {
  readonly seed: number;
  /** From 0. */
  readonly step: number;
  /** Micro-batch of the step, from 0. */
  readonly micro: number;
  /** Rows of a micro-batch and micro-batches of a step. */
  readonly batch: number;
  readonly accumulate: number;
  /** context_length. */
  readonly length: number;
}

/** A text cut into its splits. */
export interface TextData {
  /** Names of the splits in order; `["train"]` where it is not split. */
  readonly splits: readonly string[];
  /** Tokens of a split. */
  tokens(split: string): number;
  /** Rows for training. Throws `CorpusError` where the split is shorter than a row. */
  rows(split: string, place: BatchPlace): Promise<Rows>;
  /** Batches that hold a split once: windows side by side, none overlapping; each token but the first is predicted once. The last window is padded. */
  evaluationBatches(split: string, batch: number, length: number): number;
  evaluationRows(split: string, batch: number, length: number, index: number): Promise<Rows>;
}

/** A split: a stretch of the corpus. */
interface Stretch {
  readonly name: string;
  readonly first: number;
  readonly length: number;
}

/** Reads the text and cuts it by shares of its characters: a text of n characters split in 0.9 and 0.1 trains on the first ⌊0.9·n⌋. */
export async function openTextData(
  spec: DataSpec,
  sources: readonly ByteSource[],
  sequence: Sequence,
  tokenizer: Tokenizer,
  options: CorpusOptions = {},
): Promise<TextData> {
  const corpus = await readCorpus(sources, tokenizer, options);
  const stretches = await split(corpus, spec.split);
  const find = (name: string): Stretch => {
    const found = stretches.find((each) => each.name === name);
    if (found === undefined)
      throw new CorpusError(
        `Data \`${spec.name}\` has no part \`${name}\`; it has ${stretches.map((each) => `\`${each.name}\``).join(", ")}.`,
      );
    return found;
  };
  // The text itself is not laid out again for every row: only its length is, and what a row needs is read.
  const lay = (stretch: Stretch, draw?: () => number): readonly Span[] =>
    sequence.layout({ [spec.field]: { length: stretch.length } }, draw);
  const write = async (rows: Rows, index: number, spans: readonly Span[], start: number, stretch: Stretch): Promise<void> => {
    const cuts = cutSpans(spans, start, rows.length + 1);
    const long = new Map<Cut, TokenArray>();
    for (const cut of cuts) if (cut.span.ids === undefined) long.set(cut, await corpus.read(stretch.first + cut.first, cut.count));
    writeCuts(rows, index, cuts, { read: (cut) => long.get(cut) ?? new Uint8Array(0) });
  };
  const writeWhole = async (rows: Rows, index: number, spans: readonly Span[], stretch: Stretch): Promise<boolean> => {
    const fitting = shortened(spans, rows.length + 1, sequence.spec.shorten);
    if (fitting === undefined) return false;
    await write(rows, index, fitting, 0, stretch);
    return true;
  };
  const tooShort = (stretch: Stretch, count: number, length: number): CorpusError =>
    new CorpusError(
      `Part \`${stretch.name}\` of data \`${spec.name}\` has ${count} tokens, but a row holds context_length + 1 = ${length + 1}.`,
    );

  const rowOf = async (rows: Rows, index: number, stretch: Stretch, place: BatchPlace): Promise<void> => {
    const { seed, step, length } = place;
    const inStep = place.micro * place.batch + index;
    const spans = lay(stretch, drawing(seed, step, inStep));
    const count = layoutLength(spans);
    const kind = sequence.spec.rows;
    switch (kind) {
      case "window": {
        if (count < length + 1) throw tooShort(stretch, count, length);
        const words = philox([inStep, step, 0, 0], [seed, hashName("window")]);
        await write(rows, index, spans, below(count - length, words[0] ?? 0, words[1] ?? 0), stretch);
        return;
      }
      case "stream": {
        if (count < length + 1) throw tooShort(stretch, count, length);
        const perEpoch = Math.floor((count - 1) / length);
        const global = step * place.batch * place.accumulate + inStep;
        const epoch = Math.floor(global / perEpoch);
        const key = philox([epoch, 0, 0, 0], [seed, hashName("epoch")]);
        await write(rows, index, spans, length * permute(perEpoch, global % perEpoch, [key[0] ?? 0, key[1] ?? 0]), stretch);
        return;
      }
      case "one":
      case "packed":
        // A text is a single example, so both are a row of it.
        if (!(await writeWhole(rows, index, spans, stretch))) {
          throw new CorpusError(
            `Sequence \`${sequence.spec.name}\` has \`rows = ${kind}\`, but part \`${stretch.name}\` of data \`${spec.name}\` is one example of ${count} tokens, longer than a row of ${length + 1}: use \`rows = window\` or \`stream\`.`,
          );
        }
        return;
    }
  };

  return {
    splits: stretches.map((each) => each.name),
    tokens: (name) => find(name).length,
    rows: async (name, place) => {
      const stretch = find(name);
      const rows = emptyRows(place.batch, place.length);
      for (let index = 0; index < place.batch; index++) await rowOf(rows, index, stretch, place);
      return rows;
    },
    evaluationBatches: (name, batch, length) => {
      const windows = Math.ceil((layoutLength(lay(find(name))) - 1) / length);
      if (windows < 1) throw tooShort(find(name), find(name).length, 1);
      return Math.ceil(windows / batch);
    },
    evaluationRows: async (name, batch, length, index) => {
      const stretch = find(name);
      const spans = lay(stretch);
      const rows = emptyRows(batch, length);
      const last = layoutLength(spans) - 1;
      for (let i = 0; i < batch; i++) {
        const start = (index * batch + i) * length;
        if (start < last) await write(rows, i, spans, start, stretch);
      }
      return rows;
    },
  };
}

/** Shares of the characters in order; the last takes what rounding leaves. */
async function split(corpus: Corpus, shares: Readonly<Record<string, number>>): Promise<readonly Stretch[]> {
  const names = Object.keys(shares);
  if (names.length === 0) return [{ name: "train", first: 0, length: corpus.length }];
  const total = names.reduce((sum, name) => sum + (shares[name] ?? 0), 0);
  if (Math.abs(total - 1) > 1e-6 || names.some((name) => !((shares[name] ?? 0) > 0)))
    throw new SequenceError(
      `The shares of a split must be above 0 and add up to 1, but ${names.map((name) => `${name} = ${shares[name]}`).join(", ")} add up to ${total}.`,
    );
  const stretches: Stretch[] = [];
  let first = 0;
  let share = 0;
  for (const [i, name] of names.entries()) {
    share += shares[name] ?? 0;
    // The small term undoes binary rounding of sums such as 0.7 + 0.2.
    const end = i === names.length - 1 ? corpus.length : await corpus.tokenAt(Math.floor(corpus.characters * share + 1e-6));
    stretches.push({ name, first, length: end - first });
    first = end;
  }
  return stretches;
}

/** Numbers in [0, 1) that decide `drop` and `one_of` of one row. */
function drawing(seed: number, step: number, row: number): () => number {
  const key = [seed, hashName("pattern")] as const;
  let count = 0;
  return () => {
    const words = philox([row, step, count, 0], key);
    count += 1;
    return (words[0] ?? 0) / 2 ** 32;
  };
}
