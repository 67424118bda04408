import { expect, test } from "vitest";
import { Failure, failureOf } from "../../cli/failure.js";
import { choose, fieldOf, seed, setting, unescaped, whole } from "../../cli/options.js";

test("whole numbers are refused where they are none, too small or too large", () => {
  expect(whole(1)("12")).toBe(12);
  for (const text of ["", "0", "-1", "1.5", "1e3", "x", "99999999999999999999"]) expect(() => whole(1)(text), text).toThrow(/It must/);
  expect(seed("4294967295")).toBe(4294967295);
  expect(() => seed("4294967296")).toThrow(/It must/);
});

test("--set lines are collected in order, as lines of the language", () => {
  expect(setting("b.y = [1, 2]", setting("a.x=3"))).toEqual(["a.x = 3", "b.y = [1, 2]"]);
  expect(setting('narrator.given={ text = "a=b" }')).toEqual(['narrator.given = { text = "a=b" }']);
  for (const text of ["a.x", "a.x=", "=3", "1a=3"]) expect(() => setting(text), text).toThrow(/It must/);
});

test("a field's value may hold equals signs and the language's escapes", () => {
  expect(fieldOf("text=a=b")).toEqual({ name: "text", value: "a=b" });
  expect(fieldOf("text=")).toEqual({ name: "text", value: "" });
  expect(fieldOf("narrator")).toBeUndefined();
  expect(fieldOf("=x")).toBeUndefined();
  expect(unescaped(String.raw`a\nb\t\\n\"\{\}\u{1F600}\x`)).toBe('a\nb\t\\n"{}😀\\x');
  expect(() => unescaped(String.raw`\u{110000}`)).toThrow(Failure);
  expect(() => unescaped(String.raw`\u{d800}`)).toThrow(Failure);
});

test("the only one is taken, of several one must be named", () => {
  expect(choose(["a"], undefined, "sampler", "x.elm")).toBe("a");
  expect(choose(["a", "b"], "b", "sampler", "x.elm")).toBe("b");
  const refusal = (names: string[], wanted?: string) => {
    try {
      choose(names, wanted, "sampler", "x.elm");
    } catch (error) {
      const failure = failureOf(error);
      return `${failure.exitCode} ${failure.message} ${failure.remedy}`;
    }
    return "";
  };
  expect(refusal(["a", "b"])).toBe("2 x.elm has several samplers: `a`, `b`. Name one of them.");
  expect(refusal(["a", "b"], "c")).toBe("2 x.elm has no sampler named `c`. It has `a`, `b`.");
  expect(refusal([])).toBe("2 x.elm has no sampler. Add a `sampler` section.");
});
