// Where persistent tensors lie: parameters, and what belongs to one (moments, gradients, EMA), inside the flat buffers of the layout; every other state in a
// buffer of its own name. The same for all programs of an artifact.

import { elements } from "../ir/graph.js";
import type { Layout } from "./layout.js";

export interface Home {
  readonly buffer: string;
  /** In elements. */
  readonly offset: number;
}

/** By state name; a name that is absent has a buffer of its own. */
export type Homes = ReadonlyMap<string, Home>;

/** `NAME` and `parameters/NAME` in `parameters.g`, `KIND/NAME` of any other kind in `KIND.g`. */
export function homesOf(layout: Layout, kinds: readonly string[] = []): Homes {
  const homes = new Map<string, Home>();
  for (const place of layout.places) {
    homes.set(place.name, { buffer: `parameters.${place.group}`, offset: place.offset });
    for (const kind of ["parameters", ...kinds])
      homes.set(`${kind}/${place.name}`, { buffer: `${kind}.${place.group}`, offset: place.offset });
  }
  return homes;
}

export function homeOf(homes: Homes, name: string): Home {
  return homes.get(name) ?? { buffer: name, offset: 0 };
}

interface Range extends Home {
  readonly size: number;
}

export function overlap(a: Range, b: Range): boolean {
  return a.buffer === b.buffer && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

/** Bytes of each persistent buffer of the layout, by name. */
export function layoutBuffers(layout: Layout, kinds: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    ["parameters", ...kinds].flatMap((kind) =>
      layout.groups.map((group) => [`${kind}.${group.index}`, 4 * elements([group.size])] as const),
    ),
  );
}
