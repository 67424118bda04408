import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lossCurve } from "../../cli/curve.js";
import { type Metric, openMetrics, readMetrics } from "../../cli/metrics.js";
import { scratch } from "./scratch.js";

const folder = scratch();
afterAll(folder.remove);

const metrics = (steps: number): Metric[] =>
  Array.from({ length: steps }, (_, i) => i + 1).flatMap((step): Metric[] => {
    const loss: Metric = { step, loss: 2 + 2 * Math.exp(-step / 100), learning_rate: 1e-3, seconds: step / 10 };
    return step % 100 === 0 ? [loss, { step, val_loss: 2.1 + 2 * Math.exp(-step / 100), tokens: 1000, seconds: step / 10 }] : [loss];
  });

test("a picture of a run has both lines and the table's level, within its frame", () => {
  const svg = lossCurve("moby-dick & friends", metrics(2000), 2.46);
  expect(svg).toContain("moby-dick &amp; friends");
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg.match(/class="dot"/g)).toHaveLength(20);
  expect(svg).toContain("neighbour 2.46");
  const points = [...svg.matchAll(/points="([^"]+)"/g)].flatMap(([, list]) =>
    (list ?? "").split(" ").map((pair) => pair.split(",").map(Number)),
  );
  expect(points.length).toBeLessThan(400);
  for (const [x = -1, y = -1] of points) expect(x >= 0 && x <= 720 && y >= 0 && y <= 400).toBe(true);
});

test("one step, no step and a flat line can be drawn", () => {
  for (const some of [metrics(1), [], metrics(1).concat(metrics(1))]) expect(lossCurve("x", some)).not.toMatch(/NaN|Infinity|undefined/);
});

test("measures are read back, those after a checkpoint are dropped, a cut last line is left out", () => {
  const path = join(folder.path, "metrics.jsonl");
  const first = openMetrics(path, 0);
  for (const metric of metrics(120)) first.add(metric);
  first.flush();
  expect(readMetrics(path)).toEqual(metrics(120));
  const second = openMetrics(path, 100);
  expect(second.all).toEqual(metrics(100));
  expect(readMetrics(path)).toEqual(metrics(100));
  writeFileSync(path, `${JSON.stringify(metrics(1)[0])}\n{"step":2,"lo`);
  expect(readMetrics(path)).toEqual(metrics(1));
  expect(existsSync(join(folder.path, "none"))).toBe(false);
  expect(readMetrics(join(folder.path, "none"))).toEqual([]);
});
