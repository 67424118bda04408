// In: a region's terms and where its tensors lie. Out: WGSL lines for a set of its terms, in one lane type. Invariant: sizes and offsets become
// immediates as long as there is room, so that regions of one structure share one pipeline whatever their shapes.

import type { DType } from "../ir/graph.js";
import { header, type Target } from "./kernel.js";
import { philoxText, uniformKey } from "./philox.js";
import { count, type Index, levelOf, type Region, type Term, type Test } from "./region.js";
import { helpersFor, type Lane, literal, renderBinary, renderUnary, renderWhere } from "./render.js";

/** Where a tensor lies: a binding of the dispatch and the words before its first element; `fixed` offsets are written into the text. */
export interface Place {
  readonly binding: number;
  readonly offset: number;
  readonly fixed?: boolean;
}

export interface Places {
  /** Number of bindings. */
  readonly bindings: number;
  /** One an operand of the region, one a result. */
  readonly operands: readonly Place[];
  readonly results: readonly Place[];
}

/** One dispatch of a region: its bindings are numbers of `Places`, scratch buffers counted on from `Places.bindings`. */
export interface RegionDispatch {
  readonly kernel: string;
  readonly wgsl: string;
  readonly immediates: readonly number[];
  readonly grid: readonly [number, number, number];
  readonly bindings: readonly number[];
}

export interface RegionKernel {
  readonly dispatches: readonly RegionDispatch[];
  /** Bytes of each scratch buffer. */
  readonly scratch: readonly number[];
}

/** Immediates are 64 bytes. */
const WORDS = 16;

/** The numbers that a kernel reads at run time; beyond the sixteenth they are written into the text. */
export class Words {
  readonly values: number[] = [];
  private readonly names = new Map<string, string>();

  /** WGSL text of `value`; the same `role` is the same word. */
  word(role: string, value: number): string {
    const known = this.names.get(role);
    if (known !== undefined) return known;
    let text = `${value >>> 0}u`;
    if (this.values.length < WORDS) {
      text = `im.w${this.values.length}`;
      this.values.push(value >>> 0);
    }
    this.names.set(role, text);
    return text;
  }
}

/** Writes terms of one region; made once for a kernel's text. */
export class Writer {
  readonly region: Region;
  readonly places: Places;
  readonly words = new Words();
  /** Whether elements are handled four neighbouring columns at a time. */
  readonly lane: Lane;
  readonly bindingTypes: readonly string[];
  private readonly ops = new Set<string>();
  private readonly literals = new Map<string, string>();
  private random = false;

  constructor(region: Region, places: Places, vector: boolean) {
    this.region = region;
    this.places = places;
    const wide = vector ? wideBindings(region, places) : undefined;
    this.lane = wide ? "vec4f" : "f32";
    const types: string[] = [];
    for (let binding = 0; binding < places.bindings; binding++) {
      const users = [
        ...region.operands.filter((_, k) => places.operands[k]?.binding === binding),
        ...region.results.filter((_, k) => places.results[k]?.binding === binding).map((r) => r.dtype),
      ];
      types.push(wide?.has(binding) ? "vec4f" : users.every((type) => type === "f32") ? "f32" : "u32");
    }
    this.bindingTypes = types;
  }

  /** The lane type that a term has in the kernel's text. */
  laneOf(term: number): Lane {
    return this.levelOfTerm(term) === "element" ? this.lane : "f32";
  }

  private readonly levels = new Map<number, "row" | "element">();

  /** `element` for what changes within a row (or a column's loop), `row` for all else. */
  levelOfTerm(k: number): "row" | "element" {
    const known = this.levels.get(k);
    if (known) return known;
    const term = this.term(k);
    const inner = operandsOf(term).some((x) => this.levelOfTerm(x) === "element");
    const at = "at" in term && levelOf(term.at, this.region.domain) === "element";
    const level = term.kind !== "reduce" && (inner || at) ? "element" : "row";
    this.levels.set(k, level);
    return level;
  }

