// In: the sources of every room. Out: the proof that they keep the house's arrows, budgets and promises. Invariant: the checks
// read what is on disk, so a new file or room is covered without being listed here.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const rooms = ["grammar", "compiler", "runtime", "cli"] as const;
type Room = (typeof rooms)[number];

/** Paths relative to the repository, with forward slashes. */
function sourcesUnder(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  const sources = names.filter((name) => /\.(ts|mjs)$/.test(name) && !name.includes("node_modules"));
  return sources.map((name) => `${folder}/${name.replaceAll("\\", "/")}`).sort();
}

/** What a file imports, in whatever form (static, type-only, dynamic, re-export). */
function importsOf(path: string): string[] {
  return ts.preProcessFile(readFileSync(join(root, path), "utf8"), true, true).importedFiles.map(({ fileName }) => fileName);
}

/** The repository path that a relative import names, still with the suffix it is written with. */
const targetOf = (path: string, specifier: string) => relative("/", join("/", path, "..", specifier)).replaceAll("\\", "/");

/** Which paths of the repository a room may import. */
const allowed: { readonly [room in Room]: (target: string) => boolean } = {
  grammar: (target) => target.startsWith("grammar/"),
  compiler: (target) => target.startsWith("compiler/") || target.startsWith("grammar/") || target === "runtime/artifact.js",
  runtime: (target) => target.startsWith("runtime/"),
  cli: (target) => rooms.some((room) => target.startsWith(`${room}/`)),
};

/** Which files may import something that is not a file of the repository. */
function mayImport(path: string, specifier: string): boolean {
  const nodeRuntime = /^runtime\/(.*\/)?node[^/]*\.ts$/.test(path);
  if (specifier.startsWith("node:")) return path.startsWith("cli/") || nodeRuntime;
  // probe.mjs asks Dawn for an adapter before anything is built.
  if (specifier === "webgpu") return path === "runtime/node.ts" || path === "cli/setup/probe.mjs";
  if (specifier === "chevrotain") return path.startsWith("grammar/");
  if (specifier === "commander") return path.startsWith("cli/");
  return false;
}

describe("arrows", () => {
  for (const room of rooms) {
    it(`${room}/ imports only what its arrows allow`, () => {
      const wrong = sourcesUnder(room).flatMap((path) =>
        importsOf(path)
          .filter((name) => (name.startsWith(".") ? !allowed[room](targetOf(path, name)) : !mayImport(path, name)))
          .map((name) => `${path} imports ${name}`),
      );
      expect(wrong).toEqual([]);
    });
  }
});

/** Bundles an entry point for a page. A `node:` import or a bare package makes esbuild fail or shows up in the inputs. */
async function bundle(entry: string) {
  const options = {
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    minify: true,
    metafile: true,
    write: false,
  } as const;
  const result = await build({ ...options, entryPoints: [entry], absWorkingDir: root, logLevel: "silent" });
  const inputs = Object.entries(result.metafile.inputs);
  return {
    bytes: result.outputFiles.reduce((sum, file) => sum + file.contents.length, 0),
    outside: inputs.map(([path]) => path).filter((path) => !path.startsWith("runtime/")),
    external: inputs.flatMap(([path, input]) => input.imports.filter((made) => made.external).map((made) => `${path}: ${made.path}`)),
  };
}

describe("the runtime in a page", () => {
  for (const entry of ["runtime/index.ts", "runtime/train/index.ts"]) {
    it(`${entry} bundles for a browser, and nothing outside runtime/ comes with it`, async () => {
      const { outside, external } = await bundle(entry);
      expect(outside).toEqual([]);
      expect(external).toEqual([]);
    });
  }

  it("runtime/index.ts takes at most 100 kB minified", async () => {
    const { bytes } = await bundle("runtime/index.ts");
    expect(bytes).toBeLessThanOrEqual(100_000);
  });
});

describe("files fit in a head", () => {
  const budget = 600;
  it(`no source or test has more than ${budget} lines`, () => {
    const lengths = [...rooms, "test", "bench"].flatMap(sourcesUnder).map((path) => ({ path, lines: lineCount(path) }));
    expect(lengths.filter(({ lines }) => lines > budget)).toEqual([]);
  });

  it("every source opens by saying what comes in, what goes out and what holds", () => {
    const silent = rooms.flatMap(sourcesUnder).filter((path) => !/^(#!.*\n)?(\/\/|\/\*)/.test(readFileSync(join(root, path), "utf8")));
    expect(silent).toEqual([]);
  });
});

function lineCount(path: string): number {
  return readFileSync(join(root, path), "utf8").split("\n").length - 1;
}

/** The entry points of package.json and the names each exports, one line a name; types are marked. */
function exportedNames(): string {
  const manifest: { exports: Record<string, { types: string }> } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const entries = Object.entries(manifest.exports).map(([name, { types }]) => ({
    name: name.replace(/^\./, "ulmus"),
    source: join(root, types.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, ".ts")),
  }));
  const program = ts.createProgram(
    entries.map(({ source }) => source),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      noEmit: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  const lines = entries.flatMap(({ name, source }) => {
    const file = program.getSourceFile(source);
    const symbol = file && checker.getSymbolAtLocation(file);
    if (symbol === undefined) throw new Error(`${name}: ${relative(root, source)} exports nothing`);
    const exported = checker.getExportsOfModule(symbol).map((found) => {
      const origin = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
      return `${name} ${found.name}${origin.flags & ts.SymbolFlags.Value ? "" : " (type)"}`;
    });
    return exported.sort();
  });
  return `${lines.join("\n")}\n`;
}

describe("what the package exports", () => {
  // To accept a change of the surface: npm run exports
  it("is exactly what docs/exports.txt lists", async () => {
    await expect(exportedNames()).toMatchFileSnapshot("../docs/exports.txt");
  }, 60_000);
});
