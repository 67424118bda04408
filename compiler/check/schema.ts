// The one table of settings: section → setting → type, default, documentation and what other frameworks call it. Checking, messages,
// completion and the reference are made from it. A setting that is no part of it must be a name that its section's own equations use.

/** How a setting's expression is read. `word`, `schedule`, …: schema words win over names of the file. */
export type SettingType =
  | { readonly kind: "int"; readonly min: number }
  | { readonly kind: "number"; readonly min: number; readonly max: number }
  | { readonly kind: "string" }
  | { readonly kind: "boolean" }
  | { readonly kind: "word"; readonly words: readonly string[] }
  /** A word with arguments: `cosine(peak = 1e-3)`. `number`: a plain number is allowed too. */
  | { readonly kind: "form"; readonly words: readonly string[]; readonly number?: boolean }
  | { readonly kind: "section"; readonly keyword: SectionKeyword }
  | { readonly kind: "examples" }
  | { readonly kind: "list" }
  | { readonly kind: "record" }
  | { readonly kind: "pattern" }
  | { readonly kind: "any" };

/** What a section can be. */
export type SectionKeyword = "tokenizer" | "data" | "sequence" | "block" | "model" | "training" | "sampler" | "evaluation";

/** An entry of the schema. */
export interface Setting {
  readonly type: SettingType;
  /** As one would write it; absent: none, or worked out as `doc` says. */
  readonly default?: string;
  readonly doc: string;
  /** Names of the same thing in other frameworks. */
  readonly synonyms?: readonly string[];
  /** False: read and checked, not compiled yet. */
  readonly built?: false;
}

const int = (min = 0): SettingType => ({ kind: "int", min });
const number = (min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): SettingType => ({ kind: "number", min, max });
const word = (...words: string[]): SettingType => ({ kind: "word", words });
const form = (...words: string[]): SettingType => ({ kind: "form", words });
const string: SettingType = { kind: "string" };
const list: SettingType = { kind: "list" };
const record: SettingType = { kind: "record" };
const any: SettingType = { kind: "any" };
const later = (type: SettingType, doc: string): Setting => ({ type, doc, built: false });

const image = {
  image_size: later(any, "Pixels of an image's side, or a list of [width, height]."),
  resize: later(any, "How an image of another size is fitted: `crop`, `stretch`, `pad(colour)`."),
  range: later(list, "The least and greatest value of a pixel as the network sees it."),
  filter: later(word("nearest", "bilinear", "bicubic", "lanczos"), "The filter of resizing."),
  alpha: later(any, "The colour behind transparent pixels."),
} as const satisfies Record<string, Setting>;

