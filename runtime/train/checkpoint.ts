// In: an executable in training. Out: a checkpoint, safetensors of everything a run needs to go on exactly (parameters by name, optimizer moments and
// EMA copies under the names of their states, step and seed as metadata), and back. Written tensor by tensor, so memory holds one at a time.

import { ARTIFACT_VERSION } from "../artifact.js";
import type { ByteSource } from "../bytes.js";
import type { Executable } from "../executable.js";
import { openSafetensors, type PlannedTensor, SafetensorsError, type SafetensorsFile, safetensorsChunks } from "../safetensors.js";
import { gatherTensor, scatterTensor, type WholeTensor, wholeTensors } from "../tensors.js";

/** Where a run stands. */
export interface RunState {
  /** Steps done: the next one has this number. */
  readonly step: number;
  readonly seed: number;
}

const stored = new Set(["parameter", "moment", "ema"] as const);

/** The bytes of a checkpoint. */
export function checkpointChunks(executable: Executable, state: RunState): AsyncIterable<Uint8Array> {
  return safetensorsChunks(
    wholeTensors(executable.artifact.tensors, stored).map((tensor) => planned(executable, tensor, tensor.name)),
    { format: "ulmus", version: String(ARTIFACT_VERSION), step: String(state.step), seed: String(state.seed) },
  );
}

/** The bytes of the parameters alone, the EMA copies in their place where there are any: what generation needs. */
export function weightChunks(executable: Executable): AsyncIterable<Uint8Array> {
  const ema = new Map(wholeTensors(executable.artifact.tensors, new Set(["ema"] as const)).map((tensor) => [parameterOf(tensor), tensor]));
  return safetensorsChunks(
    wholeTensors(executable.artifact.tensors, new Set(["parameter"] as const)).map((tensor) =>
      planned(executable, ema.get(tensor.name) ?? tensor, tensor.name),
    ),
    { format: "ulmus", version: String(ARTIFACT_VERSION) },
  );
}

function planned(executable: Executable, tensor: WholeTensor, name: string): PlannedTensor {
  return { name, dtype: tensor.dtype, shape: tensor.shape, read: () => gatherTensor(executable, tensor) };
}

/** The whole parameter that an EMA copy belongs to: its spec names the parameter, or a piece of it. */
function parameterOf(tensor: WholeTensor): string {
  const name = tensor.pieces[0]?.parameter;
  if (name === undefined) throw new Error(`The EMA copy "${tensor.name}" names no parameter.`);
  return tensor.pieces.length > 1 ? name.replace(/#\d+$/, "") : name;
}

/** Sets all states from a checkpoint. Throws `SafetensorsError` where it is damaged, of other tensors or other shapes. */
export async function loadCheckpoint(executable: Executable, source: ByteSource): Promise<RunState> {
  const file = await openSafetensors(source);
  const step = Number(file.metadata.step);
  const seed = Number(file.metadata.seed);
  if (!Number.isSafeInteger(step) || !Number.isSafeInteger(seed))
    throw new SafetensorsError(`${source.name} holds no step and seed: it is no checkpoint of a run, perhaps only weights.`);
  const tensors = wholeTensors(executable.artifact.tensors, stored);
  const missing = tensors.filter((tensor) => !file.tensors.has(tensor.name)).map((tensor) => tensor.name);
  if (missing.length > 0)
    throw new SafetensorsError(`${source.name} lacks ${list(missing)}: it is a checkpoint of another model or optimizer.`);
  for (const tensor of tensors) await transfer(executable, tensor, file, tensor.name, source.name);
  await executable.idle();
  return { step, seed };
}

/**
 * Sets the parameters from a file of weights or a checkpoint; `ema/NAME` goes before `NAME` unless `raw`. Other tensors of the file are left alone.
 * `executable`s for training get their EMA copies set as well. Throws `SafetensorsError`.
 */
export async function loadWeights(executable: Executable, source: ByteSource, options: { readonly raw?: boolean } = {}): Promise<void> {
  const file = await openSafetensors(source);
  const tensors = wholeTensors(executable.artifact.tensors, new Set(["parameter"] as const));
  const nameOf = (name: string): string => (options.raw !== true && file.tensors.has(`ema/${name}`) ? `ema/${name}` : name);
  const missing = tensors.filter((tensor) => !file.tensors.has(nameOf(tensor.name))).map((tensor) => tensor.name);
  if (missing.length > 0) throw new SafetensorsError(`${source.name} lacks ${list(missing)}; it has ${list([...file.tensors.keys()])}.`);
  for (const tensor of tensors) await transfer(executable, tensor, file, nameOf(tensor.name), source.name);
  for (const tensor of wholeTensors(executable.artifact.tensors, new Set(["ema"] as const)))
    await transfer(executable, tensor, file, nameOf(parameterOf(tensor)), source.name);
  await executable.idle();
}

async function transfer(executable: Executable, tensor: WholeTensor, file: SafetensorsFile, name: string, fileName: string): Promise<void> {
  const value = await file.read(name);
  try {
    scatterTensor(executable, tensor, value);
  } catch (error) {
    throw new SafetensorsError(`${fileName}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Some names for a message. */
function list(names: readonly string[]): string {
  const shown = names
    .slice(0, 4)
    .map((name) => `"${name}"`)
    .join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
