// Graph → kernel calls. In: an optimised graph of any program; out: every live computation in exactly one call, calls in an order in which they may run, and
// the tensors that they read and write. Invariant: views (reshape, pick, leading slices, `pack`) cost nothing, and a state is overwritten in its
// own buffer only after everything that reads its old value.

import { type AnyNode, elements, type Graph, type TensorType, type Value } from "../ir/graph.js";
import type { Epilogue, Implementation, Target } from "../kernels/kernel.js";
import type { Region } from "../kernels/region.js";
import { type Cluster, cluster, kernelOf } from "./fuse/cluster.js";
import { type Facts, factsOf, type Root } from "./fuse/facts.js";
import { implement } from "./fuse/implement.js";
import { Order } from "./fuse/order.js";
import { prepare } from "./fuse/prepare.js";
import { bindings } from "./fuse/region.js";
import { type Homes, homeOf, overlap } from "./homes.js";

/** Where a tensor lies: the upload block, a persistent buffer, or the arena. */
export type Lies =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "scalar"; readonly name: string }
  | { readonly kind: "persistent"; readonly buffer: string; readonly offset: number }
  | { readonly kind: "arena" };

export interface Tensor {
  readonly id: number;
  readonly type: TensorType;
  readonly lies: Lies;
  /** What it is, for printed plans: the node that makes it. */
  readonly node: Value;
}

/** A tensor or a part of one, `offset` elements in. */
export interface View {
  readonly tensor: number;
  readonly offset: number;
  readonly type: TensorType;
}

export type Call = {
  /** Nodes computed here. */
  readonly nodes: readonly Value[];
  readonly operands: readonly View[];
  readonly results: readonly View[];
  readonly label: string;
  readonly origin?: AnyNode["origin"];
} & (
  | { readonly kind: "region"; readonly region: Region }
  | { readonly kind: "op"; readonly node: AnyNode; readonly implementation: Implementation; readonly epilogue?: Epilogue }
);

export interface Calls {
  readonly name: string;
  readonly target: Target;
  /** The graph that was fused, prepared: what `Call.nodes` number. */
  readonly graph: Graph;
  readonly tensors: readonly Tensor[];
  readonly calls: readonly Call[];
  readonly outputs: ReadonlyMap<string, View>;
  /** Next values of states that could not be made in place, to be copied when all calls have run. */
  readonly copies: readonly { readonly from: View; readonly to: View; readonly state: string }[];
}

export function fuse(graph: Graph, target: Target, homes: Homes = new Map()): Calls {
  const prepared = prepare(graph);
  // Kernels are chosen as if states could be overwritten in place; where the order of reads forbids what a kernel relies on, they are chosen again.
  return assemble(prepared, target, homes, true) ?? assemble(prepared, target, homes, false) ?? fail(graph.name);
}

function fail(name: string): never {
  throw new Error(`internal error: ${name} has no order of kernels`);
}

