// In: a place in an epoch of n items, and a key. Out: the item that stands there: a shuffled order that needs no memory and no replay, so that a run
// can resume at any step. A four-round Feistel network (Luby and Rackoff 1988) over the least even number of bits, walked until it lands below n.

import { philox } from "../philox.js";

/** A bijection of 0 … n − 1 onto itself, chosen by the key. */
export function permute(n: number, index: number, key: readonly [number, number]): number {
  const half = Math.max(1, Math.ceil(Math.log2(Math.max(2, n)) / 2));
  const size = 2 ** half;
  let at = index;
  do {
    let left = Math.floor(at / size);
    let right = at % size;
    for (let round = 0; round < 4; round++) {
      const word = philox([right, round, 0, 0], key)[0] ?? 0;
      const next = (left ^ word) & (size - 1);
      left = right;
      right = next;
    }
    at = left * size + right;
  } while (at >= n);
  return at;
}
