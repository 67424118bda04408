// The runtime runs in a page: its import closure stays in its folder, holds no Node module and no Dawn, and is small.
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");

async function bundle(entry: string) {
  const result = await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    format: "esm",
    platform: "browser",
    minify: true,
    metafile: true,
    write: false,
    logLevel: "silent",
    absWorkingDir: root,
  });
  return { inputs: Object.keys(result.metafile.inputs), bytes: result.outputFiles[0]?.contents.length ?? 0 };
}

describe("a page's bundle", () => {
  test.each([
    ["runtime/index.ts", 60_000],
    ["runtime/train/index.ts", 60_000],
  ])("of %s holds the runtime alone, below %i bytes", async (entry, limit) => {
    const { inputs, bytes } = await bundle(entry);
    expect(inputs.filter((input) => !input.startsWith("runtime/"))).toEqual([]);
    expect(inputs.filter((input) => /(^|\/)node[^/]*$/.test(input))).toEqual([]);
    expect(bytes).toBeLessThan(limit);
  });
  test("bundles every file but Node's", async () => {
    const files = readdirSync(join(root, "runtime"), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile() && file.name.endsWith(".ts") && !file.name.startsWith("node"))
      .map((file) => relative(root, join(file.parentPath, file.name)));
    for (const file of files) await expect(bundle(file), file).resolves.toBeDefined();
  });
});
