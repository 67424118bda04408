// Checked equations → graph. In: a network's forward with symbolic B and T, and a setting that says what tokens, facts, attention and dropout
// mean in this program (training, scoring, reading a prompt, drawing the next token). Out: nodes in a Builder. All shapes are numbers from here on.

import { type Dim, evaluate } from "../check/dims.js";
import type { AnyEquation, EquationAttrs, Network } from "../check/model.js";
import { type Builder, fill } from "../ir/builder.js";
import type { Value } from "../ir/graph.js";

/** What differs between the programs that are made of one forward. */
export interface Setting {
  /** Sizes of the dimensions left symbolic: B, T. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The ids [B, T] of the sequence's stream. */
  readonly tokens: Value;
  /** A fact of the tokens, u32 [B, T]. */
  fact(fact: EquationAttrs["fact"]["fact"]): Value;
  /** (q, k, v) → o; `index` counts the attentions of the forward, so that each has caches of its own. */
  attention(q: Value, k: Value, v: Value, attrs: EquationAttrs["attention"], index: number): Value;
  /** Identity outside training; `place` tells one dropout from another. */
  dropout(x: Value, rate: number, place: number): Value;
}

/** Emits the forward and returns its results. */
export function lower(b: Builder, network: Network, setting: Setting): readonly Value[] {
  const values: Value[] = [];
  let attentions = 0;
  network.forward.equations.forEach((equation, index) => {
    values.push(lowerEquation(equation, index));
  });
  return network.forward.results.map((result) => valueAt(result));

  function valueAt(index: number): Value {
    const value = values[index];
    if (value === undefined) throw new Error(`lower: equation ${index} is used before it is computed`);
    return value;
  }

  function size(dim: Dim): number {
    return evaluate(dim, setting.sizes);
  }

  function lowerEquation(equation: AnyEquation, index: number): Value {
    const origin = equation.span;
    const [x, y, z] = equation.inputs.map(valueAt) as [Value, Value, Value];
    const { op, attrs } = equation;
    switch (op) {
      case "input":
        return attrs.role === "tokens" ? setting.tokens : input(attrs.name);
      case "fact":
        return setting.fact(attrs.fact);
      case "parameter": {
        const parameter = network.parameters.find((p) => p.name === attrs.name);
        if (parameter === undefined) throw new Error(`lower: no parameter ${attrs.name}`);
        return b.emit("state", [], { name: parameter.name, dtype: "f32", shape: parameter.shape }, origin);
      }
      case "fill":
        return b.emit("fill", [], { value: attrs.value, shape: attrs.shape.map(size) }, origin);
      case "literal":
        return b.emit("literal", [], { values: attrs.values, shape: attrs.shape.map(size) }, origin);
      case "range":
        return b.emit("range", [], { n: size(attrs.n) }, origin);
      case "float":
        return b.type(x).dtype === "f32" ? x : b.emit("cast", [x], { dtype: "f32" }, origin);
      case "gt":
        return b.emit("lt", [y, x], {}, origin);
      case "ge":
        return b.emit("le", [y, x], {}, origin);
      case "ne":
        return b.emit("sub", [fill(b, 1), b.emit("eq", [x, y], {}, origin)], {}, origin);
      case "where":
        return b.emit("where", [x, y, z], {}, origin);
      case "leaky_relu": {
        const scaled = b.emit("mul", [x, fill(b, attrs.slope)], {}, origin);
        return b.emit("where", [b.emit("step", [x], {}, origin), x, scaled], {}, origin);
      }
      case "softmax": {
        const shifted = b.emit(
          "sub",
          [x, b.emit("detach", [b.emit("amax", [x], { axes: [attrs.axis], keep: true }, origin)], {})],
          {},
          origin,
        );
        const e = b.emit("exp", [shifted], {}, origin);
        return b.emit("div", [e, b.emit("sum", [e], { axes: [attrs.axis], keep: true }, origin)], {}, origin);
      }
      case "log_softmax": {
        const shifted = b.emit(
          "sub",
          [x, b.emit("detach", [b.emit("amax", [x], { axes: [attrs.axis], keep: true }, origin)], {})],
          {},
          origin,
        );
        const total = b.emit("sum", [b.emit("exp", [shifted], {}, origin)], { axes: [attrs.axis], keep: true }, origin);
        return b.emit("sub", [shifted, b.emit("log", [total], {}, origin)], {}, origin);
      }
      case "sum":
      case "amax":
        return b.emit(op, [x], attrs, origin);
      case "amin":
        return b.emit("neg", [b.emit("amax", [b.emit("neg", [x], {}, origin)], attrs, origin)], {}, origin);
      case "mean": {
        const shape = b.type(x).shape;
        const count = attrs.axes.reduce((n, axis) => n * (shape[axis] ?? 1), 1);
        return b.emit("mul", [b.emit("sum", [x], attrs, origin), fill(b, 1 / count)], {}, origin);
      }
      case "reshape":
        return b.emit("reshape", [x], { shape: attrs.shape.map(size) }, origin);
      case "transpose":
        return b.emit("transpose", [x], attrs, origin);
      case "broadcast":
        return b.emit("broadcast", [x], { shape: attrs.shape.map(size) }, origin);
      case "slice":
        return b.emit("slice", [x], { starts: attrs.starts.map(size), stops: attrs.stops.map(size) }, origin);
      case "concat":
        return b.emit("concat", equation.inputs.map(valueAt), attrs, origin);
      case "matmul":
        return b.emit("matmul", [x, y], { transposeA: false, transposeB: false }, origin);
      case "gather":
        return b.emit("gather", [x, y], { first: 0 }, origin);
      case "rotate":
        return b.emit("rotate", [x, y, z], { pairs: attrs.pairs, inverse: false }, origin);
      case "attention":
        if (attrs.ordered) throw new Error("lower: attention with `order` is refused by the checker");
        return setting.attention(x, y, z, attrs, attentions++);
      case "dropout":
        return setting.dropout(x, attrs.rate, index);
      case "detach":
        return b.emit("detach", [x], {}, origin);
      case "cross_entropy":
        return b.emit("cross_entropy", [x, y], {}, origin);
      default:
        return b.emit(op, equation.inputs.map(valueAt), {}, origin);
    }
  }

  function input(name: string): Value {
    throw new Error(`lower: the field \`${name}\` beside the stream is refused by the checker`);
  }
}
