/**
 * Source text in, artifact out. This file is the table of contents: `check` is the front end, `programs` says which graphs a job needs, `back` is
 * the list of passes that each goes through. Each phase lives in the file of its name; nothing here knows a file system or a device.
 */

import type { Artifact } from "../runtime/artifact.js";
import type { Model, Network, Parameter } from "./check/model.js";
import type { Graph } from "./ir/graph.js";
import type { Target } from "./kernels/kernel.js";
import { differentiate } from "./passes/differentiate.js";
import { emit } from "./passes/emit.js";
import { fuse } from "./passes/fuse.js";
import { type Layout, layout } from "./passes/layout.js";
import { type Pass, runPasses } from "./passes/pass.js";
import { type Plan, plan } from "./passes/plan.js";
import { decode, evaluation, forward, prefill, trainingLoss } from "./passes/programs.js";

/** What is to be compiled. */
export type Job =
  | { readonly kind: "train"; readonly training: string }
  /** `lanes` sequences side by side; `chunk` rows of a prompt are read at once. With `logits`, decoding puts them out as well. */
  | { readonly kind: "generate"; readonly sampler: string; readonly lanes: number; readonly chunk: number; readonly logits?: boolean }
  /** The plain forward of a network over [batch, rows]. */
  | { readonly kind: "forward"; readonly network: string; readonly batch: number; readonly rows: number };

export interface Compiled {
  readonly artifact: Artifact;
  /** By program name, after the last pass. */
  readonly graphs: ReadonlyMap<string, Graph>;
  readonly plans: ReadonlyMap<string, Plan>;
  readonly layout: Layout;
}
