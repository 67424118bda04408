// In: a region [outer, rows, cols] with reductions over rows. Out: one dispatch, or two when there are many rows: partial sums of chunks of
// rows, then their sums and what follows from them. Invariant: the order of summation depends on the shape only.

import { fold, type Target } from "./kernel.js";
import type { Region, Term } from "./region.js";
import { operandsOf, type Place, type Places, type RegionDispatch, type RegionKernel, Writer } from "./region-text.js";
import { closure, main, termsOf } from "./rows.js";

/** Rows beyond which a second dispatch adds up the sums of chunks. */
const MANY_ROWS = 4096;
/** Rows of a chunk. */
const CHUNK = 512;

/** Bytes of the scratch buffers that a region's kernel takes. */
export function scratchOf(region: Region): number[] {
  const { domain } = region;
  if (domain.kind !== "columns" || !isSplit(region)) return [];
  const words = domain.outer * Math.ceil(domain.rows / CHUNK) * domain.cols;
  return region.terms.flatMap((term) => (term.kind === "reduce" ? [4 * words] : []));
}

function isSplit(region: Region): boolean {
  return region.domain.kind === "columns" && region.domain.rows > MANY_ROWS && region.results.every((result) => result.at.kind !== "full");
}

export function renderColumns(region: Region, places: Places, target: Target): RegionKernel {
  const { domain } = region;
  if (domain.kind !== "columns") throw new RangeError("a region of columns");
  if (!isSplit(region)) return { dispatches: [pass(region, places, target)], scratch: [] };

  const reductions = region.terms.flatMap((term, k) => (term.kind === "reduce" ? [k] : []));
  const chunks = Math.ceil(domain.rows / CHUNK);
  const first = pass(region, places, target, { chunks, reductions });
  // The second dispatch: the same terms, each reduction now over the chunks' results.
  const operands = [...region.operands, ...reductions.map(() => "f32" as const)];
  const terms: Term[] = [];
  const moved = new Map<number, number>();
  const put = (term: Term): number => terms.push(term) - 1;
  const afterwards = closure(
    region,
    region.results.map((r) => r.term),
    true,
  );
  for (const k of afterwards) {
    const term = region.terms[k];
    if (!term) continue;
    if (term.kind === "reduce") {
      const x = put({ kind: "load", operand: region.operands.length + reductions.indexOf(k), at: { kind: "full" }, dtype: "f32" });
      moved.set(k, put({ ...term, x }));
    } else moved.set(k, put(renumber(term, moved)));
  }
  const results = region.results.map((result) => ({ ...result, term: moved.get(result.term) ?? 0 }));
  const second: Region = { domain: { ...domain, rows: chunks }, operands, terms, results };
  // Only what the second dispatch reads is bound to it.
  const bound: number[] = [];
  const bind = (place: Place): Place => {
    if (!bound.includes(place.binding)) bound.push(place.binding);
    return { ...place, binding: bound.indexOf(place.binding) };
  };
  const loaded = new Set(terms.flatMap((term) => (term.kind === "load" ? [term.operand] : [])));
  const all = [...places.operands, ...reductions.map((_, i) => ({ binding: places.bindings + i, offset: 0 }))];
  const secondPlaces = {
    operands: all.map((place, operand) => (loaded.has(operand) ? bind(place) : { binding: -1, offset: 0 })),
    results: places.results.map(bind),
    bindings: bound.length,
  };
  const last = pass(second, secondPlaces, target);
  return { dispatches: [first, { ...last, bindings: last.bindings.map((k) => bound[k] ?? 0) }], scratch: scratchOf(region) };
}

function renumber(term: Term, moved: ReadonlyMap<number, number>): Term {
  const to = (k: number): number => moved.get(k) ?? 0;
  switch (term.kind) {
    case "uniform":
      return { ...term, seed: to(term.seed), step: to(term.step) };
    case "unary":
    case "cast":
    case "reduce":
      return { ...term, x: to(term.x) };
    case "binary":
      return { ...term, x: to(term.x), y: to(term.y) };
    case "where":
      return { ...term, condition: to(term.condition), x: to(term.x), y: to(term.y) };
    default:
      return term;
  }
}