function assemble(prepared: Graph, target: Target, homes: Homes, inPlace: boolean): Calls | undefined {
  const facts = factsOf(prepared, inPlace);
  const clusters = cluster(facts, target);
  const tensors = new Map<string, Tensor>();
  const byId: Tensor[] = [];

  const makeTensor = (node: Value, result: number, lies: Lies): Tensor => {
    const type = facts.node(node).types[result];
    if (!type) throw new Error(`internal error: node %${node} has no result ${result}`);
    const tensor: Tensor = { id: byId.length, type, lies, node };
    byId.push(tensor);
    tensors.set(`${node}.${result}`, tensor);
    return tensor;
  };
  const tensorOf = (root: Root): Tensor => {
    const known = tensors.get(`${root.node}.${root.result}`);
    if (known) return known;
    const node = facts.node(root.node);
    switch (node.op) {
      case "input":
        return makeTensor(root.node, 0, { kind: "input", name: node.attrs.name });
      case "scalar":
        return makeTensor(root.node, 0, { kind: "scalar", name: node.attrs.name });
      case "state":
        return makeTensor(root.node, 0, { kind: "persistent", ...homeOf(homes, node.attrs.name) });
      default:
        return makeTensor(root.node, root.result, { kind: "arena" });
    }
  };

  // --- where what is not in the arena lies, and who must run before whom because of it ---
  const states = prepared.nodes.flatMap((node, v) =>
    node.op === "state" ? [{ value: v as Value, ...homeOf(homes, node.attrs.name), size: elements(node.attrs.shape) }] : [],
  );
  const order = new Order(facts, clusters, target);
  const read = new Set([...prepared.outputs.values()].map((value) => facts.root(value).node));
  const copies: { from: View; to: View; state: string }[] = [];
  const claim = (value: Value, buffer: string, offset: number): boolean => {
    const root = facts.root(value);
    const size = facts.size(value);
    if (tensors.has(`${root.node}.${root.result}`)) return false;
    const old = states.filter((state) => overlap(state, { buffer, offset, size }));
    if (old.some((state) => read.has(state.value))) return false;
    if (
      !order.after(
        root,
        old.map((state) => ({ value: state.value, exact: state.offset === offset && state.size === size })),
      )
    )
      return false;
    makeTensor(root.node, root.result, { kind: "persistent", buffer, offset });
    return true;
  };
  const updated = new Map([...prepared.updates].map(([name, value]) => [value, name] as const));
  prepared.nodes.forEach((node, v) => {
    if (node.op !== "pack") return;
    const state = updated.get(v as Value);
    const clash = states.some((s) => overlap(s, { buffer: node.attrs.name, offset: 0, size: node.attrs.size }));
    // A buffer whose old value is still read keeps it; the packed one is another.
    const home =
      state !== undefined && !clash ? homeOf(homes, state) : { buffer: clash ? `${node.attrs.name}.packed` : node.attrs.name, offset: 0 };
    makeTensor(v as Value, 0, { kind: "persistent", ...home });
    node.inputs.forEach((input, k) => {
      if (!claim(input, home.buffer, home.offset + (node.attrs.offsets[k] ?? 0)))
        throw new Error(`internal error: pack ${node.attrs.name}: input ${k} has no place`);
    });
  });
  const view = (value: Value): View => {
    const root = facts.root(value);
    return { tensor: tensorOf(root).id, offset: root.offset, type: facts.type(value) };
  };
  for (const [name, value] of prepared.updates) {
    const home = homeOf(homes, name);
    const known = tensors.get(`${value}.0`);
    if (known?.lies.kind === "persistent" && known.lies.buffer === home.buffer && known.lies.offset === home.offset) continue;
    if (claim(value, home.buffer, home.offset)) continue;
    const from = view(value);
    const to: Tensor = { id: byId.length, type: from.type, lies: { kind: "persistent", ...home }, node: value };
    byId.push(to);
    copies.push({ from, to: { tensor: to.id, offset: 0, type: from.type }, state: name });
  }

  if (inPlace && clusters.some((c) => !fits(facts, c, target, copies))) return undefined;
  const viewOf = (root: Root): View => {
    const tensor = tensorOf(root);
    // From an offset on, what is left of the tensor.
    const rest = root.offset === 0 ? tensor.type : { dtype: tensor.type.dtype, shape: [elements(tensor.type.shape) - root.offset] };
    return { tensor: tensor.id, offset: root.offset, type: rest };
  };
  const calls = order.sorted().map((c): Call => {
    const kernel = kernelOf(facts, c, target);
    if (!kernel) throw new Error(`internal error: cluster of ${[...c.nodes].map((v) => facts.node(v).op).join(" ")} is no kernel`);
    const nodes = [...c.nodes].sort((a, b) => a - b);
    const last = facts.node(nodes.at(-1) ?? (0 as Value));
    const origin = last.origin === undefined ? {} : { origin: last.origin };
    if (kernel.kind === "region") {
      const { region, operands, results } = kernel.built;
      return {
        kind: "region",
        region,
        nodes,
        operands: operands.map((root) => viewOf(root)),
        results: results.map((v) => viewOf({ node: v, result: 0, offset: 0 })),
        label: labelOf(facts, region.domain.kind, nodes),
        ...origin,
      };
    }
    const node = facts.node(kernel.op);
    const extra = kernel.built;
    const operands = [...node.inputs.map(view), ...(extra?.operands.map((root) => viewOf(root)) ?? [])];
    const results = extra
      ? extra.results.map((v) => viewOf({ node: v, result: 0, offset: 0 }))
      : node.types.map((_, result) => viewOf({ node: kernel.op, result, offset: 0 }));
    const implementation = implement(
      node,
      operands.map((o) => o.type),
      results.map((r) => r.type),
      target,
      extra?.epilogue,
    );
    return {
      kind: "op",
      node,
      implementation,
      ...(extra ? { epilogue: extra.epilogue } : {}),
      nodes,
      operands,
      results,
      label: extra
        ? `${node.op} + ${labelOf(
            facts,
            "",
            nodes.filter((v) => v !== kernel.op),
          ).trim()}`
        : node.op,
      ...origin,
    };
  });
  const outputs = new Map([...prepared.outputs].map(([name, value]) => [name, view(value)] as const));
  return { name: prepared.name, target, graph: prepared, tensors: byId, calls, outputs, copies };
}

/** Whether a kernel does not rely on overwriting a state that had to be copied. */
function fits(facts: Facts, c: Cluster, target: Target, copies: readonly { readonly state: string }[]): boolean {
  const copied = [...c.nodes].filter((v) => {
    const state = facts.stateOf[v];
    const node = state === undefined ? undefined : facts.node(state);
    return node?.op === "state" && copies.some((copy) => copy.state === node.attrs.name);
  });
  if (copied.length === 0 || c.op !== undefined) return true;
  if (copied.some((v) => facts.node(v).op === "cache_write" || facts.node(v).op === "tally")) return false;
  const kernel = kernelOf(facts, c, target);
  return kernel?.kind === "region" && bindings(facts, kernel.built) + copied.length <= target.maxStorageBuffers;
}

/** What a fused kernel does, in a few words: its reductions and its heaviest operations. */
function labelOf(facts: Facts, kind: string, nodes: readonly Value[]): string {
  const names = [...new Set(nodes.map((v) => facts.node(v).op))].filter((op) => op !== "broadcast" && op !== "reshape");
  return `${kind} ${names.slice(0, 5).join(" ")}${names.length > 5 ? " …" : ""}`.trimStart();
}
