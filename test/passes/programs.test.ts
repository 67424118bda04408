// The programs made of one forward, run by the plain interpreter: what the language's functions mean once they are lowered, dropout, the weights of
// losses, segments, and that reading row by row through caches gives the whole rows' logits.

import { describe, expect, it } from "vitest";
import { check } from "../../compiler/check/check.js";
import type { Model } from "../../compiler/check/model.js";
import { compile } from "../../compiler/compile.js";
import { evaluateAll, interpret } from "../../compiler/interpret.js";
import { elements, type Graph, type Value } from "../../compiler/ir/graph.js";
import { portable } from "../../compiler/kernels/kernel.js";
import type { Tensor } from "../../compiler/ops/op.js";
import { decode, evaluation, forward, prefill, trainingLoss } from "../../compiler/passes/programs.js";
import { render } from "../../compiler/render.js";
import { memoryHost } from "../check/host.js";
import { generator } from "../ops/cases.js";

const CONTEXT = 6;
const V = 5;

/** A model over five letters with the given forward and, for training, one way to make rows. */
function modelOf(body: string, options: { readonly rows?: string; readonly optimizer?: string } = {}): Model {
  const { rows = "window", optimizer = "adamw(weight_decay = 0.1)" } = options;
  const text = `
tokenizer chars { kind = char   corpus = "letters.txt" }
data letters { source = text("letters.txt") }
sequence passage(text: chars) -> chars {
  tokens = [predict(text)]
  rows   = ${rows}
}
model net {
  context_length = ${CONTEXT}
  forward(tokens: chars[B, T]) -> [B, T, 5] {
${body}
  }
}
training {
  model         = net
  examples      = passage(letters)
  batch_size    = 2
  max_steps     = 10
  optimizer     = ${optimizer}
  learning_rate = constant(1e-3)
}
sampler writer {
  model          = net
  sequence       = passage
  given          = { text = "a" }
  temperature    = 0
  max_new_tokens = 4
}
`;
  const { model, diagnostics } = check("net.elm", memoryHost({ "net.elm": text, "letters.txt": "abcde" }));
  if (model === undefined) throw new Error(diagnostics.map((diagnostic) => render(diagnostic, { color: false, width: 120 })).join("\n"));
  return model;
}

/** Random numbers for every f32 state of a graph, the same for the same name and size. */
function stateOf(graph: Graph): Record<string, Tensor> {
  const entries = graph.nodes.flatMap((node): (readonly [string, Tensor])[] => {
    if (node.op !== "state") return [];
    const { name, dtype, shape } = node.attrs;
    const fresh = name.startsWith("cache.") || name.startsWith("decode.");
    const random = generator([...name].reduce((hash, letter) => 31 * hash + letter.charCodeAt(0), 7));
    const n = elements(shape);
    if (dtype === "u32") return [[name, new Uint32Array(n)]];
    return [[name, Float32Array.from({ length: n }, () => (fresh ? 0 : Math.round(64 * (2 * random() - 1)) / 64))]];
  });
  return Object.fromEntries(entries);
}

const positions = (rows: number, n = CONTEXT) => Uint32Array.from({ length: rows * n }, (_, i) => i % n);

