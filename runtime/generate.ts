// In: an executable with a sampler's programs, given fields, a seed. Out: samples, their text streamed as it is drawn. Each lane reads its prompt into its
// cache (`prefill`), then `decode` draws token after token on the device, many in one submission; the host only reads them back in batches.
// Sample i depends on the seed, i and the fields, not on what is drawn beside it.

import type { Program, SamplerSpec } from "./artifact.js";
import type { Executable, UploadValues } from "./executable.js";
import { openSequence, type Prompt, type Sequence, SequenceError } from "./sequences.js";
import { openTokenizers, type StreamDecoder } from "./tokenizers/index.js";

/** What is drawn, how, and who is told. */
export interface GenerateOptions {
  /** Samples; 1 unless given. */
  readonly count?: number;
  /** A whole number below 2³²; 0 unless given. */
  readonly seed?: number;
  /** At least 0, instead of the sampler's setting, as all that follow; 0 takes the likeliest token. */
  readonly temperature?: number;
  /** A whole number; 0: all. */
  readonly topK?: number;
  /** From 0 to 1. */
  readonly topP?: number;
  readonly minP?: number;
  /** Above 0; 1: none. */
  readonly repetitionPenalty?: number;
  /** A whole number, or `Infinity`: an endless sequence then goes on until `signal`. */
  readonly maxNewTokens?: number;
  /** Whole characters of sample `index` as they come in, without the prompt. */
  readonly onText?: (text: string, index: number) => void;
  /** Ids as they come in. */
  readonly onTokens?: (ids: readonly number[], index: number) => void;
  readonly signal?: AbortSignal;
}

/** One drawn sample. */
export interface Sample {
  readonly index: number;
  readonly prompt: readonly number[];
  /** Drawn ids, without the stop. */
  readonly ids: readonly number[];
  /** The drawn text, without the prompt. */
  readonly text: string;
  /** `stop`: its special was drawn. `length`: `max_new_tokens`. `context`: the context is full and the sequence is not of endless text. */
  readonly reason: "stop" | "length" | "context" | "aborted";
}

/** All samples of a call, in order. */
export interface Generated {
  readonly samples: readonly Sample[];
  /** Tokens drawn, and seconds it took with reading the prompts. */
  readonly tokens: number;
  readonly seconds: number;
}

/** Position of rows that are not there: writes to it are dropped. */
const PADDING = 0xffffffff;
/** A submission should take about this long: text flows, and no driver's watchdog wakes. */
const SUBMISSION_SECONDS = 0.1;
const MOST_REPEATS = 64;

/**
 * Draws samples. Fields in `given` go before the sampler's own. Where a context is full, sequences with `rows = window` or `stream` go on: the last half
 * of the context is read anew as a prompt, other lanes waiting; of other sequences the sample ends there. A longer prompt than the context is cut at
 * its front for the former and an error for the latter. Throws `SequenceError`, `EncodeError`, `DeviceLostError`, and `RangeError` for an option out of
 * range. Caches and counters are the executable's own, so one call at a time: another meanwhile throws.
 */
export async function generate(
  executable: Executable,
  sampler: string,
  given: Readonly<Record<string, string>> = {},
  options: GenerateOptions = {},
): Promise<Generated> {
  const { artifact } = executable;
  const spec = artifact.samplers[sampler];
  if (spec === undefined) throw new Error(`The artifact has no sampler "${sampler}"; it has ${Object.keys(artifact.samplers).join(", ")}.`);
  const sequenceSpec = artifact.sequences[spec.sequence];
  if (sequenceSpec === undefined) throw new Error(`The artifact has no sequence "${spec.sequence}".`);
  const sequence = openSequence(sequenceSpec, openTokenizers(artifact.tokenizers));
  const prompt = sequence.prompt({ ...spec.given, ...given });
  const endless = sequenceSpec.rows === "window" || sequenceSpec.rows === "stream";
  if (prompt.ids.length > spec.contextLength && !endless) {
    throw new SequenceError(`The prompt has ${prompt.ids.length} tokens, but the context holds ${spec.contextLength}.`);
  }
  refuseOutOfRange(options);
  if (busy.has(executable)) throw new Error("This executable is drawing already: await that first, or open another one.");
  busy.add(executable);
  const started = performance.now();
  const count = options.count ?? 1;
  const samples: Sample[] = [];
  try {
    for (let first = 0; first < count; first += spec.lanes) {
      const lanes = Array.from({ length: spec.lanes }, (_, i) => newLane(first + i, prompt, sequence, first + i < count));
      await drawGroup({ executable, spec, prompt, endless, options, lanes });
      for (const lane of lanes) if (lane.index < count) samples.push(sampleOf(lane, prompt));
    }
  } finally {
    busy.delete(executable);
  }
  return { samples, tokens: samples.reduce((sum, sample) => sum + sample.ids.length, 0), seconds: (performance.now() - started) / 1000 };
}

