// In: expressions of kernel holes. Out: WGSL on one f32 or on four neighbouring columns at once (vec4f).
// Invariant: only numbers and op names reach the text, and a subexpression is computed once, however often a tree repeats it.

import type { BinaryOp, UnaryOp } from "../ir/graph.js";
import type { Access, Expr } from "./expression.js";

/** The type that an expression is computed in. */
export type Lane = "f32" | "vec4f";

/** What the leaves of an expression are in the kernel around it; every text is an f32 expression, or vec4f when rendered as such. */
export interface RenderEnv {
  load(operand: number, access: Access): string;
  /** u32 expressions: the element's row and its column (the first of four as vec4f). */
  readonly row: string;
  readonly col: string;
  readonly accumulator: string;
}

/** A number as an f32 literal; numbers beyond f32 become its largest. */
export function literal(value: number): string {
  if (Number.isNaN(value)) throw new RangeError("NaN has no WGSL literal");
  const largest = 3.4028234663852886e38;
  const rounded = Math.fround(Math.min(largest, Math.max(-largest, value)));
  return rounded < 0 ? `(${rounded}f)` : `${Math.abs(rounded)}f`;
}

type HelperName = "sigmoid" | "erf" | "gelu" | "gelu_exact" | "sine" | "power";

/** Functions beside WGSL's own, by lane type `T` and the suffix that tells the two apart. */
const helpers: { readonly [K in HelperName]: { readonly needs: readonly HelperName[]; text(T: Lane): string } } = {
  sigmoid: {
    needs: [],
    text: (T) => `fn sigmoid_${T}(x: ${T}) -> ${T} { return ${T}(1f) / (${T}(1f) + exp(min(-x, ${T}(88f)))); }`,
  },
  // Maclaurin series below 1/2; above, Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7).
  erf: {
    needs: [],
    text: (T) => `fn erf_${T}(x: ${T}) -> ${T} {
  let a = min(abs(x), ${T}(5f));
  let t = ${T}(1f) / (${T}(1f) + 0.3275911f * a);
  let p = ((((1.061405429f * t - ${T}(1.453152027f)) * t + ${T}(1.421413741f)) * t - ${T}(0.284496736f)) * t + ${T}(0.254829592f)) * t;
  let far = sign(x) * (${T}(1f) - p * exp(-a * a));
  let z = x * x;
  let near = x * (${T}(1.1283791671f) + z * (${T}(-0.3761263890f) + z * (${T}(0.1128379167f) + z * (${T}(-0.0268661706f) + z * ${T}(0.0052239776f)))));
  return select(far, near, a < ${T}(0.5f));
}`,
  },
  // x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): no cancellation in the negative tail.
  gelu: {
    needs: ["sigmoid"],
    text: (T) => `fn gelu_${T}(x: ${T}) -> ${T} { return x * sigmoid_${T}(1.5957691216f * x * (${T}(1f) + 0.044715f * x * x)); }`,
  },
  gelu_exact: {
    needs: ["erf"],
    text: (T) => `fn gelu_exact_${T}(x: ${T}) -> ${T} { return 0.5f * x * (${T}(1f) + erf_${T}(0.7071067812f * x)); }`,
  },
  // Cody and Waite's reduction by pi/2 in three parts and the Cephes polynomials: 1e-7 for |x| up to 10^4, where drivers give 1e-3.
  // cos is `turn` 1.
  sine: {
    needs: [],
    text: (T) => `fn sine_${T}(x: ${T}, turn: f32) -> ${T} {
  let k = round(x * 0.6366197724f);
  let r = ((x - k * 1.5703125f) - k * 4.837512969970703125e-4f) - k * 7.549789948768648e-8f;
  let z = r * r;
  let s = r + r * z * (${T}(-1.6666654611e-1f) + z * (${T}(8.3321608736e-3f) - z * 1.9515295891e-4f));
  let c = ${T}(1f) - 0.5f * z + z * z * (${T}(4.166664568298827e-2f) + z * (${T}(-1.388731625493765e-3f) + z * 2.443315711809948e-5f));
  let q = k + ${T}(turn);
  let quadrant = q - 4f * floor(0.25f * q);
  let odd = quadrant - 2f * floor(0.5f * quadrant);
  return select(${T}(1f), ${T}(-1f), quadrant >= ${T}(2f)) * select(s, c, odd == ${T}(1f));
}`,
  },
  // WGSL's pow is undefined for a negative base; an integer exponent is common.
  power: {
    needs: [],
    text: (T) => `fn power_${T}(x: ${T}, y: ${T}) -> ${T} {
  let magnitude = select(pow(abs(x), y), ${T}(0f), x == ${T}(0f));
  let odd = abs(y - 2f * floor(0.5f * y)) == ${T}(1f);
  let signed = select(magnitude, -magnitude, (x < ${T}(0f)) & odd);
  return select(signed, ${T}(1f), y == ${T}(0f));
}`,
  },
};

const unaryHelper: { readonly [K in UnaryOp]?: HelperName } = {
  sigmoid: "sigmoid",
  silu: "sigmoid",
  gelu: "gelu",
  gelu_exact: "gelu_exact",
  erf: "erf",
  sin: "sine",
  cos: "sine",
};