describe("functions of the language", () => {
  const ids = Uint32Array.of(0, 1, 2, 3, 4, 2);
  const softmax = (x: readonly number[]) => x.map((v) => Math.exp(v) / x.reduce((sum, w) => sum + Math.exp(w), 0));
  const mean = (x: readonly number[]) => x.reduce((sum, v) => sum + v, 0) / x.length;
  const limit = 17 / 64;

  it.each<readonly [string, (x: readonly number[], row: number) => readonly number[]]>([
    ["x - mean(x, axis = -1, keep = true)", (x) => x.map((v) => v - mean(x))],
    ["x * mean(x, axis = [0, 2], keep = true)", (x) => x.map((v) => v * mean(x))],
    ["softmax(3 * x, axis = -1)", (x) => softmax(x.map((v) => 3 * v))],
    ["log_softmax(3 * x, axis = -1)", (x) => softmax(x.map((v) => 3 * v)).map(Math.log)],
    ["x - min(x, axis = -1, keep = true)", (x) => x.map((v) => v - Math.min(...x))],
    ["x - max(x, axis = -1, keep = true)", (x) => x.map((v) => v - Math.max(...x))],
    ["leaky_relu(x, slope = 0.25)", (x) => x.map((v) => (v > 0 ? v : v / 4))],
    ["where(x > 0.265625, 2 * x, -x)", (x) => x.map((v) => (v > limit ? 2 * v : -v))],
    ["where(x >= 0.265625, 2 * x, -x)", (x) => x.map((v) => (v >= limit ? 2 * v : -v))],
    ["where(x < 0.265625, 2 * x, -x)", (x) => x.map((v) => (v < limit ? 2 * v : -v))],
    ["where(x <= 0.265625, 2 * x, -x)", (x) => x.map((v) => (v <= limit ? 2 * v : -v))],
    ["where(x == 0.265625, 2 * x, -x)", (x) => x.map((v) => (v === limit ? 2 * v : -v))],
    ["where(x != 0.265625, 2 * x, -x)", (x) => x.map((v) => (v !== limit ? 2 * v : -v))],
    ["clamp(x, -0.25, 0.5)", (x) => x.map((v) => Math.min(Math.max(v, -0.25), 0.5))],
    ["x * range(5)", (x) => x.map((v, i) => v * i)],
    ["x / pow(abs(x) + 1, 2)", (x) => x.map((v) => v / (Math.abs(v) + 1) ** 2)],
    ["x + reshape(tokens.position, [B, T, 1])", (x, row) => x.map((v) => v + row)],
    ["concat([x[:, :, 3:5], x[:, :, 0:3]], axis = 2)", (x) => [...x.slice(3), ...x.slice(0, 3)]],
  ])("%s", (expression, expected) => {
    const graph = forward(modelOf(`    x = embedding(tokens, 5)\n    return ${expression}`), "net", 1, CONTEXT);
    const [name = ""] = Object.keys(stateOf(graph));
    const logits = interpret(graph, {
      inputs: { tokens: ids, position: positions(1) },
      state: { [name]: Float32Array.from(weights.flat()) },
    }).outputs.get("logits");
    table.flatMap(expected).forEach((value, i) => {
      expect(logits?.[i], `row ${Math.floor(i / V)}, column ${i % V}`).toBeCloseTo(value, 5);
    });
  });

  // One entry is the number that comparisons are made with.
  const random = generator(5);
  const weights = Array.from({ length: V }, (_, id) =>
    Array.from({ length: V }, (__, i) => (id === i ? limit : Math.round(128 * (random() - 0.5)) / 64)),
  );
  const table = [...ids].map((id) => weights[id] ?? []);
});

