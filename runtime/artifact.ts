// The seam: what the compiler writes and the runtime reads. JSON and WGSL text, versioned, owned by the reader. It holds everything an app needs
// to run programs (weights travel beside it as safetensors) and nothing that needs a parser or a compiler.

/** The one version that this runtime reads. */
export const ARTIFACT_VERSION = 1;

/** Programs with all that they need but weights, as JSON. */
export interface Artifact {
  readonly format: "ulmus";
  readonly version: typeof ARTIFACT_VERSION;
  /** Persistent device buffers; every tensor lies in one. */
  readonly buffers: readonly BufferSpec[];
  /** Parameters and other state by name. */
  readonly tensors: readonly TensorSpec[];
  readonly programs: Readonly<Record<string, Program>>;
  /** WGSL texts; equal kernels share one. */
  readonly shaders: readonly string[];
  readonly tokenizers: Readonly<Record<string, TokenizerSpec>>;
  readonly sequences: Readonly<Record<string, SequenceSpec>>;
  readonly data: Readonly<Record<string, DataSpec>>;
  readonly trainings: Readonly<Record<string, TrainingSpec>>;
  readonly samplers: Readonly<Record<string, SamplerSpec>>;
}

export type DType = "f32" | "u32";

export interface BufferSpec {
  readonly name: string;
  readonly bytes: number;
}

/** `parameter`: trained; `moment`: the optimizer's; `gradient`: kept across micro-batches; `cache`, `counter`: of decoding. */
export type Role = "parameter" | "moment" | "ema" | "gradient" | "cache" | "counter";

/** A persistent tensor and where it lies. */
export interface TensorSpec {
  /** A parameter's path (`layers.0.attention.wq.weight`); a state's name (`adam.m/…`). A tensor cut for the binding limit has one spec a piece. */
  readonly name: string;
  readonly role: Role;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Index into `buffers`, byte offset in it. */
  readonly buffer: number;
  readonly offset: number;
  /** How a fresh one starts; absent: zeros. */
  readonly init?: Init;
  /** A piece of a larger tensor: rows [first, first + shape[0]) of `of`, whose whole shape is `whole`. */
  readonly piece?: { readonly of: string; readonly first: number; readonly whole: readonly number[] };
  /** Of the EMA copy, moment or gradient: the parameter it belongs to. */
  readonly parameter?: string;
}

/** `normal`: mean 0, standard deviation `std`. `uniform`: in [−bound, bound). Values come from Philox keyed by seed and the tensor's name. */
export type Init =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "uniform"; readonly bound: number };

/** A step list over a static arena: what one submission runs. */
export interface Program {
  /** Uploaded as one block at the start of the run: scalars first, then inputs at 256-byte offsets. */
  readonly uploadBytes: number;
  readonly scalars: readonly { readonly name: string; readonly dtype: DType; readonly offset: number }[];
  readonly inputs: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[]; readonly offset: number }[];
  /** Copied out at the end of the run as one block. */
  readonly readbackBytes: number;
  readonly outputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly source: Slice;
    readonly offset: number;
  }[];
  readonly arenaBytes: number;
  readonly steps: readonly Step[];
}

/** A range of a buffer: `buffer` ≥ 0 is persistent, −1 the program's upload block, −2 its arena. */
export interface Slice {
  readonly buffer: number;
  readonly offset: number;
  readonly bytes: number;
}

/** `Slice.buffer` of the program's upload block. */
export const UPLOAD = -1;
/** `Slice.buffer` of the arena. */
export const ARENA = -2;

/** A dispatch, or a copy of bytes. */
export type Step =
  | {
      readonly kind: "dispatch";
      /** Index into `Artifact.shaders`. */
      readonly shader: number;
      readonly bindings: readonly Slice[];
      /** Up to 16 u32 words. */
      readonly immediates: readonly number[];
      readonly grid: readonly [number, number, number];
      /** `gemm`, `rows`, …, and where in the `.elm` it comes from. */
      readonly label: string;
      readonly origin?: string;
    }
  | { readonly kind: "copy"; readonly from: Slice; readonly to: Slice; readonly label: string };

