// A decoder of any depth at real sizes, as the standard blocks lower it: for counting kernels and bytes.

import { add, Builder, constantU32, exp, fill, float, matmul, mul, reshape, sum, transpose, unary } from "../../compiler/ir/builder.js";
import { elements, type Graph, type Value } from "../../compiler/ir/graph.js";
import { portable, type Target } from "../../compiler/kernels/kernel.js";
import { differentiate } from "../../compiler/passes/differentiate.js";
import { type Homes, homesOf } from "../../compiler/passes/homes.js";
import { type Layout, layout } from "../../compiler/passes/layout.js";
import { simplify } from "../../compiler/passes/simplify.js";
import { update } from "../../compiler/passes/update.js";

export interface Sizes {
  readonly layers: number;
  readonly B: number;
  readonly T: number;
  readonly D: number;
  readonly H: number;
  readonly G: number;
  readonly hidden: number;
  readonly V: number;
}

export const charGpt: Sizes = { layers: 4, B: 12, T: 64, D: 128, H: 4, G: 4, hidden: 344, V: 65 };

export interface Decoder {
  readonly graph: Graph;
  readonly layout: Layout;
  readonly homes: Homes;
}

/** rmsnorm, rotary attention, swiglu, tied head; forward, backward, clipping, AdamW. */
export function trainStep(sizes: Sizes, target: Target = portable, ema?: number): Decoder {
  const { layers, B, T, D, H, G, hidden, V } = sizes;
  const b = new Builder("step");
  const parameters = new Map<string, readonly number[]>();
  const parameter = (name: string, shape: readonly number[]) => {
    parameters.set(name, shape);
    return b.emit("state", [], { name, dtype: "f32", shape });
  };
  const linear = (x: Value, name: string, out: number) =>
    matmul(b, x, transpose(b, parameter(`${name}.weight`, [out, b.type(x).shape[2] ?? 1]), [1, 0]));
  const norm = (x: Value, name: string) => {
    const mean = mul(b, sum(b, mul(b, x, x), [2], true), fill(b, 1 / D));
    return mul(b, mul(b, x, unary(b, "rsqrt", add(b, mean, fill(b, 1e-5)))), parameter(`${name}.weight`, [D]));
  };
  const P = D / H;
  const table = parameter("embedding.weight", [V, D]);
  const input = (name: string, dtype: "f32" | "u32") => b.emit("input", [], { name, dtype, shape: [B, T] });
  let x = b.emit("gather", [table, input("tokens", "u32")], { first: 0 });
  const frequencies = exp(b, mul(b, b.emit("range", [], { n: P / 2 }), fill(b, -0.5)));
  const angle = mul(b, reshape(b, float(b, input("position", "u32")), [B, T, 1]), frequencies);
  const [cos, sin] = [unary(b, "cos", angle), unary(b, "sin", angle)];
  const turn = (y: Value, n: number) => b.emit("rotate", [reshape(b, y, [B, T, n, P]), cos, sin], { pairs: "halves", inverse: false });
  for (let l = 0; l < layers; l++) {
    const h = norm(x, `${l}.norm1`);
    const q = turn(linear(h, `${l}.q`, H * P), H);
    const k = turn(linear(h, `${l}.k`, G * P), G);
    const v = reshape(b, linear(h, `${l}.v`, G * P), [B, T, G, P]);
    const attention = b.emit("attention", [q, k, v], { bound: "causal", window: 0, segmented: false, scale: 1 / Math.sqrt(P) });
    x = add(b, x, linear(reshape(b, b.emit("pick", [attention], { index: 0 }), [B, T, H * P]), `${l}.o`, D));
    const m = norm(x, `${l}.norm2`);
    x = add(b, x, linear(mul(b, unary(b, "silu", linear(m, `${l}.gate`, hidden)), linear(m, `${l}.up`, hidden)), `${l}.down`, D));
  }
  const logits = matmul(b, norm(x, "norm"), transpose(b, table, [1, 0]));
  const losses = b.emit("cross_entropy", [logits, input("targets", "u32")], {});
  const loss = mul(b, sum(b, mul(b, losses, input("weights", "f32")), [0, 1]), b.emit("scalar", [], { name: "loss_scale", dtype: "f32" }));
  b.output("loss", loss);
  const span = { file: { name: "test", text: "" }, start: 0, end: 0 };
  const list = [...parameters].map(([name, shape]) => ({ name, shape, init: { kind: "zeros" as const }, span }));
  const places = layout(list, (p) => p.shape.length > 1, target);
  const differentiated = differentiate(b.finish(), { loss, wrt: list.map((p) => p.name) });
  const graph = simplify(
    update(differentiated, places, {
      mode: "step",
      betas: [0.9, 0.99],
      eps: 1e-8,
      weightDecay: 0.1,
      clipNorm: 1,
      ...(ema === undefined ? {} : { ema }),
    }),
  );
  return { graph, layout: places, homes: homesOf(places) };
}

