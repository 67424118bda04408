// Where equations are put while a body is run, and how parameters get their names. In: equations one by one, and calls as a tree that mirrors the
// blocks. Out: the list of equations and the parameters, named by their path: a call's `name`, else its binding where it is the only unnamed call
// with parameters there, else binding, callee and from the second on a number; unnamed calls in loops add the counters.

import type { Span } from "../../grammar/source.js";
import type { Expr } from "../../grammar/tree.js";
import type { Init } from "../../runtime/artifact.js";
import type { AnyEquation, EquationAttrs, EquationOp, Parameter, SymbolicType } from "./model.js";
import type { Program } from "./program.js";
import type { Reason, RowMix, TensorValue } from "./values.js";

/** The most equations of one forward. */
export const EQUATION_LIMIT = 50_000;

/** A call of a block, or the making of a parameter: a leaf. */
export interface CallNode {
  readonly callee: string;
  /** `name = "…"`, where given. */
  readonly name: string | undefined;
  readonly binding: string;
  /** The binding itself: `x` may be bound before a loop and again in it. */
  readonly item: object | undefined;
  readonly site: Expr | undefined;
  readonly counters: readonly number[];
  readonly children: CallNode[];
  leaf?: { readonly shape: readonly number[]; readonly init: Init; readonly span: Span; readonly index: number };
}

/** Where in a body an expression stands. */
export interface Place {
  readonly node: CallNode;
  readonly block: string;
  readonly binding: string;
  readonly item: object | undefined;
  /** The counters of the loops of this body around it. */
  readonly counters: readonly number[];
}

export interface Machine {
  readonly equations: AnyEquation[];
  readonly root: CallNode;
  readonly facts: Map<string, TensorValue>;
  /** The stream of tokens, once its input is made. */
  tokens: TensorValue | undefined;
  full: boolean;
}

export function machine(): Machine {
  return {
    equations: [],
    root: { callee: "", name: "", binding: "", item: undefined, site: undefined, counters: [], children: [] },
    facts: new Map(),
    tokens: undefined,
    full: false,
  };
}

export interface Extras {
  readonly reasons?: readonly (Reason | undefined)[];
  readonly rows?: number | undefined;
  readonly mix?: RowMix | undefined;
}

/** Appends an equation and returns its value. What its inputs did along the rows stays with it. */
export function emit<K extends EquationOp>(
  program: Program,
  m: Machine,
  op: K,
  inputs: readonly TensorValue[],
  attrs: EquationAttrs[K],
  type: SymbolicType,
  span: Span,
  extras: Extras = {},
): TensorValue {
  if (m.equations.length < EQUATION_LIMIT) {
    m.equations.push({ op, inputs: inputs.map((t) => t.index), attrs, type, span } as AnyEquation);
  } else if (!m.full) {
    m.full = true;
    program.report("too-large", span, { limit: EQUATION_LIMIT, what: "equations" });
  }
  const mix = worst([...inputs.map((t) => t.mix), extras.mix]);
  const reasons = extras.reasons ?? type.shape.map(() => undefined);
  return { kind: "tensor", index: m.equations.length - 1, type, reasons, rows: extras.rows, mix };
}

/** Looking ahead is worse than what is not built. */
export function worst(mixes: readonly (RowMix | undefined)[]): RowMix | undefined {
  return mixes.find((mix) => mix?.kind === "ahead") ?? mixes.find((mix) => mix !== undefined);
}

/** Notes which binding an equation computes, if no inner one has said so. */
export function nameEquation(m: Machine, value: TensorValue, place: Place): void {
  const equation = m.equations[value.index];
  if (equation !== undefined && equation.binding === undefined)
    m.equations[value.index] = { ...equation, binding: `${place.block}.${place.binding}` };
}

/** Names all parameters and writes the names into their equations. */
export function nameParameters(program: Program, m: Machine): readonly Parameter[] {
  const parameters: Parameter[] = [];
  const seen = new Map<string, Span>();
  const visit = (node: CallNode, path: readonly string[]): void => {
    if (node.leaf !== undefined) {
      const name = path.join(".");
      const { index, ...rest } = node.leaf;
      const first = seen.get(name);
      if (first !== undefined)
        program.report(
          "same-parameter-name",
          rest.span,
          { name },
          {
            also: first.start === rest.span.start ? [] : [{ span: first, text: "the first one" }],
            notes: ['Give one of them a `name = "…"`; in a loop, with its counter: `name = "layers.{i}"`.'],
          },
        );
      else {
        seen.set(name, rest.span);
        parameters.push({ name, ...rest });
      }
      const equation = m.equations[index];
      if (equation?.op === "parameter") m.equations[index] = { ...equation, attrs: { name } };
      return;
    }
    for (const [child, part] of named(node)) visit(child, part === "" ? path : [...path, part]);
  };
  visit(m.root, []);
  return parameters;
}

function owns(node: CallNode): boolean {
  return node.leaf !== undefined || node.children.some(owns);
}

/** The children that own parameters, with the part of the path each adds. */
function named(node: CallNode): [CallNode, string][] {
  const owners = node.children.filter(owns);
  /** binding → callee → call sites in the order they run. */
  const sites = new Map<object | undefined, Map<string, (Expr | undefined)[]>>();
  for (const child of owners) {
    if (child.name !== undefined) continue;
    const callees = sites.get(child.item) ?? new Map<string, (Expr | undefined)[]>();
    sites.set(child.item, callees);
    const list = callees.get(child.callee) ?? [];
    callees.set(child.callee, list);
    if (!list.includes(child.site)) list.push(child.site);
  }
  return owners.map((child) => {
    if (child.name !== undefined) return [child, child.name];
    const callees = sites.get(child.item);
    const count = [...(callees?.values() ?? [])].reduce((sum, list) => sum + list.length, 0);
    const parts = [child.binding];
    if (count > 1) {
      const nth = callees?.get(child.callee)?.indexOf(child.site) ?? 0;
      parts.push(nth === 0 ? child.callee : `${child.callee}${nth + 1}`);
    }
    return [child, [...parts, ...child.counters].join(".")];
  });
}
