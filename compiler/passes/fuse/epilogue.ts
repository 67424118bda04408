// In: a matmul node and the pointwise nodes that follow it. Out: the matmul's epilogue, or undefined where it can not be one: other
// indices than whole elements, rows, columns and periods, types beside f32, an operand that the matmul reads as a matrix already.

import type { Value } from "../../ir/graph.js";
import type { Access, Expr } from "../../kernels/expression.js";
import type { Epilogue, Target } from "../../kernels/kernel.js";
import type { Index, Term } from "../../kernels/region.js";
import type { Facts, Root } from "./facts.js";
import { ALIGN } from "./prepare.js";
import { buildTerms, typeOf } from "./region.js";

export interface BuiltEpilogue {
  readonly epilogue: Epilogue;
  readonly operands: readonly Root[];
  /** Nodes whose values are the results: the matmul itself where its plain result is read elsewhere. */
  readonly results: readonly Value[];
}

/** More stored tensors than this cost a tile more than a second kernel. */
const MANY_RESULTS = 3;

export function buildEpilogue(
  facts: Facts,
  matmul: Value,
  home: ReadonlySet<Value>,
  results: readonly Value[],
  target: Target,
): BuiltEpilogue | undefined {
  const type = facts.type(matmul);
  const cols = type.shape.at(-1) ?? 1;
  const rows = facts.size(matmul) / cols;
  const pointwise = results.filter((value) => value !== matmul);
  if (results.length > MANY_RESULTS || pointwise.some((value) => facts.size(value) !== rows * cols || facts.type(value).dtype !== "f32"))
    return undefined;
  const built = buildTerms(facts, home, results, { kind: "rows", rows, cols });
  if (!built) return undefined;
  const own = built.operands.findIndex((operand) => operand.node === matmul);
  const others = built.operands.filter((_, k) => k !== own);
  const matrices = new Set(facts.node(matmul).inputs.map((input) => facts.root(input).node));
  for (const operand of others) {
    const { op } = facts.node(operand.node);
    if (op === "scalar" || matrices.has(operand.node) || operand.offset % ALIGN !== 0 || typeOf(facts, operand).dtype !== "f32")
      return undefined;
  }
  // One tensor may be bound once only.
  if (new Set(others.map((operand) => `${operand.node}.${operand.result}`)).size !== others.length) return undefined;
  if (2 + others.length + results.length > target.maxStorageBuffers) return undefined;

  const accesses: ({ access: Access; period?: number } | undefined)[] = others.map(() => undefined);
  const exprs: (Expr | undefined)[] = [];
  for (const [k, term] of built.region.terms.entries()) {
    exprs[k] = expression(
      term,
      (x) => exprs[x],
      (operand, at) => {
        if (operand === own) return at.kind === "full" || (at.kind === "row" && cols === 1) ? { kind: "accumulator" } : undefined;
        const access = accessOf(at, cols);
        const place = others.indexOf(built.operands[operand] ?? { node: -1 as Value, result: 0, offset: 0 });
        const before = accesses[place];
        // An operand read in two ways would need two bindings.
        if (!access || (before && (before.access !== access.access || before.period !== access.period))) return undefined;
        accesses[place] = access;
        return { kind: "load", operand: place, access: access.access };
      },
    );
  }
  const stored: Expr[] = [];
  for (const result of built.region.results) {
    const expr = exprs[result.term];
    if (!expr) return undefined;
    stored.push(expr);
  }
  const operands = accesses.map((access) => access ?? { access: "full" as const });
  return { epilogue: { operands, results: stored }, operands: others, results };
}

function accessOf(at: Index, cols: number): { access: Access; period?: number } | undefined {
  switch (at.kind) {
    case "full":
    case "row":
    case "col":
    case "one":
      return { access: at.kind };
    case "mod":
      return at.of.kind === "full" && at.by % cols === 0 ? { access: "period", period: at.by / cols } : undefined;
    default:
      return undefined;
  }
}

function expression(
  term: Term,
  get: (k: number) => Expr | undefined,
  load: (operand: number, at: Index) => Expr | undefined,
): Expr | undefined {
  switch (term.kind) {
    case "load":
      return term.dtype === "f32" ? load(term.operand, term.at) : undefined;
    case "constant":
      return term.dtype === "f32" ? { kind: "constant", value: term.value } : undefined;
    case "index":
      return term.at.kind === "row" || term.at.kind === "col" ? { kind: "index", axis: term.at.kind } : undefined;
    case "unary": {
      const x = get(term.x);
      return x && { kind: "unary", op: term.op, x };
    }
    case "binary": {
      const x = get(term.x);
      const y = get(term.y);
      return x && y && term.dtype === "f32" ? { kind: "binary", op: term.op, x, y } : undefined;
    }
    case "where": {
      const condition = get(term.condition);
      const x = get(term.x);
      const y = get(term.y);
      return condition && x && y ? { kind: "where", condition, x, y } : undefined;
    }
    case "literal":
    case "uniform":
    case "cast":
    case "inside":
    case "reduce":
      return undefined;
  }
}
