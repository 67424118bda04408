// safetensors: what is written is read back, and every damaged file is refused with a reason.
import { describe, expect, test } from "vitest";
import { arraySource } from "../../runtime/bytes.js";
import { encodeSafetensors, openSafetensors, SafetensorsError } from "../../runtime/safetensors.js";
import type { HostTensor } from "../../runtime/tensors.js";

const tensors = new Map<string, HostTensor>([
  ["a.weight", { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-30, 7) }],
  ["counts", { shape: [2], data: Uint32Array.of(0xffffffff, 5) }],
  ["scalar", { shape: [], data: Float32Array.of(4) }],
  ["empty", { shape: [0, 4], data: new Float32Array(0) }],
]);

/** A file of given header text and data. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}
const open = (bytes: Uint8Array) => openSafetensors(arraySource(bytes, "w.safetensors"));

describe("safetensors", () => {
  test("come back as written", async () => {
    const opened = await open(await encodeSafetensors(tensors, { step: "12" }));
    expect(opened.metadata).toEqual({ step: "12" });
    expect([...opened.tensors.keys()]).toEqual([...tensors.keys()]);
    for (const [name, tensor] of tensors) expect(await opened.read(name)).toEqual(tensor);
    await expect(opened.read("b")).rejects.toThrow('has no tensor "b"');
  });
  test("cut short at any byte are refused", async () => {
    const bytes = await encodeSafetensors(tensors, { step: "12" });
    for (let length = 0; length < bytes.length; length++)
      await expect(open(bytes.subarray(0, length)), `${length} bytes`).rejects.toThrow(SafetensorsError);
  });
  test.each([
    ["no JSON", file("{x"), "no JSON"],
    ["not an object", file("[1]"), "no JSON object"],
    ["a huge header", Uint8Array.of(255, 255, 255, 255, 255, 255, 0, 0), "header of"],
    ["a type of its own", file({ a: { dtype: "X9", shape: [1], data_offsets: [0, 8] } }, new Uint8Array(8)), "of type X9"],
    [
      "integers in a wrong place",
      file({ a: { dtype: "I64", shape: [1], data_offsets: [0, 4] } }, new Uint8Array(8)),
      "8 bytes, but its place has 4",
    ],
    ["no shape", file({ a: { dtype: "F32", shape: [-1], data_offsets: [0, 8] } }, new Uint8Array(8)), "has no shape"],
    ["a wrong place", file({ a: { dtype: "F32", shape: [1], data_offsets: [0, 8] } }, new Uint8Array(8)), "4 bytes, but its place has 8"],
    ["a place outside", file({ a: { dtype: "F32", shape: [2], data_offsets: [4, 12] } }, new Uint8Array(8)), "but the file has"],
    ["no description", file({ a: 1 }), "has no description"],
  ])("with %s are refused", async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(message);
  });
  test("with integers beside the weights are read, but for those", async () => {
    const header = { ids: { dtype: "I64", shape: [1], data_offsets: [0, 8] }, w: { dtype: "F32", shape: [1], data_offsets: [8, 12] } };
    const opened = await open(file(header, new Uint8Array(Float32Array.of(0, 0, 2.5).buffer)));
    expect([...(await opened.read("w")).data]).toEqual([2.5]);
    await expect(opened.read("ids")).rejects.toThrow('Tensor "ids" of w.safetensors is of type I64');
  });
  test("F16 and BF16 are widened", async () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000, 0x3f80, 0xc000, 0x3eab);
    const opened = await open(
      file(
        { half: { dtype: "F16", shape: [6], data_offsets: [0, 12] }, brain: { dtype: "BF16", shape: [3], data_offsets: [12, 18] } },
        new Uint8Array(halves.buffer),
      ),
    );
    expect([...(await opened.read("half")).data]).toEqual([1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY, -0]);
    expect([...(await opened.read("brain")).data]).toEqual([1, -2, 0.333984375]);
  });
});
