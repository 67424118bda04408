// Puts an artifact together. In: planned programs and the checked model; out: one object with everything the runtime needs to know, as data.

import { positionAt } from "../../grammar/source.js";
import { ARTIFACT_VERSION, type Artifact, type Role, type SamplerSpec, type TrainingSpec } from "../../runtime/artifact.js";
import type { Model, Network, Sampler, Training } from "../check/model.js";
import type { Job } from "../compile.js";
import type { Graph } from "../ir/graph.js";
import { emit, type StateSpec } from "./emit.js";
import type { Homes } from "./homes.js";
import type { Layout } from "./layout.js";
import type { Plan } from "./plan.js";

export interface Parts {
  readonly model: Model;
  readonly job: Job;
  readonly training: Training | undefined;
  readonly network: Network;
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly plans: ReadonlyMap<string, Plan>;
  readonly layout: Layout;
  readonly homes: Homes;
  /** Names of what each parameter has beside itself: `gradients`, `adam.m`, … */
  readonly kinds: readonly string[];
}

export function assemble(parts: Parts): Artifact {
  const { model, job, training, plans, layout, homes, kinds } = parts;
  const emitted = emit({
    plans,
    layout,
    homes,
    kinds: kinds.map((name) => ({ name, role: roleOf(name) })),
    states: statesOf(parts),
    origin: (span) => (span === undefined ? undefined : `${span.file.name}:${positionAt(span.file, span.start).line}`),
  });
  const sampler = job.kind === "generate" ? model.samplers.get(job.sampler) : undefined;
  return {
    format: "ulmus",
    version: ARTIFACT_VERSION,
    ...emitted,
    tokenizers: Object.fromEntries([...model.tokenizers].map(([name, { spec }]) => [name, spec])),
    sequences: Object.fromEntries(model.sequences),
    data: Object.fromEntries(model.data),
    trainings: training === undefined ? {} : { [training.name]: trainingSpec(training, parts.network) },
    samplers:
      sampler === undefined || job.kind !== "generate" ? {} : { [sampler.name]: samplerSpec(sampler, parts.network, job.lanes, job.chunk) },
  };
}

/** States of the programs that are neither parameters nor what goes with them. */
function statesOf({ graphs, homes }: Parts): readonly StateSpec[] {
  const states = new Map<string, StateSpec>();
  for (const graph of graphs.values()) {
    for (const node of graph.nodes) {
      if (node.op !== "state" || homes.has(node.attrs.name) || /^(parameters|gradients|adam\.[mv]|ema)\.\d+$/.test(node.attrs.name))
        continue;
      states.set(node.attrs.name, { ...node.attrs, role: roleOf(node.attrs.name) });
    }
  }
  return [...states.values()];
}

function roleOf(name: string): Role {
  if (name === "gradients") return "gradient";
  if (name === "ema") return "ema";
  if (name.startsWith("adam.")) return "moment";
  return name.startsWith("cache.") ? "cache" : "counter";
}

function trainingSpec(training: Training, network: Network): TrainingSpec {
  const { name } = training;
  return {
    name,
    model: training.network,
    sequence: training.sequence,
    data: training.data,
    batchSize: training.batchSize,
    accumulate: training.accumulate,
    contextLength: network.contextLength,
    maxSteps: training.maxSteps,
    learningRate: training.learningRate,
    betas: training.optimizer.betas,
    ...(training.ema === undefined ? {} : { ema: training.ema }),
    evaluateEvery: training.evaluateEvery,
    checkpointEvery: training.checkpointEvery,
    seed: training.seed,
    programs: {
      ...(training.accumulate === 1 ? { step: `${name}.step` } : { micro: `${name}.micro`, update: `${name}.update` }),
      evaluate: `${name}.evaluate`,
    },
  };
}

function samplerSpec(sampler: Sampler, network: Network, lanes: number, chunk: number): SamplerSpec {
  const { name, sequence, given, temperature, topK, topP, minP, repetitionPenalty, maxNewTokens } = sampler;
  return {
    name,
    model: sampler.network,
    sequence,
    given,
    contextLength: network.contextLength,
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    maxNewTokens,
    lanes,
    chunk,
    programs: { prefill: `${name}.prefill`, decode: `${name}.decode` },
  };
}
