// A run's losses as a picture: in, measures; out, the text of a small SVG that follows the reader's light or dark scheme.

import { evaluations, type Metric, steps } from "./metrics.js";

const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = { left: 52, right: 96, top: 34, bottom: 42 } as const;
/** Points of the training line; more steps than that are averaged in equal runs. */
const POINTS = 300;

type Point = readonly [step: number, loss: number];

/** Training loss (means of equal runs of steps), evaluations, and the left-neighbour table's loss as a dashed line. */
export function lossCurve(title: string, metrics: readonly Metric[], neighbour?: number): string {
  const train = averaged(steps(metrics).map((metric): Point => [metric.step, metric.loss]));
  const val = evaluations(metrics).map((metric): Point => [metric.step, metric.val_loss]);
  const levels = neighbour === undefined ? [] : [neighbour];
  const all = [...train, ...val].filter(([, loss]) => Number.isFinite(loss));
  const last = Math.max(1, ...all.map(([step]) => step));
  const ticks = rounded([...all.map(([, loss]) => loss), ...levels]);
  const [low = 0, high = 1] = [ticks[0], ticks[ticks.length - 1]];
  const x = (step: number) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * step) / last;
  const y = (loss: number) => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * (loss - low)) / (high - low);
  const place = ([step, loss]: Point) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`;
  const right = WIDTH - MARGIN.right;

  const grid = ticks.map(
    (tick) =>
      `<path class="grid" d="M${MARGIN.left} ${y(tick).toFixed(1)}H${right}"/><text class="end" x="${MARGIN.left - 8}" y="${(y(tick) + 4).toFixed(1)}">${decimal(tick)}</text>`,
  );
  const below = rounded([0, last])
    .filter((tick) => tick <= last)
    .map((tick) => `<text class="middle" x="${x(tick).toFixed(1)}" y="${HEIGHT - MARGIN.bottom + 18}">${tick}</text>`);
  const lines: string[] = [];
  if (neighbour !== undefined) lines.push(`<path class="neighbour" d="M${MARGIN.left} ${y(neighbour).toFixed(1)}H${right}"/>`);
  if (train.length > 0) lines.push(`<polyline class="train" points="${train.map(place).join(" ")}"/>`);
  if (val.length > 0)
    lines.push(
      `<polyline class="val" points="${val.map(place).join(" ")}"/>`,
      ...val.map((point) => `<circle class="dot" cx="${x(point[0]).toFixed(1)}" cy="${y(point[1]).toFixed(1)}" r="3"/>`),
    );

  const ends = [
    ["train", train.at(-1)?.[1]],
    ["val", val.at(-1)?.[1]],
    ["neighbour", neighbour],
  ] as const;
  const names = { train: "train", val: "held out", neighbour: "neighbour" };
  const labels = apart(
    ends.flatMap(([kind, loss]) => (loss === undefined ? [] : [{ kind, at: y(loss) + 4, text: `${names[kind]} ${loss.toFixed(2)}` }])),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<title>${escaped(title)}</title>
<style>
svg { --ink: #333; --faint: #ddd; --train: #5b8db8; --val: #c44e52; --neighbour: #888; background: #fff; font: 11px system-ui, sans-serif }
@media (prefers-color-scheme: dark) { svg { --ink: #ddd; --faint: #383838; --train: #7fb0dc; --val: #ee8386; --neighbour: #999; background: #191919 } }
text { fill: var(--ink) } .end { text-anchor: end } .middle { text-anchor: middle } .title { font-size: 13px }
path, polyline { fill: none } .grid { stroke: var(--faint) } .train { stroke: var(--train); stroke-width: 1.2 } .val { stroke: var(--val); stroke-width: 2 }
.neighbour { stroke: var(--neighbour); stroke-dasharray: 4 4 } .dot { fill: var(--val) }
text.train { fill: var(--train); stroke: none } text.val { fill: var(--val); stroke: none } text.neighbour { fill: var(--neighbour); stroke: none }
</style>
<text class="title" x="${MARGIN.left}" y="20">${escaped(title)}</text>
${[...grid, ...below, ...lines, ...labels.map((label) => `<text class="${label.kind}" x="${right + 6}" y="${label.at.toFixed(1)}">${label.text}</text>`)].join("\n")}
<text class="middle" x="${(MARGIN.left + right) / 2}" y="${HEIGHT - 8}">step</text>
<text class="middle" transform="rotate(-90)" x="${-(HEIGHT / 2)}" y="14">loss, nats a token</text>
</svg>
`;
}

function averaged(points: readonly Point[]): readonly Point[] {
  const run = Math.max(1, Math.ceil(points.length / POINTS));
  const result: Point[] = [];
  for (let i = 0; i < points.length; i += run) {
    const some = points.slice(i, i + run);
    const mean = (pick: (point: Point) => number) => some.reduce((sum, point) => sum + pick(point), 0) / some.length;
    result.push([mean(([step]) => step), mean(([, loss]) => loss)]);
  }
  return result;
}

/** Four to nine round numbers that enclose the values. */
function rounded(values: readonly number[]): readonly number[] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const span = Math.max(high - low, 1e-3);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = power * ([1, 2, 5, 10].find((factor) => span / (power * factor) <= 7) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** Labels moved down until no two overlap. */
function apart<L extends { readonly at: number }>(labels: readonly L[]): readonly L[] {
  let last = Number.NEGATIVE_INFINITY;
  return [...labels]
    .sort((a, b) => a.at - b.at)
    .map((label) => {
      last = Math.max(label.at, last + 13);
      return { ...label, at: last };
    });
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
