// Is a graph legal? In: a graph from anywhere; out: its faults, each naming a node and the rule it breaks. Never throws.
// Passes are run between two of these, so a fault is found where it is made.

import { type AttrKind, sameShape, show } from "../ops/op.js";
import { attrsOf, isOp, opOf } from "../ops/table.js";
import { operandTypes } from "./builder.js";
import type { AnyNode, Graph, TensorType, Value } from "./graph.js";

/**
 * `op`: the op exists. `operand`: operands are nodes that come earlier. `attribute`: attributes are those of the op, finite and of the right
 * kind. `tuple`: tuples are read by `pick` only, and `pick` reads tuples. `operands`: the op takes operands of these types. `types`: the node's
 * types are what the op gives. `dims`: dimensions are whole and positive. `name`: one name, one meaning. `output`, `update`: results are
 * tensors, and an update has the type of the state that it names.
 */
export type Rule = "op" | "operand" | "attribute" | "tuple" | "operands" | "types" | "dims" | "name" | "output" | "update";

export interface Fault {
  readonly node?: Value;
  readonly rule: Rule;
  /** Whole sentence, with node and rule in it. */
  readonly message: string;
}

export function verify(graph: Graph): Fault[] {
  const faults: Fault[] = [];
  const named = new Map<string, TensorType>();
  const packs = new Set<string>();
  graph.nodes.forEach((node, index) => {
    const value = index as Value;
    const report = (rule: Rule, text: string) => faults.push({ node: value, rule, message: `%${index} (${node.op}): ${rule}: ${text}` });
    if (!isOp(node.op)) {
      report("op", "no such op");
      return;
    }
    const attributes = attributeFaults(node);
    for (const text of attributes) report("attribute", text);
    const inputs = checkOperands(graph, node, index, report);
    for (const type of node.types) {
      if (!type.shape.every((n) => Number.isInteger(n) && n > 0)) report("dims", `a result is ${show(type)}`);
    }
    if (attributes.length > 0 || inputs === undefined) return;
    checkTypes(node, inputs, report);
    checkNames(node, named, packs, report);
  });
  checkResults(graph, named, faults);
  return faults;
}

type Report = (rule: Rule, text: string) => void;

/** The operands' nodes, or undefined where some can not be used. */
function checkOperands(graph: Graph, node: AnyNode, index: number, report: Report): AnyNode[] | undefined {
  const operands = node.inputs.map((input) => {
    const operand = graph.nodes[input];
    if (operand === undefined) report("operand", `there is no node %${input}`);
    else if (input >= index) report("operand", `%${input} does not come earlier`);
    return input < index ? operand : undefined;
  });
  const found = operands.flatMap((operand) => operand ?? []);
  if (found.length < operands.length) return undefined;
  const tuple = found.findIndex((operand) => operand.types.length !== 1);
  if (node.op !== "pick" && tuple >= 0) {
    report("tuple", `%${node.inputs[tuple]} is a tuple, which only pick reads`);
    return undefined;
  }
  if (node.op === "pick") {
    const count = found[0]?.types.length ?? 0;
    const picks = found.length === 1 && count > 1 && node.attrs.index < count;
    if (!picks)
      report(
        "tuple",
        `there is no element ${node.attrs.index} of %${node.inputs.join(", %")} with ${count} result${count === 1 ? "" : "s"}`,
      );
    if (!picks) return undefined;
  }
  return found;
}

function checkTypes(node: AnyNode, inputs: readonly AnyNode[], report: Report): void {
  let types: readonly TensorType[];
  try {
    types = opOf(node.op).infer(operandTypes(node.op, inputs), node.attrs);
  } catch (error) {
    report("operands", error instanceof Error ? error.message : String(error));
    return;
  }
  const equal = types.length === node.types.length && types.every((type, i) => sameType(type, node.types[i]));
  if (!equal) report("types", `has ${node.types.map(show).join(", ")} where the op gives ${types.map(show).join(", ")}`);
}

function sameType(a: TensorType, b: TensorType | undefined): boolean {
  return b !== undefined && a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

function checkNames(node: AnyNode, named: Map<string, TensorType>, packs: Set<string>, report: Report): void {
  if (node.op === "pack") {
    if (packs.has(node.attrs.name)) report("name", `two packs are called ${node.attrs.name}`);
    packs.add(node.attrs.name);
  }
  if (node.op !== "input" && node.op !== "scalar" && node.op !== "state") return;
  const [type] = node.types;
  const key = `${node.op} ${node.attrs.name}`;
  const known = named.get(key);
  if (type === undefined) return;
  if (known !== undefined && !sameType(known, type)) report("name", `the ${key} is ${show(known)} elsewhere and ${show(type)} here`);
  else named.set(key, type);
}

function checkResults(graph: Graph, named: ReadonlyMap<string, TensorType>, faults: Fault[]): void {
  const check = (rule: "output" | "update", name: string, value: Value): TensorType | undefined => {
    const report = (text: string) => faults.push({ node: value, rule, message: `${rule} ${name}: ${text}` });
    const node = graph.nodes[value];
    if (node === undefined) report(`there is no node %${value}`);
    else if (node.types.length !== 1) report(`%${value} (${node.op}) is a tuple`);
    return node?.types.length === 1 ? node.types[0] : undefined;
  };
  for (const [name, value] of graph.outputs) check("output", name, value);
  for (const [name, value] of graph.updates) {
    const type = check("update", name, value);
    const state = named.get(`state ${name}`);
    if (type === undefined) continue;
    if (state === undefined) faults.push({ node: value, rule: "update", message: `update ${name}: no node reads a state of this name` });
    else if (!sameType(state, type)) {
      faults.push({ node: value, rule: "update", message: `update ${name}: the state is ${show(state)}, %${value} is ${show(type)}` });
    }
  }
}

/** What is wrong with a node's attributes, in words. */
export function attributeFaults(node: Pick<AnyNode, "op" | "attrs">): string[] {
  const kinds: ReadonlyMap<string, AttrKind> = new Map(Object.entries<AttrKind>(opOf(node.op).attrs));
  const attrs = attrsOf(node.attrs);
  const faults = [...attrs.keys()].filter((name) => !kinds.has(name)).map((name) => `there is no attribute ${name}`);
  for (const [name, kind] of kinds) {
    const value = attrs.get(name);
    if (value === undefined) {
      if (kind !== "boolean?") faults.push(`${name} is missing`);
    } else if (!fits(value, kind))
      faults.push(`${name} is ${JSON.stringify(value)}, not ${typeof kind === "string" ? nouns[kind] : `one of ${kind.join(", ")}`}`);
  }
  return faults;
}

const nouns: { readonly [K in Extract<AttrKind, string>]: string } = {
  number: "a finite number",
  count: "a count",
  boolean: "true or false",
  "boolean?": "true or false",
  string: "a name",
  numbers: "a list of finite numbers",
  counts: "a list of counts",
  dtype: "f32 or u32",
};

const isCount = (value: unknown) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function fits(value: unknown, kind: AttrKind): boolean {
  if (typeof kind !== "string") return typeof value === "string" && kind.includes(value);
  switch (kind) {
    case "number":
      return Number.isFinite(value);
    case "count":
      return isCount(value);
    case "boolean":
    case "boolean?":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
    case "numbers":
      return Array.isArray(value) && value.every(Number.isFinite);
    case "counts":
      return Array.isArray(value) && value.every(isCount);
    case "dtype":
      return value === "f32" || value === "u32";
  }
}
