// In: clusters. Out: an order in which they may run, which also keeps every reader of a state's old value before the one that overwrites it.
// Invariant: the graph of clusters never gets a cycle: a constraint that would close one is refused, and its state is copied at the end instead.

import type { Value } from "../../ir/graph.js";
import type { Target } from "../../kernels/kernel.js";
import { type Cluster, kernelOf } from "./cluster.js";
import type { Facts, Root } from "./facts.js";
import { implement } from "./implement.js";
import { typeOf } from "./region.js";

export class Order {
  private readonly facts: Facts;
  private readonly target: Target;
  private readonly clusters: readonly Cluster[];
  private readonly of = new Map<Value, Cluster>();
  private readonly later = new Map<Cluster, Set<Cluster>>();

  constructor(facts: Facts, clusters: readonly Cluster[], target: Target) {
    this.facts = facts;
    this.target = target;
    this.clusters = clusters;
    for (const c of clusters) for (const v of c.nodes) this.of.set(v, c);
    for (const c of clusters) {
      const after = new Set<Cluster>();
      for (const v of c.nodes) {
        for (const user of facts.users[v] ?? []) {
          const reader = this.of.get(user);
          if (reader && reader !== c) after.add(reader);
        }
      }
      this.later.set(c, after);
    }
  }

  /**
   * Puts the maker of `root` after all readers of `old` states, whose storage its result takes. False, and nothing changed, where that can not be: a
   * reader depends on the result, or the maker itself reads the old value in another order than it writes.
   */
  after(root: Root, old: readonly { readonly value: Value; readonly exact: boolean }[]): boolean {
    const maker = this.of.get(root.node);
    if (!maker || root.offset !== 0) return false;
    const before = new Set<Cluster>();
    for (const { value, exact } of old) {
      for (const user of this.facts.users[value] ?? []) {
        const reader = this.of.get(user);
        if (reader === maker) {
          if (!exact || !this.inPlace(maker, root, value)) return false;
        } else if (reader) before.add(reader);
      }
    }
    if ([...before].some((reader) => this.reaches(maker, reader))) return false;
    for (const reader of before) this.later.get(reader)?.add(maker);
    return true;
  }

  /** Whether a cluster may write its result over a state that it reads. */
  private inPlace(c: Cluster, root: Root, state: Value): boolean {
    const kernel = kernelOf(this.facts, c, this.target);
    if (!kernel) return false;
    if (kernel.kind === "op") {
      const node = this.facts.node(kernel.op);
      if (kernel.built) return false;
      const types = node.inputs.map((input) => typeOf(this.facts, this.facts.root(input)));
      const pair = implement(node, types, node.types, this.target).inPlace;
      if (!pair) return false;
      const readers = node.inputs.filter((input) => this.facts.root(input).node === state);
      return pair[0] === root.result && readers.length === 1 && readers[0] === node.inputs[pair[1]];
    }
    const { region, operands, results } = kernel.built;
    const result = region.results[results.indexOf(root.node)];
    if (!result || region.domain.kind === "columns" || result.at.kind !== "full") return false;
    const single = region.domain.kind === "flat" && region.domain.n === 1;
    return region.terms.every(
      (term) => term.kind !== "load" || operands[term.operand]?.node !== state || single || term.at.kind === "full",
    );
  }

  private reaches(from: Cluster, to: Cluster): boolean {
    const seen = new Set<Cluster>();
    const stack = [from];
    for (let c = stack.pop(); c; c = stack.pop()) {
      if (c === to) return true;
      if (seen.has(c)) continue;
      seen.add(c);
      stack.push(...(this.later.get(c) ?? []));
    }
    return false;
  }

  /** Clusters in order: of those whose operands are there, the one that stands first in the graph. */
  sorted(): Cluster[] {
    const waiting = new Map<Cluster, number>(this.clusters.map((c) => [c, 0]));
    for (const after of this.later.values()) for (const c of after) waiting.set(c, (waiting.get(c) ?? 0) + 1);
    const place = new Map(this.clusters.map((c) => [c, Math.max(...c.nodes)]));
    const ready = this.clusters.filter((c) => waiting.get(c) === 0);
    const result: Cluster[] = [];
    while (ready.length > 0) {
      let best = 0;
      for (let i = 1; i < ready.length; i++) if ((place.get(ready[i] as Cluster) ?? 0) < (place.get(ready[best] as Cluster) ?? 0)) best = i;
      const [c] = ready.splice(best, 1);
      if (!c) break;
      result.push(c);
      for (const next of this.later.get(c) ?? []) {
        const left = (waiting.get(next) ?? 0) - 1;
        waiting.set(next, left);
        if (left === 0) ready.push(next);
      }
    }
    if (result.length !== this.clusters.length) throw new Error("internal error: clusters depend on each other in a circle");
    return result;
  }
}
