// In: nothing but the machine's first adapter. Out: a table of GFLOP/s of matmul kernels by shape and transposes, by the
// clock and by the time of the processors that the process used (what a shared machine can still tell).
// Run: npx esbuild bench/matmul.ts --bundle --platform=node --format=esm --external:webgpu --outfile=bench/.matmul.mjs && node bench/.matmul.mjs

import { elements, type TensorType } from "../compiler/ir/graph.js";
import { matmul } from "../compiler/kernels/index.js";
import type { Target } from "../compiler/kernels/kernel.js";
import { load, openDevice } from "../test/kernels/device.js";

const shapes: readonly (readonly [M: number, N: number, K: number, modes: string])[] = [
  [768, 512, 128, "nn nt"],
  [768, 128, 512, "nn nt"],
  [768, 384, 128, "nt"],
  [768, 65, 128, "nt"],
  [128, 512, 768, "tn"],
  [128, 128, 768, "tn"],
  [65, 128, 768, "tn"],
  [1, 512, 128, "nt"],
  [8, 512, 128, "nt"],
];

const context = await openDevice();
if (!context) throw new Error("no GPU adapter");
const only = process.argv[2];
const variants: readonly (readonly [string, Target])[] = [
  ["subgroups", context.target],
  ["none", { ...context.target, subgroup: 0 }],
  ["shared", { ...context.target, software: false }],
];
for (const [M, N, K, modes] of shapes) {
  for (const mode of modes.split(" ")) {
    const attrs = { transposeA: mode[0] === "t", transposeB: mode[1] === "t" };
    const matrix = (...shape: readonly number[]): TensorType => ({ dtype: "f32", shape });
    const types = [attrs.transposeA ? matrix(K, M) : matrix(M, K), attrs.transposeB ? matrix(N, K) : matrix(K, N)];
    const result = [matrix(M, N)];
    const cells: string[] = [];
    for (const [name, target] of variants) {
      if (only !== undefined && only !== name) continue;
      const data = types.map((type) => Float32Array.from({ length: elements(type.shape) }, (_, i) => ((i * 7919) % 17) / 17 - 0.5));
      const loaded = await load(context, matmul(attrs, types, result, target), data, types, result);
      await loaded.run(2);
      const times: number[] = [];
      const work: number[] = [];
      const repeats = Math.max(1, Math.round(2e8 / (2 * M * N * K)));
      for (let i = 0; i < 9; i++) {
        const before = process.cpuUsage();
        times.push((await loaded.run(repeats)) / repeats);
        const { user, system } = process.cpuUsage(before);
        work.push((user + system) / 1000 / repeats);
      }
      const rate = (ms: number): string => ((2e-6 * M * N * K) / ms).toFixed(1);
      cells.push(`${name} ${rate(Math.min(...times))} (${rate(Math.min(...work))} a core)`);
      loaded.destroy();
    }
    console.log(`${mode} ${M}×${N}×${K}`.padEnd(20), cells.join("  "));
  }
}