export function parameterCount({ layout: { places } }: Decoder): number {
  return places.reduce((n, place) => n + elements(place.shape), 0);
}

/** One token a lane through caches: reads a token, draws the next, keeps it with its position and counts. */
export function decodeStep(sizes: Sizes): Graph {
  const { layers, B, T, D, H, G, hidden, V } = sizes;
  const b = new Builder("decode");
  const state = (name: string, dtype: "f32" | "u32", shape: readonly number[]) => b.emit("state", [], { name, dtype, shape });
  const linear = (x: Value, name: string, out: number) =>
    matmul(b, x, transpose(b, state(`${name}.weight`, "f32", [out, b.type(x).shape[2] ?? 1]), [1, 0]));
  const norm = (x: Value, name: string) => {
    const mean = mul(b, sum(b, mul(b, x, x), [2], true), fill(b, 1 / D));
    return mul(b, mul(b, x, unary(b, "rsqrt", add(b, mean, fill(b, 1e-5)))), state(`${name}.weight`, "f32", [D]));
  };
  const P = D / H;
  const table = state("embedding.weight", "f32", [V, D]);
  const token = state("decode.token", "u32", [B]);
  const place = state("decode.position", "u32", [B]);
  const position = reshape(b, place, [B, 1]);
  const bound = add(b, position, constantU32(b, 1));
  let x = b.emit("gather", [table, reshape(b, token, [B, 1])], { first: 0 });
  const frequencies = exp(b, mul(b, b.emit("range", [], { n: P / 2 }), fill(b, -0.5)));
  const angle = mul(b, reshape(b, float(b, position), [B, 1, 1]), frequencies);
  const [cos, sin] = [unary(b, "cos", angle), unary(b, "sin", angle)];
  const turn = (y: Value, n: number) => b.emit("rotate", [reshape(b, y, [B, 1, n, P]), cos, sin], { pairs: "halves", inverse: false });
  const cached = (name: string, y: Value) => {
    const next = b.emit("cache_write", [state(name, "f32", [B, T, G, P]), y, position], {});
    b.update(name, next);
    return next;
  };
  for (let l = 0; l < layers; l++) {
    const h = norm(x, `${l}.norm1`);
    const q = turn(linear(h, `${l}.q`, H * P), H);
    const k = cached(`cache.${l}.k`, turn(linear(h, `${l}.k`, G * P), G));
    const v = cached(`cache.${l}.v`, reshape(b, linear(h, `${l}.v`, G * P), [B, 1, G, P]));
    const attention = b.emit("attention", [q, k, v, bound], { bound: "given", window: 0, segmented: false, scale: 1 / Math.sqrt(P) });
    x = add(b, x, linear(reshape(b, b.emit("pick", [attention], { index: 0 }), [B, 1, H * P]), `${l}.o`, D));
    const m = norm(x, `${l}.norm2`);
    x = add(b, x, linear(mul(b, unary(b, "silu", linear(m, `${l}.gate`, hidden)), linear(m, `${l}.up`, hidden)), `${l}.down`, D));
  }
  const logits = reshape(b, matmul(b, norm(x, "norm"), transpose(b, table, [1, 0])), [B, V]);
  const counts = state("decode.counts", "u32", [B, V]);
  const draw = state("decode.draw", "u32", [B]);
  const input = (name: string, dtype: "f32" | "u32", shape: readonly number[]) => b.emit("input", [], { name, dtype, shape });
  const seed = b.emit("scalar", [], { name: "seed", dtype: "u32" });
  const id = b.emit(
    "sample",
    [logits, counts, input("allowed", "u32", [Math.ceil(V / 32)]), input("settings", "f32", [B, 5]), input("lane", "u32", [B]), draw, seed],
    {},
  );
  const one = constantU32(b, 1);
  const next = add(b, place, one);
  b.update("decode.token", id);
  b.update("decode.position", next);
  b.update("decode.draw", add(b, draw, one));
  b.update("decode.counts", b.emit("tally", [counts, id], {}));
  b.update(
    "decode.history",
    b.emit("cache_write", [state("decode.history", "u32", [B, T + 1]), reshape(b, id, [B, 1]), reshape(b, next, [B, 1])], {}),
  );
  return simplify(b.finish());
}
