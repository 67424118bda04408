// Large vocabularies. In: a simplified graph that names parameters whole; out: one that names the pieces that the layout cut them into, and whose
// cross-entropy over many logits is `linear_cross_entropy`, which never makes them all. Run before differentiation, whose gradients are
// then those of the pieces. Invariant: no tensor larger than its operands' pieces is made, except by ops that this pass does not know.

import { add, type Builder, concat, matmul, pick, reshape, slice, total } from "../ir/builder.js";
import { type AnyNode, elements, type Graph, type Node, type OpAttrs, type Value } from "../ir/graph.js";
import { rewrite } from "../ir/rewrite.js";
import { at } from "../ops/op.js";
import { type Layout, type Place, pieces as piecesOf } from "./layout.js";
import type { Pass } from "./pass.js";

export interface SplitOptions {
  /** Cross-entropy over more bytes of logits than this computes them in chunks of at most so many. */
  readonly logitsBytes?: number;
}

const LOGITS_BYTES = 16 * 2 ** 20;
/** Chunks are whole multiples of this many ids, so that their parts of a weight begin where a storage binding may. */
const GRAIN = 64;

/**
 * - A cut table's `gather` is the sum of its pieces' (each gives zeros for ids that lie elsewhere), a product with one is the pieces' products side
 *   by side, or their sum where the cut runs along the inner dimension. Anything else gets the pieces joined.
 * - cross_entropy(x Wᵀ), through reshapes and slices of rows, with logits above the limit or W in pieces: `linear_cross_entropy`.
 */
export function split(graph: Graph, layout: Layout, options: SplitOptions = {}): Graph {
  const limit = options.logitsBytes ?? LOGITS_BYTES;
  const cut = new Map<string, readonly Place[]>();
  for (const { parameter } of layout.places) {
    const places = piecesOf(layout, parameter.name);
    if (places.length > 1) cut.set(parameter.name, places);
  }
  const nodeAt = (value: Value | undefined): AnyNode => {
    const node = value === undefined ? undefined : graph.nodes[value];
    if (node === undefined) throw new Error(`internal error: split: no node %${value} in graph ${graph.name}`);
    return node;
  };
  /** The pieces of a cut parameter, as states; undefined for anything else. */
  const piecesAt = (b: Builder, value: Value | undefined): Value[] | undefined => {
    const node = nodeAt(value);
    const places = node.op === "state" ? cut.get(node.attrs.name) : undefined;
    return places?.map((place) => b.emit("state", [], { name: place.name, dtype: "f32", shape: place.shape }));
  };

  return rewrite(graph, (b, node, inputs, map) => {
    switch (node.op) {
      case "state": {
        const places = cut.get(node.attrs.name);
        if (places === undefined) return undefined;
        const parts = places.map((place) => b.emit("state", [], { name: place.name, dtype: "f32", shape: place.shape }));
        return concat(b, parts, 0);
      }
      case "gather": {
        const tables = piecesAt(b, node.inputs[0]);
        const ids = at(inputs, 1);
        if (tables === undefined) return undefined;
        return total(
          b,
          rowStarts(b, tables).map((first, i) => b.emit("gather", [at(tables, i), ids], { first: node.attrs.first + first })),
        );
      }
      case "matmul": {
        const parts = piecesAt(b, node.inputs[1]);
        return parts === undefined ? undefined : productOfPieces(b, at(inputs, 0), parts, node.attrs);
      }
      case "cross_entropy":
        return linear(b, node, map);
      default:
        return undefined;
    }
  });

  function linear(b: Builder, node: Node<"cross_entropy">, map: (value: Value) => Value): Value | undefined {
    const found = producer(b, at(node.inputs, 0), map);
    if (found === undefined) return undefined;
    const { x, product } = found;
    const tables = piecesAt(b, product.inputs[1]);
    const logits = at(nodeAt(node.inputs[0]).types, 0);
    const V = at(logits.shape, logits.shape.length - 1);
    const N = elements(logits.shape) / V;
    if (tables === undefined && 4 * N * V <= limit) return undefined;
    const weights = tables ?? [map(at(product.inputs, 1))];
    const columns = !product.attrs.transposeB;
    const D = at(b.type(x).shape, b.type(x).shape.length - 1);
    const height = columns ? V : Math.max(...weights.map((w) => at(b.type(w).shape, 0)));
    const target = map(at(node.inputs, 1));
    const tuple = b.emit("linear_cross_entropy", [reshape(b, x, [N, D]), reshape(b, target, [N]), ...weights], {
      columns,
      chunk: chunkOf(N, height, limit),
    });
    return reshape(b, pick(b, tuple, 0), b.type(target).shape);
  }

  /** The product that logits come from, and its left operand taken through the same reshapes and slices of rows as they. */
  function producer(
    b: Builder,
    logits: Value,
    map: (value: Value) => Value,
  ): { readonly x: Value; readonly product: Node<"matmul"> } | undefined {
    const node = nodeAt(logits);
    if (node.op === "matmul") {
      const rank = at(nodeAt(node.inputs[1]).types, 0).shape.length;
      return node.attrs.transposeA || rank !== 2 ? undefined : { x: map(at(node.inputs, 0)), product: node };
    }
    if (node.op !== "reshape" && node.op !== "slice") return undefined;
    const own = at(node.types, 0).shape;
    const before = at(nodeAt(node.inputs[0]).types, 0).shape;
    const whole = own[own.length - 1] === before[before.length - 1];
    const inner = whole ? producer(b, at(node.inputs, 0), map) : undefined;
    if (inner === undefined) return undefined;
    const D = at(b.type(inner.x).shape, before.length - 1);
    if (node.op === "reshape") return { ...inner, x: reshape(b, inner.x, [...own.slice(0, -1), D]) };
    const stops = [...node.attrs.stops.slice(0, -1), D];
    return { ...inner, x: b.emit("slice", [inner.x], { starts: node.attrs.starts, stops }) };
  }
}

