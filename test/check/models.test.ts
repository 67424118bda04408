// Whole files → checked models: parameters, shapes of every equation under numbers, settings with defaults, published names.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyse, check } from "../../compiler/check/check.js";
import { evaluate } from "../../compiler/check/dims.js";
import type { Model, Network } from "../../compiler/check/model.js";
import { showModel } from "../../compiler/check/show.js";
import { renderAll } from "../../compiler/render.js";
import { folderHost, memoryHost } from "./host.js";

const path = (relative: string): string => new URL(relative, import.meta.url).pathname;
const design = path("../grammar/files/");
const reference = path("../reference/");
const shared = path("../../../shared/data/");
const corpus = { "shakespeare.txt": "First Citizen:\nBefore we proceed any further, hear me speak.\n" };

function modelOf(folder: string, entry: string, overrides: readonly string[] = []): Model {
  const { model, diagnostics } = check(entry, folderHost(folder, corpus), overrides);
  expect(
    renderAll(
      diagnostics.filter((d) => d.severity === "error"),
      { color: false, width: 120 },
    ),
  ).toBe("");
  if (model === undefined) throw new Error("no model");
  return model;
}

function networkOf(model: Model, name: string): Network {
  const network = model.networks.get(name);
  if (network === undefined) throw new Error(`no network ${name}`);
  return network;
}

const count = (network: Network): number => network.parameters.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0);
const shapes = (network: Network): Record<string, readonly number[]> =>
  Object.fromEntries(network.parameters.map((p) => [p.name, p.shape]));

/** Every equation's shape with B = 2, T = 5 is whole, positive, and what its inputs' shapes give. */
function checkNumbers(network: Network): void {
  const sizes = new Map([
    ["B", 2],
    ["T", 5],
  ]);
  const numbers = network.forward.equations.map((e) => e.type.shape.map((dim) => evaluate(dim, sizes)));
  const size = (index: number): number => (numbers[index] ?? []).reduce((a, b) => a * b, 1);
  network.forward.equations.forEach((e, i) => {
    for (const n of numbers[i] ?? []) expect(Number.isInteger(n) && n > 0).toBe(true);
    for (const input of e.inputs) expect(input).toBeLessThan(i);
    if (e.op === "reshape" || e.op === "transpose") expect(size(i)).toBe(size(e.inputs[0] ?? -1));
    if (e.op === "reshape") expect(e.attrs.shape.map((dim) => evaluate(dim, sizes))).toEqual(numbers[i]);
    if (e.op === "matmul") {
      const [a = [], b = []] = e.inputs.map((index) => numbers[index]);
      expect(a.at(-1)).toBe(b.at(-2));
      expect(numbers[i]).toEqual([...a.slice(0, -1), b.at(-1)]);
    }
    if (e.op === "parameter") expect(network.parameters.find((p) => p.name === e.attrs.name)?.shape).toEqual(numbers[i]);
    if (["add", "sub", "mul", "div"].includes(e.op)) {
      const [a = [], b = []] = e.inputs.map((index) => numbers[index]);
      const rank = Math.max(a.length, b.length);
      const at = (s: readonly number[], axis: number): number => s[axis - rank + s.length] ?? 1;
      expect(numbers[i]).toEqual(Array.from({ length: rank }, (_, axis) => Math.max(at(a, axis), at(b, axis))));
    }
  });
}

