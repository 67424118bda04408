// Symbolic dimensions: sums of monomials in one normal form, so that equal sizes compare equal. Names of dimensions in, exact answers out.
// `/` between dimensions is exact by the language's rule, so `D/n_heads` is a monomial with a negative power, and n_heads * (D/n_heads) = D.
// What does not reduce to that (`floor(T/8)`, `D/(A + 1)`) is a name of its own, written so that `read` and `evaluate` understand it.

/**
 * Monomial → coefficient, an integer and never 0. A monomial is "" (the constant), `A*B` with names sorted, or `A*B/(8*C)`:
 * the denominator's integer first, coprime to the coefficient. Only this file reads or writes the keys.
 */
export interface Dim {
  readonly terms: ReadonlyMap<string, number>;
}

export function constant(value: number): Dim {
  return { terms: value === 0 ? new Map() : new Map([["", value]]) };
}

export function symbol(name: string): Dim {
  return { terms: new Map([[name, 1]]) };
}

export const ZERO: Dim = constant(0);
export const ONE: Dim = constant(1);

/** The number, where the dimension has no names; otherwise undefined. */
export function constantOf(dim: Dim): number | undefined {
  if (dim.terms.size === 0) return 0;
  const value = dim.terms.get("");
  return dim.terms.size === 1 ? value : undefined;
}

export function equal(a: Dim, b: Dim): boolean {
  if (a === b) return true;
  if (a.terms.size !== b.terms.size) return false;
  for (const [key, coefficient] of a.terms) if (b.terms.get(key) !== coefficient) return false;
  return true;
}

// --- monomials: a rational coefficient and names with integer powers ---

interface Monomial {
  readonly numerator: number;
  /** Positive. */
  readonly denominator: number;
  readonly powers: ReadonlyMap<string, number>;
}

function gcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** Splits at `separator` outside parentheses. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "(") depth++;
    else if (c === ")") depth--;
    else if (c === separator && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function monomialOf(key: string, coefficient: number): Monomial {
  const powers = new Map<string, number>();
  let denominator = 1;
  if (key !== "") {
    const [above = "", below] = split(key, "/");
    for (const name of split(above, "*")) if (name !== "1") powers.set(name, (powers.get(name) ?? 0) + 1);
    if (below !== undefined) {
      // A group `(8*C)`, not a sum that is one name, `(T + 1)`, which alone has blanks outside its inner parentheses.
      const grouped = below.startsWith("(") && split(below.slice(1, -1), " ").length === 1;
      const inner = grouped ? below.slice(1, -1) : below;
      for (const name of split(inner, "*")) {
        if (/^\d+$/.test(name)) denominator *= Number(name);
        else powers.set(name, (powers.get(name) ?? 0) - 1);
      }
    }
  }
  return { numerator: coefficient, denominator, powers };
}

function keyOf(monomial: Monomial): string {
  const above: string[] = [];
  const below: string[] = monomial.denominator === 1 ? [] : [String(monomial.denominator)];
  for (const name of [...monomial.powers.keys()].sort()) {
    const power = monomial.powers.get(name) ?? 0;
    for (let i = 0; i < Math.abs(power); i++) (power > 0 ? above : below).push(name);
  }
  if (below.length === 0) return above.join("*");
  const numerator = above.length === 0 ? "1" : above.join("*");
  return `${numerator}/${below.length === 1 ? below[0] : `(${below.join("*")})`}`;
}

function powersKey(powers: ReadonlyMap<string, number>): string {
  return keyOf({ numerator: 1, denominator: 1, powers });
}

function monomials(dim: Dim): Monomial[] {
  return [...dim.terms].map(([key, coefficient]) => monomialOf(key, coefficient));
}

/** The normal form: like powers added as fractions, fractions in lowest terms, zeros gone, keys sorted. */
function fromMonomials(list: readonly Monomial[]): Dim {
  const sums = new Map<string, Monomial>();
  for (const m of list) {
    const key = powersKey(m.powers);
    const before = sums.get(key);
    if (before === undefined) sums.set(key, m);
    else {
      const numerator = before.numerator * m.denominator + m.numerator * before.denominator;
      sums.set(key, { numerator, denominator: before.denominator * m.denominator, powers: m.powers });
    }
  }
  const terms: [string, number][] = [];
  for (const m of sums.values()) {
    if (m.numerator === 0) continue;
    const g = gcd(m.numerator, m.denominator);
    terms.push([keyOf({ numerator: 1, denominator: m.denominator / g, powers: m.powers }), m.numerator / g]);
  }
  terms.sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : a > b ? 1 : 0));
  return { terms: new Map(terms) };
}

