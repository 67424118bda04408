// From the words of a command line to a checked model. In: a path to an `.elm` file, `--set` lines, the process. Out: the model with what a run needs
// to keep of it; or a `Rejected` failure that carries the diagnostics, already laid out.

import { basename, dirname, join, relative, resolve } from "node:path";
import { check } from "../compiler/check/check.js";
import type { Model } from "../compiler/check/model.js";
import { render } from "../compiler/render.js";
import type { Diagnostic } from "../grammar/diagnostic.js";
import type { SourceFile, Span } from "../grammar/source.js";
import { exitCodes, Failure, wrong } from "./failure.js";
import { folderHost, type RecordingHost, storedHost } from "./host.js";
import type { Io } from "./io.js";
import type { RunFolder } from "./run-folder.js";
import type { Terminal } from "./terminal.js";

export interface Checked {
  readonly model: Model;
  /** Warnings only. */
  readonly warnings: readonly Diagnostic[];
  readonly source: Source;
}

/** Where a program comes from. */
export interface Source {
  /** The file's name in `folder`. */
  readonly entry: string;
  /** Absolute: what data paths are resolved against. */
  readonly folder: string;
  /** As messages call the program. */
  readonly title: string;
  readonly host: RecordingHost;
  readonly overrides: readonly string[];
}

/** The program is wrong; the message is all of its diagnostics. */
export class Rejected extends Failure {
  readonly diagnostics: readonly Diagnostic[];

  constructor(title: string, diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
    super(`${title} has ${errors} ${errors === 1 ? "error" : "errors"}.`, { exitCode: exitCodes.wrong });
    this.diagnostics = diagnostics;
  }
}

export function fileSource(path: string, overrides: readonly string[], io: Io): Source {
  const whole = resolve(io.cwd, path);
  const folder = dirname(whole);
  return { entry: basename(whole), folder, title: path, host: folderHost(folder), overrides };
}

export function runSource(run: RunFolder, overrides: readonly string[]): Source {
  return {
    entry: run.record.entry,
    folder: run.record.base,
    title: run.path,
    host: storedHost(run.files),
    overrides: [...run.record.overrides, ...overrides],
  };
}

/** Throws `Rejected` where the program has errors, and a failure where there is no program. */
export function checkSource(source: Source, io: Io): Checked {
  const { host, entry, title } = source;
  if (host.read(entry) === undefined) throw wrong(`There is no file ${title}.`, nearby(source, io));
  const { model, diagnostics } = check(entry, host, source.overrides);
  for (const path of host.refused) {
    throw wrong(
      `${title} imports ${path}, which lies outside of its folder.`,
      "A run keeps all of its program, so imports lie beside the file or below: move it there.",
    );
  }
  const shown = diagnostics.map((diagnostic) => titledAs(diagnostic, title, source));
  if (model === undefined || diagnostics.some((diagnostic) => diagnostic.severity === "error")) throw new Rejected(title, shown);
  return { model, warnings: shown, source };
}

/** Diagnostics as people read them, a blank line after each. */
export function renderDiagnostics(out: Terminal, diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${render(diagnostic, { color: out.color, width: out.width })}\n\n`).join("");
}

/** Files of the folder that may have been meant. */
function nearby(source: Source, io: Io): string {
  const found = source.host.list("*.elm").map((path) => relative(io.cwd, path));
  return found.length === 0
    ? "The path is taken from the folder you are in; see `ulmus check --help`."
    : `That folder has ${found.slice(0, 5).join(", ")}.`;
}

/** The checker knows files by their place in the entry's folder; people by the path they typed. */
function titledAs(diagnostic: Diagnostic, title: string, source: Source): Diagnostic {
  const folder = dirname(title);
  const files = new Map<SourceFile, SourceFile>();
  const moved = (span: Span): Span => {
    const { file } = span;
    if (file.name.startsWith("--") || !source.host.texts.has(file.name)) return span;
    const named = files.get(file) ?? { name: file.name === source.entry ? title : join(folder, file.name), text: file.text };
    files.set(file, named);
    return { ...span, file: named };
  };
  return {
    ...diagnostic,
    at: { ...diagnostic.at, span: moved(diagnostic.at.span) },
    also: diagnostic.also.map((label) => ({ ...label, span: moved(label.span) })),
    ...(diagnostic.fix === undefined ? {} : { fix: { ...diagnostic.fix, span: moved(diagnostic.fix.span) } }),
  };
}
