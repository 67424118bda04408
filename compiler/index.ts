// What an app needs to make artifacts, in Node and in a page: check a program, compile it, show what is wrong with it. In: texts by way of a host; out:
// data. Nothing behind this file touches a file system, a page or a device.

export type { Diagnostic, Fix, Label } from "../grammar/diagnostic.js";
export type { Position, SourceFile, Span } from "../grammar/source.js";
export { positionAt } from "../grammar/source.js";
export type { Artifact } from "../runtime/artifact.js";
export { analyse, type Checked, check, type Override } from "./check/check.js";
export type { Model, Network, Parameter, Sampler, Tokenizer, Training, Weights } from "./check/model.js";
export {
  isSectionKeyword,
  type SectionKeyword,
  type Setting,
  type SettingType,
  sectionKeywords,
  settingsOf,
  showSettingType,
} from "./check/schema.js";
export { type Compiled, compile, type Job } from "./compile.js";
export type { Host } from "./host.js";
export { print } from "./ir/print.js";
export { portable, type Target } from "./kernels/kernel.js";
export { printPlan } from "./passes/plan/print.js";
export { TooLargeError } from "./passes/plan.js";
export { type RenderOptions, render, renderAll } from "./render.js";