describe("char-gpt.elm", () => {
  test("is checked without errors, and every shape holds with numbers", () => {
    const model = modelOf(design, "char-gpt.elm");
    const gpt = networkOf(model, "gpt");
    const v = model.tokenizers.get("chars")?.vocabSize ?? 0;
    expect(v).toBe(new Set(corpus["shakespeare.txt"]).size);
    expect(count(gpt)).toBe(2 * v * 128 + 4 * (4 * (128 * 128 + 128) + 2 * 4 * 128 * 128 + 512 + 128 + 2 * 128) + 128);
    expect(gpt.forward.dims).toEqual(["B", "T"]);
    expect(gpt.contextLength).toBe(64);
    checkNumbers(gpt);
  });

  test("names parameters by their path", () => {
    const names = Object.keys(shapes(networkOf(modelOf(design, "char-gpt.elm"), "gpt")));
    expect(names.filter((n) => !/^x\.[123]\./.test(n))).toEqual([
      "x.weight",
      "x.0.n.weight",
      "x.0.q.weight",
      "x.0.q.bias",
      "x.0.k.weight",
      "x.0.k.bias",
      "x.0.v.weight",
      "x.0.v.bias",
      "x.0.h.weight",
      "x.0.h.bias",
      "x.0.out.rmsnorm.weight",
      "x.0.out.linear.weight",
      "x.0.out.linear.bias",
      "x.0.out.linear2.weight",
      "x.0.out.linear2.bias",
      "out.rmsnorm.weight",
      "out.linear.weight",
    ]);
  });

  test("training and sampler hold every setting, defaults filled in", () => {
    const model = modelOf(design, "char-gpt.elm");
    const { span: _, ...training } = model.trainings.get("training") ?? { span: undefined };
    expect(training).toEqual({
      name: "training",
      network: "gpt",
      sequence: "passage",
      data: "plays",
      objective: "next_token",
      batchSize: 12,
      accumulate: 1,
      maxSteps: 2000,
      optimizer: { kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.1, decay: "matrices" },
      learningRate: { kind: "cosine", peak: 1e-3, floor: 1e-4, warmup: 100, steps: 2000 },
      clipNorm: 1,
      evaluateEvery: 250,
      checkpointEvery: 1000,
      seed: 1,
    });
    const { span: __, ...sampler } = model.samplers.get("playwright") ?? { span: undefined };
    expect(sampler).toEqual({
      name: "playwright",
      network: "gpt",
      sequence: "passage",
      given: { text: "\n" },
      temperature: 0.8,
      topK: 200,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
      maxNewTokens: 500,
    });
    expect(model.data.get("plays")).toEqual({
      name: "plays",
      source: { kind: "text", paths: ["shakespeare.txt"] },
      base: "",
      split: { train: 0.9, val: 0.1 },
      field: "text",
    });
    expect(model.sequences.get("passage")?.tokens).toEqual([{ kind: "predict", parts: [{ kind: "field", name: "text" }], weight: 1 }]);
  });

  test("`--set` lines set settings from outside, and what is computed from them follows", () => {
    const model = modelOf(design, "char-gpt.elm", [
      "gpt.n_layers = 2",
      "training.batch_size=3",
      "training.learning_rate = linear(peak = 0.01, warmup = 0.1)",
      "gpt.dim=64",
    ]);
    expect(networkOf(model, "gpt").parameters.length).toBe(2 * 14 + 3);
    expect(shapes(networkOf(model, "gpt"))["x.0.out.linear.weight"]).toEqual([256, 64]);
    expect(model.trainings.get("training")?.batchSize).toBe(3);
    expect(model.trainings.get("training")?.learningRate).toEqual({ kind: "linear", peak: 0.01, floor: 0, warmup: 200, steps: 2000 });
    expect([...model.files.keys()]).toEqual(["char-gpt.elm", "--set"]);
  });

  test("is shown the same every time", () => {
    const text = showModel(modelOf(design, "char-gpt.elm", ["gpt.n_layers = 1", "gpt.dim = 8", "gpt.n_heads = 2"]));
    expect(text).toBe(showModel(modelOf(design, "char-gpt.elm", ["gpt.n_layers = 1", "gpt.dim = 8", "gpt.n_heads = 2"])));
    expect(text).toMatchSnapshot();
  });
});

/** Names and shapes in a safetensors header. */
function header(file: string): Record<string, readonly number[]> {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const entries: Record<string, { shape: number[] }> = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8"));
  return Object.fromEntries(Object.entries(entries).flatMap(([name, entry]) => (name === "__metadata__" ? [] : [[name, entry.shape]])));
}

