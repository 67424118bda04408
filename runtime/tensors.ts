// In: an executable's tensor list and a seed, or named host tensors. Out: initialised parameters on the device; whole tensors gathered from it.
// Invariant: a value depends on the seed, the tensor's name and the element's place in the whole tensor only, not on how the tensor is cut.

import type { Init, TensorSpec } from "./artifact.js";
import type { Executable } from "./executable.js";
import { hashName, philoxInto } from "./philox.js";

/** A tensor on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint32Array;
}

/** A tensor as a checkpoint knows it: its name, its whole shape and the specs of its pieces in order (itself, where it is not cut). */
export interface WholeTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: TensorSpec["dtype"];
  readonly role: TensorSpec["role"];
  readonly pieces: readonly TensorSpec[];
}

/** Elements `first … first + count − 1` of a fresh tensor. */
export function initialValues(init: Init, seed: number, name: string, first: number, count: number): Float32Array {
  const values = new Float32Array(count);
  switch (init.kind) {
    case "zeros":
      return values;
    case "ones":
      return values.fill(1);
    case "constant":
      return values.fill(init.value);
    case "normal":
      fillNormal(values, init.std, seed, hashName(name), first);
      return values;
    case "uniform":
      fillUniform(values, init.bound, seed, hashName(name), first);
      return values;
  }
}

const UNIT = 2 ** -32;

/** Box–Muller in f64: words (a, b) of a block give √(−2 ln((a + 1)·2⁻³²)) · (cos, sin)(2π·b·2⁻³²); a block's four words give four numbers. */
function fillNormal(values: Float32Array, std: number, seed: number, key: number, first: number): void {
  const words = new Uint32Array(4);
  const four = new Float64Array(4);
  const end = first + values.length;
  for (let block = Math.floor(first / 4); block * 4 < end; block++) {
    philoxInto(words, 0, block, 0, 0, 0, seed, key);
    for (let half = 0; half < 4; half += 2) {
      const radius = std * Math.sqrt(-2 * Math.log(((words[half] ?? 0) + 1) * UNIT));
      const angle = 2 * Math.PI * UNIT * (words[half + 1] ?? 0);
      four[half] = radius * Math.cos(angle);
      four[half + 1] = radius * Math.sin(angle);
    }
    store(values, four, block * 4 - first);
  }
}

function fillUniform(values: Float32Array, bound: number, seed: number, key: number, first: number): void {
  const words = new Uint32Array(4);
  const four = new Float64Array(4);
  const end = first + values.length;
  for (let block = Math.floor(first / 4); block * 4 < end; block++) {
    philoxInto(words, 0, block, 0, 0, 0, seed, key);
    for (let i = 0; i < 4; i++) four[i] = bound * (2 * UNIT * (words[i] ?? 0) - 1);
    store(values, four, block * 4 - first);
  }
}

/** Stores what of the four values at `at` falls inside. */
function store(values: Float32Array, four: Float64Array, at: number): void {
  for (let i = 0; i < 4; i++) {
    const place = at + i;
    if (place >= 0 && place < values.length) values[place] = four[i] ?? 0;
  }
}

/** Bytes written before waiting for the device, so that the driver's own copies do not pile up. */
const BURST = 256 * 2 ** 20;

/** Fresh values for every tensor with an `init`, zeros for the rest, the EMA copy equal to its parameter. */
export async function initialise(executable: Executable, seed: number): Promise<void> {
  const { tensors } = executable.artifact;
  let written = 0;
  for (const tensor of tensors) {
    if (tensor.init === undefined || tensor.dtype !== "f32" || tensor.role === "ema") continue;
    const count = elements(tensor.shape);
    const name = tensor.piece?.of ?? tensor.name;
    const rowElements = elements(tensor.shape.slice(1));
    executable.write(tensor.name, initialValues(tensor.init, seed, name, (tensor.piece?.first ?? 0) * rowElements, count));
    written += 4 * count;
    if (written > BURST) {
      await executable.idle();
      written = 0;
    }
  }
  const bare = tensors.filter((tensor) => tensor.init === undefined && tensor.role !== "ema");
  executable.clear(bare.map((tensor) => tensor.name));
  await executable.copy(emaPairs(executable));
  await executable.idle();
}

/** [parameter, its EMA copy] of each piece. */
export function emaPairs(executable: Executable): readonly (readonly [parameter: string, ema: string])[] {
  return executable.artifact.tensors.flatMap((tensor) => {
    if (tensor.role !== "ema") return [];
    if (tensor.parameter === undefined) throw new Error(`The EMA copy "${tensor.name}" names no parameter.`);
    return [[parameterPiece(executable, tensor, tensor.parameter), tensor.name] as const];
  });
}

/** The parameter's piece that an EMA piece belongs to: `parameter` names it, or the whole of which it has the same rows. */
function parameterPiece(executable: Executable, ema: TensorSpec, parameter: string): string {
  if (executable.tensors.has(parameter)) return parameter;
  const found = executable.artifact.tensors.find(
    (tensor) => tensor.piece?.of === parameter && tensor.piece.first === (ema.piece?.first ?? 0) && tensor.role === "parameter",
  );
  if (found === undefined) throw new Error(`The artifact has no parameter "${parameter}".`);
  return found.name;
}

/** The artifact's tensors with their pieces joined, in the artifact's order. */
export function wholeTensors(tensors: readonly TensorSpec[], roles?: ReadonlySet<TensorSpec["role"]>): readonly WholeTensor[] {
  const groups = new Map<string, TensorSpec[]>();
  for (const tensor of tensors) {
    if (roles !== undefined && !roles.has(tensor.role)) continue;
    const name = tensor.piece?.of ?? tensor.name;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [tensor]);
    else group.push(tensor);
  }
  return [...groups].map(([name, group]) => {
    const pieces = group.slice().sort((a, b) => (a.piece?.first ?? 0) - (b.piece?.first ?? 0));
    const head = pieces[0];
    if (head === undefined) throw new Error(`Tensor "${name}" has no pieces.`);
    return { name, shape: head.piece?.whole ?? head.shape, dtype: head.dtype, role: head.role, pieces };
  });
}

/** A whole tensor's values, its pieces joined along the first axis. */
export async function gatherTensor(executable: Executable, tensor: WholeTensor): Promise<HostTensor> {
  const first = tensor.pieces[0];
  if (first !== undefined && tensor.pieces.length === 1) return { shape: tensor.shape, data: await executable.readTensor(first.name) };
  const count = elements(tensor.shape);
  const data = tensor.dtype === "f32" ? new Float32Array(count) : new Uint32Array(count);
  const row = elements(tensor.shape.slice(1));
  for (const piece of tensor.pieces) data.set(await executable.readTensor(piece.name), (piece.piece?.first ?? 0) * row);
  return { shape: tensor.shape, data };
}

/** Writes a whole tensor, cut into its pieces. Throws where shape or type differs. */
export function scatterTensor(executable: Executable, tensor: WholeTensor, value: HostTensor): void {
  if (value.shape.length !== tensor.shape.length || value.shape.some((size, i) => size !== tensor.shape[i])) {
    throw new Error(`Tensor "${tensor.name}" is [${tensor.shape.join(", ")}], but the file has [${value.shape.join(", ")}].`);
  }
  const row = elements(tensor.shape.slice(1));
  for (const piece of tensor.pieces) {
    const first = (piece.piece?.first ?? 0) * row;
    executable.write(piece.name, value.data.subarray(first, first + elements(piece.shape)));
  }
}

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