export const schema = {
  file: {
    allow: { type: list, default: "[]", doc: "Codes of warnings that are not shown for this file or section." },
  },
  tokenizer: {
    kind: {
      type: word("char", "byte", "bpe", "unigram", "label", "palette", "vq", "binary", "union"),
      doc: "How raw data becomes tokens.",
    },
    corpus: { type: string, doc: "A text file: the alphabet of `char`, the training text of `bpe` and `unigram`." },
    file: later(any, "A trained vocabulary, for example a tokenizer.json."),
    vocab_size: {
      type: int(1),
      doc: "Ids in all; more than there are tokens reserves the rest.",
      synonyms: ["n_vocab", "vocabulary_size", "num_embeddings"],
    },
    special: {
      type: any,
      default: "[]",
      doc: "Names for ids: a list takes the next free ones, a record gives a number or a member's piece.",
      synonyms: ["specials", "special_tokens", "added_tokens"],
    },
    classes: {
      type: int(1),
      doc: "The number of labels of a `label` tokenizer whose names do not matter.",
      synonyms: ["n_classes", "num_classes"],
    },
    names: { type: list, doc: "The labels of a `label` tokenizer, in order." },
    members: { type: list, doc: "The tokenizers of a `union`, which take consecutive ids." },
    prefix: later(word("start", "every", "never"), "Where a space is put before text."),
    codebook_size: { type: int(1), doc: "Codes of a `vq` tokenizer.", synonyms: ["n_embed", "n_codes"] },
    codebook_dim: { type: int(1), doc: "Numbers of one code.", synonyms: ["embed_dim", "codebook_embed_dim"] },
    codebook: later(string, "The name of the codebook's parameter."),
    commitment: later(number(0), "Weight of the penalty that keeps the encoder near the codebook."),
    bits: { type: int(1), doc: "Bits of a `binary` token, all groups together." },
    groups: { type: int(1), default: "1", doc: "Sub-codes of a `binary` token, drawn independently." },
    rounding: later(word("bernoulli", "nearest"), "How `binary` rounds probabilities."),
    quote: later(record, "How a member stands in free text."),
    weights: later(form("load"), "Where the parameters come from."),
    ...image,
  },
  data: {
    source: {
      type: form("text", "images", "class_folders", "frame_folders", "paired_folders", "jsonl", "csv"),
      doc: 'Where raw examples come from: `text("a.txt", "b.txt")`.',
    },
    split: { type: record, doc: "Shares by name, adding to 1, cut in order: `{ train = 0.9, val = 0.1 }`. Without it all is `train`." },
    field: { type: string, default: '"text"', doc: "The name of the field that a text source gives." },
    fields: later(record, "Names of the fields by column."),
    group: later(any, "How examples are put together into lists."),
    clip: later(any, "How films are cut."),
    flip: later(number(0, 1), "The share of images mirrored left to right."),
    order: later(word("epochs", "random"), "One seeded pass an epoch, or random windows."),
    ...image,
  },
  sequence: {
    tokens: { type: { kind: "pattern" }, doc: "The pattern: fields, specials, strings, `predict(…)`, `drop(…)`, `one_of([…])`." },
    rows: {
      type: word("one", "packed", "window", "stream"),
      default: "one",
      doc: "How examples become rows of `context_length + 1` tokens.",
    },
    shorten: { type: any, doc: "The field that gives way when an example is too long." },
    resize: later(any, "How images of a field are fitted."),
  },
  model: {
    context_length: {
      type: int(1),
      default: "256",
      doc: "The most tokens a row of input holds.",
      synonyms: ["block_size", "n_ctx", "seq_len", "max_seq_len", "max_position_embeddings", "n_positions", "sequence_length"],
    },
    weights: {
      type: form("load"),
      doc: 'Where the parameters come from when they were not trained in this run: `load("model.safetensors", prefix = "", ignore = [], fresh = [], rename = {})`.',
    },
  },
  training: {
    model: { type: { kind: "section", keyword: "model" }, doc: "The model that is trained." },
    examples: { type: { kind: "examples" }, doc: "A sequence applied to data: `passage(plays)`.", synonyms: ["dataset", "train_data"] },
    objective: { type: form("next_token", "masked_token"), default: "next_token", doc: "What a row learns." },
    batch_size: {
      type: int(1),
      default: "16",
      doc: "Rows of a micro-batch.",
      synonyms: ["train_batch_size", "per_device_train_batch_size", "micro_batch_size"],
    },
    accumulate: {
      type: int(1),
      default: "1",
      doc: "Micro-batches of a step.",
      synonyms: ["gradient_accumulation_steps", "grad_accum", "accumulation_steps"],
    },
    max_steps: { type: int(1), doc: "Steps in all.", synonyms: ["max_iters", "num_steps", "total_steps", "steps", "num_train_steps"] },
    optimizer: {
      type: form("adamw"),
      default: "adamw()",
      doc: "`adamw(betas = [0.9, 0.999], eps = 1e-8, weight_decay = 0.1, decay = matrices)`; `decay = matrices` decays parameters of two or more axes, `all` every one.",
    },
    learning_rate: {
      type: { kind: "form", words: ["constant", "cosine", "linear"], number: true },
      default: "constant(3e-4)",
      doc: "A number, `constant(value, warmup = 0)`, `cosine(peak, floor = peak / 10, warmup = 0, steps = max_steps)` or `linear(…)` with floor 0. `warmup` below 1 is a share of `steps`.",
      synonyms: ["lr", "learning_rate_schedule", "lr_schedule"],
    },
    clip_norm: {
      type: number(0),
      doc: "The greatest norm of all gradients together; without it they are not clipped.",
      synonyms: ["grad_clip", "max_grad_norm", "gradient_clip", "clip_grad_norm"],
    },
    ema: { type: number(0, 1), doc: "Decay of a running average of the parameters, which sampling then uses.", synonyms: ["ema_decay"] },
    evaluate_every: {
      type: int(1),
      default: "250",
      doc: "Steps between two validations.",
      synonyms: ["eval_interval", "eval_steps", "eval_every"],
    },
    checkpoint_every: {
      type: int(1),
      default: "1000",
      doc: "Steps between two checkpoints.",
      synonyms: ["save_steps", "save_interval", "checkpoint_interval"],
    },
    seed: { type: int(0), default: "1", doc: "The seed of initialisation, order and dropout.", synonyms: ["random_seed"] },
    data: later({ kind: "section", keyword: "data" }, "Raw examples for `losses`."),
    max_epochs: later(int(1), "Passes over the data."),
    precision: later(word("full", "mixed"), "The numbers of activations."),
    loss_mean: later(word("tokens", "rows", "parts"), "What is averaged first."),
    from_step: later(any, "The first step of a part."),
    adapters: later(form("lora"), "Small trained additions to frozen parameters."),
    freeze: later(list, "Parameters that are not trained."),
  },
  sampler: {
    model: { type: { kind: "section", keyword: "model" }, doc: "The model that scores the next token." },
    sequence: { type: { kind: "section", keyword: "sequence" }, doc: "The pattern that is filled in." },
    given: {
      type: record,
      default: "{}",
      doc: 'Fields that are given unless the command line gives others: `{ text = "\\n" }`.',
      synonyms: ["prompt", "start"],
    },
    temperature: { type: number(0), default: "1", doc: "Logits are divided by it; 0 takes the likeliest token." },
    top_k: { type: int(0), default: "0", doc: "Only the k likeliest tokens are drawn; 0: all." },
    top_p: { type: number(0, 1), default: "1", doc: "Only the likeliest tokens that together reach this probability are drawn." },
    min_p: { type: number(0, 1), default: "0", doc: "Only tokens at least this likely, relative to the likeliest, are drawn." },
    repetition_penalty: {
      type: number(0),
      default: "1",
      doc: "Logits of tokens already in the row are divided by it, or multiplied where negative.",
    },
    max_new_tokens: {
      type: int(1),
      default: "256",
      doc: "Where an open part ends at the latest.",
      synonyms: ["max_tokens", "max_length", "max_gen_len", "num_tokens"],
    },
    guidance_scale: later(any, "How far logits are moved away from the unconditional ones."),
    method: later(form("masked"), "How tokens are filled in."),
    extend: later(any, "An image is grown to a side."),
    window: later(int(1), "Items kept in view."),
    new: later(int(1), "New items."),
    quantize: later(any, "The numbers of weights."),
  },
  evaluation: {
    model: later({ kind: "section", keyword: "model" }, "The model that is scored."),
    sampler: later({ kind: "section", keyword: "sampler" }, "The sampler that is scored."),
    tokenizer: later({ kind: "section", keyword: "tokenizer" }, "The tokenizer that is scored."),
    data: later({ kind: "section", keyword: "data" }, "Raw examples."),
    examples: later({ kind: "examples" }, "What a model is scored on."),
    metrics: later(list, "What is measured."),
    given: later(record, "Fields that a sampler is given."),
    samples: later(int(1), "How many samples are drawn."),
    split: later(any, "The share of the data that is scored."),
    against: later(any, "What samples are compared with."),
    part: later(any, "The part that is scored."),
    vary: later(record, "Settings that are varied."),
  },
  block: {},
} as const satisfies Record<SectionKeyword | "file", Readonly<Record<string, Setting>>>;

