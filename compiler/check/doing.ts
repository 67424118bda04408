// Training and sampler sections → what the compiler makes programs for. In: declarations and the networks, sequences and data they name. Out: every
// setting with its default filled in. That the model reads what the sequence writes, and looks at no row ahead, is checked here.

import type { Schedule } from "../../runtime/artifact.js";
import { replaceBy } from "../messages.js";
import { nearest } from "../suggest.js";
import { constantOf, equal } from "./dims.js";
import type { Sampler, Training } from "./model.js";
import type { CheckedNetwork } from "./network.js";
import type { Declaration } from "./program.js";
import { settingsOf } from "./schema.js";
import type { CheckedData, CheckedSequence } from "./sequences.js";
import { type Checker, headOf, type Read, read } from "./settings.js";
import { describe, number, showType, type Value, type WordValue } from "./values.js";

/** Sections by declaration, checked when first asked for; undefined after a report. */
export interface Sections {
  network(declaration: Declaration): CheckedNetwork | undefined;
  sequence(declaration: Declaration): CheckedSequence | undefined;
  data(declaration: Declaration): CheckedData | { readonly unbuilt: string } | undefined;
}

/** Reports settings and parts that are not built yet; true where there are none. */
function built(settings: Read): boolean {
  const { declaration } = settings;
  let sound = true;
  for (const [name, source] of declaration.settings) {
    if (settingsOf(declaration.keyword)[name]?.built !== false) continue;
    settings.report("not-built-yet", source.name.span, { what: `\`${name}\`` });
    sound = false;
  }
  for (const part of declaration.parts.values()) {
    settings.report("not-built-yet", part.keyword.span, { what: `\`${part.keyword.text}(…)\` in a ${declaration.keyword}` });
    sound = false;
  }
  return sound;
}

function missing(settings: Read, name: string, example: string): undefined {
  if (!settings.has(name))
    settings.report("missing-setting", headOf(settings.declaration), { section: settings.declaration.name, name, example });
  return undefined;
}

/** The value where `holds`; undefined after a report. */
function within(
  settings: Read,
  name: string,
  value: number | undefined,
  range: string,
  holds: (value: number) => boolean,
): number | undefined {
  if (value === undefined || holds(value)) return value;
  settings.report("out-of-range", settings.span(name), { name, value: String(value), range });
  return undefined;
}

/** The network scores the next token of the sequence; false after a report. */
function fits(settings: Read, net: CheckedNetwork, seq: CheckedSequence): boolean {
  const { report } = settings;
  const model = net.declaration.name;
  const later = (what: string): false => {
    report("not-built-yet", settings.span("model"), { what });
    return false;
  };
  if (net.unbuilt !== undefined) return later(net.unbuilt.what);
  if (seq.unbuilt !== undefined) {
    report("not-built-yet", seq.unbuilt.expr.span, { what: seq.unbuilt.what });
    return false;
  }
  if (seq.vocabulary.unbuilt !== undefined) return later(seq.vocabulary.unbuilt);
  if (net.vocabulary === undefined) {
    report("no-stream", settings.span("model"), { model, vocabulary: seq.spec.vocabulary });
    return false;
  }
  if (net.vocabulary.declaration !== seq.vocabulary.declaration) {
    report(
      "wrong-vocabulary",
      settings.span("model"),
      { expected: net.vocabulary.declaration.name, got: seq.spec.vocabulary },
      {
        notes: [
          `\`${model}\` reads \`${net.vocabulary.declaration.name}\`, and the sequence \`${seq.spec.name}\` writes \`${seq.spec.vocabulary}\`.`,
        ],
      },
    );
    return false;
  }
  if (net.mix?.kind === "ahead") {
    report(
      "looks-ahead",
      net.mix.span,
      { model, why: net.mix.why },
      { also: [{ span: settings.span("model"), text: "the next token is scored here" }] },
    );
    return false;
  }
  if (net.mix !== undefined) {
    report("not-built-yet", net.mix.span, { what: net.mix.why });
    return false;
  }
  const result = net.result;
  const [input] = net.network.forward.equations.filter((equation) => equation.op === "input" && equation.attrs.role === "tokens");
  const shape = result?.type.shape ?? [];
  const columns = constantOf(shape[2] ?? { terms: new Map() });
  const rows = input !== undefined && shape.length === 3 && shape.slice(0, 2).every((dim, i) => equal(dim, input.type.shape[i] ?? dim));
  if (!rows || columns === undefined || columns > net.vocabulary.size || result?.type.element !== "float") {
    report("wrong-output", headOf(net.declaration), {
      model,
      shape: result === undefined ? "nothing" : showType(result.type),
      needs: `[B, T, ${net.vocabulary.size}]`,
    });
    return false;
  }
  return true;
}

