// A training's data from the disk, opened as the runtime reads it. In: the checked model and the folder its paths are seen from; out: rows.
// A missing file is named with the folder it was looked for in.

import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import type { Model, Training } from "../compiler/check/model.js";
import { openTextData, type TextData } from "../runtime/data/text.js";
import { NodeFile } from "../runtime/node-files.js";
import { openSequence } from "../runtime/sequences.js";
import { openTokenizers } from "../runtime/tokenizers/index.js";
import { wrong } from "./failure.js";
import { dataFiles } from "./host.js";
import type { Io } from "./io.js";

export interface OpenData {
  readonly data: TextData;
  readonly vocabSize: number;
  /** The part that is held out, where there is one. */
  readonly heldOut: string | undefined;
  close(): Promise<void>;
}

export async function openData(model: Model, training: Training, folder: string, io: Io): Promise<OpenData> {
  const spec = model.data.get(training.data);
  const sequenceSpec = model.sequences.get(training.sequence);
  if (spec === undefined || sequenceSpec === undefined)
    throw new Error(`internal error: training ${training.name} names no data or sequence`);
  const paths = spec.source.paths.flatMap((path) => {
    const found = dataFiles(join(folder, spec.base), path);
    if (found.length === 0 || found.some((file) => !existsSync(file))) {
      throw wrong(
        `The data of \`${spec.name}\`, ${path}, is not in ${relative(io.cwd, join(folder, spec.base)) || "this folder"}.`,
        "Put the file there, or change `source`.",
      );
    }
    return found;
  });
  const files = await Promise.all(paths.map((path) => NodeFile.open(path)));
  const close = async () => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    const tokenizers = openTokenizers(Object.fromEntries([...model.tokenizers].map(([name, { spec: each }]) => [name, each])));
    const sequence = openSequence(sequenceSpec, tokenizers);
    const field = sequenceSpec.fields.find((each) => each.name === spec.field);
    if (field === undefined) throw new Error(`internal error: sequence ${sequenceSpec.name} has no field ${spec.field}`);
    const data = await openTextData(spec, files, sequence, tokenizers.get(field.tokenizer));
    const heldOut = data.splits.find((name) => name === "val") ?? data.splits.find((name) => name !== "train");
    return { data, vocabSize: tokenizers.get(sequenceSpec.vocabulary).vocabSize, heldOut, close };
  } catch (error) {
    await close();
    throw error;
  }
}