/** Every keyword, in the order of the manual. */
export const sectionKeywords: readonly SectionKeyword[] = [
  "tokenizer",
  "data",
  "sequence",
  "block",
  "model",
  "training",
  "sampler",
  "evaluation",
];

/** Whether a word begins a section. */
export function isSectionKeyword(text: string): text is SectionKeyword {
  return (sectionKeywords as readonly string[]).includes(text);
}

/** Settings of model sections have no fixed names, but other frameworks' names for the usual ones are worth a hint. */
const usual: Readonly<Record<string, readonly string[]>> = {
  dim: ["n_embd", "d_model", "hidden_size", "embed_dim", "n_embed", "emb_dim"],
  n_layers: ["n_layer", "num_layers", "num_hidden_layers", "depth"],
  n_heads: ["n_head", "num_heads", "num_attention_heads"],
  n_kv_heads: ["n_kv_head", "num_key_value_heads"],
  hidden: ["intermediate_size", "ffn_dim", "d_ff", "hidden_dim", "n_inner"],
};

/** The settings of a section. */
export function settingsOf(keyword: SectionKeyword | "file"): Readonly<Record<string, Setting>> {
  return { ...schema[keyword], allow: schema.file.allow };
}

/** What a setting of another framework is called here; `used` are the names the section's equations use. */
export function synonymOf(keyword: SectionKeyword | "file", name: string, used: ReadonlySet<string>): string | undefined {
  for (const [setting, { synonyms }] of Object.entries(settingsOf(keyword))) if (synonyms?.includes(name)) return setting;
  for (const [setting, names] of Object.entries(usual)) if (used.has(setting) && names.includes(name)) return setting;
  return undefined;
}

/** A setting's type in words. */
export function showSettingType(type: SettingType): string {
  switch (type.kind) {
    case "int":
      return type.min === 0 ? "a whole number" : `a whole number of at least ${type.min}`;
    case "number":
      return Number.isFinite(type.max)
        ? `a number from ${type.min} to ${type.max}`
        : type.min === 0
          ? "a number of at least 0"
          : "a number";
    case "string":
      return "a text in quotes";
    case "boolean":
      return "`true` or `false`";
    case "word":
      return `one of ${type.words.map((w) => `\`${w}\``).join(", ")}`;
    case "form":
      return `${type.number ? "a number, " : ""}${type.words.map((w) => `\`${w}(…)\``).join(" or ")}`;
    case "section":
      return `the name of a \`${type.keyword}\` section`;
    case "examples":
      return "a sequence applied to data, like `passage(plays)`";
    case "list":
      return "a list";
    case "record":
      return "a record, like `{ a = 1 }`";
    case "pattern":
      return "a pattern of tokens";
    case "any":
      return "a value";
  }
}
