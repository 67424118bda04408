// Two artifacts written by hand, small enough to be followed on paper: a unigram model that trains with Adam, and a "model" whose next token is a sum over
// its cache, so that every mistake of positions, prompts or refills changes the text.

import { ARENA, type Artifact, type Program, type SequenceSpec, type Slice, type TensorSpec, UPLOAD } from "../../runtime/artifact.js";

const slice = (buffer: number, offset: number, bytes: number): Slice => ({ buffer, offset, bytes });

export const passage: SequenceSpec = {
  name: "passage",
  vocabulary: "chars",
  fields: [{ name: "text", tokenizer: "chars", list: false }],
  tokens: [{ kind: "predict", parts: [{ kind: "field", name: "text" }], weight: 1 }],
  rows: "window",
};

// --- the unigram model ---

const V = 5;
const B = 2;
const T = 4;

const scalars = "struct Scalars { rate: f32, c1: f32, c2: f32, scale: f32, keep: f32 }";

const gradient = `${scalars}
@group(0) @binding(0) var<storage, read_write> s: Scalars;
@group(0) @binding(1) var<storage, read_write> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> logits: array<f32>;
@group(0) @binding(4) var<storage, read_write> grad: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;
@compute @workgroup_size(1) fn main() {
  var z = 0.0;
  for (var i = 0u; i < ${V}u; i++) { z += exp(logits[i]); grad[i] *= s.keep; }
  var sum = 0.0;
  for (var j = 0u; j < ${B * T}u; j++) {
    let w = weights[j] * s.scale;
    sum += w * (log(z) - logits[targets[j]]);
    for (var i = 0u; i < ${V}u; i++) { grad[i] += w * (exp(logits[i]) / z - select(0.0, 1.0, i == targets[j])); }
  }
  loss[0] = sum;
}`;

const update = `${scalars}
@group(0) @binding(0) var<storage, read_write> s: Scalars;
@group(0) @binding(1) var<storage, read_write> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;
@group(0) @binding(5) var<storage, read_write> ema: array<f32>;
@group(0) @binding(6) var<storage, read_write> norm: array<f32>;
@compute @workgroup_size(1) fn main() {
  var n = 0.0;
  for (var i = 0u; i < ${V}u; i++) {
    let g = grad[i];
    n += g * g;
    m[i] = 0.9 * m[i] + 0.1 * g;
    v[i] = 0.99 * v[i] + 0.01 * g * g;
    logits[i] -= s.rate * m[i] * s.c1 / (sqrt(v[i] * s.c2) + 1e-8);
    ema[i] = 0.5 * ema[i] + 0.5 * logits[i];
  }
  norm[0] = sqrt(n);
}`;

const evaluateShader = `@group(0) @binding(0) var<storage, read_write> targets: array<u32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;
@compute @workgroup_size(1) fn main() {
  var z = 0.0;
  for (var i = 0u; i < ${V}u; i++) { z += exp(logits[i]); }
  var sum = 0.0;
  for (var j = 0u; j < ${B * T}u; j++) { sum += weights[j] * (log(z) - logits[targets[j]]); }
  loss[0] = sum;
}`;

const state = (name: string, role: TensorSpec["role"], buffer: number, extra: Partial<TensorSpec> = {}): TensorSpec => ({
  name,
  role,
  dtype: "f32",
  shape: [V],
  buffer,
  offset: 0,
  ...extra,
});
const whole = (buffer: number) => slice(buffer, 0, 4 * V);
const rows = [
  { name: "tokens", dtype: "u32", shape: [B, T], offset: 256 },
  { name: "targets", dtype: "u32", shape: [B, T], offset: 512 },
  { name: "weights", dtype: "f32", shape: [B, T], offset: 768 },
] as const;
const allScalars = ["learning_rate", "adam.correction1", "adam.correction2", "loss_scale", "accumulate.keep"].map((name, i) => ({
  name,
  dtype: "f32" as const,
  offset: 4 * i,
}));
const output = (name: string, offset: number, source: Slice) => ({ name, dtype: "f32" as const, shape: [], source, offset });
const gradientStep = {
  kind: "dispatch",
  shader: 0,
  immediates: [],
  grid: [1, 1, 1],
  label: "gradient",
  bindings: [slice(UPLOAD, 0, 20), slice(UPLOAD, 512, 32), slice(UPLOAD, 768, 32), whole(0), whole(4), slice(ARENA, 0, 4)],
} as const;
const updateStep = {
  kind: "dispatch",
  shader: 1,
  immediates: [],
  grid: [1, 1, 1],
  label: "update",
  bindings: [slice(UPLOAD, 0, 20), whole(4), whole(0), whole(1), whole(2), whole(3), slice(ARENA, 256, 4)],
} as const;
const loss = output("loss", 0, slice(ARENA, 0, 4));
const norm = (offset: number) => output("gradient_norm", offset, slice(ARENA, 256, 4));
const base = { uploadBytes: 1024, arenaBytes: 512, scalars: allScalars, inputs: rows };

