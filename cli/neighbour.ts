// What a text says of itself without any model: each character predicted from the one at its left, by a table counted on the training part.
// A trained model that does not beat this has learned no more than pairs of letters.

/** Added to each count, so that a pair the training part lacks costs much but not everything. */
const SMOOTHING = 0.1;

/** Counts of pairs of ids, filled by `count`, asked by `score`; ids come in pieces of one text, in order. */
export interface NeighbourTable {
  /** Counts the pairs of a text that comes in pieces. */
  count(ids: ArrayLike<number>): void;
  /** Sum of −log p over the pairs of a text that comes in pieces, nats, and their number; call it after all counting. */
  score(ids: ArrayLike<number>): void;
  /** Mean loss of all pairs scored, nats a token; p(b | a) = (n(a, b) + 0.1) ÷ (n(a) + 0.1 · V). */
  mean(): number;
}

/** A table for a vocabulary of `size`; it takes 8 · size² bytes. */
export function neighbourTable(size: number): NeighbourTable {
  const pairs = new Float64Array(size * size);
  const totals = new Float64Array(size);
  let left: number | undefined;
  let scored: number | undefined;
  let sum = 0;
  let number = 0;
  return {
    count(ids) {
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i] ?? 0;
        if (left !== undefined) {
          pairs[left * size + id] = (pairs[left * size + id] ?? 0) + 1;
          totals[left] = (totals[left] ?? 0) + 1;
        }
        left = id;
      }
    },
    score(ids) {
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i] ?? 0;
        if (scored !== undefined) {
          sum -= Math.log(((pairs[scored * size + id] ?? 0) + SMOOTHING) / ((totals[scored] ?? 0) + SMOOTHING * size));
          number++;
        }
        scored = id;
      }
    },
    mean: () => sum / number,
  };
}
