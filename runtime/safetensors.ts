// In: a source of bytes in the safetensors format, or named tensors. Out: tensors as f32 (F16 and BF16 widened) or u32, or the bytes of a file.
// Format: u64 length N, N bytes of JSON { name: { dtype, shape, data_offsets } }, data. A damaged file is refused with what is wrong, never half read.

import type { ByteSource } from "./bytes.js";
import { elements, type HostTensor } from "./tensors.js";

/** A file that is not what it should be: cut short, garbage, or of a type that is not read. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

/** Types of the format and their bytes an element. F32, F16, BF16 and U32 are read; a file may hold others beside them. */
const widths = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

/** A tensor of a file: its type, shape and place. */
export interface TensorEntry {
  readonly dtype: keyof typeof widths;
  readonly shape: readonly number[];
  /** Place and size in the file, bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** An opened file: its header, checked, and reads of single tensors. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  read(name: string): Promise<HostTensor>;
}

/** The format's own bound on a header. */
const MAX_HEADER = 100_000_000;

/** Reads and checks the header. Throws `SafetensorsError`. */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const fail = (why: string): never => {
    throw new SafetensorsError(`${source.name} is not a whole safetensors file: ${why}.`);
  };
  if (source.size < 8) fail(`it has ${source.size} bytes, fewer than the 8 of a header's length`);
  const length = Number(new DataView(exact(await source.read(0, 8))).getBigUint64(0, true));
  if (length > MAX_HEADER) fail(`its first 8 bytes give a header of ${length} bytes`);
  if (8 + length > source.size) fail(`its header should have ${length} bytes, but the file ends after ${source.size - 8} of them`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await source.read(8, length)));
  } catch {
    fail("its header is no JSON");
  }
  if (!isRecord(header)) return fail("its header is no JSON object");
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  const start = 8 + length;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      if (!isRecord(entry)) return fail("its metadata is no JSON object");
      metadata = Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, String(value)]));
      continue;
    }
    const parsed = parseEntry(entry);
    if (typeof parsed === "string") return fail(`tensor "${name}" ${parsed}`);
    if (start + parsed.offset + parsed.bytes > source.size) {
      fail(`tensor "${name}" ends at byte ${start + parsed.offset + parsed.bytes}, but the file has ${source.size}`);
    }
    tensors.set(name, { ...parsed, offset: start + parsed.offset });
  }
  return { tensors, metadata, read: (name) => readTensor(source, tensors, name) };
}

function parseEntry(entry: unknown): TensorEntry | string {
  if (!isRecord(entry)) return "has no description";
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isType(dtype)) return `is of type ${String(dtype)}, which the format does not have`;
  if (!isSizes(shape)) return "has no shape";
  if (!isSizes(offsets) || offsets.length !== 2) return "has no place";
  const [first = 0, end = 0] = offsets;
  const bytes = elements(shape) * widths[dtype];
  if (end - first !== bytes) return `is ${dtype} [${shape.join(", ")}], ${bytes} bytes, but its place has ${end - first}`;
  return { dtype, shape, offset: first, bytes };
}

function isType(dtype: unknown): dtype is TensorEntry["dtype"] {
  return typeof dtype === "string" && Object.hasOwn(widths, dtype);
}

async function readTensor(source: ByteSource, tensors: ReadonlyMap<string, TensorEntry>, name: string): Promise<HostTensor> {
  const entry = tensors.get(name);
  if (entry === undefined) throw new SafetensorsError(`${source.name} has no tensor "${name}".`);
  const bytes = await source.read(entry.offset, entry.bytes);
  if (bytes.length !== entry.bytes) throw new SafetensorsError(`${source.name} ends inside tensor "${name}".`);
  const buffer = exact(bytes);
  switch (entry.dtype) {
    case "F32":
      return { shape: entry.shape, data: new Float32Array(buffer) };
    case "U32":
      return { shape: entry.shape, data: new Uint32Array(buffer) };
    case "BF16":
      return { shape: entry.shape, data: widenBf16(new Uint16Array(buffer)) };
    case "F16":
      return { shape: entry.shape, data: widenF16(new Uint16Array(buffer)) };
    default:
      throw new SafetensorsError(`Tensor "${name}" of ${source.name} is of type ${entry.dtype}; F32, F16, BF16 and U32 are read.`);
  }
}

/** bfloat16 is the upper half of an f32. */
function widenBf16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = (halves[i] ?? 0) << 16;
  return new Float32Array(words.buffer);
}

/** IEEE 754 binary16. */
function widenF16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i] ?? 0;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    values[i] = (half & 0x8000) === 0 ? magnitude : -magnitude;
  }
  return values;
}

/** What will be written, before its values are at hand. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: "f32" | "u32";
  readonly shape: readonly number[];
  /** Called once, in order; so only one tensor is in memory at a time. */
  read(): Promise<HostTensor>;
}

/** The bytes of a file, tensor by tensor. Data starts at a multiple of 8 bytes. */
export async function* safetensorsChunks(
  tensors: readonly PlannedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + 4 * elements(tensor.shape);
    header[tensor.name] = { dtype: tensor.dtype === "f32" ? "F32" : "U32", shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  let text = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - (text.length % 8)) % 8;
  if (padding > 0) {
    const padded = new Uint8Array(text.length + padding).fill(32);
    padded.set(text);
    text = padded;
  }
  const head = new Uint8Array(8 + text.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.length), true);
  head.set(text, 8);
  yield head;
  for (const tensor of tensors) {
    const { data } = await tensor.read();
    if (data.length !== elements(tensor.shape))
      throw new Error(`Tensor "${tensor.name}" has ${data.length} elements, not those of [${tensor.shape.join(", ")}].`);
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
}

/** A file in memory, for small ones. */
export async function encodeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const planned = [...tensors].map(
    ([name, tensor]): PlannedTensor => ({
      name,
      shape: tensor.shape,
      dtype: tensor.data instanceof Float32Array ? "f32" : "u32",
      read: () => Promise.resolve(tensor),
    }),
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of safetensorsChunks(planned, metadata)) chunks.push(chunk);
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function exact(bytes: Uint8Array): ArrayBuffer {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy.buffer;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
