// The checked program: names resolved, settings evaluated, blocks inlined, repeats unrolled, branches chosen. What is left symbolic are the
// dimensions that vary by use: B (rows of a batch), T (tokens of a row) and the other capital letters of a forward's signature.
// `passes/lower.ts` gives those numbers; nothing after this file knows the syntax tree.

import type { Span } from "../../grammar/source.js";
import type { DataSpec, Init, Schedule, SequenceSpec, TokenizerSpec } from "../../runtime/artifact.js";
import type { BinaryOp, UnaryOp } from "../ir/graph.js";
import type { CompositeOp } from "../ops/composite.js";
import type { Dim } from "./dims.js";

/** A program after checking: its sections by name, every setting with its default filled in. */
export interface Model {
  readonly tokenizers: ReadonlyMap<string, Tokenizer>;
  readonly data: ReadonlyMap<string, DataSpec>;
  readonly sequences: ReadonlyMap<string, SequenceSpec>;
  readonly networks: ReadonlyMap<string, Network>;
  readonly trainings: ReadonlyMap<string, Training>;
  readonly samplers: ReadonlyMap<string, Sampler>;
  /** The source closure and `--set` lines, as a run stores them. */
  readonly files: ReadonlyMap<string, string>;
}

/** A vocabulary that is built: what encodes it, and how many ids there are, reserved ones included. */
export interface Tokenizer {
  readonly name: string;
  readonly spec: TokenizerSpec;
  readonly vocabSize: number;
}

/** A `model` section. */
export interface Network {
  readonly name: string;
  readonly contextLength: number;
  readonly parameters: readonly Parameter[];
  readonly forward: Forward;
  readonly weights?: Weights;
  readonly span: Span;
}

/** `weights = load(path, …)`: where parameters come from when not trained in this run. */
export interface Weights {
  readonly path: string;
  readonly prefix: string;
  readonly ignore: readonly string[];
  readonly fresh: readonly string[];
  readonly rename: Readonly<Record<string, string>>;
  readonly span: Span;
}

/** A parameter by its path, with its shape and what it starts from. */
export interface Parameter {
  /** Unique in its network: the path of bindings, as checkpoints store it. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
  readonly span: Span;
}

/** Straight-line equations in order; a value is an index into `equations` and, for several results, which. */
export interface Forward {
  readonly equations: readonly AnyEquation[];
  readonly results: readonly EquationValue[];
  /** Dimension names left symbolic. */
  readonly dims: readonly string[];
  /** The stream of the sequence's tokens, an input equation of role "tokens". */
  readonly tokens: EquationValue | undefined;
}

export type EquationValue = number;

/** A number known at compile time stays an exact `Dim`; floats are plain numbers. */
export interface SymbolicType {
  /** `token`: u32 ids of `vocabulary`. `int`: u32 facts. */
  readonly element: "float" | "token" | "int";
  readonly vocabulary?: string;
  readonly shape: readonly Dim[];
}

type None = Readonly<Record<string, never>>;

/** The primitives of the language, as `std.elm` and users' blocks call them; comment: inputs → result. */
export type EquationAttrs = { readonly [K in UnaryOp | CompositeOp | BinaryOp | "gt" | "ge" | "ne"]: None } & {
  readonly input: { readonly name: string; readonly role: "tokens" | "field" | "tensor" };
  /** (tokens) → int [B, T] */
  readonly fact: { readonly fact: "position" | "row" | "column" | "predicted" | "segment" };
  readonly parameter: { readonly name: string };
  /** → [shape], all of one value. A number in an equation is a `fill` of shape []. */
  readonly fill: { readonly value: number; readonly shape: readonly Dim[] };
  readonly literal: { readonly values: readonly number[]; readonly shape: readonly Dim[] };
  readonly range: { readonly n: Dim };
  /** (int | token | float) → float */
  readonly float: None;
  readonly where: None;
  readonly leaky_relu: { readonly slope: number };
  readonly softmax: { readonly axis: number };
  readonly log_softmax: { readonly axis: number };
  readonly sum: { readonly axes: readonly number[]; readonly keep: boolean };
  readonly mean: { readonly axes: readonly number[]; readonly keep: boolean };
  readonly amax: { readonly axes: readonly number[]; readonly keep: boolean };
  readonly amin: { readonly axes: readonly number[]; readonly keep: boolean };
  readonly reshape: { readonly shape: readonly Dim[] };
  readonly transpose: { readonly order: readonly number[] };
  readonly broadcast: { readonly shape: readonly Dim[] };
  readonly slice: { readonly starts: readonly Dim[]; readonly stops: readonly Dim[] };
  readonly concat: { readonly axis: number };
  /** (a [..., M, K], b [..., K, N] or [K, N]) → [..., M, N] */
  readonly matmul: None;
  /** (table [V, ...D], ids int|token [...I]) → [...I, ...D] */
  readonly gather: None;
  /** (x [B, T, H, D], cos [B, T, P], sin [B, T, P]) → x's */
  readonly rotate: { readonly pairs: "halves" | "adjacent" };
  /** (q [B, T, H, D], k [B, T, G, D], v [B, T, G, E], order int|float [B, T] if `ordered`) → [B, T, H, E]; scale 1/√D unless given. */
  readonly attention: { readonly causal: boolean; readonly ordered: boolean; readonly window: number; readonly scale: number };
  readonly dropout: { readonly rate: number };
  readonly detach: None;
  readonly cross_entropy: None;
};

export type EquationOp = keyof EquationAttrs;

export interface Equation<K extends EquationOp = EquationOp> {
  readonly op: K;
  readonly inputs: readonly EquationValue[];
  readonly attrs: EquationAttrs[K];
  readonly type: SymbolicType;
  readonly span: Span;
  /** The user's binding it computes, for `--emit model` and hover: `decoder_layer.q`. */
  readonly binding?: string;
}

export type AnyEquation = { readonly [K in EquationOp]: Equation<K> }[EquationOp];

/** A `training` section. */
export interface Training {
  readonly name: string;
  readonly network: string;
  readonly sequence: string;
  readonly data: string;
  readonly objective: "next_token";
  readonly batchSize: number;
  readonly accumulate: number;
  readonly maxSteps: number;
  readonly optimizer: {
    readonly kind: "adamw";
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weightDecay: number;
    readonly decay: "matrices" | "all";
  };
  readonly learningRate: Schedule;
  readonly clipNorm?: number;
  readonly ema?: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  readonly seed: number;
  readonly span: Span;
}

/** A `sampler` section. */
export interface Sampler {
  readonly name: string;
  readonly network: string;
  readonly sequence: string;
  readonly given: Readonly<Record<string, string>>;
  readonly temperature: number;
  /** 0: off. */
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly maxNewTokens: number;
  readonly span: Span;
}