/** Executables that draw at this moment. */
const busy = new WeakSet<Executable>();

/** A setting that the kernels would take for another: NaN, a negative temperature, a seed of more than 32 bits. */
function refuseOutOfRange(options: GenerateOptions): void {
  const demand = (name: keyof GenerateOptions, what: string, holds: (value: number) => boolean): void => {
    const value = options[name];
    if (typeof value === "number" && !holds(value)) throw new RangeError(`\`${name}\` is ${what}, not ${value}.`);
  };
  const whole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  demand("count", "a whole number", whole);
  demand("seed", "a whole number below 2³²", (value) => whole(value) && value < 2 ** 32);
  demand("temperature", "a number of at least 0", (value) => value >= 0);
  demand("topK", "a whole number", whole);
  demand("topP", "a number from 0 to 1", (value) => value >= 0 && value <= 1);
  demand("minP", "a number from 0 to 1", (value) => value >= 0 && value <= 1);
  demand("repetitionPenalty", "a number above 0", (value) => value > 0);
  demand("maxNewTokens", "a whole number", (value) => whole(value) || value === Number.POSITIVE_INFINITY);
}

interface Lane {
  readonly index: number;
  readonly ids: number[];
  readonly decoder: StreamDecoder;
  /** Place in `ids` of the context's first token. */
  base: number;
  /** Place in the context of the last token, which is read next. */
  position: number;
  drawn: number;
  text: string;
  reason: Sample["reason"] | undefined;
}

interface Group {
  readonly executable: Executable;
  readonly spec: SamplerSpec;
  readonly prompt: Prompt;
  readonly endless: boolean;
  readonly options: GenerateOptions;
  readonly lanes: readonly Lane[];
}

function newLane(index: number, prompt: Prompt, sequence: Sequence, wanted: boolean): Lane {
  return {
    index,
    ids: [...prompt.ids],
    decoder: sequence.vocabulary.decoder(),
    base: 0,
    position: 0,
    drawn: 0,
    text: "",
    reason: wanted ? undefined : "length",
  };
}

function sampleOf(lane: Lane, prompt: Prompt): Sample {
  return {
    index: lane.index,
    prompt: prompt.ids,
    ids: lane.ids.slice(prompt.ids.length),
    text: lane.text,
    reason: lane.reason ?? "aborted",
  };
}

async function drawGroup(group: Group): Promise<void> {
  const { executable, spec, lanes, options } = group;
  const { contextLength } = spec;
  const stopped = (): boolean => options.signal?.aborted === true;
  if (stopped()) return;
  const most = options.maxNewTokens ?? spec.maxNewTokens;
  const values = decodeValues(group);
  for (const lane of lanes) {
    if (most <= 0) lane.reason ??= "length";
    // The decoder has to know what stands before, in case the prompt ends inside a character; none of that is text of the sample.
    for (const id of lane.ids) lane.decoder.push(id);
    rebase(lane, Math.min(lane.ids.length, contextLength));
  }
  writeStart(group);
  await readPrompts(
    group,
    lanes.filter((lane) => lane.reason === undefined),
  );
  let repeats = 1;
  while (lanes.some((lane) => lane.reason === undefined)) {
    if (stopped()) return;
    await refill(group);
    const active = lanes.filter((lane) => lane.reason === undefined);
    if (active.length === 0) return;
    const room = Math.min(...lanes.map((lane) => contextLength - lane.position));
    const wanted = Math.max(...active.map((lane) => most - lane.drawn));
    const times = Math.min(repeats, room, wanted);
    const began = performance.now();
    executable.runMany(spec.programs.decode, times, values);
    const history = await executable.readTensor(stateName(executable, spec, "history"));
    const seconds = (performance.now() - began) / 1000 / times;
    repeats = Math.max(1, Math.min(MOST_REPEATS, Math.floor(SUBMISSION_SECONDS / seconds)));
    const width = history.length / lanes.length;
    for (const [i, lane] of lanes.entries()) {
      const from = i * width + lane.position + 1;
      take(group, lane, [...history.subarray(from, from + times)], most);
      lane.position += times;
    }
  }
}

