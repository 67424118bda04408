// In: the npm package that carries SwiftShader and a Vulkan loader for Linux machines without either. Out: both, unpacked into a
// folder. Invariant: one exact version, checked against its digest before anything of it is used; nothing of it is executed.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { npm } from "./steps.mjs";

const carrier = "@sparticuz/chromium@147.0.0";
const digest = "sha512-4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ==";
const wanted = ["libvk_swiftshader.so", "libvulkan.so.1"];

/**
 * The regular files of a tar archive (POSIX ustar; long names by extension headers are not needed here and left out).
 * @param {Buffer} archive
 * @returns {Map<string, Buffer>}
 */
function filesOfTar(archive) {
  const files = new Map();
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + 512);
    /** @param {number} from @param {number} to */
    const text = (from, to) => header.toString("utf8", from, to).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 136).trim(), 8);
    const prefix = text(345, 500);
    const kind = text(156, 157);
    const name = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
    if (kind === "0" || kind === "") files.set(name.replace(/^\.\//, ""), archive.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/**
 * Fetches SwiftShader into `folder`, which must be empty. Throws where npm can not fetch it or the digest differs.
 * @param {string} folder
 * @param {(line: string) => void} say
 * @returns {{ driver: string, origin: string, icd: string, libraries: string[], downloaded: number }}
 */
export function fetchSwiftShader(folder, say) {
  if (process.arch !== "x64") throw new Error(`the npm package ${carrier} carries SwiftShader for x64 only, and this is ${process.arch}`);
  const packed = join(folder, "packed");
  mkdirSync(packed, { recursive: true });
  say(`fetching SwiftShader out of the npm package ${carrier}, 68 MB`);
  const status = npm(["pack", carrier, "--silent", "--pack-destination", packed], { cwd: packed, quiet: true });
  const name = status === 0 ? readdirSync(packed).find((entry) => entry.endsWith(".tgz")) : undefined;
  if (name === undefined) throw new Error(`npm pack ${carrier} failed (status ${status})`);
  const tarball = readFileSync(join(packed, name));
  const found = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  if (found !== digest) throw new Error(`${carrier} has the digest ${found}, expected ${digest}`);
  const archive = filesOfTar(gunzipSync(tarball)).get("package/bin/swiftshader.tar.br");
  if (archive === undefined) throw new Error(`${carrier} holds no bin/swiftshader.tar.br`);
  const files = filesOfTar(brotliDecompressSync(archive));
  mkdirSync(join(folder, "lib"));
  for (const file of wanted) {
    const bytes = files.get(file);
    if (bytes === undefined) throw new Error(`${carrier} holds no ${file}`);
    writeFileSync(join(folder, "lib", file), bytes, { mode: 0o755 });
  }
  const icd = { file_format_version: "1.0.0", ICD: { library_path: "./lib/libvk_swiftshader.so", api_version: "1.0.5" } };
  writeFileSync(join(folder, "swiftshader_icd.json"), `${JSON.stringify(icd, null, 2)}\n`);
  rmSync(packed, { recursive: true });
  return {
    driver: "SwiftShader",
    origin: `the npm package ${carrier}`,
    icd: "swiftshader_icd.json",
    libraries: ["lib"],
    downloaded: tarball.length,
  };
}
