// In: a prepared graph. Out: what fusion asks about its nodes: which are memory, which expression, which kernels of their own; where a
// value lies; who uses it. Invariant: `inline` and `alias` nodes are looked through, so that users and operands are `region`, `op` or `source`.

import { type AnyNode, elements, type Graph, type TensorType, type Value } from "../../ir/graph.js";
import { ALIGN } from "./prepare.js";

/**
 * `source`: uploaded or persistent · `alias`: a view of its operand · `inline`: computed again wherever it is read · `region`: computed in a fused
 * kernel and stored if read elsewhere · `op`: a kernel of its own · `pack`: memory written by its operands' kernels.
 */
export type Sort = "source" | "alias" | "inline" | "region" | "op" | "pack";

/** A tensor as made: a node, which of its results, and the elements before the view's first. */
export interface Root {
  readonly node: Value;
  readonly result: number;
  readonly offset: number;
}

export interface Facts {
  readonly nodes: readonly AnyNode[];
  readonly sort: readonly Sort[];
  /** Nodes of sorts `region` and `op` that read a value, through views and inline nodes. */
  readonly users: readonly ReadonlySet<Value>[];
  /** Whether a graph output, an update, a `pack` or an `op` reads it as memory. */
  readonly stored: readonly boolean[];
  /** The state whose next value a node is. */
  readonly stateOf: readonly (Value | undefined)[];
  type(value: Value): TensorType;
  size(value: Value): number;
  /** Elements that a kernel computes for it: its own, or for rows written into a state, those rows'. */
  extent(value: Value): number;
  root(value: Value): Root;
  node(value: Value): AnyNode;
}

const OPS = new Set<AnyNode["op"]>([
  "matmul",
  "gather",
  "scatter_add",
  "attention",
  "attention_gradient",
  "cache_write",
  "tally",
  "sample",
  "linear_cross_entropy",
  "linear_cross_entropy_gradient",
]);

/** More operands than one kernel may bind are joined by copies instead. */
const MANY_PARTS = 5;

/** `inPlace`: states may be written by the kernels that make their next values; without, all are copied at the end. */
export function factsOf(graph: Graph, inPlace = true): Facts {
  const { nodes } = graph;
  const node = (value: Value): AnyNode => {
    const found = nodes[value];
    if (found === undefined) throw new Error(`internal error: no node %${value}`);
    return found;
  };
  const type = (value: Value): TensorType => {
    const found = node(value).types[0];
    if (found === undefined) throw new Error(`internal error: node %${value} has no result`);
    return found;
  };
  const size = (value: Value): number => elements(type(value).shape);
  const sort: Sort[] = nodes.map((n) => first(n, type));
  const stateOf: (Value | undefined)[] = nodes.map(() => undefined);
  if (inPlace) {
    nodes.forEach((n, v) => {
      const next = n.op === "state" ? graph.updates.get(n.attrs.name) : undefined;
      if (next !== undefined) stateOf[next] = v as Value;
    });
  }
  // Rows written into a state that is written nowhere else become a result of a fused kernel.
  nodes.forEach((n, v) => {
    if ((n.op === "cache_write" || n.op === "tally") && n.inputs[0] !== undefined && n.inputs[0] === stateOf[v]) sort[v] = "region";
  });
  const root = (value: Value): Root => {
    const n = node(value);
    const [x] = n.inputs;
    if (x !== undefined && sort[value] === "alias") {
      if (n.op === "pick") return { node: x, result: n.attrs.index, offset: 0 };
      const inner = root(x);
      return n.op === "slice" ? { ...inner, offset: inner.offset + sliceStart(n.attrs.starts, type(x).shape) } : inner;
    }
    return { node: value, result: 0, offset: 0 };
  };

  // Who reads memory: a view of something inline, or at an offset that a kernel can not be given, must be made by a kernel.
  const stored = nodes.map(() => false);
  const asMemory = (value: Value, aligned: boolean): void => {
    for (let v = value; ; ) {
      stored[v] = true;
      const n = node(v);
      const [x] = n.inputs;
      if (sort[v] === "inline") sort[v] = "region";
      if (sort[v] !== "alias" || x === undefined) return;
      if (n.op === "slice" && aligned && root(v).offset % ALIGN !== 0) {
        sort[v] = "region";
        return;
      }
      v = x;
    }
  };
  nodes.forEach((n, v) => {
    if (n.op === "pack") for (const input of n.inputs) asMemory(input, true);
    if (sort[v] === "op") for (const input of n.inputs) asMemory(input, true);
    if (n.op === "scalar") stored[v] = false;
  });
  for (const value of graph.outputs.values()) asMemory(value, false);
  for (const value of graph.updates.values()) asMemory(value, false);
  const usersNow = (): Set<Value>[] => {
    const users = nodes.map(() => new Set<Value>());
    for (let v = nodes.length - 1; v >= 0; v--) {
      const through = sort[v] === "alias" || sort[v] === "inline" || sort[v] === "pack";
      for (const input of node(v as Value).inputs) {
        if (through) for (const user of users[v] ?? []) users[input]?.add(user);
        else users[input]?.add(v as Value);
      }
    }
    return users;
  };
  const before = usersNow();
  nodes.forEach((_, v) => {
    for (const inner of again(v as Value)) sort[inner] = "inline";
  });
  const users = usersNow();
  const extent = (value: Value): number => {
    const n = node(value);
    const rows = n.inputs[1];
    return (n.op === "cache_write" || n.op === "tally") && rows !== undefined ? size(rows) : size(value);
  };
  return { nodes, sort, users, stored, stateOf, type, size, extent, root, node };

  /**
   * The value and what only it reads, if each reader is to compute them again instead of reading them: a cheap function of at most one large tensor that is
   * stored anyway, or of small ones. This is what makes a norm's backward read x and a number a row instead of a second normalised copy of x.
   */
  function again(value: Value): readonly Value[] {
    const { op } = node(value);
    const readers = before[value] ?? new Set();
    if (sort[value] !== "region" || stored[value] || op === "sum" || op === "amax" || readers.size < 1) return [];
    if ([...readers].some((user) => sort[user] !== "region")) return [];
    const wide = Math.min(...[...readers].map((user) => size(user)));
    const small = size(value) * SMALL <= wide;
    if (readers.size < 2 && !small) return [];
    const large = new Set<string>();
    const inner: Value[] = [];
    let total = 0;
    let possible = true;
    const visit = (v: Value): void => {
      total += cost(node(v).op);
      if (sort[v] === "region") inner.push(v);
      for (const input of node(v).inputs) {
        const from = root(input);
        const leaf = sort[from.node];
        const reduces = node(from.node).op === "sum" || node(from.node).op === "amax";
        if (leaf === "inline") visit(from.node);
        else if (leaf === "region" && !stored[from.node] && !reduces && (before[from.node]?.size ?? 0) < 2) visit(from.node);
        else if (size(input) * 2 >= size(value)) {
          large.add(`${from.node}.${from.result}`);
          if (leaf === "region" && !stored[from.node] && (before[from.node]?.size ?? 0) < 2) possible = false;
        }
      }
    };
    visit(value);
    if (!possible || (!small && large.size > 1)) return [];
    const most = small ? 6 : large.size === 0 ? 16 : 12;
    return total <= most ? inner : [];
  }
}

