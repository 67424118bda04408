// Reads the committed reference values of this folder. In: a twin's name. Out: plain typed arrays and records.
// The safetensors reader here is its own, so that a fault in the runtime's cannot hide behind itself.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A tensor of a safetensors file: row-major f32. */
export interface ReferenceTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type TwinName = "gpt" | "llama";

/** `twins.json`: what both twins share, and each one's own results. Steps are counted from 0 here. */
export interface Twins {
  readonly dim: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly layers: number;
  /** Rows of each micro-batch; they add to the rows of a batch. */
  readonly microBatches: readonly number[];
  readonly steps: number;
  readonly warmup: number;
  readonly peak: number;
  readonly floor: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Learning rate of each step. */
  readonly rates: readonly number[];
  /** [step][row]: so many targets at the row's start have weight 0; all others weight 1. */
  readonly unpredicted: readonly (readonly number[])[];
  /** [step][row][context + 1]: token ids; position i predicts i + 1. */
  readonly batches: readonly (readonly (readonly number[])[])[];
  readonly twins: Readonly<Record<TwinName, TwinResult>>;
}

export interface TwinResult {
  /** Which parameters decay: those of two or more dimensions, or all. */
  readonly decay: "matrices" | "all";
  readonly clip: number;
  /** Mean over the predicted tokens of the whole step, in nats, before the step's update. */
  readonly losses: readonly number[];
  /** Global norm of the gradient before clipping. */
  readonly gradientNorms: readonly number[];
}

/** A file of this folder, as a path. */
export function referencePath(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

export function loadTwins(): Twins {
  return JSON.parse(readFileSync(referencePath("twins.json"), "utf8")) as Twins;
}

/** The weights before step 1, or every parameter's gradient (unclipped, of the step's mean loss) at step 1 or 20, counted from 1. */
export function loadTwinTensors(name: TwinName, what: "weights" | "gradient-1" | "gradient-20"): Map<string, ReferenceTensor> {
  return readSafetensors(referencePath(`${name}-${what}.safetensors`));
}

/** One micro-batch of a step: `ids` [rows, context + 1], `weights` [rows, context] (1 where position i + 1 is predicted, else 0). */
export interface MicroBatch {
  readonly rows: number;
  readonly ids: Uint32Array;
  readonly weights: Float32Array;
}

/**
 * The micro-batches of a step (from 0). With `padTo`, each is filled up to so many rows by a copy of its first row with weight 0,
 * for programs compiled at one batch size.
 */
export function microBatches(twins: Twins, step: number, padTo = 0): MicroBatch[] {
  const rows = twins.batches[step];
  const skips = twins.unpredicted[step];
  if (rows === undefined || skips === undefined) throw new RangeError(`step ${step} of ${twins.steps}`);
  let first = 0;
  return twins.microBatches.map((count) => {
    const total = Math.max(count, padTo);
    const ids = new Uint32Array(total * (twins.context + 1));
    const weights = new Float32Array(total * twins.context);
    for (let r = 0; r < total; r++) {
      const real = r < count;
      const row = first + (real ? r : 0);
      ids.set(rows[row] ?? [], r * (twins.context + 1));
      if (real) weights.fill(1, r * twins.context + (skips[row] ?? 0), (r + 1) * twins.context);
    }
    first += count;
    return { rows: total, ids, weights };
  });
}

/** ‖a − b‖ / ‖b‖ in f64. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers against ${b.length}`);
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    difference += (x - y) * (x - y);
    size += y * y;
  }
  return Math.sqrt(difference / size);
}

/** Published and own Philox-4x32-10 vectors: [counter of 4 words, key of 2, result of 4]. */
export function loadPhilox(): Readonly<Record<"published" | "more", readonly (readonly [number[], number[], number[]])[]>> {
  return JSON.parse(readFileSync(referencePath("philox.json"), "utf8"));
}

/** A file of the optional data folder beside the repository, or undefined where it is absent: the test then skips, loudly. */
export function sharedData(file: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/data/${file}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** `stories260K-golden.json` of the data folder. */
export interface StoriesGolden {
  readonly greedyFromBOS: readonly number[];
  readonly expectedText: string;
  /** Logits at positions 0 to 2 of `greedyFromBOS`. */
  readonly logitsFirst3: readonly (readonly number[])[];
  readonly minTop2Gap: number;
}

export function loadStoriesGolden(path: string): StoriesGolden {
  return JSON.parse(readFileSync(path, "utf8")) as StoriesGolden;
}

/** Header of 8 bytes of length and JSON, then the tensors: https://github.com/huggingface/safetensors. Only F32 is read. */
export function readSafetensors(path: string): Map<string, ReferenceTensor> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<
    string,
    { readonly dtype: string; readonly shape: readonly number[]; readonly data_offsets: readonly [number, number] }
  >;
  const out = new Map<string, ReferenceTensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (dtype !== "F32") throw new TypeError(`${path}: ${name} is ${dtype}`);
    // copied, since a Float32Array needs an offset that 4 divides
    const bytes = Uint8Array.from(file.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]));
    out.set(name, { shape, data: new Float32Array(bytes.buffer) });
  }
  return out;
}
