// Algebra that needs no knowledge of kernels: constants folded, neutral operations dropped, chains of layout changes shortened, transposes absorbed
// by products. In and out: a graph of the same meaning up to rounding of constants. Invariant: one walk reaches the fixed point, as every
// node that a rule makes goes through the rules itself.

import type { Builder } from "../ir/builder.js";
import type { AnyNode, BinaryOp, Graph, Node, OpAttrs, OpName, UnaryOp, Value } from "../ir/graph.js";
import { rewrite } from "../ir/rewrite.js";
import { broadcastShapes, sameShape } from "../ops/op.js";
import { opOf } from "../ops/table.js";
import { unaryOps } from "../ops/unary.js";
import type { Pass } from "./pass.js";
import { addPads, layoutRules } from "./simplify-layout.js";

/** Emits a node after the rules had their say. */
export type Make = <K extends OpName>(op: K, inputs: readonly Value[], attrs: OpAttrs[K]) => Value;

export interface Context {
  readonly b: Builder;
  readonly make: Make;
  /** States that the graph gives a next value, and which some node must therefore go on reading. */
  readonly updated: ReadonlySet<string>;
  /** Values that have several uses, and that a rule would therefore compute twice by making another out of one. */
  readonly shared: ReadonlySet<Value>;
}

/** Dead nodes are dropped as well. */
export function simplify(graph: Graph): Graph {
  const updated = new Set(graph.updates.keys());
  const shared = new Set<Value>();
  const uses = countUses(graph);
  return rewrite(graph, (b, node, inputs, map) => {
    for (const input of node.inputs) if ((uses.get(input) ?? 0) > 1 && b.node(map(input)).types.length === 1) shared.add(map(input));
    const make: Make = (op, operands, attrs) => {
      // What the node would be, without emitting it: rules look at op, operands and attributes.
      const candidate = { op, inputs: operands, attrs } as Candidate;
      return rules({ b, make, updated, shared }, candidate) ?? b.emit(op, operands, attrs);
    };
    return node.types.length > 1 ? undefined : make(node.op, inputs, node.attrs);
  });
}

function countUses(graph: Graph): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const count = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  graph.nodes.forEach((node) => {
    node.inputs.forEach(count);
  });
  graph.outputs.forEach(count);
  graph.updates.forEach(count);
  return uses;
}

export const simplifyPass: Pass = {
  name: "simplify",
  doc: "Constants are folded, neutral operations dropped, transposes absorbed; no dead nodes.",
  run: simplify,
};

/** A node not yet emitted, discriminated by op. */
export type Candidate = { readonly [K in OpName]: Pick<Node<K>, "op" | "inputs" | "attrs"> }[OpName];

function rules(c: Context, node: Candidate): Value | undefined {
  switch (node.op) {
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
      return binaryRules(c, node.op, node.inputs);
    case "where":
      return whereRules(c, node.inputs);
    case "neg": {
      const inner = operand(c.b, node.inputs);
      if (inner?.op === "neg") return inner.inputs[0];
      return foldUnary(c, node.op, node.inputs);
    }
    case "cast": {
      const inner = operand(c.b, node.inputs);
      return inner?.types[0]?.dtype === node.attrs.dtype ? node.inputs[0] : undefined;
    }
    case "sum":
    case "amax":
    case "reshape":
    case "transpose":
    case "broadcast":
    case "slice":
    case "pad":
    case "concat":
    case "matmul":
      return layoutRules(c, node);
    default:
      return isUnary(node.op) ? foldUnary(c, node.op, node.inputs) : undefined;
  }
}

function isUnary(op: OpName): op is UnaryOp {
  return Object.hasOwn(unaryOps, op);
}

export function operand(b: Builder, inputs: readonly Value[], index = 0): AnyNode | undefined {
  const value = inputs[index];
  return value === undefined ? undefined : b.node(value);
}

/** The number that every element of a value is, where that is known. */
export function constant(b: Builder, value: Value | undefined): number | undefined {
  const node = value === undefined ? undefined : b.node(value);
  if (node?.op === "fill") return node.attrs.value;
  // A u32 constant is the cast of a fill.
  if (node?.op === "cast" && node.attrs.dtype === "u32") {
    const inner = constant(b, node.inputs[0]);
    return inner === undefined ? undefined : Math.min(Math.max(Math.trunc(inner), 0), 0xffffffff);
  }
  return undefined;
}

