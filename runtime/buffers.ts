// In: a device and a size. Out: buffers, or an error that names what did not fit and how large it was; bytes read back from them.
// Invariant: every allocation is checked under error scopes, never left to fail at its first use.

import { type Device, DeviceLostError } from "./device.js";

/** `GPUBufferUsage` bits, which are globals in browsers only. */
const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const STORAGE_BIT = 128;

/** What kernels read and write. */
export const STORAGE = STORAGE_BIT | COPY_SRC | COPY_DST;
/** What a dispatch takes its size from. */
export const INDIRECT = 256;
/** What the host maps. */
export const STAGING = MAP_READ | COPY_DST;

/** The device has not enough memory for a buffer. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
  /** Size of the buffer that did not fit. */
  readonly bytes: number;

  constructor(what: string, bytes: number, reason: string) {
    super(`Out of memory: ${what} needs ${bytes.toLocaleString("en")} bytes (${(bytes / 2 ** 20).toFixed(1)} MiB). ${reason}`);
    this.bytes = bytes;
  }
}

/** Rounded up to a multiple of 4, which buffer sizes and copies must be. */
export function align(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** A zeroed buffer. Throws `OutOfMemoryError`. */
export async function allocate(device: Device, bytes: number, usage: number, what: string): Promise<GPUBuffer> {
  device.check();
  const size = Math.max(4, align(bytes));
  if (size > device.maxBuffer)
    throw new OutOfMemoryError(what, size, `The device allows at most ${device.maxBuffer.toLocaleString("en")} bytes a buffer.`);
  const gpu = device.gpu;
  gpu.pushErrorScope("out-of-memory");
  gpu.pushErrorScope("validation");
  const buffer = gpu.createBuffer({ size, usage, label: what });
  // Both are asked for before either is awaited: scopes are a stack, and other work may push in between.
  const [invalid, exhausted] = await Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]);
  if (exhausted !== null || invalid !== null) {
    buffer.destroy();
    device.check();
    throw new OutOfMemoryError(what, size, (exhausted ?? invalid)?.message ?? "");
  }
  return buffer;
}

/** Maps a staging buffer, copies its first `bytes` and unmaps it. Throws `DeviceLostError` when the device goes away meanwhile. */
export async function mapRead(device: Device, staging: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
  try {
    await staging.mapAsync(MAP_READ, 0, align(bytes));
  } catch (cause) {
    device.check();
    throw new DeviceLostError(`The device gave no result: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
  }
  const copy = staging.getMappedRange(0, align(bytes)).slice(0);
  staging.unmap();
  return copy;
}