// --- training ---

/** The training, and the field its data gives; undefined after a report. */
export function training(
  checker: Checker,
  declaration: Declaration,
  sections: Sections,
): { readonly training: Training; readonly data: CheckedData; readonly sequence: CheckedSequence } | undefined {
  const settings = read(checker, declaration);
  if (!built(settings)) return undefined;
  const examples = settings.value("examples");
  const model = settings.section("model", "model") ?? missing(settings, "model", "model = gpt");
  const maxSteps = settings.has("max_steps") ? settings.number("max_steps", 0) : missing(settings, "max_steps", "max_steps = 2000");
  if (examples === undefined) missing(settings, "examples", "examples = passage(plays)");
  const net = model === undefined ? undefined : sections.network(model);
  const optimizer = optimizerOf(settings);
  const learningRate = maxSteps === undefined ? undefined : scheduleOf(settings, maxSteps);
  const batchSize = settings.number("batch_size", 16);
  const accumulate = settings.number("accumulate", 1);
  const evaluateEvery = settings.number("evaluate_every", 250);
  const checkpointEvery = settings.number("checkpoint_every", 1000);
  const seed = within(settings, "seed", settings.number("seed", 1), "a whole number below 2³²", (value) => value < 2 ** 32);
  const clipNorm = settings.has("clip_norm") ? settings.number("clip_norm", 0) : "none";
  const ema = settings.has("ema") ? settings.number("ema", 0) : "none";
  const objective = settings.word("objective", "next_token");
  if (objective !== undefined && objective !== "next_token") {
    settings.report("not-built-yet", settings.span("objective"), { what: `The objective \`${objective}\`` });
    return undefined;
  }
  const source = examplesOf(settings, examples, sections);
  if (net === undefined || source === undefined || !fits(settings, net, source.sequence)) return undefined;
  if (
    optimizer === undefined ||
    learningRate === undefined ||
    maxSteps === undefined ||
    batchSize === undefined ||
    accumulate === undefined ||
    evaluateEvery === undefined ||
    checkpointEvery === undefined ||
    seed === undefined ||
    clipNorm === undefined ||
    ema === undefined ||
    objective === undefined
  ) {
    return undefined;
  }
  return {
    ...source,
    training: {
      name: declaration.name,
      network: net.network.name,
      sequence: source.sequence.spec.name,
      data: source.data.spec.name,
      objective: "next_token",
      batchSize,
      accumulate,
      maxSteps,
      optimizer,
      learningRate,
      ...(clipNorm === "none" || clipNorm === 0 ? {} : { clipNorm }),
      ...(ema === "none" || ema === 0 ? {} : { ema }),
      evaluateEvery,
      checkpointEvery,
      seed,
      span: headOf(declaration),
    },
  };
}

/** `passage(plays)`: which sequence, which data, and that the data's field is the sequence's. */
function examplesOf(
  settings: Read,
  value: Value | undefined,
  sections: Sections,
): { readonly sequence: CheckedSequence; readonly data: CheckedData } | undefined {
  if (value === undefined || value.kind === "unknown") return undefined;
  if (value.kind === "word" && value.word === "mix") {
    settings.report("not-built-yet", settings.span("examples"), { what: "`mix(…)`" });
    return undefined;
  }
  if (value.kind === "word" && value.called) {
    const near = nearest(
      value.word,
      [...settings.declaration.unit.sections.values()].filter((d) => d.keyword === "sequence").map((d) => d.name),
    );
    const at = { ...value.span, end: value.span.start + value.word.length };
    settings.report("unknown-name", at, { name: value.word, what: "section" }, near === undefined ? {} : { fix: replaceBy(near, at) });
    return undefined;
  }
  if (value.kind !== "examples") return settings.wrong("examples", value);
  const sequence = sections.sequence(value.sequence);
  const data = sections.data(value.data);
  const names = sequence?.spec.fields.map((field) => field.name) ?? [];
  for (const name of value.columns.keys()) {
    if (sequence === undefined || names.includes(name)) continue;
    const near = nearest(name, names);
    const notes = near === undefined ? [] : [`The nearest is \`${near}\`.`];
    settings.report("unknown-argument", value.span, { callee: sequence.spec.name, name, has: names }, { notes });
    return undefined;
  }
  if (data !== undefined && "unbuilt" in data) {
    settings.report("not-built-yet", headOf(value.data), { what: data.unbuilt });
    return undefined;
  }
  if (sequence === undefined || data === undefined) return undefined;
  for (const field of sequence.spec.fields) {
    const column = value.columns.get(field.name);
    const wanted = column?.kind === "word" ? column.word : field.name;
    if (wanted === data.spec.field)
      return { sequence, data: wanted === field.name ? data : { ...data, spec: { ...data.spec, field: field.name } } };
  }
  settings.report("missing-field", value.span, {
    sequence: sequence.spec.name,
    field: sequence.spec.fields[0]?.name ?? "",
    data: data.spec.name,
    has: data.spec.field,
  });
  return undefined;
}

