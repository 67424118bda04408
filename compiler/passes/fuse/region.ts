// In: a set of nodes that may become one kernel. Out: its region, what it reads and which nodes' values it stores; undefined where they are no
// one kernel: values of different domains, a value needed in an order in which it is not made, too many bindings.

import { type BinaryOp, type DType, elements, type TensorType, type UnaryOp, type Value } from "../../ir/graph.js";
import { scratchOf } from "../../kernels/columns.js";
import type { Target } from "../../kernels/kernel.js";
import {
  blockIndex,
  broadcastIndex,
  count,
  type Domain,
  full,
  type Index,
  key,
  levelOf,
  one,
  pairIndex,
  quotient,
  type Region,
  type RegionResult,
  sliceIndex,
  type Term,
  testsKey,
  transposeIndex,
} from "../../kernels/region.js";
import { operandsOf } from "../../kernels/region-text.js";
import { cost, type Facts, type Root } from "./facts.js";

export interface Built {
  readonly region: Region;
  /** One an operand of the region. */
  readonly operands: readonly Root[];
  /** Nodes whose values are the region's results. */
  readonly results: readonly Value[];
}

/** A reduction over the middle of [outer, rows, cols]. */
export interface Reduction {
  readonly outer: number;
  readonly rows: number;
  readonly cols: number;
}

/** Shape of a reduction node as prepared: one run of axes. */
export function reductionOf(facts: Facts, value: Value): Reduction | undefined {
  const node = facts.node(value);
  if (node.op !== "sum" && node.op !== "amax") return undefined;
  const [x] = node.inputs;
  const { shape } = facts.type(x ?? value);
  const first = node.attrs.axes[0] ?? 0;
  const last = node.attrs.axes.at(-1) ?? 0;
  return { outer: elements(shape.slice(0, first)), rows: elements(shape.slice(first, last + 1)), cols: elements(shape.slice(last + 1)) };
}

/** The domain that nodes share, if they share one. */
export function domainOf(facts: Facts, home: ReadonlySet<Value>, results: readonly Value[]): Domain | undefined {
  let domain: Domain | undefined;
  for (const value of home) {
    const r = reductionOf(facts, value);
    if (!r) continue;
    const own: Domain = r.cols === 1 ? { kind: "rows", rows: r.outer, cols: r.rows } : { kind: "columns", ...r };
    if (domain && JSON.stringify(domain) !== JSON.stringify(own)) return undefined;
    domain = own;
  }
  if (domain) return domain;
  const [result] = results;
  return result === undefined ? undefined : { kind: "flat", n: facts.extent(result) };
}

/** The index at which a value of `size` elements is made and stored in a domain. */
export function ownIndex(size: number, domain: Domain): Index | undefined {
  if (size === count(domain)) return full;
  if (domain.kind === "rows" && size === domain.rows) return size === 1 ? one : { kind: "row" };
  if (domain.kind === "columns" && size === domain.outer * domain.cols) return domain.outer === 1 ? { kind: "col" } : { kind: "out" };
  return undefined;
}

const CHEAP = 4;

export function buildRegion(facts: Facts, home: ReadonlySet<Value>, results: readonly Value[], target: Target): Built | undefined {
  const domain = domainOf(facts, home, results);
  const built = domain && buildTerms(facts, home, results, domain);
  if (!built || !onePass(built.region) || bindings(facts, built) > target.maxStorageBuffers) return undefined;
  return built;
}

