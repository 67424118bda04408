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

/** The smallest of a few greedy plans. */
export function allocate(slots: readonly Slot[]): Arena {
  const indices = slots.map((_, i) => i);
  const by = (weight: (slot: Slot) => number): number[] =>
    [...indices].sort((a, b) => weight(at(slots, b)) - weight(at(slots, a)) || at(slots, a).first - at(slots, b).first || a - b);
  const orders = [by((slot) => slot.bytes), by((slot) => slot.bytes * (slot.last - slot.first + 1)), by((slot) => slot.last - slot.first)];
  const live = mostAlive(slots);
  let best = greedy(slots, orders[0] ?? []);
  for (const order of orders.slice(1)) {
    if (best.bytes === live) break;
    const other = greedy(slots, order);
    if (other.bytes < best.bytes) best = other;
  }
  return { ...best, live };
}

function greedy(slots: readonly Slot[], order: readonly number[]): { readonly offsets: readonly number[]; readonly bytes: number } {
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
  return { offsets, bytes: total };
}

function mostAlive(slots: readonly Slot[]): number {
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
  return live;
}

function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new Error(`internal error: nothing at ${i}`);
  return item;
}