  term(k: number): Term {
    const term = this.region.terms[k];
    if (!term) throw new RangeError(`no term ${k}`);
    return term;
  }

  /** Name of a term's value, widened where the reader is wide. */
  name(k: number, T: Lane): string {
    const term = this.term(k);
    if (term.kind === "constant") {
      if (term.dtype === "u32") return `${term.value >>> 0}u`;
      return T === "f32" ? literal(term.value) : `vec4f(${literal(term.value)})`;
    }
    return T === "vec4f" && this.laneOf(k) === "f32" ? `vec4f(t${k})` : `t${k}`;
  }

  /** `let tK = …;` for each of the terms (constants and reductions have none). */
  lines(terms: Iterable<number>): string[] {
    const lines: string[] = [];
    for (const k of [...terms].sort((a, b) => a - b)) {
      const term = this.term(k);
      if (term.kind === "constant" || term.kind === "reduce") continue;
      lines.push(`let t${k} = ${this.text(term, this.laneOf(k))};`);
    }
    return lines;
  }

  private text(term: Term, T: Lane): string {
    switch (term.kind) {
      case "load":
        return this.load(term.operand, term.at, term.dtype);
      case "constant":
        return literal(term.value);
      case "index":
        return T === "vec4f" ? `(vec4f(f32(${this.index(term.at)} * 4u)) + vec4f(0f, 1f, 2f, 3f))` : `f32(${this.index(term.at)})`;
      case "literal":
        return `${this.literal(term.values)}[${this.index(term.at)}]`;
      case "uniform":
        this.random = true;
        return `${T === "vec4f" ? "uniform_four" : "uniform_at"}(${this.name(term.seed, "f32")}, ${this.name(term.step, "f32")}, ${this.words.word(`place ${term.place}`, term.place)}, ${this.index(term.at)})`;
      case "unary":
        this.ops.add(term.op);
        return renderUnary(term.op, this.name(term.x, T), T);
      case "binary":
        if (this.term(term.x).dtype === "f32") this.ops.add(term.op);
        return renderBinary(term.op, this.name(term.x, T), this.name(term.y, T), T);
      case "where":
        if (this.term(term.condition).dtype === "u32")
          return `select(${this.name(term.y, T)}, ${this.name(term.x, T)}, ${this.name(term.condition, T)} != 0u)`;
        return renderWhere(this.name(term.condition, T), this.name(term.x, T), this.name(term.y, T), T);
      case "cast":
        return `${term.dtype}(${this.name(term.x, T)})`;
      case "inside":
        return `select(0f, 1f, ${this.tests(term.at, term.tests)})`;
      case "reduce":
        throw new RangeError("a reduction is written by its kernel");
    }
  }

  private load(operand: number, at: Index, dtype: DType): string {
    const place = this.places.operands[operand];
    if (!place) throw new RangeError(`no operand ${operand}`);
    const type = this.bindingTypes[place.binding];
    const text = `b${place.binding}[${this.address(place, at, `operand ${operand}`)}]`;
    return type === "u32" && dtype === "f32" ? `bitcast<f32>(${text})` : text;
  }

