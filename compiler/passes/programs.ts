// The programs made of one forward: a training step (or its micro-batch), scoring, reading a prompt into caches, drawing the next token. Each is a
// graph whose inputs, scalars, outputs and states have the names that the runtime's trainer and generator know.

import type { Model, Network, Sampler, Training } from "../check/model.js";
import { add, Builder, constantU32, fill, mul, reshape } from "../ir/builder.js";
import type { DType, Graph, Value } from "../ir/graph.js";
import { lower, type Setting } from "./lower.js";

/** Forward and loss over rows [batch, context_length]: output `loss`, the weighted sum of token losses × `loss_scale`, which the trainer sets to 1 / the step's total weight. */
export function trainingLoss(model: Model, training: Training, batch: number): Graph {
  const b = new Builder(`${training.name}.loss`);
  const losses = tokenLosses(b, model, training, batch, dropoutIn(b));
  b.output("loss", mul(b, sumAll(b, losses), scalar(b, "loss_scale", "f32")));
  return b.finish();
}

/** Scoring without dropout: output `loss_sum`, the weighted sum of token losses. */
export function evaluation(model: Model, training: Training, batch: number): Graph {
  const b = new Builder(`${training.name}.evaluate`);
  b.output("loss_sum", sumAll(b, tokenLosses(b, model, training, batch, identity)));
  return b.finish();
}

/** The plain forward over whole rows: output `logits` [batch, rows, V]. What cached decoding is compared with. */
export function forward(model: Model, networkName: string, batch: number, rows: number): Graph {
  const b = new Builder(`${networkName}.forward`);
  const network = networkOf(model, networkName);
  const setting = wholeRows(b, batch, rows, false, identity);
  b.output("logits", firstResult(lower(b, network, setting)));
  return b.finish();
}

/** Reads `chunk` rows a lane into the caches, padding rows (position 0xffffffff) dropped. No logits: the prompt's last token is left to `decode`. */
export function prefill(model: Model, sampler: Sampler, lanes: number, chunk: number): Graph {
  const b = new Builder(`${sampler.name}.prefill`);
  const network = networkOf(model, sampler.network);
  const tokens = input(b, "tokens", "u32", [lanes, chunk]);
  const position = input(b, "position", "u32", [lanes, chunk]);
  lower(b, network, cached(b, network, tokens, position));
  return b.finish();
}

/**
 * One token a lane: reads `decode.token` at `decode.position`, draws the next id and leaves it in the same states, so that drawing N tokens is
 * running this N times. With `logits`, those are an output as well.
 */
export function decode(model: Model, sampler: Sampler, lanes: number, options: { readonly logits?: boolean } = {}): Graph {
  const b = new Builder(`${sampler.name}.decode`);
  const network = networkOf(model, sampler.network);
  const token = state(b, "decode.token", "u32", [lanes]);
  const place = state(b, "decode.position", "u32", [lanes]);
  const position = reshape(b, place, [lanes, 1]);
  const rows = firstResult(lower(b, network, cached(b, network, reshape(b, token, [lanes, 1]), position)));
  const vocabSize = last(b.type(rows).shape);
  const logits = reshape(b, rows, [lanes, vocabSize]);
  if (options.logits) b.output("logits", logits);

  const counts = state(b, "decode.counts", "u32", [lanes, vocabSize]);
  const draw = state(b, "decode.draw", "u32", [lanes]);
  const allowed = input(b, "allowed", "u32", [Math.ceil(vocabSize / 32)]);
  const settings = input(b, "settings", "f32", [lanes, 5]);
  const lane = input(b, "lane", "u32", [lanes]);
  const id = b.emit("sample", [logits, counts, allowed, settings, lane, draw, scalar(b, "seed", "u32")], {});

  const one = constantU32(b, 1);
  const next = add(b, place, one);
  const history = state(b, "decode.history", "u32", [lanes, network.contextLength + 1]);
  b.update("decode.token", id);
  b.update("decode.position", next);
  b.update("decode.draw", add(b, draw, one));
  b.update("decode.counts", b.emit("tally", [counts, id], {}));
  b.update("decode.history", b.emit("cache_write", [history, reshape(b, id, [lanes, 1]), reshape(b, next, [lanes, 1])], {}));
  return b.finish();
}

// --- settings of the forward ---