function productOf(a: Monomial, b: Monomial, direction: 1 | -1): Monomial {
  const powers = new Map(a.powers);
  for (const [name, power] of b.powers) {
    const sum = (powers.get(name) ?? 0) + direction * power;
    if (sum === 0) powers.delete(name);
    else powers.set(name, sum);
  }
  const [up, down] = direction === 1 ? [b.numerator, b.denominator] : [b.denominator, b.numerator];
  const sign = down < 0 ? -1 : 1;
  const numerator = sign * a.numerator * up;
  const denominator = sign * a.denominator * down;
  const g = gcd(numerator, denominator) || 1;
  return { numerator: numerator / g, denominator: denominator / g, powers };
}

// --- the algebra ---

export function add(a: Dim, b: Dim): Dim {
  return fromMonomials([...monomials(a), ...monomials(b)]);
}

export function negate(a: Dim): Dim {
  return { terms: new Map([...a.terms].map(([key, coefficient]) => [key, -coefficient])) };
}

export function sub(a: Dim, b: Dim): Dim {
  return add(a, negate(b));
}

export function mul(a: Dim, b: Dim): Dim {
  const right = monomials(b);
  return fromMonomials(monomials(a).flatMap((x) => right.map((y) => productOf(x, y, 1))));
}

/**
 * The exact quotient. Numbers that do not divide stay a fraction (`isWhole` tells); a divisor of several terms either divides the
 * dividend as a polynomial or becomes a name of its own. Division by zero gives undefined.
 */
export function divide(a: Dim, b: Dim): Dim | undefined {
  if (b.terms.size === 0) return undefined;
  const divisor = monomials(b);
  const [only] = divisor;
  if (divisor.length === 1 && only !== undefined) return fromMonomials(monomials(a).map((x) => productOf(x, only, -1)));
  if (equal(a, b)) return ONE;
  return polynomialQuotient(a, b) ?? mul(a, inverse(b));
}

/** `1/(A + 1)`, as a name whose power is −1 so that it cancels against itself. */
function inverse(b: Dim): Dim {
  const text = show(b);
  return fromMonomials([{ numerator: 1, denominator: 1, powers: new Map([[`(${text})`, -1]]) }]);
}

/** Long division by leading terms in key order; undefined where a remainder is left. */
function polynomialQuotient(a: Dim, b: Dim): Dim | undefined {
  const lead = (dim: Dim): Monomial | undefined => {
    const all = monomials(dim);
    return all.sort((x, y) => degree(y) - degree(x) || (powersKey(x.powers) < powersKey(y.powers) ? -1 : 1))[0];
  };
  const degree = (m: Monomial): number => [...m.powers.values()].reduce((sum, p) => sum + p, 0);
  const leadB = lead(b);
  if (leadB === undefined) return undefined;
  let rest = a;
  let quotient = ZERO;
  for (let i = 0; i < 32 && rest.terms.size > 0; i++) {
    const leadRest = lead(rest);
    if (leadRest === undefined) break;
    const step = productOf(leadRest, leadB, -1);
    if ([...step.powers.values()].some((p) => p < 0)) return undefined;
    const term = fromMonomials([step]);
    quotient = add(quotient, term);
    rest = sub(rest, mul(term, b));
  }
  return rest.terms.size === 0 ? quotient : undefined;
}

/** False only for a number that is no integer. */
export function isWhole(dim: Dim): boolean {
  return constantOf(dim) !== undefined || dim.terms.size > 1 || !/^1\/\d+$/.test([...dim.terms.keys()][0] ?? "");
}

/** A dimension without names as a plain number, a fraction included. */
export function rational(dim: Dim): number | undefined {
  let sum = 0;
  for (const m of monomials(dim)) {
    if (m.powers.size > 0) return undefined;
    sum += m.numerator / m.denominator;
  }
  return sum;
}

function named(name: string): Dim {
  return fromMonomials([{ numerator: 1, denominator: 1, powers: new Map([[name, 1]]) }]);
}

export function floor(a: Dim): Dim {
  const value = rational(a);
  if (value !== undefined) return constant(Math.floor(value));
  const fractions = monomials(a).filter((m) => m.denominator !== 1 || [...m.powers.values()].some((p) => p < 0));
  return fractions.length === 0 ? a : named(`floor(${show(a)})`);
}