/** The terms of results over a domain; undefined where a value is needed in an order in which the domain does not make it. */
export function buildTerms(facts: Facts, home: ReadonlySet<Value>, results: readonly Value[], domain: Domain): Built | undefined {
  if (results.length === 0) return undefined;
  const terms: Term[] = [];
  const byKey = new Map<string, number>();
  const memo = new Map<string, number>();
  const operands: Root[] = [];
  let legal = true;

  const put = (text: string, term: Term): number => {
    const known = byKey.get(text);
    if (known !== undefined) return known;
    const place = terms.push(term) - 1;
    byKey.set(text, place);
    return place;
  };
  const constant = (value: number, dtype: DType): number =>
    put(`${dtype} ${Object.is(value, -0) ? "-0" : value}`, { kind: "constant", value, dtype });
  const load = (value: Value, at: Index): number => {
    const root = facts.root(value);
    const { dtype } = facts.type(value);
    let operand = operands.findIndex((o) => o.node === root.node && o.result === root.result && o.offset === root.offset);
    if (operand < 0) operand = operands.push(root) - 1;
    return put(`load ${operand} ${key(at)}`, { kind: "load", operand, at, dtype });
  };
  const unary = (op: UnaryOp, x: number): number => put(`${op} ${x}`, { kind: "unary", op, x, dtype: "f32" });
  const binary = (op: BinaryOp, x: number, y: number): number => {
    const compares = op === "lt" || op === "le" || op === "eq";
    return put(`${op} ${x} ${y}`, { kind: "binary", op, x, y, dtype: compares ? "f32" : (terms[x]?.dtype ?? "f32") });
  };
  const where = (condition: number, x: number, y: number): number =>
    put(`where ${condition} ${x} ${y}`, { kind: "where", condition, x, y, dtype: terms[x]?.dtype ?? "f32" });

  const demand = (value: Value, index: Index): number => {
    const at = facts.size(value) === 1 ? one : index;
    const name = `${value} ${key(at)}`;
    const known = memo.get(name);
    if (known !== undefined) return known;
    const term = compute(value, at);
    memo.set(name, term);
    return term;
  };

  /** Operand k of a node, broadcast to the node's shape. */
  const operand = (value: Value, k: number, at: Index): number => {
    const x = facts.node(value).inputs[k];
    if (x === undefined) throw new Error(`internal error: node %${value} lacks operand ${k}`);
    return demand(x, broadcastIndex(facts.type(x).shape, facts.type(value).shape, at, domain));
  };

  const compute = (value: Value, at: Index): number => {
    const node = facts.node(value);
    const sort = facts.sort[value];
    if (sort === "source" || sort === "op" || sort === "pack") return load(value, at);
    if (sort === "alias") {
      const { node: root } = facts.root(value);
      const made = facts.sort[root] === "region" ? home.has(root) : facts.sort[root] === "inline";
      if (!made) return load(value, at);
      const [x] = node.inputs;
      if (x === undefined) throw new Error(`internal error: node %${value} lacks its operand`);
      if (node.op !== "slice") return demand(x, at);
      return demand(x, sliceIndex(node.attrs.starts, facts.type(x).shape, facts.type(value).shape, at));
    }
    if (sort === "region") {
      if (!home.has(value)) return load(value, at);
      const own = ownIndex(facts.size(value), domain);
      if (!own || key(own) !== key(at)) {
        // Made in another order or for one element many times: fine for what is cheap.
        if (node.op === "sum" || node.op === "amax" || cost(node.op) > CHEAP) legal = false;
      }
      // What was written into a state is there for other kernels only.
      if (node.op === "cache_write" || node.op === "tally") {
        legal = false;
        return constant(0, facts.type(value).dtype);
      }
    }
    switch (node.op) {
      case "fill":
        return constant(node.attrs.value, "f32");
      case "range":
        return put(`range ${key(at)}`, { kind: "index", at, dtype: "f32" });
      case "literal":
        return put(`literal ${value} ${key(at)}`, { kind: "literal", values: node.attrs.values, at, dtype: "f32" });
      case "uniform": {
        const [seed, step] = node.inputs;
        if (seed === undefined || step === undefined) throw new Error("internal error: uniform without seed");
        const s = demand(seed, one);
        const t = demand(step, one);
        return put(`uniform ${s} ${t} ${node.attrs.place} ${key(at)}`, {
          kind: "uniform",
          seed: s,
          step: t,
          place: node.attrs.place,
          at,
          dtype: "f32",
        });
      }
      case "broadcast":
        return operand(value, 0, at);
      case "cast": {
        const x = operand(value, 0, at);
        const from = terms[x];
        if (from?.dtype === node.attrs.dtype) return x;
        if (from?.kind === "constant") return constant(Math.max(0, Math.trunc(from.value)), node.attrs.dtype);
        return put(`cast ${node.attrs.dtype} ${x}`, { kind: "cast", x, dtype: node.attrs.dtype });
      }
      case "where":
        return where(operand(value, 0, at), operand(value, 1, at), operand(value, 2, at));
      case "sum":
      case "amax": {
        const x = operand0(value);
        return put(`${node.op} ${x}`, { kind: "reduce", op: node.op, x, dtype: "f32" });
      }
      case "transpose": {
        const [x] = node.inputs;
        if (x === undefined) throw new Error("internal error: transpose of nothing");
        return demand(x, transposeIndex(node.attrs.order, facts.type(value).shape, at));
      }
      case "slice": {
        const [x] = node.inputs;
        if (x === undefined) throw new Error("internal error: slice of nothing");
        return demand(x, sliceIndex(node.attrs.starts, facts.type(x).shape, facts.type(value).shape, at));
      }
      case "pad": {
        const zero = constant(0, facts.type(value).dtype);
        return block(value, 0, node.attrs.before, at, zero);
      }
      case "concat": {
        let start = 0;
        let result: number | undefined;
        for (const [k, x] of node.inputs.entries()) {
          const starts = facts.type(value).shape.map((_, axis) => (axis === node.attrs.axis ? start : 0));
          start += facts.type(x).shape[node.attrs.axis] ?? 1;
          result = block(value, k, starts, at, result);
        }
        return result ?? constant(0, "f32");
      }
      case "rotate": {
        const [x, cos, sin] = node.inputs;
        if (x === undefined || cos === undefined || sin === undefined) throw new Error("internal error: rotate without angles");
        const { other, angle, first } = pairIndex(node.attrs.pairs, facts.type(value).shape, facts.type(cos).shape[0] ?? 1, at);
        const s = demand(sin, angle);
        const isFirst = put(`inside ${key(at)} ${testsKey([first])}`, { kind: "inside", at, tests: [first], dtype: "f32" });
        const turned = node.attrs.inverse ? where(isFirst, s, unary("neg", s)) : where(isFirst, unary("neg", s), s);
        return binary("add", binary("mul", demand(x, at), demand(cos, angle)), binary("mul", demand(x, other), turned));
      }
      case "add":
      case "sub":
      case "mul":
      case "div":
      case "pow":
      case "max":
      case "min":
      case "lt":
      case "le":
      case "eq":
        return binary(node.op, operand(value, 0, at), operand(value, 1, at));
      case "neg":
      case "exp":
      case "log":
      case "sqrt":
      case "rsqrt":
      case "sin":
      case "cos":
      case "tanh":
      case "abs":
      case "floor":
      case "erf":
      case "step":
      case "sigmoid":
      case "silu":
      case "gelu":
      case "gelu_exact":
      case "relu":
        return unary(node.op, operand(value, 0, at));
      default:
        throw new Error(`internal error: op ${node.op} is no expression`);
    }
  };

  /** The whole operand of a reduction. */
  const operand0 = (value: Value): number => {
    const [x] = facts.node(value).inputs;
    if (x === undefined) throw new Error("internal error: reduction of nothing");
    return demand(x, full);
  };

  /** Operand k where the element lies in its block at `starts`, else `rest` (undefined: the operand anyway). */
  const block = (value: Value, k: number, starts: readonly number[], at: Index, rest: number | undefined): number => {
    const x = facts.node(value).inputs[k];
    if (x === undefined) throw new Error("internal error: block of nothing");
    const { index, tests } = blockIndex(starts, facts.type(x).shape, facts.type(value).shape, at);
    const inner = demand(x, facts.size(x) === facts.size(value) ? at : index);
    if (rest === undefined || tests.length === 0) return inner;
    const inside = put(`inside ${key(at)} ${testsKey(tests)}`, { kind: "inside", at, tests, dtype: "f32" });
    return where(inside, inner, rest);
  };

  const stores = results.map((value): RegionResult => {
    const own = ownIndex(facts.extent(value), domain);
    if (!own) legal = false;
    const at = own ?? full;
    const node = facts.node(value);
    const { dtype, shape } = facts.type(value);
    if (node.op !== "cache_write" && node.op !== "tally") return { term: demand(value, at), at, dtype };
    const [, x, positions] = node.inputs;
    if (x === undefined) throw new Error("internal error: nothing to write");
    const capacity = shape[1] ?? 1;
    if (at.kind !== "full") legal = false;
    if (node.op === "tally")
      return { term: constant(1, "u32"), at, dtype, scatter: { position: demand(x, at), rows: 1, inner: 1, capacity, add: true } };
    const inner = elements(shape.slice(2));
    const position = demand(positions ?? x, quotient(at, inner, domain));
    return { term: demand(x, at), at, dtype, scatter: { position, rows: facts.type(x).shape[1] ?? 1, inner, capacity, add: false } };
  });
  if (!legal) return undefined;
  const region: Region = { domain, operands: operands.map((o) => typeOf(facts, o).dtype), terms, results: stores };
  return { region, operands, results };
}

