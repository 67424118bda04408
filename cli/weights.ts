// Parameters from files: what `weights = load(…)` names, or a run's last checkpoint. In: an executable and where its parameters come from.
// Out: every parameter set, from the averaged copy (`ema/NAME`) where the file has one. Invariant: none is left fresh unless the program says so.

import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Weights } from "../compiler/check/model.js";
import type { Executable } from "../runtime/executable.js";
import { NodeFile } from "../runtime/node-files.js";
import { openSafetensors, type SafetensorsFile } from "../runtime/safetensors.js";
import { emaPairs, initialise, scatterTensor, type WholeTensor, wholeTensors } from "../runtime/tensors.js";
import { Failure, wrong } from "./failure.js";
import { isRun, latestCheckpoint } from "./run-folder.js";

/** A file of tensors, and which of its names a parameter has. */
export interface WeightsFile {
  readonly path: string;
  /** As messages call it. */
  readonly shown: string;
  readonly prefix: string;
  /** Parameters that the file need not have, with `*`. */
  readonly fresh: readonly string[];
  /** Tensors of the file that are known to be of no use here, with `*`. */
  readonly ignore: readonly string[];
  /** Parameter → the file's name for it. */
  readonly rename: Readonly<Record<string, string>>;
}

/** The file that a model's `weights` names; a run folder stands for its last checkpoint. Throws a failure where it is not there. */
export function weightsFile(weights: Weights, folder: string): WeightsFile {
  const found = resolve(folder, weights.path);
  if (!existsSync(found))
    throw wrong(`The weights ${weights.path} are not in ${folder}.`, "Put the file there, or change `weights = load(…)`.");
  if (statSync(found).isDirectory() && !isRun(found))
    throw wrong(`The weights ${weights.path} are a folder, but no run folder.`, "Name a .safetensors file or a run folder.");
  const path = isRun(found) ? latestCheckpoint(found).path : found;
  return { path, shown: weights.path, prefix: weights.prefix, fresh: weights.fresh, ignore: weights.ignore, rename: weights.rename };
}

/** A checkpoint of this program's own, under its own names. */
export function checkpointFile(path: string): WeightsFile {
  return { path, shown: path, prefix: "", fresh: [], ignore: [], rename: {} };
}

export interface Loaded {
  /** Tensors of the file that no parameter took, neither ignored nor of an optimizer. */
  readonly left: readonly string[];
}

/** Sets all parameters, and the averaged copies to the same; what is `fresh` starts from the seed. */
export async function loadParameters(executable: Executable, from: WeightsFile, seed: number): Promise<Loaded> {
  const file = await NodeFile.open(from.path);
  try {
    const tensors = await openSafetensors(file);
    const parameters = wholeTensors(executable.artifact.tensors, new Set(["parameter"] as const));
    const wanted = parameters.filter((tensor) => !from.fresh.some((glob) => fits(tensor.name, glob)));
    if (wanted.length < parameters.length) await initialise(executable, seed);
    const taken = new Map(wanted.map((tensor) => [tensor, sourceOf(tensors, from, tensor)]));
    refuseMissing(from, tensors, taken);
    for (const [tensor, name] of taken) if (name !== undefined) await set(executable, tensor, tensors, name, from);
    await executable.copy(emaPairs(executable));
    await executable.idle();
    const used = new Set(taken.values());
    const known = (name: string) =>
      used.has(name) || used.has(`ema/${name}`) || /^(ema|adam\.[mv])\//.test(name) || from.ignore.some((glob) => fits(name, glob));
    return { left: [...tensors.tensors.keys()].filter((name) => !known(name)) };
  } finally {
    await file.close();
  }
}

function sourceOf(file: SafetensorsFile, from: WeightsFile, tensor: WholeTensor): string | undefined {
  const name = `${from.prefix}${from.rename[tensor.name] ?? tensor.name}`;
  return [`ema/${name}`, name].find((each) => file.tensors.has(each));
}

function refuseMissing(from: WeightsFile, file: SafetensorsFile, taken: ReadonlyMap<WholeTensor, string | undefined>): void {
  const missing = [...taken]
    .filter(([, name]) => name === undefined)
    .map(([tensor]) => `${from.prefix}${from.rename[tensor.name] ?? tensor.name}`);
  if (missing.length === 0) return;
  throw new Failure(`${from.shown} lacks ${some(missing)}; it has ${some([...file.tensors.keys()])}.`, {
    exitCode: 2,
    remedy: '`load(…, rename = { … })` and `prefix` give a file\'s names, `fresh = ["…"]` names parameters that start anew.',
  });
}

async function set(executable: Executable, tensor: WholeTensor, file: SafetensorsFile, name: string, from: WeightsFile): Promise<void> {
  const value = await file.read(name);
  try {
    scatterTensor(executable, tensor, value);
  } catch (cause) {
    throw new Failure(`${from.shown}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      exitCode: 2,
      cause,
      remedy: "The file is of another model, or of other settings of this one.",
    });
  }
}

/** Whether a name fits a pattern in which `*` stands for anything. */
function fits(name: string, glob: string): boolean {
  const parts = glob.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}

/** Some names for a message. */
function some(names: readonly string[]): string {
  const shown = names
    .slice(0, 4)
    .map((name) => `\`${name}\``)
    .join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