function wholeRows(b: Builder, batch: number, rows: number, segmented: boolean, dropout: Setting["dropout"]): Setting {
  const sizes = new Map([
    ["B", batch],
    ["T", rows],
  ]);
  const segment = () => input(b, "segment", "u32", [batch, rows]);
  return {
    sizes,
    tokens: input(b, "tokens", "u32", [batch, rows]),
    fact: (fact) => input(b, fact, "u32", [batch, rows]),
    attention: (q, k, v, attrs) => {
      const inputs = segmented ? [q, k, v, segment(), segment()] : [q, k, v];
      const bound = attrs.causal ? "causal" : "all";
      return pickFirst(b, b.emit("attention", inputs, { bound, window: attrs.window, segmented, scale: attrs.scale }));
    },
    dropout,
  };
}

/** Rows are read one after another: attention looks back into caches that the program owns. */
function cached(b: Builder, network: Network, tokens: Value, position: Value): Setting {
  const [lanes = 1, rows = 1] = b.type(tokens).shape;
  const bound = add(b, position, constantU32(b, 1));
  const cacheOf = (name: string, x: Value): Value => {
    const [, , ...rest] = b.type(x).shape;
    const cache = state(b, name, "f32", [lanes, network.contextLength, ...rest]);
    const next = b.emit("cache_write", [cache, x, position], {});
    b.update(name, next);
    return next;
  };
  return {
    sizes: new Map([
      ["B", lanes],
      ["T", rows],
    ]),
    tokens,
    fact: (fact) => {
      switch (fact) {
        case "position":
          return position;
        // Text lies in no grid, and what a decoder reads is one segment.
        case "row":
        case "column":
        case "segment":
          return b.emit("broadcast", [constantU32(b, 0)], { shape: [lanes, rows] });
        case "predicted":
          throw new Error("lower: `predicted` while decoding is refused by the checker");
      }
    },
    attention: (q, k, v, attrs, index) => {
      const keys = cacheOf(`cache.${index}.k`, k);
      const values = cacheOf(`cache.${index}.v`, v);
      const attention = b.emit("attention", [q, keys, values, bound], {
        bound: "given",
        window: attrs.window,
        segmented: false,
        scale: attrs.scale,
      });
      return pickFirst(b, attention);
    },
    dropout: identity,
  };
}

const identity: Setting["dropout"] = (x) => x;

/** Inverted dropout (Srivastava et al. 2014): kept elements are divided by 1 − rate. The mask depends on seed, step, place and element only. */
function dropoutIn(b: Builder): Setting["dropout"] {
  return (x, rate, place) => {
    if (rate === 0) return x;
    const { shape } = b.type(x);
    const u = b.emit("uniform", [scalar(b, "seed", "u32"), scalar(b, "step", "u32")], { place, shape });
    const dropped = b.emit("lt", [u, fill(b, rate)], {});
    return b.emit("where", [dropped, fill(b, 0), mul(b, x, fill(b, 1 / (1 - rate)))], {});
  };
}

// --- losses ---

/** Weighted losses [batch, rows] of all tokens; output rows are aligned at the right: the last `rows` of them score the targets. */
function tokenLosses(b: Builder, model: Model, training: Training, batch: number, dropout: Setting["dropout"]): Value {
  const network = networkOf(model, training.network);
  const rows = network.contextLength;
  const sequence = model.sequences.get(training.sequence);
  const logits = firstResult(lower(b, network, wholeRows(b, batch, rows, sequence?.rows === "packed", dropout)));
  const shape = b.type(logits).shape;
  const extra = (shape[1] ?? rows) - rows;
  const scored = extra === 0 ? logits : b.emit("slice", [logits], { starts: [0, extra, 0], stops: [...shape] });
  const losses = b.emit("cross_entropy", [scored, input(b, "targets", "u32", [batch, rows])], {});
  return mul(b, losses, input(b, "weights", "f32", [batch, rows]));
}

function sumAll(b: Builder, x: Value): Value {
  return b.emit("sum", [x], { axes: b.type(x).shape.map((_, axis) => axis), keep: false });
}

// --- small helpers over a Builder ---

function input(b: Builder, name: string, dtype: DType, shape: readonly number[]): Value {
  return b.emit("input", [], { name, dtype, shape });
}

function state(b: Builder, name: string, dtype: DType, shape: readonly number[]): Value {
  return b.emit("state", [], { name, dtype, shape });
}

function scalar(b: Builder, name: string, dtype: DType): Value {
  return b.emit("scalar", [], { name, dtype });
}

function pickFirst(b: Builder, tuple: Value): Value {
  return b.emit("pick", [tuple], { index: 0 });
}

function firstResult(results: readonly Value[]): Value {
  const [result] = results;
  if (result === undefined) throw new Error("programs: the forward returns nothing");
  return result;
}

function last(shape: readonly number[]): number {
  return shape[shape.length - 1] ?? 1;
}

function networkOf(model: Model, name: string): Network {
  const network = model.networks.get(name);
  if (network === undefined) throw new Error(`programs: no model ${name}`);
  return network;
}
