// Plans → the artifact's programs, shaders, buffers and tensors. In: the plans of all programs of one artifact and the layout that they share; out:
// plain data. Invariant: equal shader texts are one shader, one buffer name is one buffer, and a buffer is as large as its largest use.

import type { Span } from "../../grammar/source.js";
import {
  ARENA,
  type BufferSpec,
  type Init,
  type Program,
  type Role,
  type Slice,
  type Step,
  type TensorSpec,
  UPLOAD,
} from "../../runtime/artifact.js";
import { type DType, elements } from "../ir/graph.js";
import { type Homes, homeOf } from "./homes.js";
import type { Layout, Place } from "./layout.js";
import { ARENA_SPACE, type Plan, type PlannedStep, type Range, UPLOAD_SPACE } from "./plan.js";

export interface Emitted {
  readonly buffers: readonly BufferSpec[];
  readonly tensors: readonly TensorSpec[];
  readonly programs: Readonly<Record<string, Program>>;
  readonly shaders: readonly string[];
}

/** A state that is no parameter and belongs to none: a cache, a counter, or a flat group that some program reads whole. */
export interface StateSpec {
  readonly name: string;
  readonly role: Role;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Kinds of tensors beside the parameters that have one for each: `adam.m` → tensors `adam.m/NAME` in buffers `adam.m.g`. */
export interface Kind {
  readonly name: string;
  readonly role: Role;
}

export interface EmitOptions {
  readonly plans: ReadonlyMap<string, Plan>;
  readonly layout: Layout;
  readonly homes: Homes;
  readonly kinds: readonly Kind[];
  readonly states: readonly StateSpec[];
  /** Where an equation stands, for profiles: `char-gpt.elm:12`. */
  readonly origin?: (span: Span | undefined) => string | undefined;
}

/** Readback offsets: whole words, and far enough apart for any view of the bytes. */
const READBACK_ALIGN = 16;

export function emit(options: EmitOptions): Emitted {
  const { plans, layout, homes, kinds, states } = options;
  const names: string[] = [];
  const sizes = new Map<string, number>();
  const bufferOf = (name: string, size = 0): number => {
    if (!sizes.has(name)) names.push(name);
    sizes.set(name, Math.max(sizes.get(name) ?? 0, size));
    return names.indexOf(name);
  };
  for (const group of layout.groups)
    for (const kind of ["parameters", ...kinds.map((k) => k.name)]) bufferOf(`${kind}.${group.index}`, 4 * group.size);
  for (const state of states) {
    const home = homeOf(homes, state.name);
    bufferOf(home.buffer, 4 * (home.offset + elements(state.shape)));
  }
  for (const plan of plans.values()) for (const [name, size] of plan.buffers) bufferOf(name, size);

  const shaders: string[] = [];
  const shaderOf = new Map<string, number>();
  const shader = (wgsl: string): number => {
    const known = shaderOf.get(wgsl);
    if (known !== undefined) return known;
    const index = shaders.push(wgsl) - 1;
    shaderOf.set(wgsl, index);
    return index;
  };
  const slice = (range: Range): Slice => ({
    buffer: range.space === UPLOAD_SPACE ? UPLOAD : range.space === ARENA_SPACE ? ARENA : bufferOf(range.space),
    offset: range.offset,
    bytes: range.bytes,
  });
  const step = (planned: PlannedStep): Step => {
    if (planned.kind === "copy") return { kind: "copy", from: slice(planned.from), to: slice(planned.to), label: planned.label };
    const origin = options.origin?.(planned.origin);
    return {
      kind: "dispatch",
      shader: shader(planned.wgsl),
      bindings: planned.bindings.map(slice),
      immediates: planned.immediates,
      grid: planned.grid,
      label: planned.kernel === planned.label ? planned.label : `${planned.kernel}: ${planned.label}`,
      ...(origin === undefined ? {} : { origin }),
    };
  };
  const programs: Record<string, Program> = {};
  for (const [name, plan] of plans) {
    let top = 0;
    const outputs = plan.outputs.map((output) => {
      const offset = top;
      top = Math.ceil((top + output.source.bytes) / READBACK_ALIGN) * READBACK_ALIGN;
      return { ...output, source: slice(output.source), offset };
    });
    programs[name] = {
      uploadBytes: Math.ceil(plan.uploadBytes / 4) * 4,
      scalars: plan.scalars,
      inputs: plan.inputs,
      readbackBytes: top,
      outputs,
      arenaBytes: plan.arenaBytes,
      steps: plan.steps.map(step),
    };
  }
  const tensors = [
    ...layout.places.map((place) => parameterSpec(place, "parameter", "", bufferOf)),
    ...kinds.flatMap((kind) => layout.places.map((place) => parameterSpec(place, kind.role, kind.name, bufferOf))),
    ...states.map((state): TensorSpec => {
      const home = homeOf(homes, state.name);
      return { ...state, buffer: bufferOf(home.buffer), offset: 4 * home.offset };
    }),
  ];
  return { buffers: names.map((name) => ({ name, bytes: sizes.get(name) ?? 0 })), tensors, programs, shaders };
}

function parameterSpec(place: Place, role: Role, kind: string, bufferOf: (name: string) => number): TensorSpec {
  const { parameter } = place;
  const whole = elements(place.shape) === elements(parameter.shape);
  const init: { init?: Init } = role === "parameter" || role === "ema" ? { init: parameter.init } : {};
  return {
    name: kind === "" ? place.name : `${kind}/${place.name}`,
    role,
    dtype: "f32",
    shape: place.shape,
    buffer: bufferOf(`${kind === "" ? "parameters" : kind}.${place.group}`),
    offset: 4 * place.offset,
    ...init,
    ...(whole
      ? {}
      : { piece: { of: kind === "" ? parameter.name : `${kind}/${parameter.name}`, first: place.first, whole: parameter.shape } }),
    ...(kind === "" ? {} : { parameter: parameter.name }),
  };
}