describe("models with weights elsewhere", () => {
  for (const [entry, network, weights] of [
    ["gpt.elm", "gpt", "gpt-weights.safetensors"],
    ["llama.elm", "llama", "llama-weights.safetensors"],
  ] as const) {
    test(`${entry} has exactly the tensors of ${weights}`, () => {
      const net = networkOf(modelOf(reference, entry), network);
      expect(shapes(net)).toEqual(header(`${reference}${weights}`));
      checkNumbers(net);
    });
  }

  test("a table of GPT-2's size", () => {
    const net = networkOf(modelOf(reference, "gpt2-shape.elm"), "gpt2");
    expect(count(net)).toBe(124_439_808);
    checkNumbers(net);
  });

  const weights = `${shared}stories260K.safetensors`;
  describe.skipIf(!existsSync(weights))("with ../shared/data", () => {
    test("stories260K.elm has exactly the tensors of its file", () => {
      const net = networkOf(modelOf(reference, "stories260K.elm"), "stories");
      expect(shapes(net)).toEqual(header(weights));
      expect(net.weights?.path).toBe("stories260K.safetensors");
      checkNumbers(net);
    });
  });

  const published = `${shared}published-tensors.json`;
  describe.skipIf(!existsSync(published))("published names, with ../shared/data", () => {
    const all: Record<string, Record<string, number[]>> = existsSync(published) ? JSON.parse(readFileSync(published, "utf8")) : {};
    const analysed = (entry: string, overrides: readonly string[]): Record<string, readonly number[]> => {
      const { model } = analyse(entry, folderHost(design), overrides);
      return shapes(networkOf(model ?? modelOf(design, entry), entry.replace(".elm", "").replace("-", "_")));
    };
    test("ELM L 2-12", () => {
      expect(analysed("elm.elm", [])).toEqual(all["elm_L_2-12"]);
    });
    test("ELM L 1-16", () => {
      expect(analysed("elm.elm", ["bae.bits = 16", "bae.groups = 1"])).toEqual(all["elm_L_1-16"]);
    });
    test("ELM masked L, but for the two tensors it ignores", () => {
      const { "pos_embed.weight": _, "output.weight": __, ...rest } = all["elm_mlm_L"] ?? {};
      expect(analysed("elm-masked.elm", [])).toEqual(rest);
    });
  });

  test("LVM's parameter counts follow from its sizes", () => {
    const { model } = analyse("lvm.elm", folderHost(design));
    const lvm = networkOf(model ?? modelOf(design, "lvm.elm"), "lvm");
    expect(count(lvm)).toBe(2 * 8292 * 1024 + 22 * (4 * 1024 * 1024 + 3 * 1024 * 2688 + 2 * 1024) + 1024);
  });
});

describe("constructs", () => {
  const chars = 'tokenizer chars { kind = char   corpus = "a.txt" }\n';
  const text = (body: string, rest = ""): Model => {
    const source = `n = 3\n${chars}${rest}model m {\n  forward(tokens: chars[B, T]) -> [B, T, 4] {\n${body}\n  }\n}\n`;
    const { model, diagnostics } = check("m.elm", memoryHost({ "m.elm": source, "a.txt": "abcd" }));
    expect(
      renderAll(
        diagnostics.filter((d) => d.severity === "error"),
        { color: false, width: 120 },
      ),
    ).toBe("");
    if (model === undefined) throw new Error("no model");
    checkNumbers(networkOf(model, "m"));
    return model;
  };
  const names = (model: Model): string[] => networkOf(model, "m").parameters.map((p) => p.name);

  test("unnamed calls in loops and comprehensions add the counter", () => {
    const model = text(
      "    e = [embedding(tokens, 4) for j in n]\n    h = e[0] + e[1] * e[-1]\n    repeat 2 { repeat 2 { h = linear(h, 4, bias = false) } }\n    return h",
    );
    expect(names(model)).toEqual([
      "e.0.weight",
      "e.1.weight",
      "e.2.weight",
      "h.0.0.weight",
      "h.0.1.weight",
      "h.1.0.weight",
      "h.1.1.weight",
    ]);
  });
  test("a name may be given, computed, or empty", () => {
    const model = text(
      '    x = embedding(tokens, 4, name = "wte")\n    y = linear(x, 4, bias = false, name = if n == 3 then "c_{n}" else "no")\n    return layernorm(y, name = "")',
    );
    expect(names(model)).toEqual(["wte.weight", "c_3.weight", "weight", "bias"]);
  });
  test("a shared table makes one parameter", () => {
    const model = text(
      "    table = parameter([chars.vocab_size, 4])\n    x = embedding(tokens, 4, weight = table)\n    return linear(x, 4, weight = table, bias = false)",
    );
    expect(names(model)).toEqual(["table"]);
  });
  test("slices pick, range and count from the end", () => {
    const model = text(
      "    x = embedding(tokens, 8)\n    s = reshape(x, [B, T, 2, 4])\n    return s[:, :, -1] + s[:, :, 0, 0:4] + x[:, :, -4:]",
    );
    const ops = networkOf(model, "m").forward.equations.filter((e) => e.op === "slice");
    expect(ops.map((e) => (e.op === "slice" ? e.attrs.starts.map((d) => evaluate(d, new Map())) : []))).toEqual([
      [0, 0, 1, 0],
      [0, 0, 0, 0],
      [0, 0, 4],
    ]);
  });
  test("records, lists and interpolation choose", () => {
    const model = text(
      '    d = { small = 4, "2B" = 8 }["small"]\n    w = [1, d][1]\n    x = embedding(tokens, w, name = "e{w}")\n    return x',
    );
    expect(networkOf(model, "m").parameters[0]).toMatchObject({ name: "e4.weight", shape: [4, 4] });
  });
  test("facts become floats where they meet numbers; several results are taken apart", () => {
    const block = "block pair(x: [B, T, D]) -> [B, T, D], [B, T, D] {\n  return x + 1, x * 2\n}\n";
    const model = text(
      "    x = embedding(tokens, 4)\n    a, b = pair(x)\n    p = reshape(tokens.position / 10, [B, T, 1])\n    return where(a > b, a, b) * p + clamp(max(a, b), 0, 1) + max(x, axis = -1, keep = true)",
      block,
    );
    expect(networkOf(model, "m").forward.equations.map((e) => e.op)).toContain("float");
  });
  test("every start of a parameter", () => {
    const model = text(
      "    a = parameter([4], init = zeros)\n    b = parameter([4], init = ones)\n    c = parameter([4], init = uniform(0.5))\n    d = parameter([4], init = constant(2))\n    e = parameter([4, 25], init = fan_in)\n    f = parameter([4], init = normal(0.1))\n    return embedding(tokens, 4) * a * b * c * d * f + sum(e, axis = 1)",
    );
    expect(
      networkOf(model, "m")
        .parameters.slice(0, 6)
        .map((p) => p.init),
    ).toEqual([
      { kind: "zeros" },
      { kind: "ones" },
      { kind: "uniform", bound: 0.5 },
      { kind: "constant", value: 2 },
      { kind: "uniform", bound: 0.2 },
      { kind: "normal", std: 0.1 },
    ]);
  });
});

