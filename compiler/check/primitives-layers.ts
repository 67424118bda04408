// Primitives with weights in them or made for them: parameter, matmul, gather, attention, rotate, softmax, dropout, detach, cross_entropy.

import type { Init } from "../../runtime/artifact.js";
import { callNode } from "./calls.js";
import { constant, constantOf, equal, mul, ONE, remainder, showShape } from "./dims.js";
import { evaluate } from "./evaluate.js";
import type { Call, Primitive } from "./primitives.js";
import { shapeArgument } from "./primitives-layout.js";
import { findDeclaration } from "./program.js";
import { axisOf, because } from "./shapes.js";
import { describe, type Reason, type RowMix, showType, type TensorValue, type Value } from "./values.js";

/** What each word of `init` starts a parameter with. `fan_in`: uniform within ±√(1 / inputs), the inputs being all axes but the first. */
function initOf(call: Call, shape: readonly number[]): Init | undefined {
  const value = call.get("init");
  if (!call.has("init")) return { kind: "normal", std: 0.02 };
  const wrong = (): undefined => {
    const expected = "`normal(std)`, `uniform(bound)`, `zeros`, `ones`, `constant(value)` or `fan_in`";
    call.context.program.report("wrong-value", call.span("init"), { expected, got: describe(value) });
    return undefined;
  };
  if (value.kind !== "word") return wrong();
  const [first, ...more] = [...value.positional, ...value.named.values()];
  const n = first?.value.kind === "number" && first.value.dim === undefined ? first.value.value : undefined;
  if (more.length > 0 || (first !== undefined && n === undefined)) return wrong();
  switch (value.word) {
    case "zeros":
    case "ones":
      return first === undefined ? { kind: value.word } : wrong();
    case "fan_in":
      return first === undefined ? { kind: "uniform", bound: Math.sqrt(1 / shape.slice(1).reduce((a, b) => a * b, 1)) } : wrong();
    case "normal":
      return { kind: "normal", std: n ?? 1 };
    case "uniform":
      return n === undefined ? wrong() : { kind: "uniform", bound: n };
    case "constant":
      return n === undefined ? wrong() : { kind: "constant", value: n };
    default:
      return wrong();
  }
}

function labelOf(call: Call): string | undefined {
  const argument = call.expr.arguments.find((a) => a.name?.text === "name");
  if (argument === undefined) return undefined;
  const value = evaluate(call.context, argument.value, call.scope);
  if (value.kind === "string") return value.value;
  if (value.kind !== "unknown")
    call.context.program.report("wrong-value", argument.value.span, { expected: "`name`, a text in quotes,", got: describe(value) });
  return undefined;
}

/** Tokens are looked up in a table with a row for each of their ids. */
function tableFits(call: Call, table: TensorValue, ids: TensorValue): boolean {
  if (ids.type.element !== "token" || ids.type.vocabulary === undefined) return true;
  const owner = [...call.context.program.units.values()]
    .map((unit) => findDeclaration(unit, ids.type.vocabulary ?? ""))
    .find((d) => d?.keyword === "tokenizer");
  const size: Value | undefined =
    owner === undefined ? undefined : call.context.member({ kind: "section", declaration: owner }, "vocab_size");
  const rows = constantOf(table.type.shape[0] ?? ONE);
  if (size?.kind !== "number" || rows === undefined || rows >= size.value) return true;
  call.context.program.report(
    "table-too-small",
    call.span("table"),
    { rows, vocabSize: size.value, tokenizer: ids.type.vocabulary },
    { also: because(table.reasons[0], size.reason) },
  );
  return false;
}

const ahead = (call: Call, why: string): RowMix => ({ kind: "ahead", why, span: call.expr.span });

