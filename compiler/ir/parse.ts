// Text → graph, the inverse of `print`. Throws with line number and reason where the text is not one; types are taken as written, so that the
// verifier can be shown a broken graph. Blank lines and lines that begin with # are skipped.

import { isOp } from "../ops/table.js";
import type { AnyNode, DType, Graph, TensorType, Value } from "./graph.js";
import { attributeFaults } from "./verify.js";

export function parse(text: string): Graph {
  let name: string | undefined;
  const nodes: AnyNode[] = [];
  const outputs = new Map<string, Value>();
  const updates = new Map<string, Value>();
  text.split("\n").forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return;
    const reader = new Reader(line, index + 1);
    const word = reader.peek();
    if (word === "graph") {
      reader.next();
      name = reader.string();
    } else if (word === "output" || word === "update") {
      reader.next();
      (word === "output" ? outputs : updates).set(reader.string(), reader.value());
    } else {
      const value = reader.value();
      if (value !== nodes.length) reader.fail(`the next node is %${nodes.length}`);
      nodes.push(node(reader));
    }
    reader.end();
  });
  if (name === undefined) throw new Error("line 1: a graph begins with its name");
  return { name, nodes, outputs, updates };
}

function node(reader: Reader): AnyNode {
  reader.expect("=");
  const op = reader.next();
  if (!isOp(op)) return reader.fail(`there is no op ${op}`);
  const inputs: Value[] = [];
  reader.expect("(");
  while (reader.before(")")) {
    inputs.push(reader.value());
    if (reader.peek() === ",") reader.next();
  }
  reader.expect(")");
  const attrs = reader.peek() === "{" ? attributes(reader) : {};
  // Which attributes an op has is only known here; `attributeFaults` is what makes the assertion true.
  const candidate = { op, attrs } as Pick<AnyNode, "op" | "attrs">;
  const [fault] = attributeFaults(candidate);
  if (fault !== undefined) reader.fail(`${op}: ${fault}`);
  reader.expect(":");
  const types = [type(reader)];
  while (reader.peek() === ",") {
    reader.next();
    types.push(type(reader));
  }
  return { ...candidate, inputs, types } as AnyNode;
}

type AttrValue = number | string | boolean | readonly AttrValue[];

function attributes(reader: Reader): Readonly<Record<string, AttrValue>> {
  const entries: [string, AttrValue][] = [];
  reader.expect("{");
  while (reader.before("}")) {
    const name = reader.next();
    reader.expect(":");
    entries.push([name, attrValue(reader)]);
    if (reader.peek() === ",") reader.next();
  }
  reader.expect("}");
  return Object.fromEntries(entries);
}

function attrValue(reader: Reader): AttrValue {
  const token = reader.peek();
  if (token === "[") {
    const values: AttrValue[] = [];
    reader.expect("[");
    while (reader.before("]")) {
      values.push(attrValue(reader));
      if (reader.peek() === ",") reader.next();
    }
    reader.expect("]");
    return values;
  }
  if (token.startsWith('"')) return reader.string();
  reader.next();
  if (token === "true" || token === "false") return token === "true";
  const value = Number(token);
  return Number.isNaN(value) ? reader.fail(`${token} is no value`) : value;
}

function type(reader: Reader): TensorType {
  const dtype = reader.next();
  if (!isDType(dtype)) return reader.fail(`${dtype} is no dtype`);
  const shape: number[] = [];
  reader.expect("[");
  while (reader.before("]")) {
    shape.push(Number(reader.next()));
    if (reader.peek() === ",") reader.next();
  }
  reader.expect("]");
  return { dtype, shape };
}

function isDType(word: string): word is DType {
  return word === "f32" || word === "u32";
}

/** One line as tokens: strings, words, numbers, `%12`, punctuation. */
class Reader {
  readonly #tokens: readonly string[];
  readonly #line: number;
  #at = 0;

  constructor(text: string, line: number) {
    this.#line = line;
    const tokens = text.match(/"(?:[^"\\]|\\.)*"|%\d+|-?Infinity|-?\d[\d.]*(?:e[+-]?\d+)?|\w+|\S/g);
    this.#tokens = tokens ?? [];
  }

  fail(reason: string): never {
    throw new Error(`line ${this.#line}: ${reason}`);
  }

  /** The next token; empty at the end of the line. */
  peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  /** Whether a list goes on. */
  before(end: string): boolean {
    return this.peek() !== end && this.peek() !== "";
  }

  next(): string {
    const token = this.#tokens[this.#at] ?? this.fail("the line ends too early");
    this.#at++;
    return token;
  }

  expect(token: string): void {
    const found = this.next();
    if (found !== token) this.fail(`${found} stands where ${token} belongs`);
  }

  value(): Value {
    const token = this.next();
    if (!/^%\d+$/.test(token)) this.fail(`${token} is no value`);
    return Number(token.slice(1)) as Value;
  }

  string(): string {
    const token = this.next();
    if (!token.startsWith('"')) this.fail(`${token} is no quoted name`);
    return JSON.parse(token) as string;
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.fail(`${this.#tokens[this.#at]} follows the end`);
  }
}
