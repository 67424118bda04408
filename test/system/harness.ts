// From an `.elm` file to programs on a device, for tests of whole models: files below the repository, corpora from anywhere.
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { check } from "../../compiler/check/check.js";
import type { Model } from "../../compiler/check/model.js";
import { type Compiled, compile, type Job } from "../../compiler/compile.js";
import type { Host } from "../../compiler/host.js";
import { render } from "../../compiler/render.js";
import type { Device } from "../../runtime/device.js";
import { Executable } from "../../runtime/executable.js";
import { type HostTensor, scatterTensor, wholeTensors } from "../../runtime/tensors.js";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Reads below `folder`; `texts` stand in for files by their path as written in the program. */
export function folderHost(folder: string, texts: ReadonlyMap<string, string> = new Map()): Host {
  const at = (path: string) => (isAbsolute(path) ? path : join(folder, path));
  return {
    read: (path) => texts.get(path) ?? (existsSync(at(path)) ? readFileSync(at(path), "utf8") : undefined),
    exists: (path) => texts.has(path) || existsSync(at(path)),
  };
}

/** Checks a program that must have no error; its messages are the failure otherwise. */
export function checked(
  folder: string,
  entry: string,
  options: { readonly set?: readonly string[]; readonly texts?: ReadonlyMap<string, string> } = {},
): Model {
  const { model, diagnostics } = check(entry, folderHost(folder, options.texts), options.set ?? []);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  if (model === undefined || errors.length > 0)
    throw new Error(errors.map((error) => render(error, { color: false, width: 120 })).join("\n"));
  return model;
}

export interface Opened extends Compiled {
  readonly executable: Executable;
}

export async function open(model: Model, job: Job, device: Device): Promise<Opened> {
  const compiled = compile(model, job, device.capability);
  return { ...compiled, executable: await Executable.open(compiled.artifact, device) };
}

/** Writes parameters by name; each must be there, of that shape, and none may be left out. */
export function setParameters(executable: Executable, values: ReadonlyMap<string, HostTensor>): void {
  const parameters = wholeTensors(executable.artifact.tensors, new Set(["parameter"]));
  const missing = parameters.filter((tensor) => !values.has(tensor.name)).map((tensor) => tensor.name);
  const extra = [...values.keys()].filter((name) => !parameters.some((tensor) => tensor.name === name));
  if (missing.length > 0 || extra.length > 0)
    throw new Error(`parameters missing: ${missing.join(" ")}; not of the model: ${extra.join(" ")}`);
  for (const tensor of parameters) {
    const value = values.get(tensor.name);
    if (value !== undefined) scatterTensor(executable, tensor, value);
  }
}

/** 0, 1, … n − 1 for each of `rows` rows. */
export function positions(rows: number, n: number): Uint32Array {
  return Uint32Array.from({ length: rows * n }, (_, i) => i % n);
}
