// Files → declarations. In: the entry file's path, a host and `--set` lines. Out: every file of the closure with its sections, blocks, bindings
// and imports by name, and each section's settings after `a.b = v` lines were applied, the last one winning. Nothing is evaluated here.

import type { Diagnostic } from "../../grammar/diagnostic.js";
import { parse } from "../../grammar/index.js";
import type { SourceFile, Span } from "../../grammar/source.js";
import type { Binding, Expr, File, Name, Section } from "../../grammar/tree.js";
import { folderOf, type Host, resolvePath } from "../host.js";
import { type Code, type Details, diagnose, type Facts, replaceBy } from "../messages.js";
import { std } from "../std/index.js";
import { nearest } from "../suggest.js";
import { isSectionKeyword, type SectionKeyword, sectionKeywords } from "./schema.js";

/** A `--set` line as typed, without `--set`: `training.batch_size = 8`. */
export type Override = string;

export interface Unit {
  /** As the host knows it; "std" for the standard blocks. */
  readonly path: string;
  readonly folder: string;
  readonly tree: File;
  readonly imports: Map<string, { readonly unit: Unit; readonly span: Span }>;
  readonly sections: Map<string, Declaration>;
  readonly blocks: Map<string, Section>;
  readonly bindings: Map<string, Binding>;
  readonly allow: Set<string>;
}

/** A section other than a block. */
export interface Declaration {
  readonly keyword: Exclude<SectionKeyword, "block">;
  readonly name: string;
  readonly section: Section;
  readonly unit: Unit;
  readonly settings: Map<string, SettingSource>;
  /** Sections inside: `forward`, `encode`, `choose`. */
  readonly parts: ReadonlyMap<string, Section>;
}

export interface SettingSource {
  readonly value: Expr;
  readonly name: Name;
  /** Set from outside by `a.b = v`: names in `value` are those of this file, not of the section. */
  readonly outside?: Unit;
}

export interface Program {
  readonly entry: Unit;
  readonly std: Unit;
  readonly host: Host;
  readonly units: ReadonlyMap<string, Unit>;
  /** Path → text of every `.elm` file read, and the `--set` lines. */
  readonly files: ReadonlyMap<string, string>;
  /** The calls of blocks being run, outermost first: a mistake inside a standard block is shown where the user calls it. */
  readonly calls: Span[];
  /** Counts a call or a round of a loop; false, after one report, where there have been too many in all. */
  spend(span: Span): boolean;
  /** The span itself, or where the user calls the standard block it stands in. */
  userSpan(span: Span): Span;
  report<C extends Code>(code: C, span: Span, facts: Facts<C>, details?: Details): void;
}

/** Calls and rounds of one check, at most: nested loops multiply. */
export const WORK_LIMIT = 200_000;

export const SET_LINES = "--set";

/** Collects diagnostics, each once: a block used twice says its mistake once. */
export interface Reporter {
  readonly diagnostics: Diagnostic[];
  add(diagnostic: Diagnostic): void;
}

export function reporter(): Reporter {
  const diagnostics: Diagnostic[] = [];
  const seen = new Set<string>();
  return {
    diagnostics,
    add(diagnostic) {
      const { span } = diagnostic.at;
      // What is not built is said once, not at each of its uses.
      const place = diagnostic.code === "not-built-yet" ? diagnostic.message : `${span.file.name} ${span.start} ${span.end}`;
      const key = `${diagnostic.code} ${place}`;
      if (seen.has(key)) return;
      seen.add(key);
      diagnostics.push(diagnostic);
    },
  };
}

