// The checked model as text, for `--emit model` and golden files: stable, one line a thing, nothing of paths or places. In: a model. Out: text that
// ends with a newline.

import type { Init, PatternPart, Schedule, TokenizerSpec } from "../../runtime/artifact.js";
import { type Dim, show, showShape } from "./dims.js";
import type { AnyEquation, Model, Network, Sampler, Training } from "./model.js";
import { showType } from "./values.js";

export function showModel(model: Model): string {
  const parts: string[] = [];
  for (const { name, spec, vocabSize } of model.tokenizers.values())
    parts.push(block(`tokenizer ${name}`, [...tokenizerLines(spec), `vocab_size ${vocabSize}`]));
  for (const d of model.data.values()) {
    const split = Object.entries(d.split).map(([name, share]) => `${name} ${share}`);
    parts.push(
      block(`data ${d.name}`, [
        `text ${d.source.paths.map((p) => JSON.stringify(p)).join(" ")} as ${d.field}`,
        `split ${split.length === 0 ? "train 1" : split.join(", ")}`,
      ]),
    );
  }
  for (const s of model.sequences.values()) {
    const fields = s.fields.map((f) => `${f.name}: ${f.tokenizer}${f.list ? "[]" : ""}`).join(", ");
    const lines = [
      `tokens [${s.tokens.map(pattern).join(", ")}]`,
      `rows ${s.rows}`,
      ...(s.shorten === undefined ? [] : [`shorten ${s.shorten}`]),
    ];
    parts.push(block(`sequence ${s.name}(${fields}) -> ${s.vocabulary}`, lines));
  }
  for (const network of model.networks.values()) parts.push(showNetwork(network));
  for (const training of model.trainings.values()) parts.push(block(`training ${training.name}`, trainingLines(training)));
  for (const sampler of model.samplers.values()) parts.push(block(`sampler ${sampler.name}`, samplerLines(sampler)));
  return `${parts.join("\n\n")}\n`;
}

function block(head: string, lines: readonly string[]): string {
  return [head, ...lines.map((line) => `  ${line}`)].join("\n");
}

function tokenizerLines(spec: TokenizerSpec): string[] {
  switch (spec.kind) {
    case "char":
      return [`char ${JSON.stringify(spec.alphabet.join(""))}`, ...special(spec.specials)];
    case "byte":
      return ["byte", ...special(spec.specials)];
    case "label":
      return [`label of ${spec.names.length}`, ...special(spec.specials)];
    case "union": {
      const members = spec.members.map((member, i) => `${member} from ${spec.offsets[i] ?? 0}`);
      return [`union ${members.join(", ")}`, ...special(Object.entries(spec.specials).map(([name, id]) => `${name} = ${id}`))];
    }
  }
}

function special(names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`special ${names.join(", ")}`];
}

function pattern(part: PatternPart): string {
  const all = (parts: readonly PatternPart[]): string => parts.map(pattern).join(", ");
  switch (part.kind) {
    case "field":
      return part.name;
    case "special":
      return `<${part.name} ${part.id}>`;
    case "text":
      return `${part.tokenizer} ${JSON.stringify(part.text)}`;
    case "predict":
      return `predict(${all(part.parts)}${part.weight === 1 ? "" : `, weight = ${part.weight}`})`;
    case "drop":
      return `drop(${all(part.parts)}, to = [${all(part.to)}], rate = ${part.rate})`;
    case "oneOf":
      return `one_of([${all(part.alternatives)}])`;
  }
}

function showNetwork(network: Network): string {
  const count = network.parameters.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0);
  const { equations, results } = network.forward;
  const width = String(Math.max(0, equations.length - 1)).length + 1;
  const id = (index: number): string => `%${index}`.padEnd(width);
  const lines = [
    `context_length ${network.contextLength}`,
    ...(network.weights === undefined ? [] : [`weights ${JSON.stringify(network.weights.path)}`]),
    "",
    `parameters ${count} in ${network.parameters.length}`,
    ...network.parameters.map((p) => `  ${p.name} [${p.shape.join(", ")}] ${showInit(p.init)}`),
    "",
    "forward",
    ...equations.map((e, i) => `  ${id(i)} = ${showEquation(e)}`),
    `  return ${results.map((r) => `%${r}`).join(", ")}`,
  ];
  return [`model ${network.name}`, ...lines.map((line) => (line === "" ? "" : `  ${line}`))].join("\n");
}

/** `add(%3, %7) : [B, T, 128]  # gpt.x` */
export function showEquation(equation: AnyEquation): string {
  const inputs = equation.inputs.map((index) => `%${index}`);
  const attrs = Object.entries(equation.attrs).map(([key, value]) => `${key} = ${showAttribute(value)}`);
  const binding = equation.binding === undefined ? "" : `  # ${equation.binding}`;
  return `${equation.op}(${[...inputs, ...attrs].join(", ")}) : ${showType(equation.type)}${binding}`;
}

function isDim(value: unknown): value is Dim {
  return typeof value === "object" && value !== null && "terms" in value;
}

function showAttribute(value: unknown): string {
  if (Array.isArray(value)) return value.every(isDim) ? showShape(value) : `[${value.map(showAttribute).join(", ")}]`;
  if (isDim(value)) return show(value);
  return typeof value === "string" ? value : String(value);
}

function showInit(init: Init): string {
  switch (init.kind) {
    case "zeros":
    case "ones":
      return init.kind;
    case "constant":
      return `constant(${init.value})`;
    case "normal":
      return `normal(${init.std})`;
    case "uniform":
      return `uniform(${Number(init.bound.toPrecision(6))})`;
  }
}

function showSchedule(s: Schedule): string {
  return s.kind === "constant"
    ? `constant(${s.value}, warmup = ${s.warmup})`
    : `${s.kind}(peak = ${s.peak}, floor = ${s.floor}, warmup = ${s.warmup}, steps = ${s.steps})`;
}

function trainingLines(t: Training): string[] {
  const o = t.optimizer;
  return [
    `model ${t.network}`,
    `examples ${t.sequence}(${t.data})`,
    `objective ${t.objective}`,
    `batch_size ${t.batchSize}`,
    `accumulate ${t.accumulate}`,
    `max_steps ${t.maxSteps}`,
    `optimizer ${o.kind}(betas = [${o.betas.join(", ")}], eps = ${o.eps}, weight_decay = ${o.weightDecay}, decay = ${o.decay})`,
    `learning_rate ${showSchedule(t.learningRate)}`,
    `clip_norm ${t.clipNorm ?? "none"}`,
    `ema ${t.ema ?? "none"}`,
    `evaluate_every ${t.evaluateEvery}`,
    `checkpoint_every ${t.checkpointEvery}`,
    `seed ${t.seed}`,
  ];
}

function samplerLines(s: Sampler): string[] {
  return [
    `model ${s.network}`,
    `sequence ${s.sequence}`,
    ...Object.entries(s.given).map(([name, text]) => `given ${name} = ${JSON.stringify(text)}`),
    `temperature ${s.temperature}`,
    `top_k ${s.topK}`,
    `top_p ${s.topP}`,
    `min_p ${s.minP}`,
    `repetition_penalty ${s.repetitionPenalty}`,
    `max_new_tokens ${s.maxNewTokens}`,
  ];
}