/** A value this many times smaller than what is computed from it costs nothing to compute again. */
const SMALL = 8;

/** Operations an element, roughly; what is cheap may be computed in several kernels. */
export function cost(op: string): number {
  switch (op) {
    case "exp":
    case "log":
    case "tanh":
    case "pow":
    case "sigmoid":
    case "silu":
    case "erf":
    case "gelu":
    case "gelu_exact":
      return 4;
    case "div":
    case "sqrt":
    case "rsqrt":
      return 2;
    case "rotate":
    case "cache_write":
    case "tally":
      return 6;
    case "sin":
    case "cos":
      return 8;
    case "uniform":
      return 12;
    case "reshape":
    case "slice":
    case "transpose":
    case "detach":
    case "broadcast":
    case "fill":
    case "range":
    case "literal":
      return 0;
    default:
      return 1;
  }
}

function first(n: AnyNode, type: (value: Value) => TensorType): Sort {
  switch (n.op) {
    case "input":
    case "scalar":
    case "state":
      return "source";
    case "reshape":
    case "pick":
    case "detach":
      return "alias";
    case "slice": {
      const [x] = n.inputs;
      return x !== undefined && contiguous(type(x).shape, n.types[0]?.shape ?? []) ? "alias" : "region";
    }
    case "pack":
      return "pack";
    case "fill":
    case "range":
    case "literal":
    case "broadcast":
      return "inline";
    case "concat":
      return n.inputs.length > MANY_PARTS ? "op" : "region";
    default:
      return OPS.has(n.op) ? "op" : "region";
  }
}

/** Whether a slice's elements lie side by side: nothing but 1 stands before the last axis that is cut. */
function contiguous(from: readonly number[], to: readonly number[]): boolean {
  const cut = from.findLastIndex((size, axis) => to[axis] !== size);
  return to.slice(0, Math.max(0, cut)).every((size) => size === 1);
}

function sliceStart(starts: readonly number[], from: readonly number[]): number {
  let stride = 1;
  let offset = 0;
  for (let axis = from.length - 1; axis >= 0; axis--) {
    offset += (starts[axis] ?? 0) * stride;
    stride *= from[axis] ?? 1;
  }
  return offset;
}
