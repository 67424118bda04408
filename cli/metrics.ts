// A run's measures, `metrics.jsonl`: one JSON object a line, `step` in each. In: steps and evaluations; out: the file, and what it says when read again.
// Invariant: steps rise; going on from a checkpoint drops what was measured after it.

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export interface StepMetric {
  /** Steps done, 1 for the first. */
  readonly step: number;
  /** Nats a token, the mean over the step's predicted tokens. */
  readonly loss: number;
  readonly learning_rate: number;
  /** Time spent training up to here, s, that of the processes before included. */
  readonly seconds: number;
}

export interface EvaluationMetric {
  readonly step: number;
  /** Nats a token over the whole split. */
  readonly val_loss: number;
  readonly tokens: number;
  readonly seconds: number;
}

export type Metric = StepMetric | EvaluationMetric;

export interface Metrics {
  readonly all: readonly Metric[];
  add(metric: Metric): void;
  /** Puts what was added on the disk. */
  flush(): void;
}

/** Opens the file, keeping what was measured up to step `upTo`. */
export function openMetrics(path: string, upTo: number): Metrics {
  const all = readMetrics(path).filter((metric) => metric.step <= upTo);
  // Whole or not at all: what was measured before is kept whatever happens here.
  writeFileSync(`${path}.tmp`, all.map(line).join(""));
  renameSync(`${path}.tmp`, path);
  let pending: Metric[] = [];
  const flush = () => {
    if (pending.length > 0) appendFileSync(path, pending.map(line).join(""));
    pending = [];
  };
  return {
    all,
    add(metric) {
      all.push(metric);
      pending.push(metric);
      if (pending.length >= 50 || "val_loss" in metric) flush();
    },
    flush,
  };
}

/** The measures of a file; a last line that was cut short is left out. Empty where there is no file. */
export function readMetrics(path: string): Metric[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((text) => {
      const metric = parse(text);
      return metric === undefined ? [] : [metric];
    });
}

/** Evaluations only. */
export function evaluations(metrics: readonly Metric[]): readonly EvaluationMetric[] {
  return metrics.filter((metric) => "val_loss" in metric);
}

export function steps(metrics: readonly Metric[]): readonly StepMetric[] {
  return metrics.filter((metric) => "loss" in metric);
}

function line(metric: Metric): string {
  return `${JSON.stringify(metric)}\n`;
}

function parse(text: string): Metric | undefined {
  if (!text.endsWith("}")) return undefined;
  const value: unknown = JSON.parse(text);
  return isMetric(value) ? value : undefined;
}

function isMetric(value: unknown): value is Metric {
  return typeof value === "object" && value !== null && "step" in value && ("loss" in value || "val_loss" in value);
}
