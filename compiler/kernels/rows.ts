// In: a region over elements (`flat`) or rows (`rows`) and where its tensors lie. Out: one dispatch. Rows run in stages: each stage is one pass over
// the row that reduces what the next stage needs; cheap values are computed again in every pass instead of being stored.
// Invariant: how a row is summed depends on its length only, so a row's result does not depend on how many rows there are.

import { renderColumns } from "./columns.js";
import { fold, type Target } from "./kernel.js";
import type { Region, RegionResult } from "./region.js";
import { operandsOf, type Places, type RegionDispatch, type RegionKernel, Writer } from "./region-text.js";

/** The kernel of a region. */
export function renderRegion(region: Region, places: Places, target: Target): RegionKernel {
  switch (region.domain.kind) {
    case "flat":
      return { dispatches: [renderFlat(region, places, target)], scratch: [] };
    case "rows":
      return { dispatches: [renderRows(region, places, target)], scratch: [] };
    case "columns":
      return renderColumns(region, places, target);
  }
}

const FLAT_LANES = 64;

function renderFlat(region: Region, places: Places, target: Target): RegionDispatch {
  if (region.domain.kind !== "flat") throw new RangeError("a flat region");
  const w = new Writer(region, places, true);
  const n = region.domain.n / (w.lane === "vec4f" ? 4 : 1);
  const size = w.words.word("count", n);
  const needed = closure(region, region.results.flatMap(termsOf));
  const body = [
    `let i = (group.x + group.y * groups.x) * ${FLAT_LANES}u + local;`,
    `if (i >= ${size}) { return; }`,
    ...w.lines(needed),
    ...region.results.map((_, k) => w.store(k)),
  ];
  return {
    kernel: "pointwise",
    wgsl: `${w.head({ ...target, subgroup: 0 }, 0)}${main(FLAT_LANES, body)}`,
    immediates: w.words.values,
    grid: fold(Math.ceil(n / FLAT_LANES), target),
    bindings: Array.from({ length: places.bindings }, (_, k) => k),
  };
}

export function main(lanes: number, body: readonly string[]): string {
  return `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  ${body.join("\n  ")}
}
`;
}

/** Rows up to this many elements a lane are reduced by one subgroup. */
const SUBGROUP_ROW = 128;