  /** A statement that stores result k from the term's value. */
  store(result: number): string {
    const place = this.places.results[result];
    const spec = this.region.results[result];
    if (!place || !spec) throw new RangeError(`no result ${result}`);
    const type = this.bindingTypes[place.binding];
    const value = this.name(spec.term, type === "vec4f" ? "vec4f" : "f32");
    if (spec.scatter) {
      const { position, rows, inner, capacity, add } = spec.scatter;
      const index = this.index(spec.at);
      const word = (role: string, number: number): string => this.words.word(`${role} of result ${result}`, number);
      const [w, c] = [word("inner", inner), word("capacity", capacity)];
      const row = rows === 1 ? `${index} / ${w}` : `${index} / (${w} * ${word("rows", rows)})`;
      const offset = place.offset === 0 ? "" : ` + ${word("offset", place.offset)}`;
      const to = `b${place.binding}[((${row}) * ${c} + ${this.name(position, "f32")}) * ${w} + ${index} % ${w}${offset}]`;
      return `if (${this.name(position, "f32")} < ${c}) { ${to} ${add ? "+=" : "="} ${type === "u32" && spec.dtype === "f32" ? `bitcast<u32>(${value})` : value}; }`;
    }
    return `b${place.binding}[${this.address(place, spec.at, `result ${result}`)}] = ${type === "u32" && spec.dtype === "f32" ? `bitcast<u32>(${value})` : value};`;
  }

  private address(place: Place, at: Index, role: string): string {
    const index = this.index(at);
    if (place.offset === 0) return index;
    // Wide places begin at whole vectors, see `wideBindings`.
    const offset = this.bindingTypes[place.binding] === "vec4f" ? place.offset / 4 : place.offset;
    const text = place.fixed ? `${offset}u` : this.words.word(`offset of ${role}`, offset);
    return index === "0u" ? text : `${index} + ${text}`;
  }

  /** u32 text of an index; on wide lanes, in units of four columns. */
  index(at: Index): string {
    const { domain } = this.region;
    const wide = this.lane === "vec4f" && levelOf(at, domain) === "element";
    const unit = wide ? 4 : 1;
    switch (at.kind) {
      case "full":
        return "i";
      case "row":
        return "r";
      case "col":
        return "c";
      case "out":
        return "o";
      case "one":
        return "0u";
      case "mod":
        if (domain.kind === "rows" && at.of.kind === "full" && at.by % domain.cols === 0) {
          return `((r % ${this.words.word(`period ${at.by}`, at.by / domain.cols)}) * ${this.cols()} + c)`;
        }
        return `(${this.index(at.of)} % ${this.words.word(`mod ${at.by}`, at.by / unit)})`;
      case "div":
        return `(${this.index(at.of)} / ${this.words.word(`div ${at.by}`, at.by)})`;
      case "strided": {
        const of = this.index(at.of);
        const sum = at.digits.map((d) => product(digit(of, d.div, d.mod), d.mul));
        if (at.add !== 0 || sum.length === 0) sum.push(`${at.add >>> 0}u`);
        const text = `(${sum.join(" + ")})`;
        return at.tests.length > 0 ? `select(0u, ${text}, ${this.tests(at.of, at.tests)})` : text;
      }
    }
  }

  /** Columns a row, in lanes' units. */
  cols(): string {
    const { domain } = this.region;
    const cols = domain.kind === "flat" ? domain.n : domain.cols;
    return this.words.word("cols", this.lane === "vec4f" ? cols / 4 : cols);
  }

  private tests(at: Index, tests: readonly Test[]): string {
    const of = this.index(at);
    const parts = tests.flatMap((test) => {
      const text = digit(of, test.div, test.mod);
      return [...(test.from > 0 ? [`${text} >= ${test.from}u`] : []), ...(test.to < test.mod ? [`${text} < ${test.to}u`] : [])];
    });
    return parts.length === 0 ? "true" : `(${parts.join(" && ")})`;
  }

  private literal(values: readonly number[]): string {
    const text = `array<f32, ${values.length}>(${values.map(literal).join(", ")})`;
    const name = this.literals.get(text) ?? `literal${this.literals.size}`;
    this.literals.set(text, name);
    return name;
  }

