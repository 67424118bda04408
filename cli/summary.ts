// A checked program in a few lines: models with their parameters by block, trainings, samplers. In: the model; out: text, and the same as data.

import type { Model, Network, Sampler, Training } from "../compiler/check/model.js";
import type { Schedule } from "../runtime/artifact.js";
import { count, table } from "./terminal.js";

export interface Block {
  /** First part of the parameters' names; `h.N` where counters follow: `h.0`, `h.1`. */
  readonly name: string;
  /** How often it stands in the model: the counters after the name. */
  readonly copies: number;
  readonly parameters: number;
}

export function parametersOf(network: Network): number {
  return network.parameters.reduce((sum, parameter) => sum + elements(parameter.shape), 0);
}

/** Parameters by the first part of their names, in order; counters are copies of one block. */
export function blocksOf(network: Network): readonly Block[] {
  const blocks = new Map<string, { copies: Set<string>; parameters: number }>();
  for (const { name, shape } of network.parameters) {
    const [head = "", second = ""] = name.split(".");
    const counted = /^\d+$/.test(second);
    const key = counted ? `${head}.N` : head;
    const block = blocks.get(key) ?? { copies: new Set(), parameters: 0 };
    block.copies.add(counted ? second : "");
    block.parameters += elements(shape);
    blocks.set(key, block);
  }
  return [...blocks].map(([name, block]) => ({ name, copies: block.copies.size, parameters: block.parameters }));
}

/** What a person wants to see of a correct program. */
export function summary(model: Model): string {
  const parts: string[] = [];
  for (const network of model.networks.values()) {
    parts.push(`model ${network.name}: ${count(parametersOf(network))} parameters, context of ${count(network.contextLength)} tokens\n`);
    parts.push(
      table(
        blocksOf(network).map((block) => [block.copies > 1 ? `${block.name} × ${block.copies}` : block.name, count(block.parameters)]),
        [1],
      ),
    );
  }
  for (const training of model.trainings.values()) parts.push(`${titled("training", training.name)}: ${trainingLine(model, training)}\n`);
  for (const sampler of model.samplers.values()) parts.push(`${titled("sampler", sampler.name)}: ${samplerLine(sampler)}\n`);
  return parts.join("");
}

/** The same as data, for `--json`. */
export function summaryData(model: Model): Readonly<Record<string, unknown>> {
  return {
    models: [...model.networks.values()].map((network) => ({
      name: network.name,
      parameters: parametersOf(network),
      context_length: network.contextLength,
      blocks: blocksOf(network),
    })),
    trainings: [...model.trainings.values()].map((training) => ({
      name: training.name,
      model: training.network,
      data: training.data,
      tokens_a_step: tokensOfStep(model, training),
      steps: training.maxSteps,
    })),
    samplers: [...model.samplers.values()].map((sampler) => ({
      name: sampler.name,
      model: sampler.network,
      sequence: sampler.sequence,
      given: sampler.given,
    })),
  };
}

/** A section as its text has it: an unnamed one is called by its keyword. */
export function titled(keyword: string, name: string): string {
  return name === keyword ? keyword : `${keyword} ${name}`;
}

export function tokensOfStep(model: Model, training: Training): number {
  return training.batchSize * training.accumulate * (model.networks.get(training.network)?.contextLength ?? 0);
}

function trainingLine(model: Model, training: Training): string {
  const context = model.networks.get(training.network)?.contextLength ?? 0;
  const accumulated = training.accumulate > 1 ? ` × ${training.accumulate} micro-batches` : "";
  return [
    `${training.network} on ${training.data}`,
    `${count(training.maxSteps)} steps of ${training.batchSize} × ${context}${accumulated} = ${count(tokensOfStep(model, training))} tokens`,
    `${training.optimizer.kind}, ${scheduleText(training.learningRate)}`,
    ...(training.clipNorm === undefined ? [] : [`clipped at ${training.clipNorm}`]),
    ...(training.ema === undefined ? [] : [`ema ${training.ema}`]),
  ].join("; ");
}

function scheduleText(schedule: Schedule): string {
  const warmup = schedule.warmup > 0 ? `, warm-up ${schedule.warmup}` : "";
  return schedule.kind === "constant"
    ? `rate ${schedule.value}${warmup}`
    : `${schedule.kind} ${schedule.peak} to ${schedule.floor}${warmup}`;
}

function samplerLine(sampler: Sampler): string {
  const given = Object.entries(sampler.given).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const off = { topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
  return [
    `${sampler.sequence} by ${sampler.network}`,
    ...(given.length > 0 ? [`given ${given.join(", ")}`] : []),
    sampler.temperature === 0 ? "greedy" : `temperature ${sampler.temperature}`,
    ...(sampler.topK === off.topK ? [] : [`top-k ${sampler.topK}`]),
    ...(sampler.topP === off.topP ? [] : [`top-p ${sampler.topP}`]),
    ...(sampler.minP === off.minP ? [] : [`min-p ${sampler.minP}`]),
    ...(sampler.repetitionPenalty === off.repetitionPenalty ? [] : [`repetition penalty ${sampler.repetitionPenalty}`]),
    `at most ${count(sampler.maxNewTokens)} new tokens`,
  ].join("; ");
}

function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
