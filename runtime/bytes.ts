// In: a Blob or an array. Out: a source of bytes with random reads, which texts and weights are read through. Node's is in node-files.ts.

/** Bytes that can be read at any place. A read past the end gives what there is. */
export interface ByteSource {
  /** For messages: a path or URL. */
  readonly name: string;
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A `Blob` or `File` of a page. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  };
}

/** Bytes in memory. */
export function arraySource(bytes: Uint8Array, name: string): ByteSource {
  return { name, size: bytes.length, read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)) };
}
