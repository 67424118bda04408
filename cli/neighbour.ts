// What a text says of itself without any model: each token predicted from the one at its left, by a table counted on the training part.
// A trained model that does not beat this has learned no more than pairs of letters.

import type { TextData } from "../runtime/data/text.js";
import type { Rows } from "../runtime/rows.js";

/** Added to each count, so that a pair the training part lacks costs much but not everything. */
const SMOOTHING = 0.1;
/** Tables and texts larger than this are left out: the table would take long to count and say little. */
const MOST_IDS = 2048;
const MOST_TOKENS = 50_000_000;

/** What a row holds: inputs, what stands after each, and how much that counts. */
export type Pairs = Pick<Rows, "tokens" | "targets" | "weights">;

export interface NeighbourTable {
  /** Counts the pairs that are predicted. */
  count(pairs: Pairs): void;
  /** Scores the pairs that are predicted; to be called after all counting. */
  score(pairs: Pairs): void;
  /** Mean loss of all pairs scored, nats a token: p(b | a) = (n(a, b) + 0.1) ÷ (n(a) + 0.1 · V). */
  mean(): number;
}

/** A table for a vocabulary of `size`; it takes 8 · size² bytes. */
export function neighbourTable(size: number): NeighbourTable {
  const pairs = new Float64Array(size * size);
  const totals = new Float64Array(size);
  let sum = 0;
  let total = 0;
  const each = (rows: Pairs, visit: (left: number, id: number, weight: number) => void) => {
    rows.weights.forEach((weight, i) => {
      if (weight > 0) visit(rows.tokens[i] ?? 0, rows.targets[i] ?? 0, weight);
    });
  };
  return {
    count: (rows) =>
      each(rows, (left, id) => {
        pairs[left * size + id] = (pairs[left * size + id] ?? 0) + 1;
        totals[left] = (totals[left] ?? 0) + 1;
      }),
    score: (rows) =>
      each(rows, (left, id, weight) => {
        const chance = ((pairs[left * size + id] ?? 0) + SMOOTHING) / ((totals[left] ?? 0) + SMOOTHING * size);
        sum -= weight * Math.log(chance);
        total += weight;
      }),
    mean: () => sum / total,
  };
}

/** The table's loss on all of one part of a text after counting all of another; undefined where that is too large to be worth it. */
export async function neighbourLoss(data: TextData, vocabSize: number, from = "train", on = "val"): Promise<number | undefined> {
  if (vocabSize > MOST_IDS || !data.splits.includes(on) || data.tokens(from) + data.tokens(on) > MOST_TOKENS) return undefined;
  const table = neighbourTable(vocabSize);
  await read(data, from, table.count);
  await read(data, on, table.score);
  return table.mean();
}

async function read(data: TextData, split: string, visit: (pairs: Pairs) => void): Promise<void> {
  const length = 4096;
  const batches = data.evaluationBatches(split, 1, length);
  for (let index = 0; index < batches; index++) visit(await data.evaluationRows(split, 1, length, index));
}