describe("what a forward may do along its rows", () => {
  const rows = readFileSync(`${design}rows.elm`, "utf8");
  const end = "\nsequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }\nsampler s { sequence = passage }\n";
  const codes = (model: string): string[] => {
    const one = rows.replace(/^model (\w+) \{[\s\S]*?^\}\n/gm, (text, name) => (name === model ? text : ""));
    const { diagnostics } = check("rows.elm", memoryHost({ ...corpus, "rows.elm": one + end }), [`s.model = ${model}`]);
    return diagnostics.map((d) => `${d.code} ${d.at.span.file.text.slice(d.at.span.start, d.at.span.end)}`);
  };
  test.each([
    ["learned_positions", []],
    ["prefixed", ["not-built-yet concat([memory + zeros([B, 8, 32]), embedding(tokens, 32)], axis = 1)"]],
    ["convolved", ["not-built-yet causal_conv(x, w)"]],
    ["bidirectional", ["looks-ahead attention(q, k, v, causal = causal)"]],
    ["pooled", ["looks-ahead mean(x, axis = 1, keep = true)"]],
    ["folded", ["looks-ahead reshape(embedding(tokens, 32), [B, T / 8, 8, 32])"]],
    ["counted", ["rows-as-value T"]],
  ])("%s", (model, expected) => {
    expect(codes(model)).toEqual(expected);
  });
});