describe("training", () => {
  const inputs = (graph: Graph) => {
    const random = generator(3);
    const n = 2 * CONTEXT;
    const all: Record<string, Tensor> = {
      tokens: Uint32Array.from({ length: n }, () => Math.floor(random() * V)),
      targets: Uint32Array.from({ length: n }, () => Math.floor(random() * V)),
      weights: Float32Array.from({ length: n }, (_, i) => (i % 4) / 2),
      position: positions(2),
      segment: new Uint32Array(n),
    };
    const names = new Set(graph.nodes.flatMap((node) => (node.op === "input" ? [node.attrs.name] : [])));
    return Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name)));
  };
  const entropy = (row: readonly number[], target: number) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - (row[target] ?? 0);
  const training = (model: Model) => {
    const [found] = model.trainings.values();
    if (found === undefined) throw new Error("no training");
    return found;
  };

  it("weighs each target's loss, and scales the sum", () => {
    const model = modelOf("    return embedding(tokens, 5)");
    const graph = trainingLoss(model, training(model), 2);
    const given = inputs(graph);
    const state = stateOf(graph);
    const [table = new Float32Array(0)] = Object.values(state);
    const expected = [...(given["tokens"] ?? [])].reduce((sum, id, i) => {
      return sum + (given["weights"]?.[i] ?? 0) * entropy([...table.subarray(id * V, id * V + V)], given["targets"]?.[i] ?? 0);
    }, 0);
    expect(interpret(graph, { inputs: given, state, scalars: { loss_scale: 0.25 } }).outputs.get("loss")?.[0]).toBeCloseTo(expected / 4, 4);
    const scored = evaluation(model, training(model), 2);
    expect(interpret(scored, { inputs: given, state }).outputs.get("loss_sum")?.[0]).toBeCloseTo(expected, 4);
  });

  it("drops out with the stated rate, and makes up for it", () => {
    const model = modelOf("    return dropout(embedding(tokens, 5), 0.25)");
    const graph = trainingLoss(model, training(model), 2);
    const at = (op: string) => graph.nodes.findIndex((node) => node.op === op) as Value;
    const state = stateOf(graph);
    const [table = new Float32Array(0)] = Object.values(state);
    const values = evaluateAll(graph, { inputs: inputs(graph), state, scalars: { seed: 3, step: 4, loss_scale: 1 } }, [
      at("uniform"),
      at("where"),
    ]);
    const [u, dropped] = [at("uniform"), at("where")].map((value) => [...(values.get(value)?.[0] ?? [])]);
    const tokens = inputs(graph)["tokens"] ?? [];
    expect(dropped).toEqual(
      u?.map((number, i) =>
        number < 0.25 ? 0 : Math.fround((table[(tokens[Math.floor(i / V)] ?? 0) * V + (i % V)] ?? 0) * Math.fround(4 / 3)),
      ),
    );
    expect(dropped?.filter((x) => x === 0).length).toBeGreaterThan(0);
    // Scoring and generating keep everything.
    const rest = [evaluation(model, training(model), 2), forward(model, "net", 2, CONTEXT)];
    for (const other of rest) expect(other.nodes.some((node) => node.op === "uniform")).toBe(false);
  });

  const attending =
    "    x = embedding(tokens, 6)\n    h = reshape(x, [B, T, 1, 6])\n    a = reshape(attention(h, h, h, causal = true), [B, T, 6])\n    return linear(a, 5)";

  it("lets a packed row's tokens see their own example only", () => {
    const model = modelOf(attending, { rows: "packed" });
    const graph = evaluation(model, training(model), 2);
    const given = inputs(graph);
    const last = (tokens: Tensor, segment: Tensor) => {
      const weights = Float32Array.from({ length: 2 * CONTEXT }, (_, i) => (i === CONTEXT - 1 ? 1 : 0));
      return interpret(graph, { inputs: { ...given, tokens, segment, weights }, state: stateOf(graph) }).outputs.get("loss_sum")?.[0];
    };
    const one = new Uint32Array(2 * CONTEXT);
    const two = one.map((_, i) => (i % CONTEXT < 3 ? 0 : 1));
    const [tokens, other] = [0, 1].map((shift) =>
      Uint32Array.from({ length: 2 * CONTEXT }, (_, i) => (i % CONTEXT < 3 ? (i + shift) % V : 2)),
    );
    if (tokens === undefined || other === undefined) throw new Error("no tokens");
    expect(last(other, two)).toBe(last(tokens, two));
    expect(last(other, one)).not.toBe(last(tokens, one));
  });

  it("decays matrices alone unless told to decay all", () => {
    const body = "    return linear(embedding(tokens, 6), 5)";
    const decays = (optimizer: string) =>
      compile(modelOf(body, { optimizer }), { kind: "train", training: "training" }, portable).layout.groups.map((group) => group.decay);
    expect(decays("adamw(weight_decay = 0.1)")).toEqual([true, false]);
    expect(decays("adamw(weight_decay = 0.1, decay = all)")).toEqual([true]);
  });
});

