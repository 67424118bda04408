// "Did you mean": the nearest of some names. A name of length n may be off by max(1, n / 3) edits, a swap of neighbours counting as one.

/** Damerau–Levenshtein distance (optimal string alignment), by code units. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The nearest of `names`, the first of equals; undefined where none is near enough or `name` is among them. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    if (candidate === name) return undefined;
    const d = distance(name.toLowerCase(), candidate.toLowerCase());
    if (d < least && d < Math.max(name.length, candidate.length)) {
      least = d;
      best = candidate;
    }
  }
  return best;
}
