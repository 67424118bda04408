// Settings and calls that would go wrong only later (in a kernel, in the data, in no one's sight) are refused by the checker, each with its code.

import { expect, test } from "vitest";
import { check } from "../../compiler/check/check.js";
import { memoryHost } from "./host.js";

/** A program that is right, with one part of it replaced. */
function program(part: string, by: string): string {
  const text = `tokenizer chars { kind = char   corpus = "text.txt" }
data book { source = text("text.txt")   split = { train = 0.5, val = 0.5 } }
sequence passage(text: chars) -> chars { tokens = [predict(text)]   rows = window }
model m {
  context_length = 4
  forward(tokens: chars[B, T]) -> [B, T, chars.vocab_size] {
    x = embedding(tokens, 4)
    h = reshape(x, [B, T, 2, 2])
    a = reshape(attention(h, h, h, causal = true), [B, T, 4])
    return linear(a, chars.vocab_size)
  }
}
training { model = m   examples = passage(book)   max_steps = 2   optimizer = adamw(eps = 1e-8)   seed = 1 }
sampler s { model = m   sequence = passage   repetition_penalty = 1 }
`;
  if (!text.includes(part)) throw new Error(`the program has no ${part}`);
  return text.replace(part, by);
}

function codes(part: string, by: string, overrides: readonly string[] = []): string[] {
  const host = memoryHost({ "m.elm": program(part, by), "text.txt": "abcabc\n" });
  return check("m.elm", host, overrides).diagnostics.map((diagnostic) => diagnostic.code);
}

test("the program itself is right", () => {
  expect(codes("seed = 1", "seed = 4294967295")).toEqual([]);
});

test.each([
  ["a seed of more than 32 bits", "seed = 1", "seed = 4294967296", "out-of-range"],
  ["a repetition penalty of 0", "repetition_penalty = 1", "repetition_penalty = 0", "out-of-range"],
  ["an epsilon of 0", "eps = 1e-8", "eps = 0", "wrong-setting"],
  ["a part of nothing", "{ train = 0.5, val = 0.5 }", "{ train = 1, val = 0 }", "out-of-range"],
  ["a negative window", "causal = true)", "causal = true, window = -1)", "out-of-range"],
  ["a window, which is not built yet", "causal = true)", "causal = true, window = 2)", "not-built-yet"],
  ["a number that is none", "causal = true)", "causal = true, scale = log(-1))", "wrong-value"],
  ["the same, as a tensor", "linear(a, ", "linear(a * log(-1), ", "wrong-value"],
  ["an argument that `load` does not take", "context_length = 4", 'weights = load("w.safetensors", prefx = "a.")', "unknown-argument"],
  ["an argument that `text` does not take", 'text("text.txt")', 'text("text.txt", encoding = "latin1")', "unknown-argument"],
  ["a column of no field", "passage(book)", "passage(book, txet = text)", "unknown-argument"],
  ["a special twice", 'corpus = "text.txt"', 'corpus = "text.txt"   special = ["eos", "eos"]', "same-name"],
  ["a vocabulary of its own size", 'corpus = "text.txt"', 'corpus = "text.txt"   vocab_size = chars.vocab_size', "circular-setting"],
  ["a tensor beside the tokens", "tokens: chars[B, T])", "tokens: chars[B, T], image: [B, T, 4])", "not-built-yet"],
  ["a second field", "tokens: chars[B, T])", "tokens: chars[B, T], other: chars[B, T])", "not-built-yet"],
  ["drawing with `predicted`", "linear(a, ", "linear(a * reshape(x.predicted, [B, T, 1]), ", "not-built-yet"],
  ["a name that objects have by themselves", "seed = 1", "seed = 1   constructor = 2", "unknown-setting"],
])("%s is refused", (_, part, by, code) => {
  expect(codes(part, by)).toContain(code);
});

test("a --set line without a section is refused", () => {
  expect(codes("seed = 1", "seed = 2", ["dim = 64"])).toEqual(["unknown-target"]);
});
