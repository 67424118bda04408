// Where parameters lie: side by side in a few flat groups, so that clipping, optimizer and EMA are a handful of equations over long vectors
// instead of hundreds over small ones. In: parameters; out: a place for each, the same for every program of an artifact.

import type { Parameter } from "../check/model.js";
import { elements } from "../ir/graph.js";
import type { Target } from "../kernels/kernel.js";

export interface Group {
  /** Buffer names are `parameters.0`, `gradients.0`, `adam.m.0`, …: kind and the group's index. */
  readonly index: number;
  /** Elements, a multiple of `ROW`; gaps between parameters hold zeros for ever. */
  readonly size: number;
  /** Weight decay applies to all of a group or to none of it. */
  readonly decay: boolean;
}

export interface Place {
  readonly parameter: Parameter;
  /** The tensor's name; a piece of a table cut for the binding limit is called `name#first`. */
  readonly name: string;
  readonly group: number;
  /** In elements, a multiple of `ALIGN`. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** First row of the parameter that this piece holds; 0 for a whole one. */
  readonly first: number;
}

export interface Layout {
  readonly groups: readonly Group[];
  readonly places: readonly Place[];
}

/** 256 bytes, the largest offset alignment a device may ask of a storage binding. */
const ALIGN = 64;
/** Groups are whole numbers of rows of this length, for reductions over a group in two steps. */
export const ROW = 1024;

/** Decayed parameters first, then the others; a table larger than one binding is cut along its first axis. */
export function layout(parameters: readonly Parameter[], decays: (parameter: Parameter) => boolean, target: Target): Layout {
  const limit = Math.floor(target.maxBinding / 4 / ROW) * ROW;
  const groups: Group[] = [];
  const places: Place[] = [];
  for (const decay of [true, false]) {
    let used = 0;
    const close = () => {
      if (used > 0) groups.push({ index: groups.length, size: Math.ceil(used / ROW) * ROW, decay });
      used = 0;
    };
    for (const parameter of parameters.filter((p) => decays(p) === decay)) {
      for (const piece of cut(parameter, limit)) {
        const size = Math.ceil(elements(piece.shape) / ALIGN) * ALIGN;
        if (used + size > limit) close();
        places.push({ parameter, ...piece, group: groups.length, offset: used });
        used += size;
      }
    }
    close();
  }
  return { groups, places };
}

function cut(parameter: Parameter, limit: number): { name: string; shape: readonly number[]; first: number }[] {
  const { name, shape } = parameter;
  if (elements(shape) <= limit) return [{ name, shape, first: 0 }];
  const [rows = 1, ...rest] = shape;
  const width = elements(rest);
  const count = Math.ceil(rows / Math.max(1, Math.floor(limit / width)));
  // Equal pieces, so that the products with them are equal kernels.
  const height = Math.ceil(rows / count);
  return Array.from({ length: count }, (_, i) => {
    const first = i * height;
    return { name: `${name}#${first}`, shape: [Math.min(height, rows - first), ...rest], first };
  });
}

export function pieces(places: Layout, parameter: string): readonly Place[] {
  return places.places.filter((place) => place.parameter.name === parameter);
}