/** A unigram model over five letters. `accumulate` > 1: micro-batches and an update of their own. */
export function unigram(
  options: { readonly accumulate?: number; readonly evaluateEvery?: number; readonly checkpointEvery?: number } = {},
): Artifact {
  const accumulate = options.accumulate ?? 1;
  const programs: Record<string, Program> = {
    step: { ...base, readbackBytes: 8, outputs: [loss, norm(4)], steps: [gradientStep, updateStep] },
    micro: { ...base, readbackBytes: 4, outputs: [loss], steps: [gradientStep] },
    update: { ...base, scalars: allScalars.slice(0, 4), inputs: [], readbackBytes: 4, outputs: [norm(0)], steps: [updateStep] },
    evaluate: {
      ...base,
      scalars: [],
      readbackBytes: 4,
      outputs: [output("loss_sum", 0, slice(ARENA, 0, 4))],
      steps: [
        {
          kind: "dispatch",
          shader: 2,
          immediates: [],
          grid: [1, 1, 1],
          label: "evaluate",
          bindings: [slice(UPLOAD, 512, 32), slice(UPLOAD, 768, 32), whole(0), slice(ARENA, 0, 4)],
        },
      ],
    },
  };
  return {
    format: "ulmus",
    version: 1,
    buffers: ["logits", "m", "v", "ema", "gradient"].map((name) => ({ name, bytes: 256 })),
    tensors: [
      state("logits", "parameter", 0, { init: { kind: "normal", std: 0.02 } }),
      state("adam.m/logits", "moment", 1, { parameter: "logits" }),
      state("adam.v/logits", "moment", 2, { parameter: "logits" }),
      state("ema/logits", "ema", 3, { parameter: "logits" }),
      state("gradient/logits", "gradient", 4, { parameter: "logits" }),
    ],
    programs,
    shaders: [gradient, update, evaluateShader],
    tokenizers: { chars: { kind: "char", alphabet: [..."abcde"], specials: [] } },
    sequences: { passage },
    data: {
      letters: {
        name: "letters",
        source: { kind: "text", paths: ["letters.txt"] },
        base: "",
        split: { train: 0.8, val: 0.2 },
        field: "text",
      },
    },
    trainings: {
      training: {
        name: "training",
        model: "unigram",
        sequence: "passage",
        data: "letters",
        batchSize: B,
        accumulate,
        contextLength: T,
        maxSteps: 40,
        learningRate: { kind: "cosine", peak: 0.2, floor: 0.02, warmup: 4, steps: 40 },
        betas: [0.9, 0.99],
        ema: 0.5,
        evaluateEvery: options.evaluateEvery ?? 0,
        checkpointEvery: options.checkpointEvery ?? 0,
        seed: 3,
        programs: accumulate === 1 ? { step: "step", evaluate: "evaluate" } : { micro: "micro", update: "update", evaluate: "evaluate" },
      },
    },
    samplers: {},
  };
}

// --- the summing model ---

export const LETTERS = 8;
export const STOP = 8;
export const LANES = 3;
export const CONTEXT = 10;
const CHUNK = 3;

const prefill = `@group(0) @binding(0) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(1) var<storage, read_write> position: array<u32>;
@group(0) @binding(2) var<storage, read_write> cache: array<f32>;
@compute @workgroup_size(1) fn main() {
  for (var i = 0u; i < ${LANES * CHUNK}u; i++) {
    if (position[i] < ${CONTEXT}u) { cache[i / ${CHUNK}u * ${CONTEXT}u + position[i]] = f32(tokens[i]); }
  }
}`;

const decode = `@group(0) @binding(0) var<storage, read_write> seed: array<u32>;
@group(0) @binding(1) var<storage, read_write> allowed: array<u32>;
@group(0) @binding(2) var<storage, read_write> settings: array<f32>;
@group(0) @binding(3) var<storage, read_write> lane: array<u32>;
@group(0) @binding(4) var<storage, read_write> st: array<u32>;
@group(0) @binding(5) var<storage, read_write> cache: array<f32>;
@group(0) @binding(6) var<storage, read_write> counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> history: array<u32>;
@compute @workgroup_size(1) fn main() {
  for (var l = 0u; l < ${LANES}u; l++) {
    let p = st[64u + l];
    if (p < ${CONTEXT}u) { cache[l * ${CONTEXT}u + p] = f32(st[l]); }
    var sum = seed[0] + 5u * lane[l] + 3u * st[128u + l] + u32(settings[l * 5u]);
    for (var j = 0u; j <= p && j < ${CONTEXT}u; j++) { sum += (j + 1u) * u32(cache[l * ${CONTEXT}u + j]); }
    var id = sum % ${LETTERS + 1}u;
    while (((allowed[0] >> id) & 1u) == 0u) { id = (id + 1u) % ${LETTERS + 1}u; }
    counts[l * ${LETTERS + 1}u + id] += 1u;
    if (p < ${CONTEXT}u) { history[l * ${CONTEXT + 1}u + p + 1u] = id; }
    st[l] = id; st[64u + l] = p + 1u; st[128u + l] += 1u;
  }
}`;