function renderRows(region: Region, places: Places, target: Target): RegionDispatch {
  const { domain } = region;
  if (domain.kind !== "rows") throw new RangeError("a region of rows");
  const w = new Writer(region, places, true);
  const wide = w.lane === "vec4f";
  const subgroup = target.subgroup > 0 && domain.cols <= SUBGROUP_ROW * target.subgroup;
  const lanes = subgroup ? target.subgroup : domain.cols <= 256 ? 32 : domain.cols <= 4096 ? 64 : 256;
  const several = Math.max(1, Math.floor(64 / lanes));
  const perGroup = subgroup && domain.rows >= several ? several : 1;
  const rows = w.words.word("rows", domain.rows);
  const cols = w.cols();

  const stage = stages(region);
  const isElement = (k: number): boolean => w.levelOfTerm(k) === "element";
  const reductions = region.terms.flatMap((term, k) =>
    term.kind === "reduce" ? [{ k, x: term.x, op: term.op, at: stage[term.x] ?? 0 }] : [],
  );
  const results = region.results.map((result, k) => ({
    k,
    terms: termsOf(result),
    element: result.at.kind === "full",
    at: storeStage(region, places, k, stage),
  }));
  const last = Math.max(0, ...reductions.map((r) => r.at + 1), ...results.map((r) => r.at));
  const everything = closure(region, [...region.results.flatMap(termsOf), ...reductions.map((r) => r.k)]);
  const done = new Set<number>();
  const body: string[] = [
    perGroup > 1 ? `let at = (group.x + group.y * groups.x) * ${perGroup}u + local / ${lanes}u;` : "let at = group.x + group.y * groups.x;",
    `let lane = local % ${lanes}u;`,
    `let live = at < ${rows};`,
    // Every lane takes part in the reductions: rows past the end repeat the last one and store nothing.
    `let r = min(at, ${rows} - 1u);`,
  ];
  const rowTerms = (limit: number): void => {
    const now = everything.filter((k) => !isElement(k) && !done.has(k) && (stage[k] ?? 0) <= limit);
    for (const k of now) done.add(k);
    body.push(...w.lines(now));
  };
  for (let s = 0; s <= last; s++) {
    rowTerms(s);
    const reduce = reductions.filter((r) => r.at === s);
    const store = results.filter((r) => r.element && r.at === s);
    if (reduce.length === 0 && store.length === 0) continue;
    for (const { k, op } of reduce) body.push(`var a${k} = ${w.lane}(${op === "sum" ? "0f" : "-3.4028234663852886e38f"});`);
    const inner = closure(region, [...reduce.map((r) => r.x), ...store.flatMap((r) => r.terms)], true).filter(isElement);
    body.push(
      `for (var c = lane; c < ${cols}; c += ${lanes}u) {`,
      `  let i = r * ${cols} + c;`,
      ...w.lines(inner).map((line) => `  ${line}`),
      ...reduce.map(({ k, x, op }) => (op === "sum" ? `  a${k} += ${w.name(x, w.lane)};` : `  a${k} = max(a${k}, ${w.name(x, w.lane)});`)),
      ...(store.length > 0 ? [`  if (live) { ${store.map((r) => w.store(r.k)).join(" ")} }`] : []),
      "}",
    );
    for (const { k, op } of reduce) {
      const own = wide
        ? op === "sum"
          ? `((a${k}.x + a${k}.y) + (a${k}.z + a${k}.w))`
          : `max(max(a${k}.x, a${k}.y), max(a${k}.z, a${k}.w))`
        : `a${k}`;
      body.push(...(subgroup ? [`let t${k} = ${op === "sum" ? "subgroupAdd" : "subgroupMax"}(${own});`] : tree(k, op, own, lanes)));
      done.add(k);
    }
  }
  rowTerms(Number.POSITIVE_INFINITY);
  const stores = results.filter((r) => !r.element);
  if (stores.length > 0) body.push(`if (live && lane == 0u) { ${stores.map((r) => w.store(r.k)).join(" ")} }`);
  const shared = subgroup || reductions.length === 0 ? "" : `var<workgroup> partial: array<f32, ${lanes}>;\n`;
  return {
    kernel: "rows",
    wgsl: `${w.head(subgroup ? target : { ...target, subgroup: 0 }, 0)}${shared}${main(lanes * perGroup, body)}`,
    immediates: w.words.values,
    grid: fold(Math.ceil(domain.rows / perGroup), target),
    bindings: Array.from({ length: places.bindings }, (_, k) => k),
  };
}

/** A reduction of one number a lane over the workgroup, known to all lanes afterwards. */
function tree(k: number, op: "sum" | "amax", own: string, lanes: number): string[] {
  const combine = op === "sum" ? "partial[local] + partial[local + s]" : "max(partial[local], partial[local + s])";
  return [
    "workgroupBarrier();",
    `partial[local] = ${own};`,
    "workgroupBarrier();",
    `for (var s = ${lanes / 2}u; s > 0u; s = s / 2u) { if (local < s) { partial[local] = ${combine}; } workgroupBarrier(); }`,
    `let t${k} = partial[0];`,
  ];
}

/** The pass over the row in which each term can first be computed; a reduction is known one pass after what it reduces. */
export function stages(region: Region): number[] {
  const stage: number[] = [];
  region.terms.forEach((term, k) => {
    const inputs = Math.max(0, ...operandsOf(term).map((x) => stage[x] ?? 0));
    stage[k] = term.kind === "reduce" ? inputs + 1 : inputs;
  });
  return stage;
}

/** A result that overwrites an operand is stored in the last pass, when nothing reads the operand any more. */
function storeStage(region: Region, places: Places, k: number, stage: readonly number[]): number {
  const result = region.results[k];
  const place = places.results[k];
  if (!result || !place) return 0;
  if (places.operands.some((operand) => operand.binding === place.binding)) return Math.max(0, ...stage);
  return Math.max(...termsOf(result).map((k) => stage[k] ?? 0));
}

/** What a result is stored from. */
export function termsOf(result: RegionResult): readonly number[] {
  return result.scatter ? [result.term, result.scatter.position] : [result.term];
}

/** Terms that the given ones need, themselves included, in order; `within` one pass: reductions are known and not looked behind. */
export function closure(region: Region, roots: readonly number[], within = false): number[] {
  const seen = new Set<number>();
  const visit = (k: number): void => {
    if (seen.has(k)) return;
    seen.add(k);
    const term = region.terms[k];
    if (term && !(within && term.kind === "reduce")) for (const x of operandsOf(term)) visit(x);
  };
  for (const root of roots) visit(root);
  return [...seen].sort((a, b) => a - b);
}
