// Which nodes become one kernel. In: facts of a prepared graph; out: clusters, every `region` and `op` node in exactly one, no cycle among them.
// Greedy and deterministic: nodes join their only reader, then matmuls take what follows them, then producers and readers of one domain join,
// then neighbours that read the same tensors. Each step asks `buildable`, so what is joined is a kernel.

import type { Value } from "../../ir/graph.js";
import type { Target } from "../../kernels/kernel.js";
import { type BuiltEpilogue, buildEpilogue } from "./epilogue.js";
import type { Facts } from "./facts.js";
import { type Built, buildRegion, reductionOf } from "./region.js";

export interface Cluster {
  readonly nodes: Set<Value>;
  /** The node with a kernel of its own; only a matmul has others beside it. */
  readonly op?: Value;
}

export type Kernel =
  | { readonly kind: "region"; readonly built: Built }
  | { readonly kind: "op"; readonly op: Value; readonly built?: BuiltEpilogue };

export function cluster(facts: Facts, target: Target): readonly Cluster[] {
  const of = new Map<Value, Cluster>();
  facts.sort.forEach((sort, v) => {
    const value = v as Value;
    if (sort === "region") of.set(value, { nodes: new Set([value]) });
    if (sort === "op") of.set(value, { nodes: new Set([value]), op: value });
  });
  const clusterOf = (value: Value): Cluster => {
    const found = of.get(value);
    if (!found) throw new Error(`internal error: node %${value} is in no cluster`);
    return found;
  };
  const readers = (c: Cluster): Set<Cluster> => {
    const set = new Set<Cluster>();
    for (const v of c.nodes) for (const user of facts.users[v] ?? []) set.add(clusterOf(user));
    set.delete(c);
    return set;
  };
  /** Whether something of `to` is computed from `from` through a third cluster. */
  const around = (from: Cluster, to: Cluster): boolean => {
    const latest = Math.max(...to.nodes);
    const seen = new Set<Cluster>([from]);
    const stack = [...readers(from)].filter((c) => c !== to);
    while (stack.length > 0) {
      const c = stack.pop();
      if (!c || seen.has(c)) continue;
      seen.add(c);
      if (Math.min(...c.nodes) > latest) continue;
      for (const next of readers(c)) {
        if (next === to) return true;
        if (!seen.has(next)) stack.push(next);
      }
    }
    return false;
  };
  const reaches = (from: Cluster, to: Cluster): boolean => readers(from).has(to) || around(from, to);
  const join = (a: Cluster, b: Cluster): boolean => {
    const op = a.op ?? b.op;
    const merged: Cluster = { nodes: new Set([...a.nodes, ...b.nodes]), ...(op === undefined ? {} : { op }) };
    if (!kernelOf(facts, merged, target)) return false;
    for (const v of merged.nodes) of.set(v, merged);
    return true;
  };
  const regions = (): Value[] => [...of.keys()].filter((v) => clusterOf(v).op === undefined).sort((a, b) => a - b);

  // A value that one cluster alone reads is computed there and never stored.
  for (const v of regions().reverse()) {
    if (facts.stored[v] || (beforeMove(facts, v) && afterMatmul(facts, v))) continue;
    const [only, ...rest] = readers(clusterOf(v));
    if (only && rest.length === 0 && only.op === undefined) join(clusterOf(v), only);
  }
  // What follows a matmul element by element is done before its tile is stored.
  for (const v of [...of.keys()].sort((a, b) => a - b)) {
    if (facts.node(v).op !== "matmul") continue;
    for (let grown = true; grown; ) {
      grown = false;
      const own = clusterOf(v);
      for (const reader of [...readers(own)].sort(byFirst)) {
        if (reader.op !== undefined || around(own, reader)) continue;
        if (join(own, reader)) {
          grown = true;
          break;
        }
      }
    }
  }
  // Producer and reader of one domain.
  for (const v of regions()) {
    for (let grown = true; grown; ) {
      grown = false;
      const own = clusterOf(v);
      if (own.op !== undefined) break;
      for (const reader of [...readers(own)].sort(byFirst)) {
        if (reader.op !== undefined || around(own, reader) || !join(own, reader)) continue;
        grown = true;
        break;
      }
    }
  }
  // Kernels side by side.
  const list = (): Cluster[] => [...new Set(of.values())].filter((c) => c.op === undefined).sort(byFirst);
  for (let a of list()) {
    if (of.get(first(a)) !== a) continue;
    for (const b of list()) {
      if (first(b) <= first(a) || of.get(first(b)) !== b || !alike(facts, a, b)) continue;
      if (reaches(a, b) || reaches(b, a)) continue;
      if (join(a, b)) a = clusterOf(first(a));
    }
  }
  return [...new Set(of.values())].sort(byFirst);
}

