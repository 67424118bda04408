/**
 * A checked model in, programs ready to run out. This file is the table of contents: `graphsOf` says which graphs a job needs, `optimise` is
 * the list of passes that each goes through. Each phase lives in the file of its name; nothing here knows a file system or a device.
 * (Text → checked model is `check`, in check/check.ts.)
 */

import type { Artifact } from "../runtime/artifact.js";
import type { Model, Network, Training } from "./check/model.js";
import type { Graph, Value } from "./ir/graph.js";
import type { Target } from "./kernels/kernel.js";
import { assemble } from "./passes/assemble.js";
import { decomposePass } from "./passes/decompose.js";
import { differentiate } from "./passes/differentiate.js";
import { fuse } from "./passes/fuse.js";
import { homesOf } from "./passes/homes.js";
import { type Layout, layout } from "./passes/layout.js";
import { type Pass, runPasses } from "./passes/pass.js";
import { type Plan, plan } from "./passes/plan.js";
import { decode, evaluation, forward, prefill, trainingLoss } from "./passes/programs.js";
import { simplifyPass } from "./passes/simplify.js";
import { splitPass } from "./passes/split.js";
import { update } from "./passes/update.js";

/** What is to be compiled. */
export type Job =
  | { readonly kind: "train"; readonly training: string }
  /** `lanes` sequences side by side; `chunk` rows of a prompt are read at once. With `logits`, decoding puts them out as well. */
  | { readonly kind: "generate"; readonly sampler: string; readonly lanes: number; readonly chunk: number; readonly logits?: boolean }
  /** The plain forward of a network over [batch, rows]. */
  | { readonly kind: "forward"; readonly network: string; readonly batch: number; readonly rows: number };

/** An artifact, and what it was made of, for `--emit` and tests. */
export interface Compiled {
  readonly artifact: Artifact;
  /** By program name, after the last pass. */
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly plans: ReadonlyMap<string, Plan>;
  readonly layout: Layout;
}

/** Compiles a job of a checked model for a target. Throws `TooLargeError` where a tensor does not fit a binding of it; other errors are the compiler's own. */
export function compile(model: Model, job: Job, target: Target): Compiled {
  const training = job.kind === "train" ? trainingOf(model, job.training) : undefined;
  const network = networkOf(model, job);
  const places = layout(network.parameters, (parameter) => training?.optimizer.decay === "all" || parameter.shape.length > 1, target);
  const kinds = training === undefined ? [] : ["gradients", "adam.m", "adam.v", ...(training.ema === undefined ? [] : ["ema"])];
  const homes = homesOf(places, kinds);

  const graphs = new Map<string, Graph>();
  const plans = new Map<string, Plan>();
  for (const [name, graph] of graphsOf(model, job, training, places)) {
    const optimised = runPasses(graph, finish);
    graphs.set(name, optimised);
    plans.set(name, plan(fuse(optimised, target, homes), target));
  }
  return {
    artifact: assemble({ model, job, training, network, graphs, plans, layout: places, homes, kinds }),
    graphs,
    plans,
    layout: places,
  };
}

/** What every forward goes through before it is differentiated: tables that one binding can not hold are cut, large vocabularies scored in chunks. */
const prepare = (places: Layout): readonly Pass[] => [simplifyPass, splitPass(places)];

/** What every graph goes through after. Each pass leaves a legal graph; the verifier looks after each. */
const finish: readonly Pass[] = [decomposePass, simplifyPass];

function graphsOf(model: Model, job: Job, training: Training | undefined, places: Layout): readonly (readonly [name: string, Graph])[] {
  switch (job.kind) {
    case "train": {
      if (training === undefined) return [];
      const graph = runPasses(trainingLoss(model, training, training.batchSize), prepare(places));
      const gradients = differentiate(graph, { loss: outputOf(graph, "loss"), wrt: places.places.map((place) => place.name) });
      const { betas, eps, weightDecay } = training.optimizer;
      const options = {
        betas,
        eps,
        weightDecay,
        ...(training.clipNorm === undefined ? {} : { clipNorm: training.clipNorm }),
        ...(training.ema === undefined ? {} : { ema: training.ema }),
      };
      const evaluate = [`${training.name}.evaluate`, runPasses(evaluation(model, training, training.batchSize), prepare(places))] as const;
      if (training.accumulate === 1) return [[`${training.name}.step`, update(gradients, places, { mode: "step", ...options })], evaluate];
      return [
        [`${training.name}.micro`, update(gradients, places, { mode: "micro", ...options })],
        [
          `${training.name}.update`,
          update({ ...gradients, graph: { ...gradients.graph, outputs: new Map() } }, places, { mode: "update", ...options }),
        ],
        evaluate,
      ];
    }
    case "generate": {
      const sampler = model.samplers.get(job.sampler);
      if (sampler === undefined) throw new Error(`compile: no sampler ${job.sampler}`);
      return [
        [`${sampler.name}.prefill`, runPasses(prefill(model, sampler, job.lanes, job.chunk), prepare(places))],
        [`${sampler.name}.decode`, runPasses(decode(model, sampler, job.lanes, { logits: job.logits === true }), prepare(places))],
      ];
    }
    case "forward":
      return [[`${job.network}.forward`, runPasses(forward(model, job.network, job.batch, job.rows), prepare(places))]];
  }
}

function outputOf(graph: Graph, name: string): Value {
  const value = graph.outputs.get(name);
  if (value === undefined) throw new Error(`compile: ${graph.name} has no output ${name}`);
  return value;
}

function trainingOf(model: Model, name: string): Training {
  const training = model.trainings.get(name);
  if (training === undefined) throw new Error(`compile: no training ${name}`);
  return training;
}

function networkOf(model: Model, job: Job): Network {
  const name =
    job.kind === "train"
      ? model.trainings.get(job.training)?.network
      : job.kind === "generate"
        ? model.samplers.get(job.sampler)?.network
        : job.network;
  const network = model.networks.get(name ?? "");
  if (network === undefined) throw new Error(`compile: no model ${name}`);
  return network;
}
