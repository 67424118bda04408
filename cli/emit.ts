// The levels of a program as text, for people and golden files. In: a checked source and what was compiled of it; out: text that depends on the
// program and the target only.

import type { Model } from "../compiler/check/model.js";
import { showModel } from "../compiler/check/show.js";
import type { Compiled } from "../compiler/compile.js";
import { print } from "../compiler/ir/print.js";
import { printPlan } from "../compiler/passes/plan/print.js";
import { outline, parse } from "../grammar/index.js";
import type { SequenceSpec } from "../runtime/artifact.js";
import { describeSequence, openSequence } from "../runtime/sequences.js";
import { openTokenizers } from "../runtime/tokenizers/index.js";
import { titled } from "./summary.js";

/** Levels that need no compiling, and those that do. */
export const sourceLevels = ["tree", "model", "sequence"] as const;
export const compiledLevels = ["graph", "plan", "wgsl"] as const;
export type SourceLevel = (typeof sourceLevels)[number];
export type CompiledLevel = (typeof compiledLevels)[number];

export function emitSource(level: SourceLevel, model: Model): string {
  switch (level) {
    case "tree":
      return treesText([...model.files].filter(([path]) => path.endsWith(".elm")));
    case "model":
      return showModel(model);
    case "sequence":
      return [...model.sequences.values()].map((sequence) => sequenceText(model, sequence)).join("\n");
  }
}

/** Outlines of the files; each under its name where there are several. */
function treesText(files: readonly (readonly [name: string, text: string])[]): string {
  return files.map(([name, text]) => `${files.length > 1 ? `# ${name}\n` : ""}${outline(parse({ name, text }).tree)}`).join("\n");
}

export function emitCompiled(level: CompiledLevel, compiled: Compiled): string {
  switch (level) {
    case "graph":
      return [...compiled.graphs.values()].map(print).join("\n");
    case "plan":
      return [...compiled.plans.values()].map(printPlan).join("\n");
    case "wgsl":
      return compiled.artifact.shaders.map((text, i) => `// --- kernel ${i}: ${usersOf(compiled, i)}\n${text.trimEnd()}\n`).join("\n");
  }
}

/** Where a kernel is used: programs with the labels of its dispatches, each once. */
function usersOf(compiled: Compiled, shader: number): string {
  const users = Object.entries(compiled.artifact.programs).map(([name, program]) => {
    const labels = program.steps.flatMap((step) => (step.kind === "dispatch" && step.shader === shader ? [step.label] : []));
    return labels.length === 0 ? "" : `${name} (${[...new Set(labels)].join(", ")}${labels.length > 1 ? `; ${labels.length} times` : ""})`;
  });
  return users.filter((text) => text !== "").join(", ");
}

/** A pattern, and for each sampler that fills it the prompt, token by token. */
function sequenceText(model: Model, sequence: SequenceSpec): string {
  const lines = [describeSequence(sequence).trimEnd()];
  const tokenizers = openTokenizers(Object.fromEntries([...model.tokenizers].map(([name, { spec }]) => [name, spec])));
  for (const sampler of model.samplers.values()) {
    if (sampler.sequence !== sequence.name) continue;
    const { vocabulary, prompt } = openSequence(sequence, tokenizers);
    const { ids, field, stop, legal } = prompt(sampler.given);
    const given = Object.entries(sampler.given).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    lines.push(`${titled("sampler", sampler.name)}${given.length === 0 ? "" : ` given ${given.join(", ")}`}`);
    lines.push(`  prompt ${ids.map((id) => `${id}:${JSON.stringify(vocabulary.show(id))}`).join(" ")}`);
    lines.push(`  draws ${field}, ${legalCount(legal)} of ${vocabulary.vocabSize} ids legal`);
    lines.push(`  ends at ${stop === undefined ? "" : `${vocabulary.show(stop)} or after `}${sampler.maxNewTokens} tokens`);
  }
  return `${lines.join("\n")}\n`;
}

function legalCount(legal: Uint32Array): number {
  let bits = 0;
  for (const word of legal) for (let left = word; left !== 0; left &= left - 1) bits++;
  return bits;
}