/** The text of one unary function. */
export function renderUnary(op: UnaryOp, x: string, T: Lane = "f32"): string {
  switch (op) {
    case "neg":
      return `(-${x})`;
    case "exp":
    case "log":
    case "sqrt":
    case "abs":
    case "floor":
      return `${op}(${x})`;
    case "rsqrt":
      return `inverseSqrt(${x})`;
    case "sin":
      return `sine_${T}(${x}, 0f)`;
    case "cos":
      return `sine_${T}(${x}, 1f)`;
    case "tanh":
      return `tanh(clamp(${x}, ${T}(-15f), ${T}(15f)))`;
    case "erf":
    case "gelu":
    case "gelu_exact":
    case "sigmoid":
      return `${op}_${T}(${x})`;
    case "silu":
      return `(${x} * sigmoid_${T}(${x}))`;
    case "step":
      return `select(${T}(0f), ${T}(1f), ${x} > ${T}(0f))`;
    case "relu":
      return `max(${x}, ${T}(0f))`;
  }
}

/** The text of one binary function of two f32 (or vec4f). */
export function renderBinary(op: BinaryOp, x: string, y: string, T: Lane = "f32"): string {
  switch (op) {
    case "add":
      return `(${x} + ${y})`;
    case "sub":
      return `(${x} - ${y})`;
    case "mul":
      return `(${x} * ${y})`;
    case "div":
      return `(${x} / ${y})`;
    case "pow":
      return `power_${T}(${x}, ${y})`;
    case "max":
    case "min":
      return `${op}(${x}, ${y})`;
    case "lt":
      return `select(${T}(0f), ${T}(1f), ${x} < ${y})`;
    case "le":
      return `select(${T}(0f), ${T}(1f), ${x} <= ${y})`;
    case "eq":
      return `select(${T}(0f), ${T}(1f), ${x} == ${y})`;
  }
}

/** `condition ≠ 0 ? x : y`. */
export function renderWhere(condition: string, x: string, y: string, T: Lane = "f32"): string {
  return `select(${y}, ${x}, ${condition} != ${T}(0f))`;
}

/** Definitions of the functions that the ops among `ops` call, each once; put them at module scope. */
export function helpersFor(ops: Iterable<string>, T: Lane = "f32"): string {
  const wanted = new Set<HelperName>();
  const want = (name: HelperName): void => {
    for (const need of helpers[name].needs) want(need);
    wanted.add(name);
  };
  for (const op of ops) {
    const name = op === "pow" ? "power" : unaryHelper[op as UnaryOp];
    if (name !== undefined) want(name);
  }
  return [...wanted].map((name) => `${helpers[name].text(T)}\n`).join("");
}

/** Every op name within the expressions, for `helpersFor`. */
export function opsOf(exprs: readonly Expr[]): Set<string> {
  const found = new Set<string>();
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    switch (expr.kind) {
      case "accumulator":
      case "load":
      case "constant":
      case "index":
        return;
      case "unary":
        found.add(expr.op);
        visit(expr.x);
        return;
      case "binary":
        found.add(expr.op);
        visit(expr.x);
        visit(expr.y);
        return;
      case "where":
        visit(expr.condition);
        visit(expr.x);
        visit(expr.y);
        return;
    }
  };
  for (const expr of exprs) visit(expr);
  return found;
}

/**
 * Expressions as statements: every inner value becomes one `let`, named `prefix` and a number, and is written once even when trees share it.
 * `values` are the names (or leaves) that hold the results.
 */
export function renderBlock(
  exprs: readonly Expr[],
  env: RenderEnv,
  T: Lane = "f32",
  prefix = "e",
): { readonly statements: readonly string[]; readonly values: readonly string[] } {
  const statements: string[] = [];
  const byText = new Map<string, string>();
  const byNode = new Map<Expr, string>();
  const bind = (text: string): string => {
    const known = byText.get(text);
    if (known !== undefined) return known;
    const name = `${prefix}${byText.size}`;
    byText.set(text, name);
    statements.push(`let ${name} = ${text};`);
    return name;
  };
  const visit = (expr: Expr): string => {
    const known = byNode.get(expr);
    if (known !== undefined) return known;
    const text = of(expr);
    byNode.set(expr, text);
    return text;
  };
  const of = (expr: Expr): string => {
    switch (expr.kind) {
      case "accumulator":
        return env.accumulator;
      case "constant":
        return T === "f32" ? literal(expr.value) : `vec4f(${literal(expr.value)})`;
      case "load":
        return bind(env.load(expr.operand, expr.access));
      case "index":
        return bind(renderIndex(expr.axis, env, T));
      case "unary":
        return bind(renderUnary(expr.op, visit(expr.x), T));
      case "binary":
        return bind(renderBinary(expr.op, visit(expr.x), visit(expr.y), T));
      case "where":
        return bind(renderWhere(visit(expr.condition), visit(expr.x), visit(expr.y), T));
    }
  };
  const values = exprs.map(visit);
  return { statements, values };
}

function renderIndex(axis: "row" | "col", env: RenderEnv, T: Lane): string {
  if (axis === "row") return `${T}(f32(${env.row}))`;
  return T === "f32" ? `f32(${env.col})` : `(vec4f(f32(${env.col})) + vec4f(0f, 1f, 2f, 3f))`;
}

/** One expression as nested f32 text, for short ones; a tree that shares subtrees belongs in `renderBlock`. */
export function renderExpr(expr: Expr, env: RenderEnv, T: Lane = "f32"): string {
  switch (expr.kind) {
    case "accumulator":
      return env.accumulator;
    case "constant":
      return T === "f32" ? literal(expr.value) : `vec4f(${literal(expr.value)})`;
    case "load":
      return env.load(expr.operand, expr.access);
    case "index":
      return renderIndex(expr.axis, env, T);
    case "unary":
      return renderUnary(expr.op, renderExpr(expr.x, env, T), T);
    case "binary":
      return renderBinary(expr.op, renderExpr(expr.x, env, T), renderExpr(expr.y, env, T), T);
    case "where":
      return renderWhere(renderExpr(expr.condition, env, T), renderExpr(expr.x, env, T), renderExpr(expr.y, env, T), T);
  }
}