// --- the program's data: what the runtime needs to make tokens, rows and samples ---

/** A tokenizer as data; ids are numbered from 0, specials last. */
export type TokenizerSpec =
  /** One token a code point; `alphabet[id]` is its character. */
  | { readonly kind: "char"; readonly alphabet: readonly string[]; readonly specials: readonly string[] }
  /** UTF-8 bytes, ids 0 to 255. */
  | { readonly kind: "byte"; readonly specials: readonly string[] }
  | { readonly kind: "label"; readonly names: readonly string[]; readonly specials: readonly string[] }
  /** Members take consecutive ids from `offsets[i]`; `specials` name ids of the whole. */
  | {
      readonly kind: "union";
      readonly members: readonly string[];
      readonly offsets: readonly number[];
      readonly specials: Readonly<Record<string, number>>;
      readonly vocabSize: number;
    };

/** A sequence as data; one evaluator (`sequences.ts`) makes training rows, prompts, facts and legal ids from it. */
export interface SequenceSpec {
  readonly name: string;
  /** The vocabulary's tokenizer. */
  readonly vocabulary: string;
  readonly fields: readonly { readonly name: string; readonly tokenizer: string; readonly list: boolean }[];
  readonly tokens: readonly PatternPart[];
  readonly rows: "one" | "packed" | "window" | "stream";
  readonly shorten?: string;
}

export type PatternPart =
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "special"; readonly name: string; readonly id: number }
  | { readonly kind: "text"; readonly text: string; readonly tokenizer: string }
  | { readonly kind: "predict"; readonly parts: readonly PatternPart[]; readonly weight: number }
  | { readonly kind: "drop"; readonly parts: readonly PatternPart[]; readonly to: readonly PatternPart[]; readonly rate: number }
  | { readonly kind: "oneOf"; readonly alternatives: readonly PatternPart[] };

export interface DataSpec {
  readonly name: string;
  /** `text`: one long text of one or more files. Paths are as written, resolved by the host against the `.elm` file's folder (`base`). */
  readonly source: { readonly kind: "text"; readonly paths: readonly string[] };
  readonly base: string;
  /** Shares in order, adding to 1: `{ train: 0.9, val: 0.1 }`. Empty: all of it is `train`. */
  readonly split: Readonly<Record<string, number>>;
  /** The text becomes this field of each example. */
  readonly field: string;
}

export type Schedule =
  | { readonly kind: "constant"; readonly value: number; readonly warmup: number }
  /** Linear warm-up over `warmup` steps, cosine from peak to floor at step `steps`, floor after. */
  | { readonly kind: "cosine"; readonly peak: number; readonly floor: number; readonly warmup: number; readonly steps: number }
  | { readonly kind: "linear"; readonly peak: number; readonly floor: number; readonly warmup: number; readonly steps: number };

/** What the trainer needs of a `training` section. */
export interface TrainingSpec {
  readonly name: string;
  readonly model: string;
  readonly sequence: string;
  readonly data: string;
  readonly batchSize: number;
  readonly accumulate: number;
  readonly contextLength: number;
  readonly maxSteps: number;
  readonly learningRate: Schedule;
  readonly betas: readonly [number, number];
  readonly ema?: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  readonly seed: number;
  /** Programs: `step` does forward, backward and update; with accumulation `micro` adds gradients and `update` applies them. `evaluate` sums losses. */
  readonly programs: { readonly step?: string; readonly micro?: string; readonly update?: string; readonly evaluate: string };
}

/** What the generator needs of a `sampler` section; filters that are off are 0, `topP` and `repetitionPenalty` 1. */
export interface SamplerSpec {
  readonly name: string;
  readonly model: string;
  readonly sequence: string;
  readonly given: Readonly<Record<string, string>>;
  readonly contextLength: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly maxNewTokens: number;
  /** Lanes of the compiled programs. `prefill` reads `chunk` rows a run into the caches; `decode` reads one and draws the next. */
  readonly lanes: number;
  readonly chunk: number;
  readonly programs: { readonly prefill: string; readonly decode: string; readonly forward?: string };
}
