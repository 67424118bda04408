// Names in sight. A scope answers what a name is worth and what a callee is; values and callables do not collide.

import type { Machine, Place } from "./machine.js";
import { primitiveNames } from "./primitives.js";
import type { Program, Unit } from "./program.js";
import { findBlock } from "./program.js";
import type { Callable, Value } from "./values.js";

/** What all expressions of one check share. */
export interface Context {
  readonly program: Program;
  /** A number of a tokenizer section: `chars.vocab_size`, `bae.groups`; undefined where the section has none of that name. */
  member(section: Extract<Value, { kind: "section" }>, name: string): Value | undefined;
}

export interface Scope {
  readonly unit: Unit;
  lookup(name: string): Value | undefined;
  /** Names a message may suggest. */
  visible(): Iterable<string>;
  /** Present in equations. */
  readonly machine?: Machine;
  readonly place?: Place;
  readonly depth: number;
}

/** How names without a value are read. `prefer`: schema words win over names, as in `kind = char`. */
export interface Mode {
  readonly words: boolean;
  readonly prefer?: boolean;
}

export const EQUATION: Mode = { words: false };
export const WORDS: Mode = { words: true };
export const PREFER_WORDS: Mode = { words: true, prefer: true };

/** The same names and one more, which hides an outer one. */
export function withName(scope: Scope, name: string, value: Value): Scope {
  return { ...scope, lookup: (asked) => (asked === name ? value : scope.lookup(asked)), visible: () => [name, ...scope.visible()] };
}

export function withCounter(scope: Scope, counter: number): Scope {
  return scope.place === undefined ? scope : { ...scope, place: { ...scope.place, counters: [...scope.place.counters, counter] } };
}

export function callableNamed(context: Context, unit: Unit, name: string): Callable | undefined {
  const block = findBlock(context.program, unit, name);
  if (block !== undefined) return { kind: "block", ...block };
  return primitiveNames.has(name) ? { kind: "primitive", name } : undefined;
}
