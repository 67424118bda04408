// An artifact in numbers: programs with their dispatches, pipelines and bytes, and the memory it takes by role. In: an artifact; out: text or data.

import { readFileSync } from "node:fs";
import { ARTIFACT_VERSION, type Artifact, type Program, type Role } from "../runtime/artifact.js";
import { Failure, wrong } from "./failure.js";
import { count, size, table } from "./terminal.js";

export interface ProgramNumbers {
  readonly name: string;
  readonly dispatches: number;
  readonly copies: number;
  readonly pipelines: number;
  readonly arenaBytes: number;
  readonly uploadBytes: number;
  readonly readbackBytes: number;
}

export function programNumbers(name: string, program: Program): ProgramNumbers {
  const dispatches = program.steps.filter((step) => step.kind === "dispatch");
  return {
    name,
    dispatches: dispatches.length,
    copies: program.steps.length - dispatches.length,
    pipelines: new Set(dispatches.map((step) => step.shader)).size,
    arenaBytes: program.arenaBytes,
    uploadBytes: program.uploadBytes,
    readbackBytes: program.readbackBytes,
  };
}

export interface Memory {
  /** Bytes of persistent tensors by role, as they are, without the gaps between them. */
  readonly roles: Readonly<Partial<Record<Role, number>>>;
  /** All persistent buffers. */
  readonly buffers: number;
  /** The one arena that all programs share: activations and all that lives for one run. */
  readonly arena: number;
  readonly upload: number;
}

export function memoryOf(artifact: Artifact): Memory {
  const roles: Partial<Record<Role, number>> = {};
  for (const tensor of artifact.tensors) roles[tensor.role] = (roles[tensor.role] ?? 0) + 4 * elements(tensor.shape);
  const programs = Object.values(artifact.programs);
  return {
    roles,
    buffers: artifact.buffers.reduce((sum, buffer) => sum + buffer.bytes, 0),
    arena: Math.max(0, ...programs.map((program) => program.arenaBytes)),
    upload: Math.max(0, ...programs.map((program) => program.uploadBytes)),
  };
}

/** Parameters of an artifact, elements. */
export function parameterCount(artifact: Artifact): number {
  return (memoryOf(artifact).roles.parameter ?? 0) / 4;
}

const roleNames: Readonly<Record<Role, string>> = {
  parameter: "parameters",
  moment: "optimizer",
  ema: "averaged parameters",
  gradient: "gradients",
  cache: "caches",
  counter: "counters",
};

/** `parameters 3.1 MiB, optimizer 6.1 MiB, activations 12 MiB`. */
export function memoryLine(artifact: Artifact): string {
  const { roles, arena, buffers, upload } = memoryOf(artifact);
  const parts = Object.entries(roleNames).flatMap(([role, name]) => {
    const bytes = roles[role as Role] ?? 0;
    return bytes > 0 ? [`${name} ${size(bytes)}`] : [];
  });
  return `${[...parts, `activations ${size(arena)}`].join(", ")}; ${size(buffers + arena + upload)} in all`;
}

export function artifactSummary(artifact: Artifact): string {
  const numbers = Object.entries(artifact.programs).map(([name, program]) => programNumbers(name, program));
  const rows = numbers.map((p) => [
    p.name,
    `${p.dispatches}`,
    `${p.copies}`,
    `${p.pipelines}`,
    size(p.arenaBytes),
    size(p.uploadBytes),
    size(p.readbackBytes),
  ]);
  return [
    `${count(artifact.shaders.length)} kernels, ${count(artifact.tensors.length)} tensors; ${memoryLine(artifact)}\n`,
    table([["program", "dispatches", "copies", "pipelines", "arena", "upload", "readback"], ...rows], [1, 2, 3, 4, 5, 6]),
  ].join("");
}

export function artifactData(artifact: Artifact): Readonly<Record<string, unknown>> {
  return {
    version: artifact.version,
    kernels: artifact.shaders.length,
    tensors: artifact.tensors.length,
    parameters: parameterCount(artifact),
    memory: memoryOf(artifact),
    programs: Object.entries(artifact.programs).map(([name, program]) => programNumbers(name, program)),
  };
}

/** An artifact from the file at `whole`, which messages call `path`; a failure that says why where it is none. */
export function readArtifact(whole: string, path = whole): Artifact {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(whole, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw wrong(`${path} is not valid JSON: it was cut short or edited.`, "Write it again: ulmus compile FILE.elm -o artifact.json");
    throw error;
  }
  const artifact = typeof value === "object" && value !== null ? (value as Partial<Artifact>) : {};
  if (artifact.format !== "ulmus")
    throw wrong(`${path} is no artifact of ulmus.`, "`ulmus inspect` reads .elm files, run folders, artifacts and .safetensors files.");
  if (artifact.version !== ARTIFACT_VERSION) {
    throw new Failure(`${path} has version ${artifact.version}; this version of ulmus reads version ${ARTIFACT_VERSION}.`, {
      remedy: "Write it again: ulmus compile FILE.elm -o artifact.json",
    });
  }
  return artifact as Artifact;
}

function elements(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