describe("tokenizers", () => {
  test("a char alphabet is the sorted set of code points, never halves of one", () => {
    const { model } = check(
      "m.elm",
      memoryHost({ "m.elm": 'tokenizer c { kind = char   corpus = "t"   special = ["eos"]   vocab_size = 10 }', t: "b😀a\ud83c\udf33b\n" }),
    );
    expect(model?.tokenizers.get("c")).toEqual({
      name: "c",
      vocabSize: 10,
      spec: { kind: "char", alphabet: ["\n", "a", "b", "🌳", "😀"], specials: ["eos"] },
    });
  });
  test("a union's members and specials take consecutive ids; specials may be given by number", () => {
    const source =
      'tokenizer b { kind = byte   special = ["pad"] }\ntokenizer l { kind = label   names = ["cat", "dog"] }\ntokenizer u { kind = union   members = [b, l]   special = ["bos", "eos"] }\ntokenizer w { kind = union   members = [b]   special = { sep = 7, end = 300 } }\n';
    const { model } = check("m.elm", memoryHost({ "m.elm": source }));
    expect(model?.tokenizers.get("u")).toEqual({
      name: "u",
      vocabSize: 261,
      spec: { kind: "union", members: ["b", "l"], offsets: [0, 257], specials: { bos: 259, eos: 260 }, vocabSize: 261 },
    });
    expect(model?.tokenizers.get("w")?.vocabSize).toBe(301);
  });
  test("patterns become data", () => {
    const source =
      'tokenizer b { kind = byte }\ntokenizer u { kind = union   members = [b]   special = ["bos", "none", "eos"] }\nsequence s(text: b, answer: b) -> u {\n  phrase = one_of([" Q: ", " Ask: "])\n  tokens = [bos, drop(text, phrase, to = none, rate = 0.2), "=", predict(answer, eos, weight = 2)]\n  rows = packed\n  shorten = text\n}\n';
    const { model } = check("m.elm", memoryHost({ "m.elm": source }));
    expect(model?.sequences.get("s")).toEqual({
      name: "s",
      vocabulary: "u",
      fields: [
        { name: "text", tokenizer: "b", list: false },
        { name: "answer", tokenizer: "b", list: false },
      ],
      rows: "packed",
      shorten: "text",
      tokens: [
        { kind: "special", name: "bos", id: 256 },
        {
          kind: "drop",
          rate: 0.2,
          to: [{ kind: "special", name: "none", id: 257 }],
          parts: [
            { kind: "field", name: "text" },
            {
              kind: "oneOf",
              alternatives: [
                { kind: "text", text: " Q: ", tokenizer: "b" },
                { kind: "text", text: " Ask: ", tokenizer: "b" },
              ],
            },
          ],
        },
        { kind: "text", text: "=", tokenizer: "b" },
        {
          kind: "predict",
          weight: 2,
          parts: [
            { kind: "field", name: "answer" },
            { kind: "special", name: "eos", id: 258 },
          ],
        },
      ],
    });
  });
});

describe("bombs end with one diagnostic", () => {
  const codes = (body: string, blocks = ""): string[] => {
    const source = `${blocks}model m {\n  forward(x: [B, 4]) -> [B, 4] {\n    ${body}\n  }\n}\n`;
    return check("m.elm", memoryHost({ "m.elm": source })).diagnostics.map((d) => d.code);
  };
  test("nested loops that compute nothing", () => {
    expect(codes("repeat 4000 { repeat 4000 { repeat 4000 { a = 1 } } }\n    return x")).toEqual(["too-large"]);
    expect(codes("a = [[[1 for i in 4000] for j in 4000] for k in 4000]\n    return x")).toEqual(["too-large"]);
  });
  test("blocks that double at each level", () => {
    const blocks = Array.from(
      { length: 30 },
      (_, i) => `block f${i}(x: [B, D]) -> [B, D] { return ${i === 0 ? "x" : `f${i - 1}(f${i - 1}(x))`} }\n`,
    );
    expect(codes("return f29(x)", blocks.join(""))).toEqual(["too-large"]);
  });
  test("a label tokenizer of too many classes", () => {
    expect(
      check("m.elm", memoryHost({ "m.elm": "tokenizer t { kind = label   classes = 1e99 }\n" })).diagnostics.map((d) => d.code),
    ).toEqual(["out-of-range"]);
  });
});

describe("files", () => {
  test("imports, file-level settings of imported sections, and circles", () => {
    const files = {
      "main.elm":
        'import chars, layer, width from "parts/a.elm"\nchars.corpus = "../other.txt"\nmodel m { forward(tokens: chars[B, T]) -> [B, T, width] { return layer(embedding(tokens, width)) } }\n',
      "parts/a.elm":
        'import m from "../main.elm"\nwidth = 6\ntokenizer chars { kind = char   corpus = "t.txt" }\nblock layer(x: [..., D]) -> [..., D] { return x + linear(x, D) }\n',
      "parts/t.txt": "ab",
      "other.txt": "abc",
    };
    const { model, diagnostics } = check("main.elm", memoryHost(files));
    expect(renderAll(diagnostics, { color: false, width: 120 })).toBe("");
    expect(model?.tokenizers.get("chars")?.vocabSize).toBe(3);
    expect(model?.networks.get("m")?.parameters.map((p) => p.name)).toEqual([
      "out.embedding.weight",
      "out.layer.out.weight",
      "out.layer.out.bias",
    ]);
  });
});