describe("generation", () => {
  const model = modelOf(`    place = parameter([context_length, 8], init = normal(1))
    x = embedding(tokens, 8) + gather(place, tokens.position)
    q = rope(reshape(linear(x, 8), [B, T, 4, 2]))
    k = rope(reshape(linear(x, 4), [B, T, 2, 2]))
    v = reshape(linear(x, 4), [B, T, 2, 2])
    a = x + linear(reshape(attention(q, k, v, causal = true), [B, T, 8]), 8)
    b = reshape(a, [B, T, 2, 4])
    return linear(dropout(a + reshape(attention(b, b, b, causal = true), [B, T, 8]), 0.5), 5)`);
  const [sampler] = model.samplers.values();
  if (sampler === undefined) throw new Error("no sampler");
  const prompts = [
    [0, 1, 2, 3],
    [4, 2],
  ];
  const whole = forward(model, "net", 1, CONTEXT);
  const parameters = stateOf(whole);

  /** Logits of the whole forward over some ids, at their last. */
  function logitsOf(ids: readonly number[]): number[] {
    const tokens = Uint32Array.from({ length: CONTEXT }, (_, i) => ids[i] ?? 0);
    const logits = interpret(whole, { inputs: { tokens, position: positions(1) }, state: parameters }).outputs.get("logits") ?? [];
    return [...logits].slice((ids.length - 1) * V, ids.length * V);
  }

  it("reads a prompt in pieces, then token by token, as the whole row reads it", () => {
    const reader = prefill(model, sampler, 2, 2);
    const step = decode(model, sampler, 2, { logits: true });
    let state: Record<string, Tensor> = { ...stateOf(reader), ...stateOf(step), ...parameters };
    const at = (first: number, lane: number, i: number) => (first + i < (prompts[lane]?.length ?? 0) - 1 ? first + i : 0xffffffff);
    for (let first = 0; first < 3; first += 2) {
      const position = Uint32Array.of(at(first, 0, 0), at(first, 0, 1), at(first, 1, 0), at(first, 1, 1));
      const tokens = position.map((place, i) => prompts[i >> 1]?.[place] ?? 0);
      state = { ...state, ...Object.fromEntries(interpret(reader, { inputs: { tokens, position }, state }).updates) };
    }
    const ids = prompts.map((prompt) => [...prompt]);
    const counts = new Uint32Array(2 * V);
    ids.forEach((prompt, lane) => {
      for (const id of prompt) counts[lane * V + id] = (counts[lane * V + id] ?? 0) + 1;
    });
    state = {
      ...state,
      "decode.token": Uint32Array.from(ids, (prompt) => prompt.at(-1) ?? 0),
      "decode.position": Uint32Array.from(ids, (prompt) => prompt.length - 1),
      "decode.counts": counts,
    };
    const inputs = {
      allowed: Uint32Array.of(0b11111),
      settings: Float32Array.of(0, 0, 1, 0, 1, 0, 0, 1, 0, 1),
      lane: Uint32Array.of(0, 1),
    };
    for (let draw = 1; draw <= 3; draw++) {
      const { outputs, updates } = interpret(step, { inputs, scalars: { seed: 1 }, state });
      state = { ...state, ...Object.fromEntries(updates) };
      ids.forEach((row, lane) => {
        if (row.length > CONTEXT) return;
        const expected = logitsOf(row);
        const found = [...(outputs.get("logits") ?? [])].slice(lane * V, lane * V + V);
        expect(found, `lane ${lane}, draw ${draw}`).toEqual(expected.map((x) => expect.closeTo(x, 4)));
        const id = expected.indexOf(Math.max(...expected));
        row.push(id);
        counts[lane * V + id] = (counts[lane * V + id] ?? 0) + 1;
        expect(state["decode.token"]?.[lane]).toBe(id);
        expect(state["decode.position"]?.[lane]).toBe(row.length - 1);
        expect(state["decode.draw"]?.[lane]).toBe(draw);
        // A drawn id lies at its own place.
        expect(state["decode.history"]?.[lane * (CONTEXT + 1) + row.length - 1]).toBe(id);
      });
      expect(state["decode.counts"]).toEqual(counts);
    }
    expect(ids.map((row) => row.length)).toEqual([7, 5]);
  });
});
