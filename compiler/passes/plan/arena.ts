// In: storage slots with the time in which they are used. Out: offsets in one arena. Invariant: slots alive at the same time do not overlap. Greedy by size
// (Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020): the largest first, each at the lowest place free in its time.

export interface Slot {
  /** First and last call that touch it. */
  readonly first: number;
  readonly last: number;
  /** A multiple of the alignment. */
  readonly bytes: number;
}

export interface Arena {
  readonly offsets: readonly number[];
  readonly bytes: number;
  /** The most bytes alive during one call: no arena is smaller. */
  readonly live: number;
}

export function allocate(slots: readonly Slot[]): Arena {
  const order = slots.map((_, i) => i).sort((a, b) => at(slots, b).bytes - at(slots, a).bytes || at(slots, a).first - at(slots, b).first || a - b);
  const offsets: number[] = slots.map(() => 0);
  // By offset, so that one walk finds the gaps.
  const placed: number[] = [];
  let total = 0;
  for (const i of order) {
    const slot = at(slots, i);
    let offset = 0;
    for (const other of placed) {
      const o = at(slots, other);
      if (o.last < slot.first || slot.last < o.first) continue;
      const begin = at(offsets, other);
      if (begin >= offset + slot.bytes) break;
      offset = Math.max(offset, begin + o.bytes);
    }
    offsets[i] = offset;
    let place = placed.length;
    while (place > 0 && at(offsets, at(placed, place - 1)) > offset) place--;
    placed.splice(place, 0, i);
    total = Math.max(total, offset + slot.bytes);
  }
  const change = new Map<number, number>();
  for (const slot of slots) {
    change.set(slot.first, (change.get(slot.first) ?? 0) + slot.bytes);
    change.set(slot.last + 1, (change.get(slot.last + 1) ?? 0) - slot.bytes);
  }
  let alive = 0;
  let live = 0;
  for (const time of [...change.keys()].sort((a, b) => a - b)) {
    alive += change.get(time) ?? 0;
    live = Math.max(live, alive);
  }
  return { offsets, bytes: total, live };
}

function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new Error(`internal error: nothing at ${i}`);
  return item;
}