/** Named and positional arguments of a schema word; unknown ones are reported. */
function argumentsOf(settings: Read, value: WordValue, names: readonly string[]): ReadonlyMap<string, Value> | undefined {
  const result = new Map<string, Value>();
  let sound = true;
  value.positional.forEach((argument, i) => {
    const name = names[i];
    if (name !== undefined) result.set(name, argument.value);
    else {
      settings.report("too-many-arguments", argument.span, { callee: value.word, takes: names.length });
      sound = false;
    }
  });
  for (const [name, argument] of value.named) {
    if (names.includes(name)) result.set(name, argument.value);
    else {
      const near = nearest(name, names);
      settings.report(
        "unknown-argument",
        argument.span,
        { callee: value.word, name, has: names },
        near === undefined ? {} : { notes: [`The nearest is \`${near}\`.`] },
      );
      sound = false;
    }
  }
  return sound ? result : undefined;
}

function optimizerOf(settings: Read): Training["optimizer"] | undefined {
  const value = settings.value("optimizer");
  const defaults: Training["optimizer"] = { kind: "adamw", betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.1, decay: "matrices" };
  if (value === undefined) return defaults;
  if (settings.word("optimizer", "adamw") === undefined || value.kind !== "word") return undefined;
  const given = argumentsOf(settings, value, ["betas", "eps", "weight_decay", "decay"]);
  if (given === undefined) return undefined;
  const wrong = (name: string, expected: string): undefined => {
    settings.report("wrong-setting", value.named.get(name)?.span ?? value.span, {
      name,
      expected,
      got: describe(given.get(name) ?? number(0)),
    });
    return undefined;
  };
  const plain = (name: string, missingValue: number, below = Number.POSITIVE_INFINITY): number | undefined => {
    const got = given.get(name);
    if (got === undefined) return missingValue;
    return got.kind === "number" && got.value >= 0 && got.value < below ? got.value : wrong(name, "a number of at least 0");
  };
  const betas = given.get("betas");
  const pair =
    betas === undefined
      ? [...defaults.betas]
      : betas.kind === "list"
        ? betas.items.flatMap((b) => (b.kind === "number" && b.value >= 0 && b.value < 1 ? [b.value] : []))
        : [];
  const decay = given.get("decay");
  const how =
    decay === undefined
      ? "matrices"
      : decay.kind === "word" && (decay.word === "matrices" || decay.word === "all")
        ? decay.word
        : wrong("decay", "`matrices` or `all`");
  const [first, second] = pair;
  if (pair.length !== 2 || first === undefined || second === undefined)
    return wrong("betas", "two numbers from 0 to below 1, like `[0.9, 0.95]`");
  const [eps, weightDecay] = [plain("eps", defaults.eps), plain("weight_decay", defaults.weightDecay)];
  // A parameter that no gradient has reached yet would become 0 / 0.
  if (eps === 0) return wrong("eps", "a number above 0");
  return eps === undefined || weightDecay === undefined || how === undefined
    ? undefined
    : { kind: "adamw", betas: [first, second], eps, weightDecay, decay: how };
}

