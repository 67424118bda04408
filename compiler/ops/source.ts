// Ops without f32 operands: what the host uploads, what persists, numbers known at compile time, random numbers.

import { type DType, elements } from "../ir/graph.js";
import { at, element, f32, fail, type Op, operands } from "./op.js";
import { uniform as draw } from "./philox.js";

function checkShape(op: string, shape: readonly number[]): readonly number[] {
  for (const n of shape) if (!Number.isInteger(n) || n < 1) fail(op, `a dimension of [${shape.join(",")}]`);
  return shape;
}

function external(op: string, attrs: { readonly dtype: DType; readonly shape: readonly number[] }) {
  return [{ dtype: attrs.dtype, shape: checkShape(op, attrs.shape) }];
}

export const input: Op<"input"> = {
  doc: "→ [shape]: uploaded by the host for each run.",
  attrs: { name: "string", dtype: "dtype", shape: "counts" },
  infer: (inputs, attrs) => {
    operands("input", inputs, []);
    return external("input", attrs);
  },
};

export const scalar: Op<"scalar"> = {
  doc: "→ []: one word of the run's scalars.",
  attrs: { name: "string", dtype: "dtype" },
  infer: (inputs, attrs) => {
    operands("scalar", inputs, []);
    return external("scalar", { dtype: attrs.dtype, shape: [] });
  },
};

export const state: Op<"state"> = {
  doc: "→ [shape]: the value that a persistent tensor had when the run began.",
  attrs: { name: "string", dtype: "dtype", shape: "counts" },
  infer: (inputs, attrs) => {
    operands("state", inputs, []);
    return external("state", attrs);
  },
};

export const fill: Op<"fill"> = {
  doc: "→ f32 [shape]: every element `value`.",
  attrs: { value: "number", shape: "counts" },
  infer: (inputs, attrs) => {
    operands("fill", inputs, []);
    return [f32(checkShape("fill", attrs.shape))];
  },
  evaluate: (_inputs, _types, _outputs, attrs) => [new Float32Array(elements(attrs.shape)).fill(attrs.value)],
};

export const literal: Op<"literal"> = {
  doc: "→ f32 [shape]: literal numbers.",
  attrs: { values: "numbers", shape: "counts" },
  infer: (inputs, attrs) => {
    operands("literal", inputs, []);
    if (attrs.values.length !== elements(attrs.shape)) fail("literal", `${attrs.values.length} values for [${attrs.shape.join(",")}]`);
    return [f32(checkShape("literal", attrs.shape))];
  },
  evaluate: (_inputs, _types, _outputs, attrs) => [Float32Array.from(attrs.values)],
};

export const range: Op<"range"> = {
  doc: "→ f32 [n]: 0, 1, … n − 1.",
  attrs: { n: "count" },
  infer: (inputs, attrs) => {
    operands("range", inputs, []);
    return [f32(checkShape("range", [attrs.n]))];
  },
  evaluate: (_inputs, _types, _outputs, attrs) => [Float32Array.from({ length: attrs.n }, (_, i) => i)],
};

export const uniform: Op<"uniform"> = {
  doc: "(seed, step) → f32 [shape]: Philox-4x32-10; element i is word i mod 4 of counter (⌊i/4⌋, place, step, 0), key (seed, 0x756c6d75).",
  attrs: { place: "count", shape: "counts" },
  infer: (inputs, attrs) => {
    operands("uniform", inputs, ["u32", "u32"]);
    if (inputs.some((type) => type.shape.length > 0)) fail("uniform", "seed and step are scalars");
    return [f32(checkShape("uniform", attrs.shape))];
  },
  gradient: () => [undefined, undefined],
  evaluate: (inputs, _types, _outputs, attrs) => [
    draw(elements(attrs.shape), element(at(inputs, 0), 0), element(at(inputs, 1), 0), attrs.place),
  ],
};