  /** Everything before `fn main`; call it last, since the body decides what is needed. `scratch`: f32 bindings after the region's own. */
  head(target: Target, scratch: number, only?: readonly number[]): string {
    const bound = only ?? this.bindingTypes.map((_, k) => k);
    const types = [...bound.map((k) => this.bindingTypes[k] ?? "f32"), ...Array<string>(scratch).fill("f32")];
    const names = this.words.values.map((_, k) => [`w${k}`, "u32"] as const);
    const constants = [...this.literals].map(([text, name]) => `const ${name} = ${text};\n`).join("");
    const random = this.random
      ? `${philoxText}fn uniform_at(seed: u32, step: u32, place: u32, element: u32) -> f32 {
  return unit(philox(vec4u(element >> 2u, place, step, 0u), vec2u(seed, ${uniformKey}u))[element & 3u]);
}
fn uniform_four(seed: u32, step: u32, place: u32, four: u32) -> vec4f {
  let words = philox(vec4u(four, place, step, 0u), vec2u(seed, ${uniformKey}u));
  return vec4f(unit(words.x), unit(words.y), unit(words.z), unit(words.w));
}
`
      : "";
    const lanes: Lane[] = this.lane === "vec4f" ? ["f32", "vec4f"] : ["f32"];
    return `${header(types, names, target)}${constants}${random}${lanes.map((T) => helpersFor(this.ops, T)).join("")}`;
  }
}

/** The terms that a term reads. */
export function operandsOf(term: Term): readonly number[] {
  switch (term.kind) {
    case "load":
    case "constant":
    case "index":
    case "literal":
    case "inside":
      return [];
    case "uniform":
      return [term.seed, term.step];
    case "unary":
    case "cast":
    case "reduce":
      return [term.x];
    case "binary":
      return [term.x, term.y];
    case "where":
      return [term.condition, term.x, term.y];
  }
}

function digit(of: string, div: number, mod: number): string {
  const whole = div === 1 ? of : `(${of} / ${div}u)`;
  return mod === 0 ? whole : `${whole} % ${mod}u`;
}

function product(text: string, by: number): string {
  return by === 1 ? `(${text})` : `(${text}) * ${by >>> 0}u`;
}

/**
 * The bindings to be declared as vec4f when the whole region can run four columns a lane, else undefined: rows of whole vectors, f32 only,
 * every binding either wide in all its uses or in none.
 */
function wideBindings(region: Region, places: Places): Set<number> | undefined {
  const { domain } = region;
  const width = domain.kind === "flat" ? domain.n : domain.cols;
  if (domain.kind === "columns" || width % 4 !== 0 || count(domain) < 16) return undefined;
  const wide = new Set<number>();
  const narrow = new Set<number>();
  for (const term of region.terms) {
    if (!("at" in term) || levelOf(term.at, domain) !== "element") {
      if (term.kind === "load") narrow.add(places.operands[term.operand]?.binding ?? -1);
      continue;
    }
    const whole =
      term.at.kind === "full" ||
      term.at.kind === "col" ||
      (term.at.kind === "mod" && term.at.by % 4 === 0 && (term.at.of.kind === "full" || term.at.of.kind === "col"));
    if (!whole || term.dtype !== "f32") return undefined;
    if (term.kind === "index" || (term.kind === "uniform" && term.at.kind === "full")) continue;
    if (term.kind !== "load") return undefined;
    const place = places.operands[term.operand];
    if (!place || place.offset % 4 !== 0) return undefined;
    wide.add(place.binding);
  }
  // Casts and comparisons of elements in u32 stay narrow.
  if (
    region.terms.some(
      (term) =>
        (term.kind === "cast" || term.dtype === "u32") &&
        term.kind !== "constant" &&
        !(term.kind === "load" && levelOf(term.at, domain) !== "element"),
    )
  )
    return undefined;
  for (const [k, result] of region.results.entries()) {
    const place = places.results[k];
    if (!place) return undefined;
    if (levelOf(result.at, domain) === "element") {
      if (result.scatter || result.dtype !== "f32" || place.offset % 4 !== 0) return undefined;
      wide.add(place.binding);
    } else narrow.add(place.binding);
  }
  for (const binding of wide) if (narrow.has(binding)) return undefined;
  return wide;
}