function softmaxLike(op: "softmax" | "log_softmax", doc: string): Primitive {
  return {
    parameters: ["x", "axis"],
    required: 1,
    doc,
    run(call) {
      const x = call.float("x");
      const at = call.number("axis", -1);
      const axis = x === undefined || at === undefined ? undefined : axisOf(call.context.program, x, at, call.expr.span);
      if (x === undefined || axis === undefined) return undefined;
      const mix = axis === x.rows ? ahead(call, `\`${op}\` over the rows sees the rows after`) : undefined;
      return call.emit(op, [x], { axis }, x.type.shape, { rows: x.rows, reasons: x.reasons, mix });
    },
  };
}

export const layers: Readonly<Record<string, Primitive>> = {
  parameter: {
    parameters: ["shape", "init"],
    required: 1,
    doc: "numbers that are trained",
    run(call) {
      const { program } = call.context;
      const { machine, place } = call.scope;
      const to = shapeArgument(call, "shape");
      if (to === undefined || machine === undefined) return undefined;
      const shape = to.shape.map(constantOf).filter((n) => n !== undefined);
      if (shape.length !== to.shape.length || shape.includes(0)) {
        program.report("parameter-shape", call.span("shape"), { shape: showShape(to.shape) });
        return undefined;
      }
      const init = initOf(call, shape);
      if (init === undefined || place === undefined) return undefined;
      const node = callNode(place, "parameter", labelOf(call), call.expr);
      place.node.children.push(node);
      node.leaf = { shape, init, span: program.userSpan(call.expr.span), index: machine.equations.length };
      return call.emit("parameter", [], { name: "" }, to.shape, { reasons: to.reasons });
    },
  },
  matmul: {
    parameters: ["a", "b"],
    required: 2,
    doc: "(a [..., M, K], b [..., K, N] or [K, N]) → [..., M, N]",
    run(call) {
      const [a, b] = [call.float("a"), call.float("b")];
      if (a === undefined || b === undefined) return undefined;
      const [x, y] = [a.type.shape, b.type.shape];
      const { program } = call.context;
      for (const [name, t] of [
        ["a", a],
        ["b", b],
      ] as const) {
        if (t.type.shape.length >= 2) continue;
        program.report("wrong-rank", call.span(name), { what: "`matmul`", needs: "at least two axes", got: showType(t.type) });
        return undefined;
      }
      const [k, l] = [x[x.length - 1] ?? ONE, y[y.length - 2] ?? ONE];
      const batched = y.length > 2;
      const fits = equal(k, l) && (!batched || (x.length === y.length && y.slice(0, -2).every((dim, i) => equal(dim, x[i] ?? dim))));
      if (!fits) {
        const also = because(a.reasons[x.length - 1], b.reasons[y.length - 2]);
        program.report(
          "shape-mismatch",
          call.expr.span,
          { what: "`matmul`", left: showType(a.type), right: showType(b.type) },
          { also, notes: ["The last axis of the first and the last but one of the second are the same size."] },
        );
        return undefined;
      }
      const shape = [...x.slice(0, -1), y[y.length - 1] ?? ONE];
      const inBatch = a.rows !== undefined && a.rows < x.length - 2;
      const bad = a.rows === x.length - 1 || (b.rows !== undefined && !(batched && inBatch && b.rows === a.rows));
      return call.emit("matmul", [a, b], {}, shape, {
        rows: bad ? undefined : a.rows,
        mix: bad ? ahead(call, "`matmul` sums over the rows") : undefined,
        reasons: [...a.reasons.slice(0, -1), b.reasons[y.length - 1]],
      });
    },
  },
  gather: {
    parameters: ["table", "ids"],
    required: 2,
    doc: "(table [V, …], ids [...]) → the table's rows of those ids",
    run(call) {
      const [table, ids] = [call.float("table"), call.tensor("ids")];
      if (table === undefined || ids === undefined) return undefined;
      if (table.type.shape.length === 0 || ids.type.element === "float") {
        const got = table.type.shape.length === 0 ? table : ids;
        call.context.program.report("wrong-value", call.span(got === ids ? "ids" : "table"), {
          expected: got === ids ? "Tokens or facts" : "A table",
          got: showType(got.type),
        });
        return undefined;
      }
      if (!tableFits(call, table, ids)) return undefined;
      const shape = [...ids.type.shape, ...table.type.shape.slice(1)];
      const mix = table.rows === undefined ? undefined : ahead(call, "`gather` picks among the rows");
      return call.emit("gather", [table, ids], {}, shape, { rows: ids.rows, mix, reasons: [...ids.reasons, ...table.reasons.slice(1)] });
    },
  },
  rotate: {
    parameters: ["x", "cosine", "sine", "pairs"],
    required: 3,
    doc: "(x [B, T, H, D], cosine and sine [B, T, D / 2]) → x with its pairs of numbers turned",
    run(call) {
      const [x, cosine, sine] = [call.float("x"), call.float("cosine"), call.float("sine")];
      const pairs = call.word("pairs", "halves");
      if (x === undefined || cosine === undefined || sine === undefined || pairs === undefined) return undefined;
      const { program } = call.context;
      if (pairs !== "halves" && pairs !== "adjacent") {
        program.report("wrong-value", call.span("pairs"), { expected: "`halves` or `adjacent`", got: `\`${pairs}\`` });
        return undefined;
      }
      const shape = x.type.shape;
      if (shape.length !== 4) {
        program.report("wrong-rank", call.span("x"), { what: "`rotate`", needs: "[B, T, H, D]", got: showType(x.type) });
        return undefined;
      }
      const [b = ONE, t = ONE, , d = ONE] = shape;
      for (const [name, table] of [
        ["cosine", cosine],
        ["sine", sine],
      ] as const) {
        const [tb, tt, tp] = table.type.shape;
        const twice = tp === undefined ? undefined : mul(constant(2), tp);
        if (
          table.type.shape.length === 3 &&
          tb !== undefined &&
          tt !== undefined &&
          twice !== undefined &&
          equal(tb, b) &&
          equal(tt, t) &&
          equal(twice, d)
        )
          continue;
        program.report(
          "shape-mismatch",
          call.span(name),
          { what: "`rotate`", left: showType(x.type), right: showType(table.type) },
          { also: because(x.reasons[3], table.reasons[2]), notes: ["The tables are [B, T, D / 2]."] },
        );
        return undefined;
      }
      return call.emit("rotate", [x, cosine, sine], { pairs }, shape, { rows: x.rows, reasons: x.reasons });
    },
  },
  attention: {
    parameters: ["q", "k", "v", "causal", "order", "window", "scale"],
    required: 3,
    doc: "(q [B, T, H, D], k [B, S, G, D], v [B, S, G, E]) → [B, T, H, E]; each group of H / G heads shares one k and v",
    run(call) {
      const { program } = call.context;
      const [q, k, v] = [call.float("q"), call.float("k"), call.float("v")];
      const causal = call.boolean("causal", false);
      const window = call.number("window", 0);
      if (q === undefined || k === undefined || v === undefined || causal === undefined || window === undefined) return undefined;
      for (const [name, t] of [
        ["q", q],
        ["k", k],
        ["v", v],
      ] as const) {
        if (t.type.shape.length === 4) continue;
        program.report("wrong-rank", call.span(name), {
          what: `\`${name}\` of \`attention\``,
          needs: "[B, T, heads, head_dim]",
          got: showType(t.type),
        });
        return undefined;
      }
      const [[b = ONE, t = ONE, h = ONE, d = ONE], [kb = ONE, kt = ONE, g = ONE, kd = ONE], [vb = ONE, vt = ONE, vg = ONE, e = ONE]] = [
        q.type.shape,
        k.type.shape,
        v.type.shape,
      ];
      const mismatch = (left: TensorValue, right: TensorValue, reasons: readonly (Reason | undefined)[], note: string): undefined => {
        program.report(
          "shape-mismatch",
          call.expr.span,
          { what: "`attention`", left: showType(left.type), right: showType(right.type) },
          { also: because(...reasons), notes: [note] },
        );
        return undefined;
      };
      if (!(window >= 0 && Number.isInteger(window))) {
        program.report("out-of-range", call.span("window"), {
          name: "window",
          value: String(window),
          range: "a whole number; 0: no window",
        });
        return undefined;
      }
      if (!equal(kb, vb) || !equal(kt, vt) || !equal(g, vg))
        return mismatch(k, v, [k.reasons[2], v.reasons[2]], "Keys and values have the same batch, rows and heads.");
      if (!equal(b, kb) || !equal(d, kd) || !equal(t, kt))
        return mismatch(q, k, [q.reasons[3], k.reasons[3]], "Queries and keys have the same batch, rows and head size.");
      if (constantOf(remainder(h, g)) !== 0)
        return mismatch(q, k, [q.reasons[2], k.reasons[2]], "The heads of the queries are a multiple of the heads of the keys.");
      const size = constantOf(d);
      if (size === undefined || size === 0) {
        program.report("not-known", call.span("q"), { what: "The size of a head" });
        return undefined;
      }
      const scale = call.number("scale", 1 / Math.sqrt(size));
      if (scale === undefined) return undefined;
      const ordered = call.has("order");
      const order = ordered ? call.tensor("order") : undefined;
      if (ordered && order === undefined) return undefined;
      const mix: RowMix | undefined = ordered
        ? { kind: "unbuilt", why: "`attention` with an `order`", span: call.expr.span }
        : window > 0
          ? { kind: "unbuilt", why: "`attention` with a `window`", span: call.expr.span }
          : causal || q.rows === undefined
            ? undefined
            : ahead(call, "`attention` without `causal = true` sees the rows after");
      const inputs = order === undefined ? [q, k, v] : [q, k, v, order];
      return call.emit("attention", inputs, { causal, ordered, window, scale }, [b, t, h, e], {
        rows: q.rows,
        mix,
        reasons: [...q.reasons.slice(0, 3), v.reasons[3]],
      });
    },
  },
  softmax: softmaxLike("softmax", "shares that add up to 1 along an axis"),
  log_softmax: softmaxLike("log_softmax", "the logarithm of `softmax`"),
  dropout: {
    parameters: ["x", "rate"],
    required: 2,
    doc: "in training, each number is 0 with that chance and the others are scaled up",
    run(call) {
      const x = call.float("x");
      const rate = call.number("rate", 0);
      if (x === undefined || rate === undefined) return undefined;
      if (!(rate >= 0 && rate < 1)) {
        call.context.program.report("out-of-range", call.span("rate"), {
          name: "rate",
          value: String(rate),
          range: "at least 0 and below 1",
        });
        return undefined;
      }
      return rate === 0 ? x : call.emit("dropout", [x], { rate }, x.type.shape, { rows: x.rows, reasons: x.reasons });
    },
  },
  detach: {
    parameters: ["x"],
    required: 1,
    doc: "x, through which no gradient passes",
    run(call) {
      const x = call.float("x");
      return x && call.emit("detach", [x], {}, x.type.shape, { rows: x.rows, reasons: x.reasons });
    },
  },
  cross_entropy: {
    parameters: ["logits", "target"],
    required: 2,
    doc: "(logits [..., V], target [...]) → [...]: −log of the target's share",
    run(call) {
      const [logits, target] = [call.float("logits"), call.tensor("target")];
      if (logits === undefined || target === undefined) return undefined;
      const shape = logits.type.shape.slice(0, -1);
      if (
        target.type.element === "float" ||
        shape.length !== target.type.shape.length ||
        !shape.every((dim, i) => equal(dim, target.type.shape[i] ?? dim))
      ) {
        call.context.program.report("shape-mismatch", call.expr.span, {
          what: "`cross_entropy`",
          left: showType(logits.type),
          right: showType(target.type),
        });
        return undefined;
      }
      return call.emit("cross_entropy", [logits, target], {}, shape, { rows: logits.rows, reasons: logits.reasons.slice(0, -1) });
    },
  },
};