/** Whether readers take its elements in another order, so that they would compute it more than once. */
function beforeMove(facts: Facts, value: Value): boolean {
  return [...(facts.users[value] ?? [])].some((user) => MOVES.has(facts.node(user).op));
}

const MOVES: ReadonlySet<string> = new Set(["rotate", "transpose", "slice", "pad", "concat"]);

/** Whether a matmul could compute it from its own tile. */
function afterMatmul(facts: Facts, value: Value): boolean {
  return facts.node(value).inputs.some((input) => {
    const root = facts.root(input);
    return facts.node(root.node).op === "matmul" && facts.size(input) === facts.size(value);
  });
}

/** The cluster as a kernel, if it is one. */
export function kernelOf(facts: Facts, c: Cluster, target: Target): Kernel | undefined {
  const results = resultsOf(facts, c);
  if (c.op === undefined) {
    const built = buildRegion(facts, c.nodes, results, target);
    return built && { kind: "region", built };
  }
  if (c.nodes.size === 1) return { kind: "op", op: c.op };
  if (facts.node(c.op).op !== "matmul") return undefined;
  const built = buildEpilogue(facts, c.op, c.nodes, results, target);
  return built && { kind: "op", op: c.op, built };
}

/** Nodes of a cluster that something outside of it reads. */
export function resultsOf(facts: Facts, c: Cluster): Value[] {
  return [...c.nodes]
    .filter((v) => facts.stored[v] || [...(facts.users[v] ?? [])].some((user) => !c.nodes.has(user)))
    .sort((a, b) => a - b);
}

function first(c: Cluster): Value {
  return Math.min(...c.nodes) as Value;
}

function byFirst(a: Cluster, b: Cluster): number {
  return first(a) - first(b);
}

/** Elements up to which a kernel is so small that its dispatch is what it costs. */
const TINY = 4096;

/** Whether two kernels are worth joining: reductions of one shape over the same tensors, the same elements read, or both tiny. */
function alike(facts: Facts, a: Cluster, b: Cluster): boolean {
  const [x, y] = [shapeKey(facts, a), shapeKey(facts, b)];
  if (x.key !== y.key || waits(facts, a) !== waits(facts, b)) return false;
  if (x.size <= TINY) return true;
  const read = tensorsOf(facts, a);
  return [...tensorsOf(facts, b)].some((tensor) => read.has(tensor));
}

/** Whether a kernel overwrites a state that others read: it has to run late, so nothing early may join it. */
function waits(facts: Facts, c: Cluster): boolean {
  return [...c.nodes].some((v) => {
    const state = facts.stateOf[v];
    return state !== undefined && [...(facts.users[state] ?? [])].some((user) => !c.nodes.has(user));
  });
}

function shapeKey(facts: Facts, c: Cluster): { key: string; size: number } {
  for (const v of c.nodes) {
    const r = reductionOf(facts, v);
    if (r)
      return {
        key: r.cols === 1 ? `rows ${r.outer} ${r.rows}` : `columns ${r.outer} ${r.rows} ${r.cols}`,
        size: r.outer * r.rows * r.cols,
      };
  }
  const size = Math.max(...[...c.nodes].map((v) => facts.extent(v)));
  return { key: `flat ${size}`, size };
}

/** Tensors that a cluster reads, scalars apart. */
function tensorsOf(facts: Facts, c: Cluster): Set<string> {
  const set = new Set<string>();
  const visit = (value: Value): void => {
    const root = facts.root(value);
    if (facts.sort[root.node] === "inline") for (const input of facts.node(root.node).inputs) visit(input);
    else if (!c.nodes.has(root.node) && facts.size(value) > 1) set.add(`${root.node}.${root.result}`);
  };
  for (const v of c.nodes) for (const input of facts.node(v).inputs) visit(input);
  return set;
}