/** Reads the closure; undefined where the entry file itself is not there. */
export function loadProgram(entry: string, host: Host, overrides: readonly Override[], out: Reporter): Program | undefined {
  const units = new Map<string, Unit>();
  const files = new Map<string, string>();
  const calls: Span[] = [];
  let spent = 0;
  const spend = (span: Span): boolean => {
    spent++;
    if (spent === WORK_LIMIT + 1) report("too-large", span, { limit: WORK_LIMIT, what: "calls and rounds of loops" });
    return spent <= WORK_LIMIT;
  };
  const standard = unitOf("std", std);
  const inStd = (span: Span): boolean => span.file === standard.tree.span.file;
  const userSpan = (span: Span): Span => (inStd(span) ? (calls.findLast((at) => !inStd(at)) ?? span) : span);
  const report: Program["report"] = (code, span, facts, details = {}) => {
    const call = inStd(span) ? userSpan(span) : undefined;
    const also = (details.also ?? []).filter((label) => call === undefined || !inStd(label.span));
    const shown = call === undefined ? details : { ...details, also, at: details.at ?? "in this call" };
    const diagnostic = diagnose(code, call ?? span, facts, shown);
    if (diagnostic.severity === "error" || !isAllowed(units.values(), diagnostic)) out.add(diagnostic);
  };

  collect(standard);
  const main = load(entry, undefined);
  if (main === undefined) return undefined;
  applyAll(main);
  if (overrides.length > 0) {
    const lines = overrides.join("\n");
    files.set(SET_LINES, lines);
    const extra = unitOf(SET_LINES, lines);
    for (const binding of collect(extra)) apply(binding, main, extra);
    // A name without a section would set nothing.
    for (const [path, binding] of extra.bindings) report("unknown-target", binding.span, { path });
  }
  return { entry: main, std: standard, host, units, files, calls, spend, userSpan, report };

  function unitOf(path: string, text: string): Unit {
    const file: SourceFile = { name: path, text };
    const { tree, diagnostics } = parse(file);
    for (const diagnostic of diagnostics) out.add(diagnostic);
    return {
      path,
      folder: folderOf(path),
      tree,
      imports: new Map(),
      sections: new Map(),
      blocks: new Map(),
      bindings: new Map(),
      allow: new Set(),
    };
  }

  function load(path: string, at: Span | undefined): Unit | undefined {
    const known = units.get(path);
    if (known !== undefined) return known;
    const text = host.read(path);
    if (text === undefined) {
      const nowhere: Span = { file: { name: path, text: "" }, start: 0, end: 0 };
      report("missing-file", at ?? nowhere, { path, what: at === undefined ? "The file" : "The imported file" });
      return undefined;
    }
    files.set(path, text);
    const unit = unitOf(path, text);
    units.set(path, unit);
    collect(unit);
    for (const line of unit.tree.imports) {
      const from = plainText(line.from);
      const target = load(resolvePath(unit.folder, from), line.from.span);
      if (target === undefined) continue;
      for (const name of line.names) {
        const has = [...target.sections.keys(), ...target.blocks.keys(), ...target.bindings.keys()];
        if (!has.includes(name.text) && !target.imports.has(name.text)) {
          const near = nearest(name.text, has);
          report(
            "unknown-import",
            name.span,
            { name: name.text, from, has },
            near === undefined ? {} : { fix: replaceBy(near, name.span) },
          );
        } else unit.imports.set(name.text, { unit: target, span: name.span });
      }
    }
    return unit;
  }

  /** Enters a unit's items under their names; returns its `a.b = v` lines. */
  function collect(unit: Unit): Binding[] {
    const outside: Binding[] = [];
    for (const item of unit.tree.items) {
      if (item.kind === "section") enter(unit, item);
      else if (item.kind === "binding") {
        const [path] = item.targets;
        if (path === undefined) continue;
        const [first] = path.segments;
        if (path.segments.length > 1) outside.push(item);
        else if (first !== undefined) {
          if (first.text === "allow") for (const code of allowed(item.value)) unit.allow.add(code);
          else if (unit.bindings.has(first.text)) report("set-twice", first.span, { name: first.text });
          else unit.bindings.set(first.text, item);
        }
      } else report("misplaced-item", item.span, { item: item.kind === "repeat" ? "A `repeat`" : "A `return`", place: "a file" });
    }
    return outside;
  }

  function enter(unit: Unit, section: Section): void {
    const keyword = section.keyword.text;
    if (!isSectionKeyword(keyword)) {
      const near = nearest(keyword, sectionKeywords);
      report(
        "unknown-section",
        section.keyword.span,
        { keyword },
        near === undefined ? {} : { fix: replaceBy(near, section.keyword.span) },
      );
      return;
    }
    const unnamed = keyword === "training" || keyword === "sampler" || keyword === "evaluation";
    const name = section.name?.text ?? (unnamed ? keyword : undefined);
    if (name === undefined) {
      report("name-needed", section.keyword.span, { keyword, second: false });
      return;
    }
    const first = unit.sections.get(name)?.section ?? unit.blocks.get(name);
    if (first !== undefined) {
      if (section.name === undefined) report("name-needed", section.keyword.span, { keyword, second: true });
      else
        report(
          "same-name",
          section.name.span,
          { name, what: "The section" },
          { also: [{ span: first.name?.span ?? first.keyword.span, text: "declared here" }] },
        );
      return;
    }
    if (keyword === "block") unit.blocks.set(name, section);
    else unit.sections.set(name, declaration(unit, keyword, name, section));
  }

  function declaration(unit: Unit, keyword: Declaration["keyword"], name: string, section: Section): Declaration {
    const settings = new Map<string, SettingSource>();
    const parts = new Map<string, Section>();
    for (const item of section.items) {
      if (item.kind === "section") {
        if (parts.has(item.keyword.text)) report("same-name", item.keyword.span, { name: item.keyword.text, what: "The part" });
        else parts.set(item.keyword.text, item);
      } else if (item.kind === "binding") {
        const [first] = item.targets[0]?.segments ?? [];
        if (first === undefined) continue;
        if (settings.has(first.text)) report("set-twice", first.span, { name: first.text });
        else settings.set(first.text, { value: item.value, name: first });
      } else report("misplaced-item", item.span, { item: item.kind === "repeat" ? "A `repeat`" : "A `return`", place: `a \`${keyword}\`` });
    }
    return { keyword, name, section, unit, settings, parts };
  }

  /** Imports' lines first, so that the importing file's win. */
  function applyAll(start: Unit): void {
    const done = new Set<Unit>();
    const visit = (unit: Unit): void => {
      if (done.has(unit)) return;
      done.add(unit);
      for (const { unit: next } of unit.imports.values()) visit(next);
      for (const item of unit.tree.items)
        if (item.kind === "binding" && (item.targets[0]?.segments.length ?? 0) > 1) apply(item, unit, unit);
    };
    visit(start);
  }

  function apply(binding: Binding, scope: Unit, outside: Unit): void {
    const [path] = binding.targets;
    const [section, setting, ...rest] = path?.segments ?? [];
    if (path === undefined || section === undefined || setting === undefined) return;
    const target = findDeclaration(scope, section.text);
    if (target === undefined || rest.length > 0) {
      const near = nearest(section.text, [...scope.sections.keys(), ...scope.imports.keys()]);
      const written = path.segments.map((s) => s.text).join(".");
      report(
        "unknown-target",
        path.span,
        { path: written },
        near === undefined || target !== undefined ? {} : { fix: replaceBy(near, section.span) },
      );
      return;
    }
    target.settings.set(setting.text, { value: binding.value, name: setting, outside: outside === scope ? outside : scope });
  }
}