/** The op of constants by its own evaluation, so that folding changes no bit; undefined where one is unknown or the result leaves f32. */
function fold({ b }: Context, op: UnaryOp | BinaryOp, inputs: readonly Value[]): number | undefined {
  const numbers = inputs.map((input) => {
    const node = b.node(input);
    return node.op === "fill" ? node.attrs.value : Number.NaN;
  });
  if (numbers.some(Number.isNaN)) return undefined;
  const scalar = { dtype: "f32", shape: [] } as const;
  const types = inputs.map(() => scalar);
  const [result] =
    opOf(op).evaluate?.(
      numbers.map((x) => Float32Array.of(x)),
      types,
      [scalar],
      {},
    ) ?? [];
  const value = result?.[0] ?? Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

function foldUnary(c: Context, op: UnaryOp, inputs: readonly Value[]): Value | undefined {
  const value = fold(c, op, inputs);
  const [x] = inputs;
  return value === undefined || x === undefined ? undefined : c.make("fill", [], { value, shape: c.b.type(x).shape });
}

function binaryRules(c: Context, op: BinaryOp, inputs: readonly Value[]): Value | undefined {
  const { b, make } = c;
  const [x, y] = inputs;
  if (x === undefined || y === undefined) return undefined;
  const shape = broadcastShapes(op, [b.type(x).shape, b.type(y).shape]);
  const folded = fold(c, op, inputs);
  if (folded !== undefined) return make("fill", [], { value: folded, shape });
  const [cx, cy] = [constant(b, x), constant(b, y)];
  const [nx, ny] = [b.node(x), b.node(y)];
  /** An operand as the result. */
  const as = (value: Value) => make("broadcast", [value], { shape });
  const f32 = b.type(x).dtype === "f32";
  switch (op) {
    case "add":
      if (cy === 0) return as(x);
      if (cx !== undefined && cy === undefined) return make("add", [y, x], {});
      if (ny.op === "neg") return make("sub", [x, ...ny.inputs], {});
      if (nx.op === "neg") return make("sub", [y, ...nx.inputs], {});
      if (nx.op === "pad" && ny.op === "pad") return addPads(c, nx, ny);
      break;
    case "sub":
      if (cy === 0) return as(x);
      if (cx === 0 && f32) return as(make("neg", [y], {}));
      if (ny.op === "neg") return make("add", [x, ...ny.inputs], {});
      break;
    case "mul":
      if (cx !== undefined && cy === undefined) return make("mul", [y, x], {});
      if (cy === 1) return as(x);
      if (cy === 0 && f32 && !keepsState(c, nx)) return make("fill", [], { value: 0, shape });
      if (cy === -1 && f32) return as(make("neg", [x], {}));
      if (nx.op === "neg" && ny.op === "neg") return make("mul", [...nx.inputs, ...ny.inputs], {});
      if (cy !== undefined && f32 && nx.op === "mul" && constant(b, nx.inputs[1]) !== undefined) {
        const [inner, factor] = nx.inputs as [Value, Value];
        return make("mul", [inner, make("mul", [factor, y], {})], {});
      }
      break;
    case "div":
      if (cy === 1) return as(x);
      if (cx === 0 && !keepsState(c, ny)) return make("fill", [], { value: 0, shape });
      // Division by a power of two is exact as a product.
      if (cy !== undefined && isPowerOfTwo(cy)) return make("mul", [x, make("fill", [], { value: 1 / cy, shape: [] })], {});
      break;
    case "pow": {
      const power = cy === undefined ? undefined : powerOf(c, x, cy);
      if (power !== undefined) return as(power);
      break;
    }
    case "max":
    case "min":
    case "lt":
    case "le":
    case "eq":
      break;
  }
  const shrunk = shrink(c, [x, y], shape);
  return shrunk === undefined ? undefined : make(op, shrunk, {});
}

/** A constant power as products and roots: kernels' `pow` is slow, and undefined for a negative base on some devices. */
function powerOf({ make }: Context, x: Value, exponent: number): Value | undefined {
  const square = () => make("mul", [x, x], {});
  const one = () => make("fill", [], { value: 1, shape: [] });
  switch (exponent) {
    case 0:
      return one();
    case 1:
      return x;
    case 2:
      return square();
    case 3:
      return make("mul", [square(), x], {});
    case 4:
      return make("mul", [square(), square()], {});
    case 0.5:
      return make("sqrt", [x], {});
    case -0.5:
      return make("rsqrt", [x], {});
    case -1:
      return make("div", [one(), x], {});
    case -2:
      return make("div", [one(), square()], {});
    default:
      return undefined;
  }
}

function isPowerOfTwo(x: number): boolean {
  return Math.abs(x) >= 2 ** -100 && Math.abs(x) <= 2 ** 100 && Number.isInteger(Math.log2(Math.abs(x)));
}

/** Whether a node reads a state that gets a next value: what is updated must stay read, or its type would be lost. */
function keepsState({ updated }: Context, node: AnyNode): boolean {
  return node.op === "state" && updated.has(node.attrs.name);
}

function whereRules(c: Context, inputs: readonly Value[]): Value | undefined {
  const { b, make } = c;
  const [condition, x, y] = inputs;
  if (condition === undefined || x === undefined || y === undefined) return undefined;
  const shape = broadcastShapes(
    "where",
    inputs.map((input) => b.type(input).shape),
  );
  const known = constant(b, condition);
  if (known !== undefined) return make("broadcast", [known !== 0 ? x : y], { shape });
  if (x === y) return make("broadcast", [x], { shape });
  const shrunk = shrink(c, inputs, shape);
  return shrunk === undefined ? undefined : make("where", shrunk, {});
}

/** Operands whose explicit repetition the op's own broadcasting makes unnecessary, as what is repeated; undefined where there is none. */
function shrink({ b, make }: Context, inputs: readonly Value[], shape: readonly number[]): readonly Value[] | undefined {
  for (const [i, input] of inputs.entries()) {
    const node = b.node(input);
    const smaller =
      node.op === "broadcast"
        ? node.inputs[0]
        : node.op === "fill" && node.attrs.shape.length > 0
          ? make("fill", [], { value: node.attrs.value, shape: [] })
          : undefined;
    if (smaller === undefined) continue;
    const others = inputs.map((other, j) => (i === j ? smaller : other));
    const same = sameShape(
      shape,
      broadcastShapes(
        "broadcast",
        others.map((other) => b.type(other).shape),
      ),
    );
    if (same) return others;
  }
  return undefined;
}
