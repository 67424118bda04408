// What an app needs to train: rows from texts, the trainer, checkpoints. Runs in Node and in a page.

export { type Corpus, CorpusError, type CorpusOptions, readCorpus } from "../data/corpus.js";
export { type BatchPlace, openTextData, type TextData } from "../data/text.js";
export { checkpointChunks, loadCheckpoint, loadWeights, type RunState, weightChunks } from "./checkpoint.js";
export { adamCorrections, learningRate } from "./schedule.js";
export {
  DivergenceError,
  type EvaluationReport,
  evaluate,
  type StepReport,
  type TrainOptions,
  type TrainResult,
  train,
  trainingOf,
} from "./trainer.js";