/** The section of that name, seen from a file. */
export function findDeclaration(unit: Unit, name: string): Declaration | undefined {
  return unit.sections.get(name) ?? follow(unit, name, (target) => target.sections.get(name));
}

/** The block of that name, seen from a file, and the file it stands in. */
export function findBlock(
  program: Pick<Program, "std">,
  unit: Unit,
  name: string,
): { readonly section: Section; readonly unit: Unit } | undefined {
  const own = unit.blocks.get(name);
  if (own !== undefined) return { section: own, unit };
  const imported = follow(unit, name, (target) => {
    const section = target.blocks.get(name);
    return section === undefined ? undefined : { section, unit: target };
  });
  if (imported !== undefined) return imported;
  const section = program.std.blocks.get(name);
  return section === undefined ? undefined : { section, unit: program.std };
}

/** The file-level binding of that name, and the file it stands in. */
export function findBinding(unit: Unit, name: string): { readonly binding: Binding; readonly unit: Unit } | undefined {
  const own = unit.bindings.get(name);
  if (own !== undefined) return { binding: own, unit };
  return follow(unit, name, (target) => {
    const binding = target.bindings.get(name);
    return binding === undefined ? undefined : { binding, unit: target };
  });
}

/** Looks along imports, which may be of an import, and may go in circles. */
function follow<T>(unit: Unit, name: string, find: (unit: Unit) => T | undefined): T | undefined {
  const seen = new Set<Unit>();
  for (let at = unit.imports.get(name)?.unit; at !== undefined && !seen.has(at); at = at.imports.get(name)?.unit) {
    seen.add(at);
    const found = find(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `allow = ["unused-parameter"]` silences a warning in its file or its section. */
function isAllowed(units: Iterable<Unit>, diagnostic: Diagnostic): boolean {
  const { span } = diagnostic.at;
  for (const unit of units) {
    if (unit.tree.span.file !== span.file) continue;
    if (unit.allow.has(diagnostic.code)) return true;
    for (const { section, settings } of unit.sections.values()) {
      const allow = settings.get("allow");
      if (
        allow !== undefined &&
        section.span.start <= span.start &&
        span.end <= section.span.end &&
        allowed(allow.value).includes(diagnostic.code)
      )
        return true;
    }
  }
  return false;
}

function allowed(value: Expr): string[] {
  if (value.kind !== "list") return [];
  return value.items.flatMap((item) => (item.kind === "string" ? [plainText(item)] : []));
}

/** The text of a string without holes. */
export function plainText(expr: Expr): string {
  return expr.kind === "string" ? expr.parts.map((part) => (part.kind === "text" ? part.text : "")).join("") : "";
}