/** A sampler over eight letters and a stop; with `stops`, the sequence ends in it. */
export function summing(
  options: { readonly stops?: boolean; readonly rows?: SequenceSpec["rows"]; readonly maxNewTokens?: number } = {},
): Artifact {
  const predicted = [
    { kind: "field", name: "text" } as const,
    ...(options.stops === true ? [{ kind: "special", name: "eos", id: STOP } as const] : []),
  ];
  const counter = (name: string, offset: number, buffer: number, shape: readonly number[]): TensorSpec => ({
    name: `decode.${name}`,
    role: "counter",
    dtype: "u32",
    shape,
    buffer,
    offset,
  });
  return {
    format: "ulmus",
    version: 1,
    buffers: [
      { name: "state", bytes: 1024 },
      { name: "cache", bytes: 256 },
      { name: "counts", bytes: 256 },
      { name: "history", bytes: 256 },
    ],
    tensors: [
      counter("token", 0, 0, [LANES]),
      counter("position", 256, 0, [LANES]),
      counter("draw", 512, 0, [LANES]),
      counter("counts", 0, 2, [LANES, LETTERS + 1]),
      counter("history", 0, 3, [LANES, CONTEXT + 1]),
      { name: "cache.0.k", role: "cache", dtype: "f32", shape: [LANES, CONTEXT], buffer: 1, offset: 0 },
    ],
    programs: {
      prefill: {
        uploadBytes: 512 + 4 * LANES * CHUNK,
        scalars: [],
        readbackBytes: 0,
        outputs: [],
        arenaBytes: 0,
        inputs: [
          { name: "tokens", dtype: "u32", shape: [LANES, CHUNK], offset: 256 },
          { name: "position", dtype: "u32", shape: [LANES, CHUNK], offset: 512 },
        ],
        steps: [
          {
            kind: "dispatch",
            shader: 0,
            immediates: [],
            grid: [1, 1, 1],
            label: "prefill",
            bindings: [slice(UPLOAD, 256, 36), slice(UPLOAD, 512, 36), slice(1, 0, 4 * LANES * CONTEXT)],
          },
        ],
      },
      decode: {
        uploadBytes: 1024,
        scalars: [{ name: "seed", dtype: "u32", offset: 0 }],
        readbackBytes: 0,
        outputs: [],
        arenaBytes: 0,
        inputs: [
          { name: "settings", dtype: "f32", shape: [LANES, 5], offset: 256 },
          { name: "lane", dtype: "u32", shape: [LANES], offset: 512 },
          { name: "allowed", dtype: "u32", shape: [1], offset: 768 },
        ],
        steps: [
          {
            kind: "dispatch",
            shader: 1,
            immediates: [],
            grid: [1, 1, 1],
            label: "decode",
            bindings: [
              slice(UPLOAD, 0, 4),
              slice(UPLOAD, 768, 4),
              slice(UPLOAD, 256, 60),
              slice(UPLOAD, 512, 12),
              slice(0, 0, 1024),
              slice(1, 0, 4 * LANES * CONTEXT),
              slice(2, 0, 4 * LANES * (LETTERS + 1)),
              slice(3, 0, 4 * LANES * (CONTEXT + 1)),
            ],
          },
        ],
      },
    },
    shaders: [prefill, decode],
    tokenizers: { chars: { kind: "char", alphabet: [..."abcdefgh"], specials: ["eos"] } },
    sequences: { passage: { ...passage, tokens: [{ kind: "predict", parts: predicted, weight: 1 }], rows: options.rows ?? "window" } },
    data: {},
    trainings: {},
    samplers: {
      writer: {
        name: "writer",
        model: "m",
        sequence: "passage",
        given: { text: "a" },
        contextLength: CONTEXT,
        temperature: 1,
        topK: 0,
        topP: 1,
        minP: 0,
        repetitionPenalty: 1,
        maxNewTokens: options.maxNewTokens ?? 25,
        lanes: LANES,
        chunk: CHUNK,
        programs: { prefill: "prefill", decode: "decode" },
      },
    },
  };
}

/** What `summing` draws as sample `index`, one token at a time on the host. */
export function expectedDraws(
  prompt: readonly number[],
  index: number,
  count: number,
  options: { readonly seed: number; readonly stops?: boolean; readonly temperature?: number },
): number[] {
  const ids = [...prompt];
  let base = Math.max(0, ids.length - CONTEXT);
  for (let draw = 0; draw < count; draw++) {
    if (ids.length - base > CONTEXT) base = ids.length - CONTEXT / 2;
    let sum = options.seed + 5 * index + 3 * draw + (options.temperature ?? 1);
    for (let j = base; j < ids.length; j++) sum += (j - base + 1) * (ids[j] ?? 0);
    let id = sum % (LETTERS + 1);
    if (id === STOP && options.stops !== true) id = 0;
    if (id === STOP) break;
    ids.push(id);
  }
  return ids.slice(prompt.length);
}