/** Takes drawn ids until the stop or the budget. */
function take(group: Group, lane: Lane, ids: readonly number[], most: number): void {
  if (lane.reason !== undefined) return;
  const { prompt, options } = group;
  const fresh: number[] = [];
  let text = "";
  for (const id of ids) {
    if (id === prompt.stop) lane.reason = "stop";
    if (lane.reason !== undefined) break;
    lane.drawn += 1;
    lane.ids.push(id);
    fresh.push(id);
    text += lane.decoder.push(id);
    if (lane.drawn >= most) lane.reason = "length";
  }
  if (lane.reason !== undefined) text += lane.decoder.end();
  lane.text += text;
  if (fresh.length > 0) options.onTokens?.(fresh, lane.index);
  if (text !== "") options.onText?.(text, lane.index);
}

/** The context now holds the last `count` tokens. */
function rebase(lane: Lane, count: number): void {
  lane.base = lane.ids.length - count;
  lane.position = count - 1;
}

/** Makes room in lanes whose context is full. */
async function refill(group: Group): Promise<void> {
  const { spec, lanes, endless } = group;
  const full = lanes.filter((lane) => lane.position >= spec.contextLength);
  if (full.length === 0) return;
  const again: Lane[] = [];
  for (const lane of full) {
    if (lane.reason === undefined && !endless) {
      lane.reason = "context";
      const rest = lane.decoder.end();
      lane.text += rest;
      if (rest !== "") group.options.onText?.(rest, lane.index);
    }
    if (lane.reason === undefined) {
      rebase(lane, Math.max(1, Math.floor(spec.contextLength / 2)));
      again.push(lane);
    } else {
      lane.position = 0;
    }
  }
  await readPrompts(group, again);
}

/** Reads the contexts of some lanes into their caches, all but the last token, and tells `decode` where all lanes stand. */
async function readPrompts(group: Group, fresh: readonly Lane[]): Promise<void> {
  const { executable, spec, lanes } = group;
  const { chunk } = spec;
  const longest = Math.max(0, ...fresh.map((lane) => lane.position));
  for (let first = 0; first < longest; first += chunk) {
    const tokens = new Uint32Array(lanes.length * chunk);
    const position = new Uint32Array(lanes.length * chunk).fill(PADDING);
    for (const lane of fresh) {
      const row = lanes.indexOf(lane) * chunk;
      for (let i = 0; i < chunk && first + i < lane.position; i++) {
        tokens[row + i] = lane.ids[lane.base + first + i] ?? 0;
        position[row + i] = first + i;
      }
    }
    executable.run(spec.programs.prefill, { tokens, position });
  }
  const write = (state: string, value: (lane: Lane) => number): void =>
    executable.write(stateName(executable, spec, state), Uint32Array.from(lanes, value));
  write("token", (lane) => lane.ids[lane.ids.length - 1] ?? 0);
  write("position", (lane) => lane.position);
  write("draw", (lane) => lane.drawn);
}

/** How often each id stands in each lane's prompt, for the repetition penalty. */
function writeStart(group: Group): void {
  const { executable, spec, lanes } = group;
  const name = stateName(executable, spec, "counts");
  const vocabSize = executable.tensor(name).shape[1] ?? 0;
  const counts = new Uint32Array(lanes.length * vocabSize);
  for (const [i, lane] of lanes.entries()) {
    // A model may score fewer ids than there are: those it can not draw are not counted.
    for (const id of lane.ids) if (id < vocabSize) counts[i * vocabSize + id] = (counts[i * vocabSize + id] ?? 0) + 1;
  }
  executable.write(name, counts);
}

function decodeValues(group: Group): UploadValues {
  const { executable, spec, lanes, options, prompt } = group;
  const settings = [
    options.temperature ?? spec.temperature,
    options.topK ?? spec.topK,
    options.topP ?? spec.topP,
    options.minP ?? spec.minP,
    options.repetitionPenalty ?? spec.repetitionPenalty,
  ];
  const program: Program | undefined = executable.artifact.programs[spec.programs.decode];
  const words = program?.inputs.find((input) => input.name === "allowed")?.shape[0] ?? prompt.legal.length;
  const allowed = new Uint32Array(words);
  allowed.set(prompt.legal.subarray(0, words));
  return {
    settings: Float32Array.from(lanes.flatMap(() => settings)),
    lane: Uint32Array.from(lanes, (lane) => lane.index),
    allowed,
    seed: options.seed ?? 0,
  };
}

/** The tensor of a decoding state: `decode.token`, or the sampler's own where several samplers share an artifact. */
function stateName(executable: Executable, spec: SamplerSpec, state: string): string {
  const own = `${spec.name}.decode.${state}`;
  return executable.tensors.has(own) ? own : `decode.${state}`;
}
