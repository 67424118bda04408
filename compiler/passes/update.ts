// Gradients → clipping → AdamW → EMA, as equations over the layout's flat groups. In: a differentiated graph and where parameters lie; out: a graph
// whose updates are the next parameters and moments. Invariant: over a group everything is pointwise or a reduction of the whole group, so that
// the fuser makes a kernel or two of it; gaps between parameters hold zeros and keep them.

import { add, Builder, binary, div, fill, mul, reshape, scale, sub, sum, total, unary } from "../ir/builder.js";
import type { Graph, Value } from "../ir/graph.js";
import { removeDead } from "../ir/rewrite.js";
import type { Differentiated } from "./differentiate.js";
import { type Group, type Layout, ROW } from "./layout.js";

export interface UpdateOptions {
  /**
   * `step`: gradients of this graph change the parameters. `micro`: they are only added to the states `gradients.g`, after those are multiplied by
   * the scalar `accumulate.keep` (0 in a step's first micro-batch, then 1). `update`: the parameters change by the states `gradients.g`.
   */
  readonly mode: "step" | "micro" | "update";
  /** Largest global norm of the gradients. */
  readonly clipNorm?: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  /** Decay of the averaged copy of the parameters, states `ema.g`. */
  readonly ema?: number;
}

/**
 * States are f32 [size] a group: `parameters.g`, `adam.m.g`, `adam.v.g`, `ema.g`, `gradients.g`. Scalars: `learning_rate`,
 * `adam.correction1` = 1 / (1 − β₁ᵗ), `adam.correction2` = 1 / (1 − β₂ᵗ), `accumulate.keep`. Output `gradient_norm` []: before clipping.
 * For `update`, `differentiated` may be an empty graph without gradients. A parameter without a gradient has one of zeros.
 */
export function update(differentiated: Differentiated, layout: Layout, options: UpdateOptions): Graph {
  const b = Builder.from(differentiated.graph);
  b.origin = undefined;
  const gradients = layout.groups.map((group) => gradientsOf(b, differentiated, layout, group, options.mode));
  if (options.mode === "micro") {
    layout.groups.forEach((group, i) => {
      b.update(`gradients.${group.index}`, add(b, item(gradients, i), mul(b, state(b, "gradients", group), scalar(b, "accumulate.keep"))));
    });
    return removeDead(b.finish());
  }
  if (gradients.length === 0) return removeDead(b.finish());
  const norm = unary(
    b,
    "sqrt",
    total(
      b,
      gradients.map((g, i) => squares(b, g, item(layout.groups, i))),
    ),
  );
  b.output("gradient_norm", norm);
  const factor = options.clipNorm === undefined ? undefined : clipFactor(b, norm, options.clipNorm);
  layout.groups.forEach((group, i) => {
    const g = item(gradients, i);
    adamw(b, group, factor === undefined ? g : mul(b, g, factor), options);
  });
  return removeDead(b.finish());
}

function gradientsOf(b: Builder, differentiated: Differentiated, layout: Layout, group: Group, mode: UpdateOptions["mode"]): Value {
  if (mode === "update") return state(b, "gradients", group);
  const parts = layout.places.flatMap((place) => {
    const gradient = place.group === group.index ? differentiated.gradients.get(place.name) : undefined;
    return gradient === undefined ? [] : [{ gradient, offset: place.offset }];
  });
  if (parts.length === 0) return fill(b, 0, [group.size]);
  const name = mode === "micro" ? `micro.${group.index}` : `gradients.${group.index}`;
  return b.emit(
    "pack",
    parts.map((part) => part.gradient),
    { name, offsets: parts.map((part) => part.offset), size: group.size },
  );
}

/** Sum of squares of a group, rows first. */
function squares(b: Builder, g: Value, group: Group): Value {
  const rows = reshape(b, g, [group.size / ROW, ROW]);
  return sum(b, sum(b, mul(b, rows, rows), [1]), [0]);
}

/** min(1, clip / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. */
function clipFactor(b: Builder, norm: Value, clip: number): Value {
  return binary(b, "min", fill(b, 1), div(b, fill(b, clip), add(b, norm, fill(b, 1e-6))));
}

/** AdamW (Loshchilov and Hutter 2019) with decay by lr · weightDecay before the step, as torch.optim.AdamW. */
function adamw(b: Builder, group: Group, g: Value, { betas: [beta1, beta2], eps, weightDecay, ema }: UpdateOptions): void {
  const rate = scalar(b, "learning_rate");
  const parameters = state(b, "parameters", group);
  const m = add(b, scale(b, state(b, "adam.m", group), beta1), scale(b, g, 1 - beta1));
  const v = add(b, scale(b, state(b, "adam.v", group), beta2), scale(b, mul(b, g, g), 1 - beta2));
  const direction = div(
    b,
    mul(b, m, scalar(b, "adam.correction1")),
    add(b, unary(b, "sqrt", mul(b, v, scalar(b, "adam.correction2"))), fill(b, eps)),
  );
  const decayed = group.decay && weightDecay !== 0 ? mul(b, parameters, sub(b, fill(b, 1), scale(b, rate, weightDecay))) : parameters;
  const next = sub(b, decayed, mul(b, direction, rate));
  b.update(`parameters.${group.index}`, next);
  b.update(`adam.m.${group.index}`, m);
  b.update(`adam.v.${group.index}`, v);
  if (ema !== undefined) b.update(`ema.${group.index}`, add(b, scale(b, state(b, "ema", group), ema), scale(b, next, 1 - ema)));
}

function state(b: Builder, kind: string, group: Group): Value {
  return b.emit("state", [], { name: `${kind}.${group.index}`, dtype: "f32", shape: [group.size] });
}

function scalar(b: Builder, name: string): Value {
  return b.emit("scalar", [], { name, dtype: "f32" });
}

function item<T>(items: readonly T[], index: number): T {
  const found = items[index];
  if (found === undefined) throw new Error(`internal error: no group ${index}`);
  return found;
}