/** One dispatch; with `split`, each chunk of rows is reduced into scratch buffers instead of stored. */
function pass(
  region: Region,
  places: Places,
  target: Target,
  split?: { readonly chunks: number; readonly reductions: readonly number[] },
): RegionDispatch {
  const { domain } = region;
  if (domain.kind !== "columns") throw new RangeError("a region of columns");
  const w = new Writer(region, places, false);
  const X = domain.cols > 16 ? 32 : domain.cols > 4 ? 16 : 4;
  // Barriers are dear on a CPU, and lanes beyond its few cores idle.
  const Y = target.software && Math.ceil(domain.cols / X) * domain.outer * (split?.chunks ?? 1) >= 4 ? 1 : 256 / X;
  const cols = w.cols();
  const rows = w.words.word("rows", domain.rows);
  const tiles = w.words.word("tiles", Math.ceil(domain.cols / X));
  const chunks = split ? w.words.word("chunks", split.chunks) : "1u";
  const groups = Math.ceil(domain.cols / X) * domain.outer * (split?.chunks ?? 1);
  const total = w.words.word("groups", groups);
  const reductions = region.terms.flatMap((term, k) => (term.kind === "reduce" ? [{ k, x: term.x, op: term.op }] : []));
  const after = new Set<number>();
  region.terms.forEach((term, k) => {
    if (term.kind === "reduce" || operandsOf(term).some((x) => after.has(x))) after.add(k);
  });
  const isElement = (k: number): boolean => w.levelOfTerm(k) === "element";
  const rowResults = region.results.flatMap((result, k) =>
    result.at.kind === "full" || result.at.kind === "row" ? [{ k, terms: termsOf(result) }] : [],
  );
  const outResults = split
    ? []
    : region.results.flatMap((result, k) => (result.at.kind !== "full" && result.at.kind !== "row" ? [{ k, term: result.term }] : []));
  const inner = closure(region, [...reductions.map((r) => r.x), ...rowResults.flatMap((r) => r.terms)], true);
  const outer = closure(
    region,
    outResults.map((r) => r.term),
    true,
  );
  const body = [
    "let g = group.x + group.y * groups.x;",
    `let work = min(g, ${total} - 1u);`,
    `let live = g < ${total};`,
    `let lx = local % ${X}u;`,
    `let ly = local / ${X}u;`,
    `let column = (work % ${tiles}) * ${X}u + lx;`,
    `let c = min(column, ${cols} - 1u);`,
    `let part = work / ${tiles};`,
    `let outer = part / ${chunks};`,
    `let o = outer * ${cols} + c;`,
    ...(split
      ? [`let begin = (part % ${chunks}) * ${CHUNK}u;`, `let end = min(${rows}, begin + ${CHUNK}u);`]
      : ["let begin = 0u;", `let end = ${rows};`]),
    ...w.lines(inner.filter((k) => !isElement(k))),
    ...reductions.map(({ k, op }) => `var a${k} = ${op === "sum" ? "0f" : "-3.4028234663852886e38f"};`),
    `for (var q = begin + ly; q < end; q += ${Y}u) {`,
    `  let r = outer * ${rows} + q;`,
    `  let i = r * ${cols} + c;`,
    ...w.lines(inner.filter(isElement)).map((line) => `  ${line}`),
    ...reductions.map(({ k, x, op }) => (op === "sum" ? `  a${k} += ${w.name(x, "f32")};` : `  a${k} = max(a${k}, ${w.name(x, "f32")});`)),
    ...(rowResults.length > 0 ? [`  if (live && column < ${cols}) { ${rowResults.map((r) => w.store(r.k)).join(" ")} }`] : []),
    "}",
  ];
  for (const { k, op } of reductions) {
    if (Y === 1) {
      body.push(`let t${k} = a${k};`);
      continue;
    }
    const combine = op === "sum" ? `s${k} += partial[y * ${X}u + lx];` : `s${k} = max(s${k}, partial[y * ${X}u + lx]);`;
    body.push(
      "workgroupBarrier();",
      `partial[local] = a${k};`,
      "workgroupBarrier();",
      `var s${k} = partial[lx];`,
      `for (var y = 1u; y < ${Y}u; y++) { ${combine} }`,
      `let t${k} = s${k};`,
    );
  }
  const store = split
    ? split.reductions.map((k, i) => `b${places.bindings + i}[(part * ${cols}) + c] = t${k};`)
    : [...w.lines(outer.filter((k) => after.has(k) || !inner.includes(k))), ...outResults.map((r) => w.store(r.k))];
  body.push(`if (live && ly == 0u && column < ${cols}) {`, ...store.map((line) => `  ${line}`), "}");
  const scratch = split ? split.reductions.length : 0;
  const shared = Y === 1 ? "" : `var<workgroup> partial: array<f32, ${X * Y}>;\n`;
  return {
    kernel: "columns",
    wgsl: `${w.head({ ...target, subgroup: 0 }, scratch)}${shared}${main(X * Y, body)}`,
    immediates: w.words.values,
    grid: fold(groups, target),
    bindings: Array.from({ length: places.bindings + scratch }, (_, k) => k),
  };
}
