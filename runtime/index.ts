// What an app needs to run artifacts, in Node and in a page: open a device, load weights, generate. Training is in train/index.ts, Dawn in node.ts.

export {
  ARENA,
  ARTIFACT_VERSION,
  type Artifact,
  type Program,
  type SamplerSpec,
  type SequenceSpec,
  type Step,
  type TensorSpec,
  type TokenizerSpec,
  type TrainingSpec,
  UPLOAD,
} from "./artifact.js";
export { OutOfMemoryError } from "./buffers.js";
export { arraySource, type ByteSource, blobSource } from "./bytes.js";
export {
  type AdapterDescription,
  type Capability,
  Device,
  DeviceLostError,
  type DeviceOptions,
  NoAdapterError,
  openDevice,
} from "./device.js";
export {
  Executable,
  type ExecutableOptions,
  type Outputs,
  type Progress,
  type RunOptions,
  type Submission,
  type UploadValues,
} from "./executable.js";
export { type Generated, type GenerateOptions, generate, type Sample } from "./generate.js";
export {
  encodeSafetensors,
  openSafetensors,
  type PlannedTensor,
  SafetensorsError,
  type SafetensorsFile,
  safetensorsChunks,
  type TensorEntry,
} from "./safetensors.js";
export { describeSequence, openSequence, type Prompt, printLayout, type Sequence, SequenceError, type Span } from "./sequences.js";
export { gatherTensor, type HostTensor, initialise, initialValues, scatterTensor, type WholeTensor, wholeTensors } from "./tensors.js";
export { EncodeError, openTokenizers, type StreamDecoder, type TokenArray, type Tokenizer, type Tokenizers } from "./tokenizers/index.js";
export { loadWeights } from "./train/checkpoint.js";