export function typeOf(facts: Facts, root: Root): TensorType {
  const type = facts.node(root.node).types[root.result];
  if (!type) throw new Error(`internal error: node %${root.node} has no result ${root.result}`);
  return type;
}

/** A kernel over columns passes its rows once: what follows from the reduction is not there for the elements, nor the other way round. */
function onePass(region: Region): boolean {
  const { domain } = region;
  if (domain.kind !== "columns") return true;
  const after = new Set<number>();
  const element = new Set<number>();
  region.terms.forEach((term, k) => {
    const inputs = operandsOf(term);
    if (term.kind === "reduce" || inputs.some((x) => after.has(x))) after.add(k);
    if (term.kind !== "reduce" && (inputs.some((x) => element.has(x)) || ("at" in term && levelOf(term.at, domain) === "element")))
      element.add(k);
  });
  if ([...after].some((k) => element.has(k))) return false;
  if (region.terms.some((term) => term.kind === "reduce" && after.has(term.x))) return false;
  return region.results.every((result) => (result.at.kind === "full" ? !after.has(result.term) : !element.has(result.term)));
}

/** Bindings of the region's largest dispatch: tensors, the scalars together, results but those written over an operand, partial sums of many rows. */
export function bindings(facts: Facts, { region, operands, results }: Built): number {
  const tensors = new Set<string>();
  for (const operand of operands) tensors.add(facts.node(operand.node).op === "scalar" ? "scalars" : `${operand.node}.${operand.result}`);
  const over = results.filter((value, k) => {
    const state = facts.stateOf[value];
    const operand = operands.findIndex((o) => o.node === state);
    if (state === undefined || operand < 0 || region.domain.kind === "columns" || region.results[k]?.at.kind !== "full") return false;
    return region.terms.every((term) => term.kind !== "load" || operands[term.operand]?.node !== state || term.at.kind === "full");
  });
  return tensors.size + results.length - over.length + scratchOf(region).length;
}