/** First row of each piece. */
function rowStarts(b: Builder, parts: readonly Value[]): number[] {
  const heights = parts.map((part) => at(b.type(part).shape, 0));
  return heights.map((_, i) => heights.slice(0, i).reduce((n, height) => n + height, 0));
}

function productOfPieces(b: Builder, x: Value, parts: readonly Value[], attrs: OpAttrs["matmul"]): Value {
  const rank = b.type(x).shape.length;
  if (attrs.transposeB) {
    // Rows of a piece are columns of the product.
    const products = parts.map((part) => matmul(b, x, part, attrs.transposeA, true));
    return concat(b, products, rank - 1);
  }
  const inner = attrs.transposeA ? rank - 2 : rank - 1;
  const starts = rowStarts(b, parts);
  return parts
    .map((part, i) => {
      const start = at(starts, i);
      return matmul(b, slice(b, x, inner, start, start + at(b.type(part).shape, 0)), part, attrs.transposeA, false);
    })
    .reduce((sum, product) => add(b, sum, product));
}

/** Ids a chunk: about equal chunks of at most `limit` bytes of logits, never less than the grain. */
function chunkOf(rows: number, height: number, limit: number): number {
  const most = Math.max(GRAIN, Math.floor(limit / (4 * rows) / GRAIN) * GRAIN);
  if (height <= most) return height;
  const count = Math.ceil(height / most);
  return Math.min(most, Math.ceil(height / count / GRAIN) * GRAIN);
}

export function splitPass(layout: Layout, options: SplitOptions = {}): Pass {
  return {
    name: "split",
    doc: "Cut parameters are named by their pieces; large vocabularies' cross-entropy is computed a chunk of logits at a time.",
    run: (graph) => split(graph, layout, options),
  };
}
