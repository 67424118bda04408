// In: paths. Out: files as the runtime's interfaces want them: random reads for texts and weights, writes that appear whole or not at all.

import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import type { ByteSource } from "./bytes.js";

/** Node reads and writes less than 2 GiB at once. */
const MOST = 2 ** 30;

/** A file to read from, opened at its first read. */
export class NodeFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  #handle: Promise<FileHandle> | undefined;

  private constructor(name: string, size: number) {
    this.name = name;
    this.size = size;
  }

  /** Throws where there is no such file. */
  static async open(path: string): Promise<NodeFile> {
    return new NodeFile(path, (await stat(path)).size);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#handle ??= open(this.name, "r");
    const handle = await this.#handle;
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, Math.min(MOST, bytes.length - done), offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  async close(): Promise<void> {
    await (await this.#handle)?.close();
    this.#handle = undefined;
  }
}

/** A whole UTF-8 file. */
export function readTextFile(path: string): Promise<string> {
  return readFile(path, "utf8");
}

/** Writes chunks to a neighbouring file, flushes it to the disk and renames it: a reader sees the old file or the new one, never half of one. */
export async function writeFileAtomically(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const handle = await open(temporary, "w");
  try {
    for await (const chunk of chunks) {
      let done = 0;
      while (done < chunk.length) done += (await handle.write(chunk, done, Math.min(MOST, chunk.length - done))).bytesWritten;
    }
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