/** The least multiple of `step` that is not below `a`. */
export function roundUp(a: Dim, step: Dim): Dim {
  const [value, multiple] = [rational(a), rational(step)];
  if (value !== undefined && multiple !== undefined && multiple > 0) return constant(Math.ceil(value / multiple) * multiple);
  return named(`round_up(${show(a)},${show(step)})`);
}

export function remainder(a: Dim, b: Dim): Dim {
  const [x, y] = [rational(a), rational(b)];
  if (x !== undefined && y !== undefined && y !== 0) return constant(((x % y) + y) % y);
  if (equal(a, b)) return ZERO;
  return named(`mod(${show(a)},${show(b)})`);
}

// --- as text, and back ---

/** `2*B*T + 1`, `D/n_heads`: `read` gives the same dimension back. */
export function show(dim: Dim): string {
  if (dim.terms.size === 0) return "0";
  let text = "";
  for (const [key, coefficient] of dim.terms) {
    const size = Math.abs(coefficient);
    const body = key === "" ? String(size) : size === 1 ? key : key.startsWith("1/") ? `${size}${key.slice(1)}` : `${size}*${key}`;
    text += text === "" ? (coefficient < 0 ? `-${body}` : body) : coefficient < 0 ? ` - ${body}` : ` + ${body}`;
  }
  return text;
}

export function showShape(shape: readonly Dim[]): string {
  return `[${shape.map(show).join(", ")}]`;
}

/**
 * The number a dimension has when its names have numbers. It is whole where every division in it is exact; NaN where a name is
 * missing from `names`.
 */
export function evaluate(dim: Dim, names: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const m of monomials(dim)) {
    let above = m.numerator;
    let below = m.denominator;
    for (const [name, power] of m.powers) {
      const value = sizeOf(name, names);
      if (power > 0) above *= value ** power;
      else below *= value ** -power;
    }
    sum += above / below;
  }
  return sum;
}

function sizeOf(name: string, names: ReadonlyMap<string, number>): number {
  const call = /^(floor|round_up|mod)?\((.*)\)$/s.exec(name);
  if (call === null) return names.get(name) ?? Number.NaN;
  const [first = Number.NaN, second = Number.NaN] = split(call[2] ?? "", ",").map((text) => evaluate(read(text) ?? symbol("?"), names));
  switch (call[1]) {
    case "floor":
      return Math.floor(first);
    case "round_up":
      return Math.ceil(first / second) * second;
    case "mod":
      return ((first % second) + second) % second;
    default:
      return first;
  }
}

/** Reads what `show` writes; undefined for other text. */
export function read(text: string): Dim | undefined {
  const tokens = text.match(/\d+|[A-Za-z_][A-Za-z0-9_.]*|[-+*/(),]|\S/g) ?? [];
  let at = 0;
  const eat = (token: string): boolean => tokens[at] === token && ++at > 0;

  const sum = (): Dim | undefined => {
    let left = product();
    for (;;) {
      const sign = eat("+") ? 1 : eat("-") ? -1 : 0;
      if (sign === 0 || left === undefined) return left;
      const right = product();
      left = right === undefined ? undefined : add(left, sign === 1 ? right : negate(right));
    }
  };
  const product = (): Dim | undefined => {
    let left = factor();
    for (;;) {
      const times = eat("*");
      if (left === undefined || (!times && !eat("/"))) return left;
      const right = factor();
      left = right === undefined ? undefined : times ? mul(left, right) : divide(left, right);
    }
  };
  const factor = (): Dim | undefined => {
    if (eat("-")) {
      const value = factor();
      return value === undefined ? undefined : negate(value);
    }
    if (eat("(")) {
      const value = sum();
      return eat(")") ? value : undefined;
    }
    const token = tokens[at++];
    if (token === undefined) return undefined;
    if (/^\d/.test(token)) return constant(Number(token));
    if (!/^[A-Za-z_]/.test(token)) return undefined;
    if (!eat("(")) return symbol(token);
    const first = sum();
    const second = eat(",") ? sum() : ZERO;
    if (first === undefined || second === undefined || !eat(")")) return undefined;
    return token === "floor"
      ? floor(first)
      : token === "round_up"
        ? roundUp(first, second)
        : token === "mod"
          ? remainder(first, second)
          : undefined;
  };

  const value = sum();
  return at === tokens.length ? value : undefined;
}