function scheduleOf(settings: Read, maxSteps: number): Schedule | undefined {
  const value = settings.value("learning_rate");
  if (value === undefined) return { kind: "constant", value: 3e-4, warmup: 0 };
  if (value.kind === "number")
    return value.value > 0 ? { kind: "constant", value: value.value, warmup: 0 } : settings.wrong("learning_rate", value);
  const kind = settings.word("learning_rate", "constant");
  if (kind === undefined || value.kind !== "word") return undefined;
  const names = kind === "constant" ? ["value", "warmup"] : ["peak", "floor", "warmup", "steps"];
  const given = argumentsOf(settings, value, names);
  if (given === undefined) return undefined;
  const numbers = new Map<string, number>();
  for (const [name, got] of given) {
    if (got.kind === "unknown") return undefined;
    if (got.kind !== "number" || !(got.value >= 0)) {
      settings.report("wrong-setting", value.named.get(name)?.span ?? value.span, {
        name,
        expected: "a number of at least 0",
        got: describe(got),
      });
      return undefined;
    }
    numbers.set(name, got.value);
  }
  const [main = ""] = names;
  const peak = numbers.get(main);
  if (peak === undefined) {
    settings.report("missing-argument", value.span, { callee: kind, name: main });
    return undefined;
  }
  const steps = numbers.get("steps") ?? maxSteps;
  const share = numbers.get("warmup") ?? 0;
  const warmup = share < 1 ? Math.round(share * steps) : Math.round(share);
  if (kind === "constant") return { kind, value: peak, warmup };
  const floor = numbers.get("floor") ?? (kind === "cosine" ? peak / 10 : 0);
  return { kind: kind === "cosine" ? "cosine" : "linear", peak, floor, warmup, steps };
}

// --- sampling ---

/** Undefined after a report. */
export function sampler(checker: Checker, declaration: Declaration, sections: Sections): Sampler | undefined {
  const settings = read(checker, declaration);
  if (!built(settings)) return undefined;
  const model = settings.section("model", "model") ?? missing(settings, "model", "model = gpt");
  const pattern = settings.section("sequence", "sequence") ?? missing(settings, "sequence", "sequence = passage");
  const temperature = settings.number("temperature", 1);
  const topK = settings.number("top_k", 0);
  const topP = settings.number("top_p", 1);
  const minP = settings.number("min_p", 0);
  const penalty = settings.number("repetition_penalty", 1);
  const repetitionPenalty = within(settings, "repetition_penalty", penalty, "a number above 0", (value) => value > 0);
  const maxNewTokens = settings.number("max_new_tokens", 256);
  const net = model === undefined ? undefined : sections.network(model);
  const seq = pattern === undefined ? undefined : sections.sequence(pattern);
  const given = givenOf(settings, seq);
  if (net === undefined || seq === undefined || !fits(settings, net, seq) || given === undefined) return undefined;
  if (
    temperature === undefined ||
    topK === undefined ||
    topP === undefined ||
    minP === undefined ||
    repetitionPenalty === undefined ||
    maxNewTokens === undefined
  )
    return undefined;
  const foresight = net.network.forward.equations.find((equation) => equation.op === "fact" && equation.attrs.fact === "predicted");
  if (foresight !== undefined) {
    settings.report("not-built-yet", foresight.span, { what: "Drawing with a model that reads `predicted`" });
    return undefined;
  }
  const vocabulary = net.vocabulary;
  if (vocabulary !== undefined && topK > vocabulary.size) {
    settings.report("top-k-above-vocabulary", settings.span("top_k"), {
      topK,
      vocabSize: vocabulary.size,
      tokenizer: vocabulary.declaration.name,
    });
  }
  const name = declaration.name;
  return {
    name,
    network: net.network.name,
    sequence: seq.spec.name,
    given,
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    maxNewTokens,
    span: headOf(declaration),
  };
}

function givenOf(settings: Read, seq: CheckedSequence | undefined): Readonly<Record<string, string>> | undefined {
  const value = settings.value("given");
  if (value === undefined) return {};
  if (value.kind !== "record") return settings.wrong("given", value);
  const given: Record<string, string> = {};
  for (const [name, field] of value.entries) {
    if (field.kind === "unknown") return undefined;
    const known = seq?.spec.fields.map((f) => f.name) ?? [name];
    if (!known.includes(name)) {
      const near = nearest(name, known);
      settings.report(
        "unknown-name",
        settings.span("given"),
        { name, what: "special" },
        { notes: near === undefined ? [] : [`The nearest is \`${near}\`.`] },
      );
      return undefined;
    }
    if (field.kind !== "string") return settings.wrong("given", field);
    given[name] = field.value;
  }
  return given;
}
