// test/kernels/device.ts
import { create, globals } from "webgpu";

// compiler/ir/graph.ts
function elements(shape) {
  return shape.reduce((a, b) => a * b, 1);
}
function bytes(type) {
  return 4 * elements(type.shape);
}

// test/kernels/device.ts
var alignment = 256;
var opened;
function openDevice() {
  opened ??= open();
  return opened;
}
async function open() {
  Object.assign(globalThis, globals);
  const gpu = create(["disable-dawn-features=timestamp_quantization", "enable-dawn-features=allow_unsafe_apis"]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) return void 0;
  const wanted = ["subgroups", "shader-f16", "timestamp-query"];
  const requiredFeatures = wanted.filter((name) => adapter.features.has(name));
  const limits = {};
  for (const name of [
    "maxStorageBufferBindingSize",
    "maxBufferSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX"
  ]) {
    limits[name] = adapter.limits[name] ?? 0;
  }
  limits["maxImmediateSize"] = 64;
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits: limits });
  device.addEventListener("uncapturederror", (event) => {
    console.error(event.error.message);
  });
  const info = adapter.info;
  const fixed = info.subgroupMinSize === info.subgroupMaxSize ? info.subgroupMinSize : 0;
  const target = {
    subgroup: adapter.features.has("subgroups") ? fixed ?? 0 : 0,
    f16: adapter.features.has("shader-f16"),
    maxBinding: device.limits.maxStorageBufferBindingSize,
    maxStorageBuffers: device.limits.maxStorageBuffersPerShaderStage,
    maxGroups: device.limits.maxComputeWorkgroupsPerDimension,
    maxWorkgroupMemory: device.limits.maxComputeWorkgroupStorageSize,
    software: /llvmpipe|lavapipe|swiftshader/i.test(`${info.vendor} ${info.architecture} ${info.device} ${info.description}`)
  };
  return { gpu, adapter, device, target, timestamps: adapter.features.has("timestamp-query"), pipelines: /* @__PURE__ */ new Map() };
}
async function pipelineOf({ device, pipelines }, dispatch) {
  const known = pipelines.get(dispatch.wgsl);
  if (known) return known;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: dispatch.wgsl });
  const layout = device.createBindGroupLayout({
    entries: dispatch.bindings.map((_, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: "storage" }
    }))
  });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({
      bindGroupLayouts: [layout],
      ...dispatch.immediates.length > 0 ? { immediateSize: 4 * dispatch.immediates.length } : {}
    }),
    compute: { module }
  });
  const error = await device.popErrorScope();
  if (error) throw new Error(`${dispatch.kernel}: ${error.message}
${dispatch.wgsl}`);
  pipelines.set(dispatch.wgsl, pipeline);
  return pipeline;
}
async function load(context, implementation, inputs, inputTypes, outputTypes) {
  const { device } = context;
  let top = 0;
  const place = (size2) => {
    const range = { offset: top, size: Math.max(4, size2) };
    top = Math.ceil((top + Math.max(4, size2)) / alignment) * alignment;
    return range;
  };
  const inputRanges = inputTypes.map((type) => place(bytes(type)));
  const outputRanges = outputTypes.map(
    (type, i) => implementation.inPlace?.[0] === i ? inputRanges[implementation.inPlace[1]] : place(bytes(type))
  );
  const scratchRanges = implementation.scratch.map(place);
  const size = Math.max(alignment, top);
  const arena = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  device.queue.writeBuffer(arena, 0, new Uint32Array(size / 4).fill(1900671690));
  inputs.forEach((data, i) => {
    if (data.byteLength > 0) device.queue.writeBuffer(arena, inputRanges[i].offset, data);
  });
  const steps = await Promise.all(
    implementation.dispatches.map(async (dispatch) => {
      const pipeline = await pipelineOf(context, dispatch);
      const group = device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: dispatch.bindings.map((binding, i) => {
          const ranges = binding.kind === "input" ? inputRanges : binding.kind === "output" ? outputRanges : scratchRanges;
          const range = ranges[binding.index];
          if (!range) throw new Error(`${dispatch.kernel}: binding ${i} names no ${binding.kind} ${binding.index}`);
          return { binding: i, resource: { buffer: arena, offset: range.offset, size: Math.ceil(range.size / 4) * 4 } };
        })
      });
      if (dispatch.immediates.length > 16) throw new Error(`${dispatch.kernel}: ${dispatch.immediates.length} immediates`);
      return { pipeline, group, words: new Uint32Array(dispatch.immediates), grid: dispatch.grid };
    })
  );
  return {
    async run(times) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (let i = 0; i < times; i++) {
        for (const step3 of steps) {
          pass.setPipeline(step3.pipeline);
          pass.setBindGroup(0, step3.group);
          if (step3.words.length > 0) pass.setImmediates(0, step3.words);
          pass.dispatchWorkgroups(...step3.grid);
        }
      }
      pass.end();
      const commands = encoder.finish();
      const begin = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - begin;
    },
    async read(index) {
      const range = outputRanges[index];
      const type = outputTypes[index];
      const buffer = device.createBuffer({ size: Math.ceil(range.size / 4) * 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(arena, range.offset, buffer, 0, buffer.size);
      device.queue.submit([encoder.finish()]);
      await buffer.mapAsync(GPUMapMode.READ);
      const copy = buffer.getMappedRange().slice(0, bytes(type));
      buffer.destroy();
      return type.dtype === "f32" ? new Float32Array(copy) : new Uint32Array(copy);
    },
    destroy() {
      arena.destroy();
    }
  };
}

// test/kernels/cases.ts
var f = (...shape) => ({ dtype: "f32", shape });
var u = (...shape) => ({ dtype: "u32", shape });
function floats(count, random) {
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}
function whole(count, limit, random) {
  return Uint32Array.from({ length: count }, () => Math.floor(random() * limit));
}
function filled(types, limit) {
  return (random) => types.map(({ dtype, shape }) => dtype === "f32" ? floats(elements(shape), random) : whole(elements(shape), limit, random));
}
var matmulSizes = [
  ["one", 1, 1, 1],
  ["prime", 37, 29, 23],
  ["prime", 17, 5, 7],
  ["off-tile", 65, 68, 40],
  ["off-tile", 70, 65, 33],
  ["off-tile", 9, 36, 12],
  ["round", 64, 128, 32],
  ["round", 3, 64, 128],
  ["round", 16, 65, 130]
];
function matmulCases() {
  const cases2 = [];
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      for (const [size, M, N, K] of matmulSizes) {
        const a = transposeA ? [K, M] : [M, K];
        const b = transposeB ? [N, K] : [K, N];
        cases2.push({ size, attrs: { transposeA, transposeB }, inputs: [f(...a), f(...b)] });
        if (size !== "round") cases2.push({ size, attrs: { transposeA, transposeB }, inputs: [f(3, ...a), f(3, ...b)] });
        if (size !== "round") cases2.push({ size, attrs: { transposeA, transposeB }, inputs: [f(2, 3, ...a), f(...b)] });
      }
    }
  }
  return cases2;
}
var attentionSizes = [
  ["one", 1, 1, 1, 1, 1, 1, 1],
  ["prime", 2, 11, 13, 3, 1, 7, 5],
  ["prime", 1, 3, 67, 5, 5, 13, 13],
  ["off-tile", 3, 65, 65, 2, 2, 12, 8],
  ["off-tile", 2, 1, 130, 6, 2, 36, 36],
  ["round", 2, 64, 64, 4, 2, 32, 32],
  ["round", 2, 1, 256, 4, 4, 32, 32]
];
var attentionModes = [
  { bound: "causal", window: 0, segmented: false },
  { bound: "causal", window: 5, segmented: true },
  { bound: "all", window: 0, segmented: true },
  { bound: "all", window: 3, segmented: false },
  { bound: "given", window: 0, segmented: false },
  { bound: "given", window: 7, segmented: true }
];
function attentionCases() {
  return attentionSizes.flatMap(
    ([size, B, T, S, H, G, D, E], at) => attentionModes.filter((_, i) => at === 1 || i === at % 6 || at > 3 && i === 4).map((mode) => {
      const inputs = [f(B, T, H, D), f(B, S, G, D), f(B, S, G, E)];
      if (mode.bound === "given") inputs.push(u(B, T));
      if (mode.segmented) inputs.push(u(B, T), u(B, S));
      return {
        size,
        attrs: { ...mode, scale: 1 / Math.sqrt(D) },
        inputs,
        data: (random) => inputs.map(({ dtype, shape }, i) => {
          const count = elements(shape);
          if (dtype === "f32") return floats(count, random).map((x) => 3 * x);
          return whole(count, mode.bound === "given" && i === 3 ? S + 2 : 2, random);
        })
      };
    })
  );
}
function transposed(size, shape, order) {
  return { size, attrs: { order }, inputs: [f(...shape)], tolerance: 0 };
}
function rotateCases() {
  const sizes = [
    ["one", 1, 1, 1, 1, 1],
    ["prime", 3, 7, 5, 11, 1],
    ["off-tile", 2, 65, 3, 5, 2],
    ["round", 2, 16, 4, 16, 2]
  ];
  return sizes.flatMap(
    ([size, B, T, H, P, angles]) => ["halves", "adjacent"].flatMap(
      (pairs) => [false, true].map((inverse) => ({ size, attrs: { pairs, inverse }, inputs: [f(B, T, H, 2 * P), f(angles, T, P), f(angles, T, P)] }))
    )
  );
}
function positionsCase(size, B, C, n, rest) {
  return {
    size,
    attrs: {},
    inputs: [f(B, C, ...rest), f(B, n, ...rest), u(B, n)],
    tolerance: 0,
    data: (random) => [
      floats(B * C * elements(rest), random),
      floats(B * n * elements(rest), random),
      // Different positions, some beyond the cache.
      Uint32Array.from({ length: B * n }, (_, i) => (7 * Math.floor(i / n) + i % n) % (C + 2))
    ]
  };
}
function table(size, V, rest, ids, first) {
  const inputs = [f(V, ...rest), u(...ids)];
  return { size, attrs: { first }, inputs, data: filled(inputs, V + first + 2), tolerance: 0 };
}
function sums(size, rows3, rest, ids, first) {
  const inputs = [u(...ids), f(...ids, ...rest)];
  return { size, attrs: { rows: rows3, first }, inputs, data: filled(inputs, rows3 + first + 2) };
}
var cases = {
  matmul: matmulCases(),
  attention: attentionCases(),
  // Made from `attention` cases by the test, which runs the forward first.
  attention_gradient: attentionCases().map((problem) => ({ ...problem })),
  gather: [
    table("one", 1, [1], [1], 0),
    table("prime", 13, [7], [11], 0),
    table("prime", 13, [3, 5], [2, 5], 4),
    table("off-tile", 65, [33], [3, 43], 1),
    table("round", 64, [32], [2, 32], 0),
    table("round", 64, [], [65], 0)
  ],
  scatter_add: [
    sums("one", 1, [1], [1], 0),
    sums("prime", 13, [7], [11], 0),
    sums("prime", 5, [3, 5], [2, 29], 4),
    sums("off-tile", 65, [33], [3, 43], 1),
    sums("round", 64, [32], [2, 32], 0),
    sums("round", 2, [], [65], 0)
  ],
  rotate: rotateCases(),
  transpose: [
    transposed("one", [1, 1], [1, 0]),
    transposed("prime", [7, 11], [1, 0]),
    transposed("prime", [3, 5, 7, 2], [2, 0, 3, 1]),
    transposed("off-tile", [3, 65, 5], [0, 2, 1]),
    transposed("off-tile", [2, 3, 5, 7, 2, 3], [5, 3, 1, 4, 2, 0]),
    transposed("round", [2, 16, 4, 8], [0, 2, 1, 3])
  ],
  broadcast: [
    { size: "one", attrs: { shape: [1] }, inputs: [f()], tolerance: 0 },
    { size: "prime", attrs: { shape: [3, 7, 5] }, inputs: [f(7, 1)], tolerance: 0 },
    { size: "prime", attrs: { shape: [3, 7, 5, 11, 2] }, inputs: [u(3, 1, 5, 1, 2)], tolerance: 0 },
    { size: "off-tile", attrs: { shape: [5, 65] }, inputs: [f(65)], tolerance: 0 },
    { size: "round", attrs: { shape: [4, 64] }, inputs: [f(4, 1)], tolerance: 0 }
  ],
  slice: [
    { size: "one", attrs: { starts: [0], stops: [1] }, inputs: [f(1)], tolerance: 0 },
    { size: "prime", attrs: { starts: [1, 2, 0], stops: [6, 3, 11] }, inputs: [f(7, 5, 11)], tolerance: 0 },
    { size: "off-tile", attrs: { starts: [3, 1], stops: [68, 2] }, inputs: [u(70, 3)], tolerance: 0 },
    { size: "round", attrs: { starts: [0, 16], stops: [8, 32] }, inputs: [f(8, 64)], tolerance: 0 }
  ],
  pad: [
    { size: "one", attrs: { before: [0], after: [0] }, inputs: [f(1)], tolerance: 0 },
    { size: "prime", attrs: { before: [1, 2, 0], after: [1, 1, 0] }, inputs: [f(5, 2, 11)], tolerance: 0 },
    { size: "prime", attrs: { before: [1, 0, 1, 0, 1], after: [0, 1, 0, 1, 1] }, inputs: [f(3, 2, 3, 2, 5)], tolerance: 0 },
    { size: "off-tile", attrs: { before: [3, 0], after: [0, 1] }, inputs: [f(70, 3)], tolerance: 0 },
    { size: "round", attrs: { before: [0, 16], after: [0, 32] }, inputs: [f(8, 16)], tolerance: 0 }
  ],
  concat: [
    { size: "one", attrs: { axis: 0 }, inputs: [f(1), f(1)], tolerance: 0 },
    { size: "prime", attrs: { axis: 1 }, inputs: [f(3, 5, 7), f(3, 2, 7), f(3, 1, 7)], tolerance: 0 },
    { size: "off-tile", attrs: { axis: 1 }, inputs: [u(65, 3), u(65, 2)], tolerance: 0 },
    { size: "round", attrs: { axis: 0 }, inputs: [f(8, 16), f(8, 16)], tolerance: 0 }
  ],
  cast: [
    { size: "one", attrs: { dtype: "f32" }, inputs: [u(1)], tolerance: 0 },
    { size: "prime", attrs: { dtype: "f32" }, inputs: [u(7, 11)], tolerance: 0 },
    { size: "off-tile", attrs: { dtype: "u32" }, inputs: [f(65)], data: (random) => [floats(65, random).map((x) => 50 * (x + 1))], tolerance: 0 },
    { size: "round", attrs: { dtype: "u32" }, inputs: [f(64)], data: (random) => [floats(64, random).map((x) => 50 * (x + 1))], tolerance: 0 }
  ],
  cache_write: [
    positionsCase("one", 1, 1, 1, [1]),
    positionsCase("prime", 3, 11, 5, [7]),
    positionsCase("off-tile", 2, 65, 3, [3, 11]),
    positionsCase("round", 4, 64, 1, [4, 32])
  ],
  tally: [
    { size: "one", attrs: {}, inputs: [u(1, 1), u(1)], data: () => [new Uint32Array(1), new Uint32Array(1)] },
    { size: "prime", attrs: {}, inputs: [u(3, 7), u(3)], data: filled([u(3, 7), u(3)], 7) },
    { size: "off-tile", attrs: {}, inputs: [u(65, 5), u(65)], data: filled([u(65, 5), u(65)], 5) },
    { size: "round", attrs: {}, inputs: [u(4, 64), u(4)], data: filled([u(4, 64), u(4)], 64) }
  ]
};

// ../../tmp/ab/0/compiler/kernels/kernel.ts
var portable = {
  subgroup: 0,
  f16: false,
  maxBinding: 128 * 2 ** 20,
  maxStorageBuffers: 8,
  maxGroups: 65535,
  maxWorkgroupMemory: 16384,
  software: false
};
function header(types, immediates, target) {
  const lines = [];
  if (target.subgroup > 0) lines.push("enable subgroups;");
  if (immediates.length > 0) lines.push("requires immediate_address_space;");
  types.forEach((type, i) => {
    lines.push(`@group(0) @binding(${i}) var<storage, read_write> b${i}: array<${type}>;`);
  });
  if (immediates.length > 0) {
    lines.push(`struct Immediates { ${immediates.map(([name, type]) => `${name}: ${type}`).join(", ")} }`);
    lines.push("var<immediate> im: Immediates;");
  }
  return `${lines.join("\n")}
`;
}
function fold(groups, target) {
  if (groups <= target.maxGroups) return [Math.max(1, groups), 1, 1];
  const y = Math.ceil(groups / target.maxGroups);
  return [Math.ceil(groups / y), y, 1];
}
function bits(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}

// ../../tmp/ab/0/compiler/kernels/attention.ts
function headsOf(inputs) {
  const [q, k, v] = inputs;
  const [B = 1, T = 1, H = 1, D = 1] = q?.shape ?? [];
  const [, S = 1, G = 1] = k?.shape ?? [];
  const E = v?.shape[3] ?? 1;
  const vd = D % 4 === 0 ? 4 : 1;
  const ve = E % 4 === 0 ? 4 : 1;
  return { B, T, S, H, G, D, E, vd, ve, nd: D / vd, ne: E / ve };
}
function loadType(v) {
  return v === 4 ? "vec4f" : "f32";
}
function horizontal(text, v) {
  return v === 4 ? `dot(${text}, vec4f(1f))` : text;
}
function list(n) {
  return Array.from({ length: n }, (_, i) => i);
}
function sightOf(attrs, first) {
  const given = attrs.bound === "given";
  const segments = first + (given ? 1 : 0);
  const types = [...given ? ["u32"] : [], ...attrs.segmented ? ["u32", "u32"] : []];
  const bound = (row, i) => {
    switch (attrs.bound) {
      case "given":
        return `i32(min(b${first}[${row}], 0x7fffffffu))`;
      case "causal":
        return `i32(${i} + 1u + im.S) - i32(im.T)`;
      case "all":
        return "i32(im.S)";
    }
  };
  return {
    types,
    inputs: types.length,
    limits: (row, i, suffix) => `let bound${suffix} = ${bound(row, i)}; let hi${suffix} = u32(clamp(bound${suffix}, 0, i32(im.S))); let lo${suffix} = ${attrs.window > 0 ? `u32(max(bound${suffix} - i32(im.window), 0))` : "0u"};`,
    same: (row, key) => attrs.segmented ? ` && b${segments}[${row}] == b${segments + 1}[${key}]` : ""
  };
}
var headNames = [
  ["B", "u32"],
  ["T", "u32"],
  ["S", "u32"],
  ["H", "u32"],
  ["G", "u32"],
  ["window", "u32"],
  ["scale", "f32"]
];
function headValues(h, attrs) {
  return [h.B, h.T, h.S, h.H, h.G, attrs.window, bits(attrs.scale)];
}
function rowsOfLane(target) {
  return target.software ? 2 : 1;
}
var fewRows = 8;
var lanes = 64;
var attention = {
  doc: "Streaming softmax: a lane a query row, or a workgroup a row when there are few.",
  implement(attrs, inputs, _outputs, target) {
    const heads = headsOf(inputs);
    const bindings = [
      ...inputs.map((_, index) => ({ kind: "input", index })),
      { kind: "output", index: 0 },
      { kind: "output", index: 1 }
    ];
    const split = heads.T <= fewRows && heads.ne <= lanes;
    return { dispatches: [split ? splitKeys(attrs, heads, bindings, target) : rows(attrs, heads, bindings, target)], scratch: [] };
  }
};
function rows(attrs, h, bindings, target) {
  const R3 = rowsOfLane(target);
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const each = list(R3);
  const d2 = list(h.nd);
  const e = list(h.ne);
  const blocks = Math.ceil(h.T / R3);
  const count = h.B * h.H * blocks;
  const dot = (r) => horizontal(d2.map((x) => `q${r}_${x} * k${x}`).join(" + "), h.vd);
  const wgsl = `${header(
    [loadType(h.vd), loadType(h.vd), loadType(h.ve), ...sight.types, loadType(h.ve), "f32"],
    [...headNames, ["blocks", "u32"], ["count", "u32"]],
    { ...target, subgroup: 0 }
  )}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes}u + local;
  if (index >= im.count) { return; }
  let head = (index / im.blocks) % im.H;
  let batch = index / (im.blocks * im.H);
  let kv = head * im.G / im.H;
  ${each.map(
    (r) => `let t${r} = (index % im.blocks) * ${R3}u + ${r}u;
  let i${r} = min(t${r}, im.T - 1u);
  let row${r} = batch * im.T + i${r};
  let at${r} = row${r} * im.H + head;
  ${sight.limits(`row${r}`, `i${r}`, `${r}`)}
  ${d2.map((x) => `let q${r}_${x} = b0[at${r} * ${h.nd}u + ${x}u] * im.scale;`).join(" ")}
  ${e.map((x) => `var o${r}_${x} = ${loadType(h.ve)}();`).join(" ")}
  var m${r} = -1e30f; var l${r} = 0f;`
  ).join("\n  ")}
  let end = ${each.reduce((text, r) => text === "" ? `hi${r}` : `max(${text}, hi${r})`, "")};
  for (var j = ${each.reduce((text, r) => text === "" ? `lo${r}` : `min(${text}, lo${r})`, "")}; j < end; j++) {
    let key = batch * im.S + j;
    let place = key * im.G + kv;
    ${d2.map((x) => `let k${x} = b1[place * ${h.nd}u + ${x}u];`).join(" ")}
    ${each.map((r) => `let s${r} = ${dot(r)}; let sees${r} = j >= lo${r} && j < hi${r}${sight.same(`row${r}`, "key")};`).join("\n    ")}
    ${each.map(
    (r) => `if (sees${r} && s${r} > m${r}) { let c = exp(max(m${r} - s${r}, -87f)); m${r} = s${r}; l${r} *= c; ${e.map((x) => `o${r}_${x} *= c;`).join(" ")} }`
  ).join("\n    ")}
    ${each.map((r) => `let p${r} = select(0f, exp(max(s${r} - m${r}, -87f)), sees${r}); l${r} += p${r};`).join("\n    ")}
    ${e.map((x) => `{ let v = b2[place * ${h.ne}u + ${x}u]; ${each.map((r) => `o${r}_${x} += p${r} * v;`).join(" ")} }`).join("\n    ")}
  }
  ${each.map(
    (r) => `if (t${r} < im.T) {
    let inverse = select(0f, 1f / l${r}, l${r} > 0f);
    ${e.map((x) => `b${o}[at${r} * ${h.ne}u + ${x}u] = o${r}_${x} * inverse;`).join(" ")}
    b${o + 1}[at${r}] = select(-1e30f, m${r} + log(l${r}), l${r} > 0f);
  }`
  ).join("\n  ")}
}
`;
  return {
    kernel: "attention",
    wgsl,
    immediates: [...headValues(h, attrs), blocks, count],
    grid: fold(Math.ceil(count / lanes), target),
    bindings
  };
}
function splitKeys(attrs, h, bindings, target) {
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const teams = Math.floor(lanes / h.ne);
  const vector = loadType(h.ve);
  const tree = (operation) => list(6).map((x) => 32 >> x).map((n) => `if (local < ${n}u) { numbers[local] = ${operation("numbers[local]", `numbers[local + ${n}u]`)}; } workgroupBarrier();`).join("\n    ");
  const wgsl = `${header(
    [loadType(h.vd), loadType(h.vd), vector, ...sight.types, vector, "f32"],
    [...headNames, ["count", "u32"]],
    { ...target, subgroup: 0 }
  )}
var<workgroup> numbers: array<f32, ${lanes}>;
var<workgroup> weights: array<f32, ${lanes}>;
var<workgroup> sums: array<${vector}, ${lanes}>;
var<workgroup> limits: vec2u;
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.x + group.y * groups.x;
  if (index >= im.count) { return; }
  let head = index % im.H;
  let row = index / im.H;
  let batch = row / im.T;
  let i = row % im.T;
  let kv = head * im.G / im.H;
  if (local == 0u) { ${sight.limits("row", "i", "")} limits = vec2u(lo, hi); }
  let range = workgroupUniformLoad(&limits);
  let team = local / ${h.ne}u;
  let e = local % ${h.ne}u;
  var m = -1e30f; var l = 0f; var sum = ${vector}();
  for (var first = range.x; first < range.y; first += ${lanes}u) {
    let j = min(first + local, range.y - 1u);
    let key = batch * im.S + j;
    let place = (key * im.G + kv) * ${h.nd}u;
    let sees = first + local < range.y${sight.same("row", "key")};
    var dots = ${loadType(h.vd)}();
    for (var x = 0u; x < ${h.nd}u; x++) { dots += b0[index * ${h.nd}u + x] * b1[place + x]; }
    let s = select(-1e30f, ${horizontal("dots", h.vd)} * im.scale, sees);
    numbers[local] = s;
    workgroupBarrier();
    ${tree((a, b) => `max(${a}, ${b})`)}
    let top = max(m, numbers[0]);
    let c = exp(max(m - top, -87f));
    let p = select(0f, exp(max(s - top, -87f)), sees);
    m = top; l = l * c + p;
    weights[local] = p;
    workgroupBarrier();
    sum *= c;
    let n = min(${lanes}u, range.y - first);
    if (team < ${teams}u) {
      for (var x = team; x < n; x += ${teams}u) { sum += weights[x] * b2[((batch * im.S + first + x) * im.G + kv) * ${h.ne}u + e]; }
    }
  }
  workgroupBarrier();
  numbers[local] = l;
  sums[local] = sum;
  workgroupBarrier();
  ${tree((a, b) => `${a} + ${b}`)}
  let total = numbers[0];
  if (local < ${h.ne}u) {
    var all = sums[local];
    for (var x = 1u; x < ${teams}u; x++) { all += sums[x * ${h.ne}u + local]; }
    b${o}[index * ${h.ne}u + local] = all * select(0f, 1f / total, total > 0f);
  }
  if (local == 0u) { b${o + 1}[index] = select(-1e30f, m + log(total), total > 0f); }
}
`;
  const count = h.B * h.T * h.H;
  return { kernel: "attention_split", wgsl, immediates: [...headValues(h, attrs), count], grid: fold(count, target), bindings };
}

// ../../tmp/ab/0/compiler/kernels/attention-grad.ts
var lanes2 = 64;
var attentionGradient = {
  doc: "dq by a lane a query row; dk and dv by a lane a key row, over the query heads of its group.",
  implement(attrs, inputs, _outputs, target) {
    const heads = headsOf(inputs);
    const rows3 = heads.B * heads.T * heads.H;
    return { dispatches: [queries(attrs, heads, inputs.length, target), keys(attrs, heads, inputs.length, target)], scratch: [4 * rows3] };
  }
};
var delta = { kind: "scratch", index: 0 };
var output = (index) => ({ kind: "output", index });
var ofInputs = (indices) => indices.map((index) => ({ kind: "input", index }));
function queries(attrs, h, inputs, target) {
  const R3 = rowsOfLane(target);
  const sight = sightOf(attrs, 3);
  const o = 3 + sight.inputs;
  const each = list(R3);
  const d2 = list(h.nd);
  const e = list(h.ne);
  const D = loadType(h.vd);
  const E = loadType(h.ve);
  const blocks = Math.ceil(h.T / R3);
  const count = h.B * h.H * blocks;
  const sum = (terms, v) => horizontal(terms.join(" + "), v);
  const wgsl = `${header([D, D, E, ...sight.types, E, "f32", E, D, "f32"], [...headNames, ["blocks", "u32"], ["count", "u32"]], { ...target, subgroup: 0 })}
@compute @workgroup_size(${lanes2})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes2}u + local;
  if (index >= im.count) { return; }
  let head = (index / im.blocks) % im.H;
  let batch = index / (im.blocks * im.H);
  let kv = head * im.G / im.H;
  ${each.map(
    (r) => `let t${r} = (index % im.blocks) * ${R3}u + ${r}u;
  let i${r} = min(t${r}, im.T - 1u);
  let row${r} = batch * im.T + i${r};
  let at${r} = row${r} * im.H + head;
  ${sight.limits(`row${r}`, `i${r}`, `${r}`)}
  ${d2.map((x) => `let q${r}_${x} = b0[at${r} * ${h.nd}u + ${x}u] * im.scale; var g${r}_${x} = ${D}();`).join(" ")}
  ${e.map((x) => `let w${r}_${x} = b${o + 2}[at${r} * ${h.ne}u + ${x}u];`).join(" ")}
  let lse${r} = b${o + 1}[at${r}];
  let delta${r} = ${sum(
      e.map((x) => `w${r}_${x} * b${o}[at${r} * ${h.ne}u + ${x}u]`),
      h.ve
    )};`
  ).join("\n  ")}
  let end = ${each.reduce((text, r) => text === "" ? `hi${r}` : `max(${text}, hi${r})`, "")};
  for (var j = ${each.reduce((text, r) => text === "" ? `lo${r}` : `min(${text}, lo${r})`, "")}; j < end; j++) {
    let key = batch * im.S + j;
    let place = key * im.G + kv;
    ${d2.map((x) => `let k${x} = b1[place * ${h.nd}u + ${x}u];`).join(" ")}
    ${each.map((r) => `let sees${r} = j >= lo${r} && j < hi${r}${sight.same(`row${r}`, "key")};`).join(" ")}
    ${each.map((r) => `var dp${r} = ${E}();`).join(" ")}
    ${e.map((x) => `{ let v = b2[place * ${h.ne}u + ${x}u]; ${each.map((r) => `dp${r} += w${r}_${x} * v;`).join(" ")} }`).join("\n    ")}
    ${each.map(
    (r) => `let s${r} = ${sum(
      d2.map((x) => `q${r}_${x} * k${x}`),
      h.vd
    )};
    let ds${r} = select(0f, exp(clamp(s${r} - lse${r}, -87f, 87f)) * (${horizontal(`dp${r}`, h.ve)} - delta${r}), sees${r});`
  ).join("\n    ")}
    ${d2.map((x) => each.map((r) => `g${r}_${x} += ds${r} * k${x};`).join(" ")).join(" ")}
  }
  ${each.map(
    (r) => `if (t${r} < im.T) {
    ${d2.map((x) => `b${o + 3}[at${r} * ${h.nd}u + ${x}u] = g${r}_${x} * im.scale;`).join(" ")}
    b${o + 4}[at${r}] = delta${r};
  }`
  ).join("\n  ")}
}
`;
  return {
    kernel: "attention_gradient_q",
    wgsl,
    immediates: [...headValues(h, attrs), blocks, count],
    grid: fold(Math.ceil(count / lanes2), target),
    bindings: [...ofInputs(list(inputs)), output(0), delta]
  };
}
function keys(attrs, h, inputs, target) {
  const R3 = rowsOfLane(target);
  const sight = sightOf(attrs, 3);
  const lse = 3 + sight.inputs;
  const each = list(R3);
  const d2 = list(h.nd);
  const e = list(h.ne);
  const D = loadType(h.vd);
  const E = loadType(h.ve);
  const blocks = Math.ceil(h.S / R3);
  const count = h.B * h.G * blocks;
  const begin = attrs.bound === "causal" ? "u32(max(i32(j0 + im.T) - i32(im.S), 0))" : "0u";
  const end = attrs.bound === "causal" && attrs.window > 0 ? `u32(clamp(i32(j${R3 - 1} + im.window + im.T) - i32(im.S), 0, i32(im.T)))` : "im.T";
  const sum = (terms, v) => horizontal(terms.join(" + "), v);
  const wgsl = `${header([D, D, E, ...sight.types, "f32", E, "f32", D, E], [...headNames, ["blocks", "u32"], ["count", "u32"]], { ...target, subgroup: 0 })}
@compute @workgroup_size(${lanes2})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes2}u + local;
  if (index >= im.count) { return; }
  let kv = (index / im.blocks) % im.G;
  let batch = index / (im.blocks * im.G);
  ${each.map(
    (r) => `let t${r} = (index % im.blocks) * ${R3}u + ${r}u;
  let j${r} = min(t${r}, im.S - 1u);
  let key${r} = batch * im.S + j${r};
  let at${r} = key${r} * im.G + kv;
  ${d2.map((x) => `let k${r}_${x} = b1[at${r} * ${h.nd}u + ${x}u] * im.scale; var dk${r}_${x} = ${D}();`).join(" ")}
  ${e.map((x) => `let v${r}_${x} = b2[at${r} * ${h.ne}u + ${x}u]; var dv${r}_${x} = ${E}();`).join(" ")}`
  ).join("\n  ")}
  let heads = im.H / im.G;
  let begin = ${begin};
  let end = ${end};
  for (var head = kv * heads; head < (kv + 1u) * heads; head++) {
    for (var i = begin; i < end; i++) {
      let row = batch * im.T + i;
      let at = row * im.H + head;
      ${sight.limits("row", "i", "")}
      let lse = b${lse}[at]; let delta = b${lse + 2}[at];
      ${d2.map((x) => `let q${x} = b0[at * ${h.nd}u + ${x}u];`).join(" ")}
      ${e.map((x) => `let w${x} = b${lse + 1}[at * ${h.ne}u + ${x}u];`).join(" ")}
      ${each.map(
    (r) => `let s${r} = ${sum(
      d2.map((x) => `q${x} * k${r}_${x}`),
      h.vd
    )};
      let p${r} = select(0f, exp(clamp(s${r} - lse, -87f, 87f)), j${r} >= lo && j${r} < hi${sight.same("row", `key${r}`)});
      let ds${r} = p${r} * (${sum(
      e.map((x) => `w${x} * v${r}_${x}`),
      h.ve
    )} - delta);`
  ).join("\n      ")}
      ${e.map((x) => each.map((r) => `dv${r}_${x} += p${r} * w${x};`).join(" ")).join(" ")}
      ${d2.map((x) => each.map((r) => `dk${r}_${x} += ds${r} * q${x};`).join(" ")).join(" ")}
    }
  }
  ${each.map(
    (r) => `if (t${r} < im.S) {
    ${d2.map((x) => `b${lse + 3}[at${r} * ${h.nd}u + ${x}u] = dk${r}_${x} * im.scale;`).join(" ")}
    ${e.map((x) => `b${lse + 4}[at${r} * ${h.ne}u + ${x}u] = dv${r}_${x};`).join(" ")}
  }`
  ).join("\n  ")}
}
`;
  const saved = inputs - 3;
  return {
    kernel: "attention_gradient_kv",
    wgsl,
    immediates: [...headValues(h, attrs), blocks, count],
    grid: fold(Math.ceil(count / lanes2), target),
    bindings: [...ofInputs([...list(saved), saved + 1, saved + 2]), delta, output(1), output(2)]
  };
}

// ../../tmp/ab/0/compiler/ir/graph.ts
function elements2(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

// ../../tmp/ab/0/compiler/kernels/copy.ts
function strides(shape) {
  const result = new Array(shape.length).fill(1);
  let step3 = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    result[i] = step3;
    step3 *= shape[i] ?? 1;
  }
  return result;
}
function merge(walk) {
  const dims = [];
  const from = [];
  const to = [];
  walk.dims.forEach((dim, i) => {
    if (dim === 1) return;
    const f2 = walk.from[i] ?? 0;
    const t = walk.to[i] ?? 0;
    const top = dims.length - 1;
    if (top >= 0 && from[top] === f2 * dim && to[top] === t * dim) {
      dims[top] = (dims[top] ?? 1) * dim;
      from[top] = f2;
      to[top] = t;
    } else {
      dims.push(dim);
      from.push(f2);
      to.push(t);
    }
  });
  if (dims.length === 0) return { ...walk, dims: [1], from: [1], to: [1] };
  return { ...walk, dims, from, to };
}
function copyCall(walk, bindings, target) {
  const merged = merge(walk);
  const scattered = merged.toOffset !== 0 || strides(merged.dims).some((stride, i) => stride !== merged.to[i]);
  const rank = [1, 2, 4, 6].find((r) => r >= merged.dims.length);
  if (rank === void 0 || scattered && rank > 4) throw new RangeError(`copy of rank ${merged.dims.length}`);
  const fill = (list3, value) => [...new Array(rank - list3.length).fill(value), ...list3];
  const inner = fill(merged.dims, 1).slice(1);
  const axes = Array.from({ length: rank }, (_, i) => i);
  const names = [
    "count",
    ...inner.map((_, i) => `d${i + 1}`),
    "fromOffset",
    ...axes.map((i) => `f${i}`),
    ...scattered ? ["toOffset", ...axes.map((i) => `t${i}`)] : []
  ].map((name) => [name, "u32"]);
  const count = elements2(merged.dims);
  const immediates = [
    count,
    ...inner,
    merged.fromOffset,
    ...fill(merged.from, 0),
    ...scattered ? [merged.toOffset, ...fill(merged.to, 0)] : []
  ];
  const unravel = [...axes].reverse().map((i) => i === 0 ? "let i0 = rest;" : `let i${i} = rest % im.d${i}; rest = rest / im.d${i};`);
  const sum = (prefix) => axes.map((i) => `i${i} * im.${prefix}${i}`).join(" + ");
  const wgsl = `${header(["u32", "u32"], names, { ...target, subgroup: 0 })}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * 64u + local;
  if (at >= im.count) { return; }
  var rest = at;
  ${unravel.join("\n  ")}
  b1[${scattered ? `im.toOffset + ${sum("t")}` : "at"}] = b0[im.fromOffset + ${sum("f")}];
}
`;
  return { kernel: "copy", wgsl, immediates, grid: fold(Math.ceil(count / 64), target), bindings };
}
function transposedCopy(copies, rows3, columns3, from, to, target) {
  const walk = {
    dims: [copies, columns3, rows3],
    from: [rows3 * columns3, 1, columns3],
    to: [rows3 * columns3, rows3, 1],
    fromOffset: 0,
    toOffset: 0
  };
  return copyCall(walk, [from, to], target);
}
function fillCall(count, binding, target, word = 0) {
  const names = [
    ["count", "u32"],
    ["word", "u32"]
  ];
  const wgsl = `${header(["u32"], names, { ...target, subgroup: 0 })}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * 64u + local;
  if (at < im.count) { b0[at] = im.word; }
}
`;
  return { kernel: "fill", wgsl, immediates: [count, word], grid: fold(Math.ceil(count / 64), target), bindings: [binding] };
}
var input0 = { kind: "input", index: 0 };
var output0 = { kind: "output", index: 0 };
function shapeOf(types, index = 0) {
  const type = types[index];
  if (type === void 0) throw new RangeError(`a copy without operand ${index}`);
  return type.shape;
}
function single(walk, target) {
  return { dispatches: [copyCall(walk, [input0, output0], target)], scratch: [] };
}
var transpose = {
  doc: "Strided copy: the result is written in order, the source read by permuted strides.",
  implement(attrs, inputs, outputs, target) {
    const source = strides(shapeOf(inputs));
    const dims = shapeOf(outputs);
    const from = attrs.order.map((axis) => source[axis] ?? 0);
    return single({ dims, from, to: strides(dims), fromOffset: 0, toOffset: 0 }, target);
  }
};
var broadcast = {
  doc: "Strided copy with a source stride of 0 on repeated axes.",
  implement(_attrs, inputs, outputs, target) {
    const shape = shapeOf(inputs);
    const dims = shapeOf(outputs);
    const source = strides(shape);
    const lead = dims.length - shape.length;
    const from = dims.map((dim, i) => i < lead || shape[i - lead] === 1 && dim !== 1 ? 0 : source[i - lead] ?? 0);
    return single({ dims, from, to: strides(dims), fromOffset: 0, toOffset: 0 }, target);
  }
};
var slice = {
  doc: "Strided copy from an offset.",
  implement(attrs, inputs, outputs, target) {
    const dims = shapeOf(outputs);
    const from = strides(shapeOf(inputs));
    const fromOffset = attrs.starts.reduce((sum, start, i) => sum + start * (from[i] ?? 0), 0);
    return single({ dims, from, to: strides(dims), fromOffset, toOffset: 0 }, target);
  }
};
var concat = {
  doc: "One strided copy an operand, each to its place on the axis.",
  implement(attrs, inputs, outputs, target) {
    const shape = shapeOf(outputs);
    const inner = elements2(shape.slice(attrs.axis + 1));
    const outer = elements2(shape.slice(0, attrs.axis));
    const pitch = (shape[attrs.axis] ?? 1) * inner;
    let offset = 0;
    const dispatches = inputs.map((type, index) => {
      const run = (type.shape[attrs.axis] ?? 1) * inner;
      const walk = { dims: [outer, run], from: [run, 1], to: [pitch, 1], fromOffset: 0, toOffset: offset };
      offset += run;
      return copyCall(walk, [{ kind: "input", index }, output0], target);
    });
    return { dispatches, scratch: [] };
  }
};
function paddedAxes(shape, attrs) {
  const axes = [];
  shape.forEach((dim, i) => {
    const before = attrs.before[i] ?? 0;
    const after = attrs.after[i] ?? 0;
    const top = axes[axes.length - 1];
    if (top !== void 0 && before === 0 && after === 0) {
      top.dim *= dim;
      top.before *= dim;
      top.after *= dim;
    } else axes.push({ dim, before, after });
  });
  return axes;
}
var pad = {
  doc: "Zeros, then a strided copy into the middle; ranks above 4 (after merging) copy one outer index at a time.",
  implement(attrs, inputs, outputs, target) {
    const axes = paddedAxes(shapeOf(inputs), attrs);
    const dims = axes.map(({ dim }) => dim);
    const from = strides(dims);
    const to = strides(axes.map(({ dim, before, after }) => dim + before + after));
    const toOffset = axes.reduce((sum, { before }, i) => sum + before * (to[i] ?? 0), 0);
    const dispatches = [fillCall(elements2(shapeOf(outputs)), output0, target)];
    const walkFrom = (axis, fromOffset, toOffset_) => {
      if (dims.length - axis <= 4) {
        const walk = { dims: dims.slice(axis), from: from.slice(axis), to: to.slice(axis), fromOffset, toOffset: toOffset_ };
        dispatches.push(copyCall(walk, [input0, output0], target));
        return;
      }
      for (let i = 0; i < (dims[axis] ?? 1); i++) walkFrom(axis + 1, fromOffset + i * (from[axis] ?? 0), toOffset_ + i * (to[axis] ?? 0));
    };
    walkFrom(0, 0, toOffset);
    return { dispatches, scratch: [] };
  }
};
var cast = {
  doc: "The same number in another dtype.",
  implement(attrs, inputs, outputs, target) {
    const type = inputs[0]?.dtype ?? "f32";
    const count = elements2(shapeOf(outputs));
    const wgsl = `${header([type, attrs.dtype], [["count", "u32"]], { ...target, subgroup: 0 })}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * 64u + local;
  if (at < im.count) { b1[at] = ${attrs.dtype}(b0[at]); }
}
`;
    const grid = fold(Math.ceil(count / 64), target);
    return { dispatches: [{ kernel: "cast", wgsl, immediates: [count], grid, bindings: [input0, output0] }], scratch: [] };
  }
};

// ../../tmp/ab/0/compiler/kernels/gemv.ts
var along = 16;
var columns = 4;
function matvec(problem, epilogue, bindings, target) {
  const { M, N, K } = problem;
  const R3 = M === 1 ? 1 : M === 2 ? 2 : 4;
  const rows3 = Array.from({ length: R3 }, (_, r) => r);
  const lane = K % 4 === 0 ? "vec4f" : "f32";
  const extra = periods(epilogue);
  const names = ["M", "N", "K", "tilesN", "tiles", "steps"].map((name) => [name, "u32"]);
  const tilesN = Math.ceil(N / columns);
  const tiles = Math.ceil(M / R3) * tilesN;
  const steps = lane === "vec4f" ? K / 4 : K;
  const total = (r) => lane === "vec4f" ? `(s${r}.x + s${r}.y) + (s${r}.z + s${r}.w)` : `s${r}`;
  const half = (distance) => `workgroupBarrier(); if (lane < ${distance}u) { ${rows3.map((r) => `part[at + ${r * along * columns}u] += part[at + ${r * along * columns + distance}u];`).join(" ")} }`;
  const halves = [];
  for (let distance = along / 2; distance >= 1; distance /= 2) halves.push(half(distance));
  const wgsl = `${header([lane, lane, ...epilogueTypes(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers(epilogue, "f32")}
var<workgroup> part: array<f32, ${R3 * along * columns}>;
@compute @workgroup_size(${along * columns})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  if (tile >= im.tiles) { return; }
  let lane = local % ${along}u;
  let at = local;
  let col = (tile % im.tilesN) * ${columns}u + local / ${along}u;
  let m = (tile / im.tilesN) * ${R3}u;
  let w = min(col, im.N - 1u) * im.steps;
  ${rows3.map((r) => `let p${r} = min(m + ${r}u, im.M - 1u) * im.steps; var s${r} = ${lane}();`).join("\n  ")}
  for (var k = lane; k < im.steps; k += ${along}u) {
    let b = b1[w + k];
    ${rows3.map((r) => `s${r} = fma(b0[p${r} + k], b, s${r});`).join(" ")}
  }
  ${rows3.map((r) => `part[at + ${r * along * columns}u] = ${total(r)};`).join(" ")}
  ${halves.join("\n  ")}
  if (lane == 0u && col < im.N) {
    ${rows3.map((r) => `if (m + ${r}u < im.M) { let row = m + ${r}u; let s = part[at + ${r * along * columns}u]; ${store(epilogue, "s", "row", "col", "f32", "e")} }`).join("\n    ")}
  }
}
`;
  return { kernel: "matvec", wgsl, immediates: [M, N, K, tilesN, tiles, steps, ...extra.values], grid: fold(tiles, target), bindings };
}

// ../../tmp/ab/0/compiler/kernels/render.ts
function literal(value) {
  if (Number.isNaN(value)) throw new RangeError("NaN has no WGSL literal");
  const largest = 34028234663852886e22;
  const rounded = Math.fround(Math.min(largest, Math.max(-largest, value)));
  return rounded < 0 ? `(${rounded}f)` : `${Math.abs(rounded)}f`;
}
var helpers = {
  sigmoid: {
    needs: [],
    text: (T) => `fn sigmoid_${T}(x: ${T}) -> ${T} { return ${T}(1f) / (${T}(1f) + exp(min(-x, ${T}(88f)))); }`
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
}`
  },
  // x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): no cancellation in the negative tail.
  gelu: {
    needs: ["sigmoid"],
    text: (T) => `fn gelu_${T}(x: ${T}) -> ${T} { return x * sigmoid_${T}(1.5957691216f * x * (${T}(1f) + 0.044715f * x * x)); }`
  },
  gelu_exact: {
    needs: ["erf"],
    text: (T) => `fn gelu_exact_${T}(x: ${T}) -> ${T} { return 0.5f * x * (${T}(1f) + erf_${T}(0.7071067812f * x)); }`
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
}`
  },
  // WGSL's pow is undefined for a negative base; an integer exponent is common.
  power: {
    needs: [],
    text: (T) => `fn power_${T}(x: ${T}, y: ${T}) -> ${T} {
  let magnitude = select(pow(abs(x), y), ${T}(0f), x == ${T}(0f));
  let odd = abs(y - 2f * floor(0.5f * y)) == ${T}(1f);
  let signed = select(magnitude, -magnitude, (x < ${T}(0f)) & odd);
  return select(signed, ${T}(1f), y == ${T}(0f));
}`
  }
};
var unaryHelper = {
  sigmoid: "sigmoid",
  silu: "sigmoid",
  gelu: "gelu",
  gelu_exact: "gelu_exact",
  erf: "erf",
  sin: "sine",
  cos: "sine"
};
function renderUnary(op, x, T = "f32") {
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
function renderBinary(op, x, y, T = "f32") {
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
function renderWhere(condition, x, y, T = "f32") {
  return `select(${y}, ${x}, ${condition} != ${T}(0f))`;
}
function helpersFor(ops, T = "f32") {
  const wanted = /* @__PURE__ */ new Set();
  const want = (name) => {
    for (const need of helpers[name].needs) want(need);
    wanted.add(name);
  };
  for (const op of ops) {
    const name = op === "pow" ? "power" : unaryHelper[op];
    if (name !== void 0) want(name);
  }
  return [...wanted].map((name) => `${helpers[name].text(T)}
`).join("");
}
function opsOf(exprs) {
  const found = /* @__PURE__ */ new Set();
  const seen = /* @__PURE__ */ new Set();
  const visit = (expr) => {
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
function renderBlock(exprs, env, T = "f32", prefix = "e") {
  const statements = [];
  const byText = /* @__PURE__ */ new Map();
  const byNode = /* @__PURE__ */ new Map();
  const bind = (text) => {
    const known = byText.get(text);
    if (known !== void 0) return known;
    const name = `${prefix}${byText.size}`;
    byText.set(text, name);
    statements.push(`let ${name} = ${text};`);
    return name;
  };
  const visit = (expr) => {
    const known = byNode.get(expr);
    if (known !== void 0) return known;
    const text = of(expr);
    byNode.set(expr, text);
    return text;
  };
  const of = (expr) => {
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
function renderIndex(axis, env, T) {
  if (axis === "row") return `${T}(f32(${env.row}))`;
  return T === "f32" ? `f32(${env.col})` : `(vec4f(f32(${env.col})) + vec4f(0f, 1f, 2f, 3f))`;
}

// ../../tmp/ab/0/compiler/kernels/gemm.ts
var plainEpilogue = { operands: [], results: [{ kind: "accumulator" }] };
function problemOf(attrs, inputs) {
  const [a, b] = inputs;
  if (a === void 0 || b === void 0 || a.shape.length < 2 || b.shape.length < 2) throw new RangeError("matmul: two matrices");
  const at = (shape, fromEnd) => shape[shape.length - fromEnd] ?? 1;
  const M = at(a.shape, attrs.transposeA ? 1 : 2);
  const K = at(a.shape, attrs.transposeA ? 2 : 1);
  const N = at(b.shape, attrs.transposeB ? 2 : 1);
  const lead = elements2(a.shape.slice(0, -2));
  const sharedB = b.shape.length === 2;
  if (sharedB && !attrs.transposeA) return { batch: 1, M: lead * M, N, K, ...attrs, sharedB: true };
  return { batch: lead, M, N, K, ...attrs, sharedB };
}
var fewRows2 = 16;
function matmul(attrs, inputs, outputs, target, epilogue = plainEpilogue) {
  const problem = problemOf(attrs, inputs);
  const bindings = operandBindings(epilogue);
  if (problem.batch === 1 && problem.M <= fewRows2 && problem.transposeB && !problem.transposeA) {
    return { dispatches: [matvec(problem, epilogue, bindings, target)], scratch: [] };
  }
  if (!target.software) return { dispatches: [tiled(problem, epilogue, bindings, target)], scratch: [] };
  if (!problem.transposeB) return { dispatches: [registers(problem, epilogue, bindings, target)], scratch: [] };
  const [, b] = inputs;
  const scratch = { kind: "scratch", index: 0 };
  const copies = problem.sharedB ? 1 : problem.batch;
  const copy = transposedCopy(copies, problem.N, problem.K, { kind: "input", index: 1 }, scratch, target);
  const straight = { ...problem, transposeB: false };
  const swapped = bindings.map((binding, i) => i === 1 ? scratch : binding);
  return { dispatches: [copy, registers(straight, epilogue, swapped, target)], scratch: [4 * elements2(b?.shape ?? [])] };
}
function operandBindings(epilogue) {
  const inputs = [0, 1, ...epilogue.operands.map((_, i) => i + 2)].map((index) => ({ kind: "input", index }));
  return [...inputs, ...epilogue.results.map((_, index) => ({ kind: "output", index }))];
}
function periods(epilogue) {
  const withPeriod = epilogue.operands.flatMap((operand, i) => operand.access === "period" ? [{ i, period: operand.period ?? 1 }] : []);
  return { names: withPeriod.map(({ i }) => [`period${i}`, "u32"]), values: withPeriod.map(({ period }) => period) };
}
function epilogueTypes(epilogue, lane) {
  const operands = epilogue.operands.map(({ access }) => access === "row" || access === "one" ? "f32" : lane);
  return [...operands, ...epilogue.results.map(() => lane)];
}
function epilogueHelpers(epilogue, lane) {
  return helpersFor(opsOf(epilogue.results), lane);
}
function store(epilogue, accumulator, row, col, lane, prefix) {
  const width = lane === "f32" ? "im.N" : "(im.N / 4u)";
  const column = lane === "f32" ? col : `(${col} / 4u)`;
  const splat = (text) => lane === "f32" ? text : `vec4f(${text})`;
  const env = {
    row,
    col,
    accumulator,
    load: (operand, access) => {
      const buffer = `b${operand + 2}`;
      switch (access) {
        case "full":
          return `${buffer}[${row} * ${width} + ${column}]`;
        case "row":
          return splat(`${buffer}[${row}]`);
        case "col":
          return `${buffer}[${column}]`;
        case "one":
          return splat(`${buffer}[0]`);
        case "period":
          return `${buffer}[(${row} % im.period${operand}) * ${width} + ${column}]`;
      }
    }
  };
  const block = renderBlock(epilogue.results, env, lane, prefix);
  const first = 2 + epilogue.operands.length;
  const stores = block.values.map((value, i) => `b${first + i}[${row} * ${width} + ${column}] = ${value};`);
  return [...block.statements, ...stores].join(" ");
}
var R = 8;
var workgroup = 64;
function registers(problem, epilogue, bindings, target) {
  const { batch, M, N, K, transposeA } = problem;
  const S = target.subgroup > 0 && target.subgroup <= workgroup ? target.subgroup : 0;
  const width = S > 0 ? S : 8;
  const lane = N % 4 === 0 ? "vec4f" : "f32";
  const extra = periods(epilogue);
  const names = ["M", "N", "K", "tilesM", "tilesN", "tiles", "stepM", "stepK", "batchB", ...lane === "f32" ? ["columns"] : []].map((name) => [name, "u32"]);
  const tilesM = Math.ceil(M / R);
  const tilesN = Math.ceil(N / (4 * width));
  const tiles = batch * tilesM * tilesN;
  const immediates = [M, N, K, tilesM, tilesN, tiles, transposeA ? 1 : K, transposeA ? M : 1, problem.sharedB ? 0 : K * N, ...lane === "f32" ? [4] : [], ...extra.values];
  const rows3 = Array.from({ length: R }, (_, r) => r);
  const loadB = (k) => lane === "vec4f" ? `b1[baseB + (${k}) * stepB]` : `vec4f(b1[baseB + (${k}) * stepB + c0], b1[baseB + (${k}) * stepB + c1], b1[baseB + (${k}) * stepB + c2], b1[baseB + (${k}) * stepB + c3])`;
  const columns3 = lane === "vec4f" ? `let col = (t % im.tilesN) * ${4 * width}u + 4u * lane;
  let stepB = im.N / 4u;
  let baseB = (batch * im.batchB) / 4u + min(col, im.N - 4u) / 4u;` : `let col = (t % im.tilesN) * ${4 * width}u + lane;
  let stepB = im.N;
  let baseB = batch * im.batchB;
  let last = im.N - 1u;
  ${[0, 1, 2, 3].map((c) => `let c${c} = min(col + ${c * width}u, last);`).join(" ")}`;
  const main = S > 0 ? `for (var k = 0u; k < im.K; k += ${S}u) {
    let ka = min(k + lane, im.K - 1u) * im.stepK;
    let there = select(0f, 1f, k + lane < im.K);
    ${rows3.map((r) => `let a${r} = b0[p${r} + ka] * there;`).join(" ")}
    ${Array.from({ length: S }, (_, j) => `{ let b = ${loadB(`min(k + ${j}u, im.K - 1u)`)}; ${rows3.map((r) => `s${r} += subgroupBroadcast(a${r}, ${j}u) * b;`).join(" ")} }`).join("\n    ")}
  }` : `for (var k = 0u; k < im.K; k++) {
    let b = ${loadB("k")};
    ${rows3.map((r) => `s${r} += b0[p${r} + k * im.stepK] * b;`).join(" ")}
  }`;
  const write = lane === "vec4f" ? store(epilogue, "s", "row", "col", lane, "e") : `for (var c = 0u; c < im.columns; c++) { let cc = col + c * ${width}u; if (cc < im.N) { let s_ = select(select(s.x, s.y, c == 1u), select(s.z, s.w, c == 3u), c >= 2u); ${store(epilogue, "s_", "row", "cc", lane, "e")} } }`;
  const wgsl = `${header(["f32", lane, ...epilogueTypes(epilogue, lane)], [...names, ...extra.names], { ...target, subgroup: S })}${epilogueHelpers(epilogue, lane)}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % ${width}u;
  let index = (group.x + group.y * groups.x) * ${workgroup / width}u + local / ${width}u;
  let tile = min(index, im.tiles - 1u);
  let perBatch = im.tilesM * im.tilesN;
  let batch = tile / perBatch;
  let t = tile % perBatch;
  let m = (t / im.tilesN) * ${R}u;
  ${columns3}
  let baseA = batch * im.M * im.K;
  ${rows3.map((r) => `let p${r} = baseA + min(m + ${r}u, im.M - 1u) * im.stepM;`).join("\n  ")}
  ${rows3.map((r) => `var s${r} = vec4f();`).join(" ")}
  ${main}
  if (index >= im.tiles || col >= im.N) { return; }
  let first = batch * im.M + m;
  // A loop whose length the compiler does not know, so that the text of the epilogue is compiled once, not for each row.
  for (var r = 0u; r < min(im.M - m, ${R}u); r++) {
    let row = first + r;
    var s = s0;
    ${rows3.slice(1).map((r) => `s = select(s, s${r}, r == ${r}u);`).join(" ")}
    ${write}
  }
}
`;
  return {
    kernel: "matmul",
    wgsl,
    immediates,
    grid: fold(Math.ceil(tiles / (workgroup / width)), target),
    bindings
  };
}
var side = 64;
var step = 16;
function tiled(problem, epilogue, bindings, target) {
  const { batch, M, N, K, transposeA, transposeB } = problem;
  const extra = periods(epilogue);
  const names = ["M", "N", "K", "tilesM", "tilesN", "tiles", "batchB"].map((name) => [name, "u32"]);
  const tilesM = Math.ceil(M / side);
  const tilesN = Math.ceil(N / side);
  const tiles = batch * tilesM * tilesN;
  const immediates = [M, N, K, tilesM, tilesN, tiles, problem.sharedB ? 0 : K * N, ...extra.values];
  const fill = (buffer, shared, inner, base, origin, limit) => `
    for (var i = local; i < ${side * step}u; i += 256u) {
      let kk = ${inner ? `i % ${step}u` : `i / ${side}u`};
      let x = ${inner ? `i / ${step}u` : `i % ${side}u`};
      var value = 0f;
      if (k + kk < im.K && ${origin} + x < ${limit}) { value = ${buffer}[${base} + ${inner ? `(${origin} + x) * im.K + k + kk` : `(k + kk) * ${limit} + ${origin} + x`}]; }
      ${shared}[kk * ${side + 4}u + x] = value;
    }`;
  const four = [0, 1, 2, 3];
  const wgsl = `${header(["f32", "f32", ...epilogueTypes(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers(epilogue, "f32")}
var<workgroup> as_: array<f32, ${step * (side + 4)}>;
var<workgroup> bs_: array<f32, ${step * (side + 4)}>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  if (tile >= im.tiles) { return; }
  let perBatch = im.tilesM * im.tilesN;
  let batch = tile / perBatch;
  let t = tile % perBatch;
  let m = (t / im.tilesN) * ${side}u;
  let n = (t % im.tilesN) * ${side}u;
  let baseA = batch * im.M * im.K;
  let baseB = batch * im.batchB;
  let y = (local / 16u) * 4u;
  let x = (local % 16u) * 4u;
  ${four.map((r) => `var s${r} = vec4f();`).join(" ")}
  for (var k = 0u; k < im.K; k += ${step}u) {${fill("b0", "as_", !transposeA, "baseA", "m", "im.M")}${fill("b1", "bs_", transposeB, "baseB", "n", "im.N")}
    workgroupBarrier();
    for (var kk = 0u; kk < ${step}u; kk++) {
      let pa = kk * ${side + 4}u + y; let pb = kk * ${side + 4}u + x;
      let b = vec4f(bs_[pb], bs_[pb + 1u], bs_[pb + 2u], bs_[pb + 3u]);
      ${four.map((r) => `s${r} += as_[pa + ${r}u] * b;`).join(" ")}
    }
    workgroupBarrier();
  }
  ${four.map(
    (r) => `if (m + y + ${r}u < im.M) { let row = batch * im.M + m + y + ${r}u; for (var c = 0u; c < 4u; c++) { let col = n + x + c; if (col < im.N) { ${store(
      epilogue,
      `s${r}[c]`,
      "row",
      "col",
      "f32",
      "e"
    )} } } }`
  ).join("\n  ")}
}
`;
  return { kernel: "matmul", wgsl, immediates, grid: fold(tiles, target), bindings };
}

// ../../tmp/ab/0/compiler/ops/weight.ts
var ONE = 2 ** 30;
var LOG2E = 1549082005;
var LN2 = 2977044472;
var powers = Array.from({ length: 32 }, (_, i) => Math.round(2 ** (31 - i / 32)));
var words = new DataView(new ArrayBuffer(4));

// ../../tmp/ab/0/compiler/kernels/philox.ts
var sampleKey = 1935764848;
var philoxText = `fn mul_hi(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let mid = ah * bl + ((al * bl) >> 16u);
  let low = al * bh + (mid & 0xffffu);
  return ah * bh + (mid >> 16u) + (low >> 16u);
}
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter; var k = key;
  for (var i = 0u; i < 10u; i++) {
    let h0 = mul_hi(0xd2511f53u, c.x); let h1 = mul_hi(0xcd9e8d57u, c.z);
    c = vec4u(h1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, h0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
fn unit(word: u32) -> f32 { return f32(word >> 8u) * 5.9604644775390625e-8f; }
`;

// ../../tmp/ab/0/compiler/kernels/sample.ts
var input = (index) => ({ kind: "input", index });
var keysBuffer = { kind: "scratch", index: 0 };
var weightsBuffer = { kind: "scratch", index: 1 };
function lanesOf(target) {
  return target.software ? 8 : 256;
}
var sample = {
  doc: "Order-preserving keys of penalised logits, then a workgroup a lane: radix selection for top-k and top-p, inverse CDF in order of id.",
  implement(_attrs, inputs, _outputs, target) {
    const [B = 1, V = 1] = inputs[0]?.shape ?? [];
    return { dispatches: [keys2(B, V, target), draw(B, V, target)], scratch: [4 * B * V, 4 * B * V] };
  }
};
function keys2(B, V, target) {
  const wgsl = `${header(
    ["f32", "u32", "u32", "f32", "u32"],
    [
      ["count", "u32"],
      ["V", "u32"]
    ],
    { ...target, subgroup: 0 }
  )}
// x / y of positive numbers, correctly rounded: WGSL's own division may be off by 2.5 units in the last place.
fn quotient(x: f32, y: f32) -> f32 {
  let xw = bitcast<u32>(x); let yw = bitcast<u32>(y);
  if ((xw >> 23u) == 0u) { return 0f; }
  var m = (xw & 0x7fffffu) | 0x800000u;
  let n = (yw & 0x7fffffu) | 0x800000u;
  var e = i32(xw >> 23u) - i32(yw >> 23u) + 127;
  if (m < n) { m = m << 1u; e--; }
  var rest = m - n;
  var q = 1u;
  for (var i = 0u; i < 3u; i++) { rest = rest << 8u; q = (q << 8u) | (rest / n); rest = rest % n; }
  let up = (q & 1u) == 1u && (rest != 0u || (q & 2u) == 2u);
  q = (q >> 1u) + select(0u, 1u, up);
  if (q == 0x1000000u) { q = 0x800000u; e++; }
  if (e <= 0) { return 0f; }
  return bitcast<f32>((u32(min(e, 254)) << 23u) | (q & 0x7fffffu));
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * 64u + local;
  if (at >= im.count) { return; }
  let lane = at / im.V;
  let id = at % im.V;
  var x = b0[at];
  if (b1[at] > 0u) {
    let penalty = b3[lane * 5u + 4u];
    if (x > 0f) { x = quotient(x, penalty); } else { x = x * penalty; }
  }
  let word = bitcast<u32>(x);
  let positive = select(word, 0u, (word << 1u) == 0u);
  let key = select(positive | 0x80000000u, ~positive, (positive >> 31u) == 1u);
  b4[at] = select(0u, max(key, 1u), ((b2[id >> 5u] >> (id & 31u)) & 1u) == 1u);
}
`;
  const grid = fold(Math.ceil(B * V / 64), target);
  return { kernel: "sample_keys", wgsl, immediates: [B * V, V], grid, bindings: [input(0), input(1), input(2), input(3), keysBuffer] };
}
var hex = (n) => `0x${(n >>> 0).toString(16)}u`;
var arithmetic = `fn plus(a: vec2u, b: vec2u) -> vec2u { let low = a.x + b.x; return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x)); }
fn minus(a: vec2u, b: vec2u) -> vec2u { return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x)); }
fn below(a: vec2u, b: vec2u) -> bool { return a.y < b.y || (a.y == b.y && a.x < b.x); }
fn share(mass: vec2u, part: u32) -> vec2u {
  let low = mass.x * part;
  let mid = mul_hi(mass.x, part);
  let sum = mid + mass.y * part;
  let high = mul_hi(mass.y, part) + select(0u, 1u, sum < mid);
  return vec2u((low >> 24u) | (sum << 8u), (sum >> 24u) | (high << 8u));
}
const powers = array<u32, 32>(${powers.map(hex).join(", ")});
fn slope(temperature: f32) -> vec2u {
  let word = bitcast<u32>(temperature);
  let m = (word & 0x7fffffu) | 0x800000u;
  var quotient = 0u; var rest = 0u; var digits = ${hex(LOG2E)};
  for (var i = 0u; i < 7u; i++) {
    rest = (rest << 8u) | (digits >> 24u);
    digits = digits << 8u;
    quotient = (quotient << 8u) | (rest / m);
    rest = rest % m;
  }
  return vec2u(quotient, word >> 23u);
}
fn logit(key: u32) -> f32 { return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u)); }
fn weight(key: u32, largest: f32, s: vec2u) -> u32 {
  if (key == 0u) { return 0u; }
  let word = bitcast<u32>(largest - logit(key));
  let exponent = (word >> 23u) & 0xffu;
  if (exponent == 0u) { return ${hex(ONE)}; }
  let high = mul_hi(((word & 0x7fffffu) | 0x800000u) << 8u, s.x);
  let shift = i32(exponent) - i32(s.y) - 4;
  if (shift < -31) { return ${hex(ONE)}; }
  if (shift > 2 || (shift >= 0 && high >= (${hex(31 * 2 ** 26)} >> u32(shift)))) { return 0u; }
  let x = select(high >> u32(max(-shift, 0)), high << u32(max(shift, 0)), shift >= 0);
  if (x >= ${hex(31 * 2 ** 26)}) { return 0u; }
  let y = mul_hi((x & 0x1fffffu) << 6u, ${hex(LN2)});
  let y2 = mul_hi(y, y);
  let loss = y - (y2 >> 1u) + mul_hi(mul_hi(y2, y), 0x2aaaaaabu);
  let power = powers[(x >> 21u) & 31u];
  let whole = x >> 26u;
  return (power - mul_hi(power, loss) + (1u << whole)) >> (whole + 1u);
}
`;
function draw(B, V, target) {
  const W = lanesOf(target);
  const wgsl = `${header(
    ["u32", "f32", "u32", "u32", "u32", "u32", "u32"],
    [
      ["lanes", "u32"],
      ["V", "u32"]
    ],
    { ...target, subgroup: 0 }
  )}${philoxText}${arithmetic}
struct Search { prefix: u32, mask: u32, need: vec2u }
var<workgroup> low: array<atomic<u32>, 256>;
var<workgroup> high: array<atomic<u32>, 256>;
var<workgroup> sums: array<vec2u, ${W}>;
var<workgroup> best: array<vec2u, ${W}>;
var<workgroup> setting: array<f32, 5>;
var<workgroup> search: Search;
var<workgroup> cut: vec2u;
var<workgroup> chosen: u32;
var<workgroup> winner: vec3u;

fn survives(key: u32, id: u32, c: vec2u) -> bool { return key > c.x || (key == c.x && id <= c.y); }

@compute @workgroup_size(${W})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = group.x + group.y * groups.x;
  if (lane >= im.lanes) { return; }
  let base = lane * im.V;
  if (local < 5u) { setting[local] = b1[lane * 5u + local]; }
  // The largest key and its lowest id.
  var top = vec2u(0u, 0u);
  for (var id = local; id < im.V; id += ${W}u) { let key = b0[base + id]; if (key > top.x) { top = vec2u(key, id); } }
  best[local] = top;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < ${W}u; i++) { let other = best[i]; if (other.x > top.x || (other.x == top.x && other.y < top.y)) { top = other; } }
    best[0] = top;
    cut = vec2u(1u, 0xffffffffu);
  }
  let first = workgroupUniformLoad(&best[0]);
  let temperature = workgroupUniformLoad(&setting[0]);
  if (temperature == 0f || first.x == 0u) {
    if (local == 0u) { b5[lane] = first.y; }
    return;
  }
  let s = slope(temperature);
  let largest = logit(first.x);
  for (var id = local; id < im.V; id += ${W}u) { b6[base + id] = weight(b0[base + id], largest, s); }
  storageBarrier();
  let settingK = workgroupUniformLoad(&setting[1]);
  let settingP = workgroupUniformLoad(&setting[2]);
  // Ids of a lane in order of id, for what goes by id.
  let run = (im.V + ${W - 1}u) / ${W}u;
  let begin = min(local * run, im.V);
  let end = min(begin + run, im.V);
  for (var filter_ = 0u; filter_ < 2u; filter_++) {
    if (filter_ == 0u && (settingK < 1f || settingK >= f32(im.V))) { continue; }
    if (filter_ == 1u && settingP >= 1f) { continue; }
    let previous = workgroupUniformLoad(&cut);
    if (local == 0u) { search = Search(0u, 0u, vec2u()); }
    for (var shift = 24i; shift >= 0i; shift -= 8i) {
      for (var i = local; i < 256u; i += ${W}u) { atomicStore(&low[i], 0u); atomicStore(&high[i], 0u); }
      workgroupBarrier();
      let prefix = search.prefix; let mask = search.mask;
      for (var id = local; id < im.V; id += ${W}u) {
        let key = b0[base + id];
        if (survives(key, id, previous) && (key & mask) == prefix) {
          var w = 1u;
          if (filter_ == 1u) { w = b6[base + id]; }
          let bin = (key >> u32(shift)) & 255u;
          let before = atomicAdd(&low[bin], w);
          if (before + w < before) { atomicAdd(&high[bin], 1u); }
        }
      }
      workgroupBarrier();
      if (local == 0u) {
        var need = search.need;
        if (shift == 24i) {
          var mass = vec2u();
          for (var i = 0u; i < 256u; i++) { mass = plus(mass, vec2u(atomicLoad(&low[i]), atomicLoad(&high[i]))); }
          if (filter_ == 0u) { need = vec2u(min(u32(settingK), mass.x), 0u); }
          else { need = share(mass, u32(max(settingP, 0f) * 16777216f)); if (need.x == 0u && need.y == 0u) { need.x = 1u; } }
        }
        var bin = 255u;
        loop {
          let here = vec2u(atomicLoad(&low[bin]), atomicLoad(&high[bin]));
          if (!below(here, need) || bin == 0u) { break; }
          need = minus(need, here);
          bin--;
        }
        search = Search(prefix | (bin << u32(shift)), mask | (255u << u32(shift)), need);
      }
      workgroupBarrier();
    }
    // The last key that is kept, and how many of its ids, lowest first.
    let key = search.prefix;
    var each = 1u;
    var equal = 0u;
    for (var id = begin; id < end; id++) {
      if (b0[base + id] == key && survives(key, id, previous)) { equal++; if (filter_ == 1u) { each = b6[base + id]; } }
    }
    sums[local] = vec2u(equal, each);
    workgroupBarrier();
    if (local == 0u) {
      // Equal keys weigh the same: as many of them, ids rising, as the rest of the target needs.
      var rest = search.need;
      cut = vec2u(key, 0xffffffffu);
      var found = false;
      for (var i = 0u; i < ${W}u && !found; i++) {
        let same = sums[i].y;
        let here = vec2u(sums[i].x * same, mul_hi(sums[i].x, same));
        if (!below(here, rest) && sums[i].x > 0u) {
          found = true;
          for (var id = i * run; id < min(i * run + run, im.V); id++) {
            if (b0[base + id] == key && survives(key, id, previous)) {
              if (!below(vec2u(same, 0u), rest)) { cut.y = id; break; }
              rest = minus(rest, vec2u(same, 0u));
            }
          }
        } else { rest = minus(rest, here); }
      }
    }
    workgroupBarrier();
  }
  let last = workgroupUniformLoad(&cut);
  let least = u32(setting[3] * ${ONE}f);
  var mass = vec2u();
  for (var id = begin; id < end; id++) {
    let key = b0[base + id];
    if (survives(key, id, last)) { let w = b6[base + id]; if (w >= least) { mass = plus(mass, vec2u(w, 0u)); } }
  }
  sums[local] = mass;
  workgroupBarrier();
  if (local == 0u) {
    var total = vec2u();
    for (var i = 0u; i < ${W}u; i++) { total = plus(total, sums[i]); }
    let number = philox(vec4u(b3[lane], b2[lane], 0u, 1u), vec2u(b4[0], ${hex(sampleKey)})).x;
    var passed = share(total, number >> 8u);
    var i = 0u;
    while (i < ${W - 1}u && !below(passed, sums[i])) { passed = minus(passed, sums[i]); i++; }
    winner = vec3u(i, passed);
    chosen = first.y;
  }
  workgroupBarrier();
  if (local == winner.x) {
    var passed = winner.yz;
    for (var id = begin; id < end; id++) {
      let key = b0[base + id];
      if (survives(key, id, last)) {
        let w = b6[base + id];
        if (w >= least) {
          if (below(passed, vec2u(w, 0u))) { chosen = id; break; }
          passed = minus(passed, vec2u(w, 0u));
        }
      }
    }
    b5[lane] = chosen;
  }
}
`;
  return {
    kernel: "sample",
    wgsl,
    immediates: [B, V],
    grid: fold(B, target),
    bindings: [keysBuffer, input(3), input(4), input(5), input(6), { kind: "output", index: 0 }, weightsBuffer]
  };
}

// ../../tmp/ab/0/compiler/kernels/table.ts
var input2 = (index) => ({ kind: "input", index });
var output02 = { kind: "output", index: 0 };
function typeOf(types, index) {
  const type = types[index];
  if (type === void 0) throw new RangeError(`no operand ${index}`);
  return type;
}
function perItem(kernel, types, names, body, call, target) {
  const immediates = ["count", ...names].map((name) => [name, "u32"]);
  const wgsl = `${header(types, immediates, { ...target, subgroup: 0 })}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.x + group.y * groups.x) * 64u + local;
  if (at >= im.count) { return; }
  ${body}
}
`;
  const grid = fold(Math.ceil(call.count / 64), target);
  return { kernel, wgsl, immediates: [call.count, ...call.values], grid, bindings: call.bindings };
}
var gather = {
  doc: "One lane an element of the result.",
  implement(attrs, inputs, outputs, target) {
    const table2 = typeOf(inputs, 0);
    const rows3 = table2.shape[0] ?? 1;
    const width = elements2(table2.shape.slice(1));
    const body = `let d = at % im.width;
  let row = b1[at / im.width] - im.first;
  if (row < im.rows) { b2[at] = b0[row * im.width + d]; } else { b2[at] = 0f; }`;
    const call = { count: elements2(typeOf(outputs, 0).shape), values: [width, rows3, attrs.first], bindings: [input2(0), input2(1), output02] };
    return { dispatches: [perItem("gather", ["f32", "u32", "f32"], ["width", "rows", "first"], body, call, target)], scratch: [] };
  }
};
var scatterAdd = {
  doc: "Positions of one id are linked in order while the result is zeroed; then the first position of each id sums its list.",
  implement(attrs, inputs, outputs, target) {
    const ids = typeOf(inputs, 0);
    const positions = elements2(ids.shape);
    const total = elements2(typeOf(outputs, 0).shape);
    const width = total / Math.max(1, attrs.rows);
    const scratch = { kind: "scratch", index: 0 };
    const link = `if (at < im.total) { b2[at] = 0f; }
  if (at >= im.positions) { return; }
  let id = b0[at];
  var first = id - im.first < im.rows;
  for (var j = at; first && j > 0u; j--) { if (b0[j - 1u] == id) { first = false; } }
  var next = at + 1u;
  while (next < im.positions && b0[next] != id) { next++; }
  b1[at] = next;
  b1[im.positions + at] = select(0u, 1u, first);`;
    const sum = `let d = at % im.width;
  let position = at / im.width;
  if (b1[im.positions + position] == 0u) { return; }
  var sum = 0f;
  for (var j = position; j < im.positions; j = b1[j]) { sum += b2[j * im.width + d]; }
  b3[(b0[position] - im.first) * im.width + d] = sum;`;
    return {
      dispatches: [
        perItem(
          "scatter_link",
          ["u32", "u32", "f32"],
          ["total", "positions", "rows", "first"],
          link,
          {
            count: Math.max(total, positions),
            values: [total, positions, attrs.rows, attrs.first],
            bindings: [input2(0), scratch, output02]
          },
          target
        ),
        perItem(
          "scatter_add",
          ["u32", "u32", "f32", "f32"],
          ["width", "positions", "first"],
          sum,
          {
            count: positions * width,
            values: [width, positions, attrs.first],
            bindings: [input2(0), scratch, input2(1), output02]
          },
          target
        )
      ],
      scratch: [8 * positions]
    };
  }
};
var rotate = {
  doc: "One lane a pair of channels.",
  implement(attrs, inputs, outputs, target) {
    const [batch = 1, rows3 = 1, heads = 1, channels = 2] = typeOf(outputs, 0).shape;
    const half = channels / 2;
    const angles = typeOf(inputs, 1).shape[0] === 1 ? rows3 : batch * rows3;
    const sign = attrs.inverse ? "-" : "";
    const halves = attrs.pairs === "halves";
    const body = `let p = at % im.half;
  let head = at / im.half;
  let angle = ((head / im.heads) % im.angles) * im.half + p;
  let x = head * 2u * im.half + ${halves ? "p" : "2u * p"};
  let y = x + ${halves ? "im.half" : "1u"};
  let c = b1[angle]; let s = ${sign}b2[angle];
  let u = b0[x]; let v = b0[y];
  b3[x] = u * c - v * s;
  b3[y] = u * s + v * c;`;
    const call = {
      count: batch * rows3 * heads * half,
      values: [half, heads, angles],
      bindings: [input2(0), input2(1), input2(2), output02]
    };
    return { dispatches: [perItem("rotate", ["f32", "f32", "f32", "f32"], ["half", "heads", "angles"], body, call, target)], scratch: [] };
  }
};
var cacheWrite = {
  doc: "In place: one lane an element of the new rows; rows at positions outside the cache are dropped.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, capacity = 1, ...rest] = typeOf(inputs, 0).shape;
    const rows3 = typeOf(inputs, 1).shape[1] ?? 1;
    const width = elements2(rest);
    const body = `let d = at % im.width;
  let row = at / im.width;
  let position = b2[row];
  if (position < im.capacity) { b0[((row / im.rows) * im.capacity + position) * im.width + d] = b1[at]; }`;
    const call = { count: batch * rows3 * width, values: [width, rows3, capacity], bindings: [input2(0), input2(1), input2(2)] };
    return {
      dispatches: [perItem("cache_write", ["f32", "f32", "u32"], ["width", "rows", "capacity"], body, call, target)],
      scratch: [],
      inPlace: [0, 0]
    };
  }
};
var tally = {
  doc: "In place: one lane a row of counts.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, vocabulary = 1] = typeOf(inputs, 0).shape;
    const body = "let id = b1[at];\n  if (id < im.vocabulary) { b0[at * im.vocabulary + id] += 1u; }";
    const call = { count: batch, values: [vocabulary], bindings: [input2(0), input2(1)] };
    return { dispatches: [perItem("tally", ["u32", "u32"], ["vocabulary"], body, call, target)], scratch: [], inPlace: [0, 0] };
  }
};

// ../../tmp/ab/0/compiler/kernels/index.ts
var matmulKernel = {
  doc: "Tiles, or lanes along K for a few rows; see `matmul` for one with an epilogue.",
  implement: (attrs, inputs, outputs, target) => matmul(attrs, inputs, outputs, target)
};
var kernels = {
  matmul: matmulKernel,
  attention,
  attention_gradient: attentionGradient,
  gather,
  scatter_add: scatterAdd,
  rotate,
  transpose,
  broadcast,
  slice,
  pad,
  concat,
  cast,
  cache_write: cacheWrite,
  tally,
  sample
};

// compiler/kernels/kernel.ts
var portable2 = {
  subgroup: 0,
  f16: false,
  maxBinding: 128 * 2 ** 20,
  maxStorageBuffers: 8,
  maxGroups: 65535,
  maxWorkgroupMemory: 16384,
  software: false
};
function header2(types, immediates, target) {
  const lines = [];
  if (target.subgroup > 0) lines.push("enable subgroups;");
  if (immediates.length > 0) lines.push("requires immediate_address_space;");
  types.forEach((type, i) => {
    lines.push(`@group(0) @binding(${i}) var<storage, read_write> b${i}: array<${type}>;`);
  });
  if (immediates.length > 0) {
    lines.push(`struct Immediates { ${immediates.map(([name, type]) => `${name}: ${type}`).join(", ")} }`);
    lines.push("var<immediate> im: Immediates;");
  }
  return `${lines.join("\n")}
`;
}
function fold2(groups, target) {
  if (groups <= target.maxGroups) return [Math.max(1, groups), 1, 1];
  const y = Math.ceil(groups / target.maxGroups);
  return [Math.ceil(groups / y), y, 1];
}
function bits2(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0);
}

// compiler/kernels/attention.ts
function headsOf2(inputs) {
  const [q, k, v] = inputs;
  const [B = 1, T = 1, H = 1, D = 1] = q?.shape ?? [];
  const [, S = 1, G = 1] = k?.shape ?? [];
  const E = v?.shape[3] ?? 1;
  const vd = D % 4 === 0 ? 4 : 1;
  const ve = E % 4 === 0 ? 4 : 1;
  return { B, T, S, H, G, D, E, vd, ve, nd: D / vd, ne: E / ve };
}
function loadType2(v) {
  return v === 4 ? "vec4f" : "f32";
}
function horizontal2(text, v) {
  return v === 4 ? `dot(${text}, vec4f(1f))` : text;
}
function list2(n) {
  return Array.from({ length: n }, (_, i) => i);
}
function sightOf2(attrs, first) {
  const given = attrs.bound === "given";
  const segments = first + (given ? 1 : 0);
  const types = [...given ? ["u32"] : [], ...attrs.segmented ? ["u32", "u32"] : []];
  const bound = (row, i) => {
    switch (attrs.bound) {
      case "given":
        return `i32(min(b${first}[${row}], 0x7fffffffu))`;
      case "causal":
        return `i32(${i} + 1u + im.S) - i32(im.T)`;
      case "all":
        return "i32(im.S)";
    }
  };
  return {
    types,
    inputs: types.length,
    limits: (row, i, suffix) => `let bound${suffix} = ${bound(row, i)}; let hi${suffix} = u32(clamp(bound${suffix}, 0, i32(im.S))); let lo${suffix} = ${attrs.window > 0 ? `u32(max(bound${suffix} - i32(im.window), 0))` : "0u"};`,
    same: (row, key) => attrs.segmented ? ` && b${segments}[${row}] == b${segments + 1}[${key}]` : ""
  };
}
var headNames2 = [
  ["B", "u32"],
  ["T", "u32"],
  ["S", "u32"],
  ["H", "u32"],
  ["G", "u32"],
  ["window", "u32"],
  ["scale", "f32"]
];
function headValues2(h, attrs) {
  return [h.B, h.T, h.S, h.H, h.G, attrs.window, bits2(attrs.scale)];
}
function rowsOfLane2(target) {
  return target.software ? 2 : 1;
}
var fewRows3 = 8;
var lanes3 = 64;
var attention2 = {
  doc: "Streaming softmax: a lane a query row, or a workgroup a row when there are few.",
  implement(attrs, inputs, _outputs, target) {
    const heads = headsOf2(inputs);
    const bindings = [
      ...inputs.map((_, index) => ({ kind: "input", index })),
      { kind: "output", index: 0 },
      { kind: "output", index: 1 }
    ];
    const split = heads.T <= fewRows3 && heads.ne <= lanes3;
    return { dispatches: [split ? splitKeys2(attrs, heads, bindings, target) : rows2(attrs, heads, bindings, target)], scratch: [] };
  }
};
function rows2(attrs, h, bindings, target) {
  const R3 = rowsOfLane2(target);
  const sight = sightOf2(attrs, 3);
  const o = 3 + sight.inputs;
  const each = list2(R3);
  const d2 = list2(h.nd);
  const e = list2(h.ne);
  const blocks = Math.ceil(h.T / R3);
  const count = h.B * h.H * blocks;
  const dot = (r) => horizontal2(d2.map((x) => `q${r}_${x} * k${x}`).join(" + "), h.vd);
  const wgsl = `${header2(
    [loadType2(h.vd), loadType2(h.vd), loadType2(h.ve), ...sight.types, loadType2(h.ve), "f32"],
    [...headNames2, ["blocks", "u32"], ["count", "u32"]],
    { ...target, subgroup: 0 }
  )}
@compute @workgroup_size(${lanes3})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes3}u + local;
  if (index >= im.count) { return; }
  let head = (index / im.blocks) % im.H;
  let batch = index / (im.blocks * im.H);
  let kv = head * im.G / im.H;
  ${each.map(
    (r) => `let t${r} = (index % im.blocks) * ${R3}u + ${r}u;
  let i${r} = min(t${r}, im.T - 1u);
  let row${r} = batch * im.T + i${r};
  let at${r} = row${r} * im.H + head;
  ${sight.limits(`row${r}`, `i${r}`, `${r}`)}
  ${d2.map((x) => `let q${r}_${x} = b0[at${r} * ${h.nd}u + ${x}u] * im.scale;`).join(" ")}
  ${e.map((x) => `var o${r}_${x} = ${loadType2(h.ve)}();`).join(" ")}
  var m${r} = -1e30f; var l${r} = 0f;`
  ).join("\n  ")}
  let end = ${each.reduce((text, r) => text === "" ? `hi${r}` : `max(${text}, hi${r})`, "")};
  for (var j = ${each.reduce((text, r) => text === "" ? `lo${r}` : `min(${text}, lo${r})`, "")}; j < end; j++) {
    let key = batch * im.S + j;
    let place = key * im.G + kv;
    ${d2.map((x) => `let k${x} = b1[place * ${h.nd}u + ${x}u];`).join(" ")}
    ${each.map((r) => `let s${r} = ${dot(r)}; let sees${r} = j >= lo${r} && j < hi${r}${sight.same(`row${r}`, "key")};`).join("\n    ")}
    ${each.map(
    (r) => `if (sees${r} && s${r} > m${r}) { let c = exp(max(m${r} - s${r}, -87f)); m${r} = s${r}; l${r} *= c; ${e.map((x) => `o${r}_${x} *= c;`).join(" ")} }`
  ).join("\n    ")}
    ${each.map((r) => `let p${r} = select(0f, exp(max(s${r} - m${r}, -87f)), sees${r}); l${r} += p${r};`).join("\n    ")}
    ${e.map((x) => `{ let v = b2[place * ${h.ne}u + ${x}u]; ${each.map((r) => `o${r}_${x} += p${r} * v;`).join(" ")} }`).join("\n    ")}
  }
  ${each.map(
    (r) => `if (t${r} < im.T) {
    let inverse = select(0f, 1f / l${r}, l${r} > 0f);
    ${e.map((x) => `b${o}[at${r} * ${h.ne}u + ${x}u] = o${r}_${x} * inverse;`).join(" ")}
    b${o + 1}[at${r}] = select(-1e30f, m${r} + log(l${r}), l${r} > 0f);
  }`
  ).join("\n  ")}
}
`;
  return {
    kernel: "attention",
    wgsl,
    immediates: [...headValues2(h, attrs), blocks, count],
    grid: fold2(Math.ceil(count / lanes3), target),
    bindings
  };
}
function splitKeys2(attrs, h, bindings, target) {
  const sight = sightOf2(attrs, 3);
  const o = 3 + sight.inputs;
  const teams = Math.floor(lanes3 / h.ne);
  const vector = loadType2(h.ve);
  const tree = (operation) => list2(6).map((x) => 32 >> x).map((n) => `if (local < ${n}u) { numbers[local] = ${operation("numbers[local]", `numbers[local + ${n}u]`)}; } workgroupBarrier();`).join("\n    ");
  const wgsl = `${header2(
    [loadType2(h.vd), loadType2(h.vd), vector, ...sight.types, vector, "f32"],
    [...headNames2, ["count", "u32"]],
    { ...target, subgroup: 0 }
  )}
var<workgroup> numbers: array<f32, ${lanes3}>;
var<workgroup> weights: array<f32, ${lanes3}>;
var<workgroup> sums: array<${vector}, ${lanes3}>;
var<workgroup> limits: vec2u;
@compute @workgroup_size(${lanes3})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.x + group.y * groups.x;
  if (index >= im.count) { return; }
  let head = index % im.H;
  let row = index / im.H;
  let batch = row / im.T;
  let i = row % im.T;
  let kv = head * im.G / im.H;
  if (local == 0u) { ${sight.limits("row", "i", "")} limits = vec2u(lo, hi); }
  let range = workgroupUniformLoad(&limits);
  let team = local / ${h.ne}u;
  let e = local % ${h.ne}u;
  var m = -1e30f; var l = 0f; var sum = ${vector}();
  for (var first = range.x; first < range.y; first += ${lanes3}u) {
    let j = min(first + local, range.y - 1u);
    let key = batch * im.S + j;
    let place = (key * im.G + kv) * ${h.nd}u;
    let sees = first + local < range.y${sight.same("row", "key")};
    var dots = ${loadType2(h.vd)}();
    for (var x = 0u; x < ${h.nd}u; x++) { dots += b0[index * ${h.nd}u + x] * b1[place + x]; }
    let s = select(-1e30f, ${horizontal2("dots", h.vd)} * im.scale, sees);
    numbers[local] = s;
    workgroupBarrier();
    ${tree((a, b) => `max(${a}, ${b})`)}
    let top = max(m, numbers[0]);
    let c = exp(max(m - top, -87f));
    let p = select(0f, exp(max(s - top, -87f)), sees);
    m = top; l = l * c + p;
    weights[local] = p;
    workgroupBarrier();
    sum *= c;
    let n = min(${lanes3}u, range.y - first);
    if (team < ${teams}u) {
      for (var x = team; x < n; x += ${teams}u) { sum += weights[x] * b2[((batch * im.S + first + x) * im.G + kv) * ${h.ne}u + e]; }
    }
  }
  workgroupBarrier();
  numbers[local] = l;
  sums[local] = sum;
  workgroupBarrier();
  ${tree((a, b) => `${a} + ${b}`)}
  let total = numbers[0];
  if (local < ${h.ne}u) {
    var all = sums[local];
    for (var x = 1u; x < ${teams}u; x++) { all += sums[x * ${h.ne}u + local]; }
    b${o}[index * ${h.ne}u + local] = all * select(0f, 1f / total, total > 0f);
  }
  if (local == 0u) { b${o + 1}[index] = select(-1e30f, m + log(total), total > 0f); }
}
`;
  const count = h.B * h.T * h.H;
  return { kernel: "attention_split", wgsl, immediates: [...headValues2(h, attrs), count], grid: fold2(count, target), bindings };
}

// compiler/kernels/attention-grad.ts
var lanes4 = 64;
var attentionGradient2 = {
  doc: "dq by a lane a query row; dk and dv by a lane a key row, over the query heads of its group.",
  implement(attrs, inputs, _outputs, target) {
    const heads = headsOf2(inputs);
    const rows3 = heads.B * heads.T * heads.H;
    return { dispatches: [queries2(attrs, heads, inputs.length, target), keys3(attrs, heads, inputs.length, target)], scratch: [4 * rows3] };
  }
};
var delta2 = { kind: "scratch", index: 0 };
var output2 = (index) => ({ kind: "output", index });
var ofInputs2 = (indices) => indices.map((index) => ({ kind: "input", index }));
function queries2(attrs, h, inputs, target) {
  const R3 = rowsOfLane2(target);
  const sight = sightOf2(attrs, 3);
  const o = 3 + sight.inputs;
  const each = list2(R3);
  const d2 = list2(h.nd);
  const e = list2(h.ne);
  const D = loadType2(h.vd);
  const E = loadType2(h.ve);
  const blocks = Math.ceil(h.T / R3);
  const count = h.B * h.H * blocks;
  const sum = (terms, v) => horizontal2(terms.join(" + "), v);
  const wgsl = `${header2([D, D, E, ...sight.types, E, "f32", E, D, "f32"], [...headNames2, ["blocks", "u32"], ["count", "u32"]], { ...target, subgroup: 0 })}
@compute @workgroup_size(${lanes4})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes4}u + local;
  if (index >= im.count) { return; }
  let head = (index / im.blocks) % im.H;
  let batch = index / (im.blocks * im.H);
  let kv = head * im.G / im.H;
  ${each.map(
    (r) => `let t${r} = (index % im.blocks) * ${R3}u + ${r}u;
  let i${r} = min(t${r}, im.T - 1u);
  let row${r} = batch * im.T + i${r};
  let at${r} = row${r} * im.H + head;
  ${sight.limits(`row${r}`, `i${r}`, `${r}`)}
  ${d2.map((x) => `let q${r}_${x} = b0[at${r} * ${h.nd}u + ${x}u] * im.scale; var g${r}_${x} = ${D}();`).join(" ")}
  ${e.map((x) => `let w${r}_${x} = b${o + 2}[at${r} * ${h.ne}u + ${x}u];`).join(" ")}
  let lse${r} = b${o + 1}[at${r}];
  let delta${r} = ${sum(
      e.map((x) => `w${r}_${x} * b${o}[at${r} * ${h.ne}u + ${x}u]`),
      h.ve
    )};`
  ).join("\n  ")}
  let end = ${each.reduce((text, r) => text === "" ? `hi${r}` : `max(${text}, hi${r})`, "")};
  for (var j = ${each.reduce((text, r) => text === "" ? `lo${r}` : `min(${text}, lo${r})`, "")}; j < end; j++) {
    let key = batch * im.S + j;
    let place = key * im.G + kv;
    ${d2.map((x) => `let k${x} = b1[place * ${h.nd}u + ${x}u];`).join(" ")}
    ${each.map((r) => `let sees${r} = j >= lo${r} && j < hi${r}${sight.same(`row${r}`, "key")};`).join(" ")}
    ${each.map((r) => `var dp${r} = ${E}();`).join(" ")}
    ${e.map((x) => `{ let v = b2[place * ${h.ne}u + ${x}u]; ${each.map((r) => `dp${r} += w${r}_${x} * v;`).join(" ")} }`).join("\n    ")}
    ${each.map(
    (r) => `let s${r} = ${sum(
      d2.map((x) => `q${r}_${x} * k${x}`),
      h.vd
    )};
    let ds${r} = select(0f, exp(clamp(s${r} - lse${r}, -87f, 87f)) * (${horizontal2(`dp${r}`, h.ve)} - delta${r}), sees${r});`
  ).join("\n    ")}
    ${d2.map((x) => each.map((r) => `g${r}_${x} += ds${r} * k${x};`).join(" ")).join(" ")}
  }
  ${each.map(
    (r) => `if (t${r} < im.T) {
    ${d2.map((x) => `b${o + 3}[at${r} * ${h.nd}u + ${x}u] = g${r}_${x} * im.scale;`).join(" ")}
    b${o + 4}[at${r}] = delta${r};
  }`
  ).join("\n  ")}
}
`;
  return {
    kernel: "attention_gradient_q",
    wgsl,
    immediates: [...headValues2(h, attrs), blocks, count],
    grid: fold2(Math.ceil(count / lanes4), target),
    bindings: [...ofInputs2(list2(inputs)), output2(0), delta2]
  };
}
function keys3(attrs, h, inputs, target) {
  const R3 = rowsOfLane2(target);
  const sight = sightOf2(attrs, 3);
  const lse = 3 + sight.inputs;
  const each = list2(R3);
  const d2 = list2(h.nd);
  const e = list2(h.ne);
  const D = loadType2(h.vd);
  const E = loadType2(h.ve);
  const blocks = Math.ceil(h.S / R3);
  const count = h.B * h.G * blocks;
  const begin = attrs.bound === "causal" ? "u32(max(i32(j0 + im.T) - i32(im.S), 0))" : "0u";
  const end = attrs.bound === "causal" && attrs.window > 0 ? `u32(clamp(i32(j${R3 - 1} + im.window + im.T) - i32(im.S), 0, i32(im.T)))` : "im.T";
  const sum = (terms, v) => horizontal2(terms.join(" + "), v);
  const wgsl = `${header2([D, D, E, ...sight.types, "f32", E, "f32", D, E], [...headNames2, ["blocks", "u32"], ["count", "u32"]], { ...target, subgroup: 0 })}
@compute @workgroup_size(${lanes4})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.x + group.y * groups.x) * ${lanes4}u + local;
  if (index >= im.count) { return; }
  let kv = (index / im.blocks) % im.G;
  let batch = index / (im.blocks * im.G);
  ${each.map(
    (r) => `let t${r} = (index % im.blocks) * ${R3}u + ${r}u;
  let j${r} = min(t${r}, im.S - 1u);
  let key${r} = batch * im.S + j${r};
  let at${r} = key${r} * im.G + kv;
  ${d2.map((x) => `let k${r}_${x} = b1[at${r} * ${h.nd}u + ${x}u] * im.scale; var dk${r}_${x} = ${D}();`).join(" ")}
  ${e.map((x) => `let v${r}_${x} = b2[at${r} * ${h.ne}u + ${x}u]; var dv${r}_${x} = ${E}();`).join(" ")}`
  ).join("\n  ")}
  let heads = im.H / im.G;
  let begin = ${begin};
  let end = ${end};
  for (var head = kv * heads; head < (kv + 1u) * heads; head++) {
    for (var i = begin; i < end; i++) {
      let row = batch * im.T + i;
      let at = row * im.H + head;
      ${sight.limits("row", "i", "")}
      let lse = b${lse}[at]; let delta = b${lse + 2}[at];
      ${d2.map((x) => `let q${x} = b0[at * ${h.nd}u + ${x}u];`).join(" ")}
      ${e.map((x) => `let w${x} = b${lse + 1}[at * ${h.ne}u + ${x}u];`).join(" ")}
      ${each.map(
    (r) => `let s${r} = ${sum(
      d2.map((x) => `q${x} * k${r}_${x}`),
      h.vd
    )};
      let p${r} = select(0f, exp(clamp(s${r} - lse, -87f, 87f)), j${r} >= lo && j${r} < hi${sight.same("row", `key${r}`)});
      let ds${r} = p${r} * (${sum(
      e.map((x) => `w${x} * v${r}_${x}`),
      h.ve
    )} - delta);`
  ).join("\n      ")}
      ${e.map((x) => each.map((r) => `dv${r}_${x} += p${r} * w${x};`).join(" ")).join(" ")}
      ${d2.map((x) => each.map((r) => `dk${r}_${x} += ds${r} * q${x};`).join(" ")).join(" ")}
    }
  }
  ${each.map(
    (r) => `if (t${r} < im.S) {
    ${d2.map((x) => `b${lse + 3}[at${r} * ${h.nd}u + ${x}u] = dk${r}_${x} * im.scale;`).join(" ")}
    ${e.map((x) => `b${lse + 4}[at${r} * ${h.ne}u + ${x}u] = dv${r}_${x};`).join(" ")}
  }`
  ).join("\n  ")}
}
`;
  const saved = inputs - 3;
  return {
    kernel: "attention_gradient_kv",
    wgsl,
    immediates: [...headValues2(h, attrs), blocks, count],
    grid: fold2(Math.ceil(count / lanes4), target),
    bindings: [...ofInputs2([...list2(saved), saved + 1, saved + 2]), delta2, output2(1), output2(2)]
  };
}

// compiler/kernels/items.ts
var lanes5 = 64;
function perItem2(items, target) {
  const blocks = Math.ceil(items.count / lanes5);
  const run = target.software ? Math.min(64, Math.max(1, Math.floor(blocks / 16))) : 1;
  const names = [["count", "u32"], ["run", "u32"], ...items.immediates.map(([name, type]) => [name, type])];
  const wgsl = `${header2(items.types, names, { ...target, subgroup: 0 })}${items.functions ?? ""}
@compute @workgroup_size(${lanes5})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let begin = (group.x + group.y * groups.x) * im.run * ${lanes5}u + local;
  for (var r = 0u; r < im.run; r++) {
    let at = begin + r * ${lanes5}u;
    if (at >= im.count) { break; }
    ${items.body}
  }
}
`;
  return {
    kernel: items.kernel,
    wgsl,
    immediates: [items.count, run, ...items.immediates.map(([, , value]) => value)],
    grid: fold2(Math.ceil(blocks / run), target),
    bindings: items.bindings
  };
}

// compiler/kernels/copy.ts
function strides2(shape) {
  const result = new Array(shape.length).fill(1);
  let step3 = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    result[i] = step3;
    step3 *= shape[i] ?? 1;
  }
  return result;
}
function merge2(walk) {
  const dims = [];
  const from = [];
  const to = [];
  walk.dims.forEach((dim, i) => {
    if (dim === 1) return;
    const f2 = walk.from[i] ?? 0;
    const t = walk.to[i] ?? 0;
    const top = dims.length - 1;
    if (top >= 0 && from[top] === f2 * dim && to[top] === t * dim) {
      dims[top] = (dims[top] ?? 1) * dim;
      from[top] = f2;
      to[top] = t;
    } else {
      dims.push(dim);
      from.push(f2);
      to.push(t);
    }
  });
  if (dims.length === 0) return { ...walk, dims: [1], from: [1], to: [1] };
  return { ...walk, dims, from, to };
}
function copyCall2(walk, bindings, target) {
  const merged = merge2(walk);
  const scattered = merged.toOffset !== 0 || strides2(merged.dims).some((stride, i) => stride !== merged.to[i]);
  const rank = [1, 2, 4, 6].find((r) => r >= merged.dims.length);
  if (rank === void 0 || scattered && rank > 4) throw new RangeError(`copy of rank ${merged.dims.length}`);
  const fill = (list3, value) => [...new Array(rank - list3.length).fill(value), ...list3];
  const inner = fill(merged.dims, 1).slice(1);
  const axes = Array.from({ length: rank }, (_, i) => i);
  const named = (name, value) => [name, "u32", value];
  const immediates = [
    ...inner.map((dim, i) => named(`d${i + 1}`, dim)),
    named("source", merged.fromOffset),
    ...fill(merged.from, 0).map((stride, i) => named(`f${i}`, stride)),
    ...scattered ? [named("result", merged.toOffset), ...fill(merged.to, 0).map((stride, i) => named(`t${i}`, stride))] : []
  ];
  const unravel = [...axes].reverse().map((i) => i === 0 ? "let i0 = rest;" : `let i${i} = rest % im.d${i}; rest = rest / im.d${i};`);
  const sum = (prefix) => axes.map((i) => `i${i} * im.${prefix}${i}`).join(" + ");
  const body = `var rest = at; ${unravel.join(" ")}
    b1[${scattered ? `im.result + ${sum("t")}` : "at"}] = b0[im.source + ${sum("f")}];`;
  return perItem2({ kernel: "copy", types: ["u32", "u32"], immediates, body, count: elements(merged.dims), bindings }, target);
}
function transposedCopy2(copies, rows3, columns3, from, to, target) {
  const walk = {
    dims: [copies, columns3, rows3],
    from: [rows3 * columns3, 1, columns3],
    to: [rows3 * columns3, rows3, 1],
    fromOffset: 0,
    toOffset: 0
  };
  return copyCall2(walk, [from, to], target);
}
function fillCall2(count, binding, target, word = 0) {
  const immediates = [["word", "u32", word]];
  return perItem2({ kernel: "fill", types: ["u32"], immediates, body: "b0[at] = im.word;", count, bindings: [binding] }, target);
}
var input02 = { kind: "input", index: 0 };
var output03 = { kind: "output", index: 0 };
function shapeOf2(types, index = 0) {
  const type = types[index];
  if (type === void 0) throw new RangeError(`a copy without operand ${index}`);
  return type.shape;
}
function single2(walk, target) {
  return { dispatches: [copyCall2(walk, [input02, output03], target)], scratch: [] };
}
var transpose2 = {
  doc: "Strided copy: the result is written in order, the source read by permuted strides.",
  implement(attrs, inputs, outputs, target) {
    const source = strides2(shapeOf2(inputs));
    const dims = shapeOf2(outputs);
    const from = attrs.order.map((axis) => source[axis] ?? 0);
    return single2({ dims, from, to: strides2(dims), fromOffset: 0, toOffset: 0 }, target);
  }
};
var broadcast2 = {
  doc: "Strided copy with a source stride of 0 on repeated axes.",
  implement(_attrs, inputs, outputs, target) {
    const shape = shapeOf2(inputs);
    const dims = shapeOf2(outputs);
    const source = strides2(shape);
    const lead = dims.length - shape.length;
    const from = dims.map((dim, i) => i < lead || shape[i - lead] === 1 && dim !== 1 ? 0 : source[i - lead] ?? 0);
    return single2({ dims, from, to: strides2(dims), fromOffset: 0, toOffset: 0 }, target);
  }
};
var slice2 = {
  doc: "Strided copy from an offset.",
  implement(attrs, inputs, outputs, target) {
    const dims = shapeOf2(outputs);
    const from = strides2(shapeOf2(inputs));
    const fromOffset = attrs.starts.reduce((sum, start, i) => sum + start * (from[i] ?? 0), 0);
    return single2({ dims, from, to: strides2(dims), fromOffset, toOffset: 0 }, target);
  }
};
var concat2 = {
  doc: "One strided copy an operand, each to its place on the axis.",
  implement(attrs, inputs, outputs, target) {
    const shape = shapeOf2(outputs);
    const inner = elements(shape.slice(attrs.axis + 1));
    const outer = elements(shape.slice(0, attrs.axis));
    const pitch = (shape[attrs.axis] ?? 1) * inner;
    let offset = 0;
    const dispatches = inputs.map((type, index) => {
      const run = (type.shape[attrs.axis] ?? 1) * inner;
      const walk = { dims: [outer, run], from: [run, 1], to: [pitch, 1], fromOffset: 0, toOffset: offset };
      offset += run;
      return copyCall2(walk, [{ kind: "input", index }, output03], target);
    });
    return { dispatches, scratch: [] };
  }
};
function paddedAxes2(shape, attrs) {
  const axes = [];
  shape.forEach((dim, i) => {
    const before = attrs.before[i] ?? 0;
    const after = attrs.after[i] ?? 0;
    const top = axes[axes.length - 1];
    if (top !== void 0 && before === 0 && after === 0) {
      top.dim *= dim;
      top.before *= dim;
      top.after *= dim;
    } else axes.push({ dim, before, after });
  });
  return axes;
}
var pad2 = {
  doc: "Zeros, then a strided copy into the middle; ranks above 4 (after merging) copy one outer index at a time.",
  implement(attrs, inputs, outputs, target) {
    const axes = paddedAxes2(shapeOf2(inputs), attrs);
    const dims = axes.map(({ dim }) => dim);
    const from = strides2(dims);
    const to = strides2(axes.map(({ dim, before, after }) => dim + before + after));
    const toOffset = axes.reduce((sum, { before }, i) => sum + before * (to[i] ?? 0), 0);
    const dispatches = [fillCall2(elements(shapeOf2(outputs)), output03, target)];
    const walkFrom = (axis, fromOffset, toOffset_) => {
      if (dims.length - axis <= 4) {
        const walk = { dims: dims.slice(axis), from: from.slice(axis), to: to.slice(axis), fromOffset, toOffset: toOffset_ };
        dispatches.push(copyCall2(walk, [input02, output03], target));
        return;
      }
      for (let i = 0; i < (dims[axis] ?? 1); i++) walkFrom(axis + 1, fromOffset + i * (from[axis] ?? 0), toOffset_ + i * (to[axis] ?? 0));
    };
    walkFrom(0, 0, toOffset);
    return { dispatches, scratch: [] };
  }
};
var cast2 = {
  doc: "The same number in another dtype.",
  implement(attrs, inputs, outputs, target) {
    const type = inputs[0]?.dtype ?? "f32";
    const count = elements(shapeOf2(outputs));
    const body = `b1[at] = ${attrs.dtype}(b0[at]);`;
    const dispatch = perItem2({ kernel: "cast", types: [type, attrs.dtype], immediates: [], body, count, bindings: [input02, output03] }, target);
    return { dispatches: [dispatch], scratch: [] };
  }
};

// compiler/kernels/gemv.ts
var along2 = 16;
var columns2 = 4;
function rowsTogether(M) {
  return M === 1 ? 1 : M === 2 ? 2 : 4;
}
function matvec2(problem, epilogue, bindings, target) {
  return target.software ? columnLanes(problem, epilogue, bindings, target) : innerLanes(problem, epilogue, bindings, target);
}
function columnLanes(problem, epilogue, bindings, target) {
  const { M, N, K } = problem;
  const R3 = rowsTogether(M);
  const rows3 = Array.from({ length: R3 }, (_, r) => r);
  const lane = K % 4 === 0 ? "vec4f" : "f32";
  const lanes6 = 32;
  const extra = periods2(epilogue);
  const names = ["M", "N", "tilesN", "tiles", "steps"].map((name) => [name, "u32"]);
  const tilesN = Math.ceil(N / lanes6);
  const tiles = Math.ceil(M / R3) * tilesN;
  const total = (r) => lane === "vec4f" ? `(s${r}.x + s${r}.y) + (s${r}.z + s${r}.w)` : `s${r}`;
  const wgsl = `${header2([lane, lane, ...epilogueTypes2(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers2(epilogue, "f32")}
@compute @workgroup_size(${lanes6})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  let col = (tile % im.tilesN) * ${lanes6}u + local;
  if (tile >= im.tiles || col >= im.N) { return; }
  let m = (tile / im.tilesN) * ${R3}u;
  let w = col * im.steps;
  ${rows3.map((r) => `let p${r} = min(m + ${r}u, im.M - 1u) * im.steps; var s${r} = ${lane}();`).join("\n  ")}
  for (var k = 0u; k < im.steps; k++) {
    let b = b1[w + k];
    ${rows3.map((r) => `s${r} = fma(b0[p${r} + k], b, s${r});`).join(" ")}
  }
  for (var r = 0u; r < min(im.M - m, ${R3}u); r++) {
    let row = m + r;
    var s = ${total(0)};
    ${rows3.slice(1).map((r) => `s = select(s, ${total(r)}, r == ${r}u);`).join(" ")}
    ${store2(epilogue, "s", "row", "col", "f32", "e")}
  }
}
`;
  const steps = lane === "vec4f" ? K / 4 : K;
  return { kernel: "matvec", wgsl, immediates: [M, N, tilesN, tiles, steps, ...extra.values], grid: fold2(tiles, target), bindings };
}
function innerLanes(problem, epilogue, bindings, target) {
  const { M, N, K } = problem;
  const R3 = rowsTogether(M);
  const rows3 = Array.from({ length: R3 }, (_, r) => r);
  const lane = K % 4 === 0 ? "vec4f" : "f32";
  const extra = periods2(epilogue);
  const names = ["M", "N", "K", "tilesN", "tiles", "steps"].map((name) => [name, "u32"]);
  const tilesN = Math.ceil(N / columns2);
  const tiles = Math.ceil(M / R3) * tilesN;
  const steps = lane === "vec4f" ? K / 4 : K;
  const total = (r) => lane === "vec4f" ? `(s${r}.x + s${r}.y) + (s${r}.z + s${r}.w)` : `s${r}`;
  const half = (distance) => `workgroupBarrier(); if (lane < ${distance}u) { ${rows3.map((r) => `part[at + ${r * along2 * columns2}u] += part[at + ${r * along2 * columns2 + distance}u];`).join(" ")} }`;
  const halves = [];
  for (let distance = along2 / 2; distance >= 1; distance /= 2) halves.push(half(distance));
  const wgsl = `${header2([lane, lane, ...epilogueTypes2(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers2(epilogue, "f32")}
var<workgroup> part: array<f32, ${R3 * along2 * columns2}>;
@compute @workgroup_size(${along2 * columns2})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  if (tile >= im.tiles) { return; }
  let lane = local % ${along2}u;
  let at = local;
  let col = (tile % im.tilesN) * ${columns2}u + local / ${along2}u;
  let m = (tile / im.tilesN) * ${R3}u;
  let w = min(col, im.N - 1u) * im.steps;
  ${rows3.map((r) => `let p${r} = min(m + ${r}u, im.M - 1u) * im.steps; var s${r} = ${lane}();`).join("\n  ")}
  for (var k = lane; k < im.steps; k += ${along2}u) {
    let b = b1[w + k];
    ${rows3.map((r) => `s${r} = fma(b0[p${r} + k], b, s${r});`).join(" ")}
  }
  ${rows3.map((r) => `part[at + ${r * along2 * columns2}u] = ${total(r)};`).join(" ")}
  ${halves.join("\n  ")}
  if (lane == 0u && col < im.N) {
    ${rows3.map((r) => `if (m + ${r}u < im.M) { let row = m + ${r}u; let s = part[at + ${r * along2 * columns2}u]; ${store2(epilogue, "s", "row", "col", "f32", "e")} }`).join("\n    ")}
  }
}
`;
  return { kernel: "matvec", wgsl, immediates: [M, N, K, tilesN, tiles, steps, ...extra.values], grid: fold2(tiles, target), bindings };
}

// compiler/kernels/render.ts
function literal2(value) {
  if (Number.isNaN(value)) throw new RangeError("NaN has no WGSL literal");
  const largest = 34028234663852886e22;
  const rounded = Math.fround(Math.min(largest, Math.max(-largest, value)));
  return rounded < 0 ? `(${rounded}f)` : `${Math.abs(rounded)}f`;
}
var helpers2 = {
  sigmoid: {
    needs: [],
    text: (T) => `fn sigmoid_${T}(x: ${T}) -> ${T} { return ${T}(1f) / (${T}(1f) + exp(min(-x, ${T}(88f)))); }`
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
}`
  },
  // x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): no cancellation in the negative tail.
  gelu: {
    needs: ["sigmoid"],
    text: (T) => `fn gelu_${T}(x: ${T}) -> ${T} { return x * sigmoid_${T}(1.5957691216f * x * (${T}(1f) + 0.044715f * x * x)); }`
  },
  gelu_exact: {
    needs: ["erf"],
    text: (T) => `fn gelu_exact_${T}(x: ${T}) -> ${T} { return 0.5f * x * (${T}(1f) + erf_${T}(0.7071067812f * x)); }`
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
}`
  },
  // WGSL's pow is undefined for a negative base; an integer exponent is common.
  power: {
    needs: [],
    text: (T) => `fn power_${T}(x: ${T}, y: ${T}) -> ${T} {
  let magnitude = select(pow(abs(x), y), ${T}(0f), x == ${T}(0f));
  let odd = abs(y - 2f * floor(0.5f * y)) == ${T}(1f);
  let signed = select(magnitude, -magnitude, (x < ${T}(0f)) & odd);
  return select(signed, ${T}(1f), y == ${T}(0f));
}`
  }
};
var unaryHelper2 = {
  sigmoid: "sigmoid",
  silu: "sigmoid",
  gelu: "gelu",
  gelu_exact: "gelu_exact",
  erf: "erf",
  sin: "sine",
  cos: "sine"
};
function renderUnary2(op, x, T = "f32") {
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
function renderBinary2(op, x, y, T = "f32") {
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
function renderWhere2(condition, x, y, T = "f32") {
  return `select(${y}, ${x}, ${condition} != ${T}(0f))`;
}
function helpersFor2(ops, T = "f32") {
  const wanted = /* @__PURE__ */ new Set();
  const want = (name) => {
    for (const need of helpers2[name].needs) want(need);
    wanted.add(name);
  };
  for (const op of ops) {
    const name = op === "pow" ? "power" : unaryHelper2[op];
    if (name !== void 0) want(name);
  }
  return [...wanted].map((name) => `${helpers2[name].text(T)}
`).join("");
}
function opsOf2(exprs) {
  const found = /* @__PURE__ */ new Set();
  const seen = /* @__PURE__ */ new Set();
  const visit = (expr) => {
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
function renderBlock2(exprs, env, T = "f32", prefix = "e") {
  const statements = [];
  const byText = /* @__PURE__ */ new Map();
  const byNode = /* @__PURE__ */ new Map();
  const bind = (text) => {
    const known = byText.get(text);
    if (known !== void 0) return known;
    const name = `${prefix}${byText.size}`;
    byText.set(text, name);
    statements.push(`let ${name} = ${text};`);
    return name;
  };
  const visit = (expr) => {
    const known = byNode.get(expr);
    if (known !== void 0) return known;
    const text = of(expr);
    byNode.set(expr, text);
    return text;
  };
  const of = (expr) => {
    switch (expr.kind) {
      case "accumulator":
        return env.accumulator;
      case "constant":
        return T === "f32" ? literal2(expr.value) : `vec4f(${literal2(expr.value)})`;
      case "load":
        return bind(env.load(expr.operand, expr.access));
      case "index":
        return bind(renderIndex2(expr.axis, env, T));
      case "unary":
        return bind(renderUnary2(expr.op, visit(expr.x), T));
      case "binary":
        return bind(renderBinary2(expr.op, visit(expr.x), visit(expr.y), T));
      case "where":
        return bind(renderWhere2(visit(expr.condition), visit(expr.x), visit(expr.y), T));
    }
  };
  const values = exprs.map(visit);
  return { statements, values };
}
function renderIndex2(axis, env, T) {
  if (axis === "row") return `${T}(f32(${env.row}))`;
  return T === "f32" ? `f32(${env.col})` : `(vec4f(f32(${env.col})) + vec4f(0f, 1f, 2f, 3f))`;
}

// compiler/kernels/gemm.ts
var plainEpilogue2 = { operands: [], results: [{ kind: "accumulator" }] };
function problemOf2(attrs, inputs) {
  const [a, b] = inputs;
  if (a === void 0 || b === void 0 || a.shape.length < 2 || b.shape.length < 2) throw new RangeError("matmul: two matrices");
  const at = (shape, fromEnd) => shape[shape.length - fromEnd] ?? 1;
  const M = at(a.shape, attrs.transposeA ? 1 : 2);
  const K = at(a.shape, attrs.transposeA ? 2 : 1);
  const N = at(b.shape, attrs.transposeB ? 2 : 1);
  const lead = elements(a.shape.slice(0, -2));
  const sharedB = b.shape.length === 2;
  if (sharedB && !attrs.transposeA) return { batch: 1, M: lead * M, N, K, ...attrs, sharedB: true };
  return { batch: lead, M, N, K, ...attrs, sharedB };
}
var fewRows4 = 16;
function matmul2(attrs, inputs, outputs, target, epilogue = plainEpilogue2) {
  const problem = problemOf2(attrs, inputs);
  const bindings = operandBindings2(epilogue);
  if (problem.batch === 1 && problem.M <= fewRows4 && problem.transposeB && !problem.transposeA) {
    return { dispatches: [matvec2(problem, epilogue, bindings, target)], scratch: [] };
  }
  if (!target.software) return { dispatches: [tiled2(problem, epilogue, bindings, target)], scratch: [] };
  if (!problem.transposeB) return { dispatches: [registers2(problem, epilogue, bindings, target)], scratch: [] };
  const [, b] = inputs;
  const scratch = { kind: "scratch", index: 0 };
  const copies = problem.sharedB ? 1 : problem.batch;
  const copy = transposedCopy2(copies, problem.N, problem.K, { kind: "input", index: 1 }, scratch, target);
  const straight = { ...problem, transposeB: false };
  const swapped = bindings.map((binding, i) => i === 1 ? scratch : binding);
  return { dispatches: [copy, registers2(straight, epilogue, swapped, target)], scratch: [4 * elements(b?.shape ?? [])] };
}
function operandBindings2(epilogue) {
  const inputs = [0, 1, ...epilogue.operands.map((_, i) => i + 2)].map((index) => ({ kind: "input", index }));
  return [...inputs, ...epilogue.results.map((_, index) => ({ kind: "output", index }))];
}
function periods2(epilogue) {
  const withPeriod = epilogue.operands.flatMap((operand, i) => operand.access === "period" ? [{ i, period: operand.period ?? 1 }] : []);
  return { names: withPeriod.map(({ i }) => [`period${i}`, "u32"]), values: withPeriod.map(({ period }) => period) };
}
function epilogueTypes2(epilogue, lane) {
  const operands = epilogue.operands.map(({ access }) => access === "row" || access === "one" ? "f32" : lane);
  return [...operands, ...epilogue.results.map(() => lane)];
}
function epilogueHelpers2(epilogue, lane) {
  return helpersFor2(opsOf2(epilogue.results), lane);
}
function store2(epilogue, accumulator, row, col, lane, prefix) {
  const width = lane === "f32" ? "im.N" : "(im.N / 4u)";
  const column = lane === "f32" ? col : `(${col} / 4u)`;
  const splat = (text) => lane === "f32" ? text : `vec4f(${text})`;
  const env = {
    row,
    col,
    accumulator,
    load: (operand, access) => {
      const buffer = `b${operand + 2}`;
      switch (access) {
        case "full":
          return `${buffer}[${row} * ${width} + ${column}]`;
        case "row":
          return splat(`${buffer}[${row}]`);
        case "col":
          return `${buffer}[${column}]`;
        case "one":
          return splat(`${buffer}[0]`);
        case "period":
          return `${buffer}[(${row} % im.period${operand}) * ${width} + ${column}]`;
      }
    }
  };
  const block = renderBlock2(epilogue.results, env, lane, prefix);
  const first = 2 + epilogue.operands.length;
  const stores = block.values.map((value, i) => `b${first + i}[${row} * ${width} + ${column}] = ${value};`);
  return [...block.statements, ...stores].join(" ");
}
var R2 = 8;
var workgroup2 = 64;
function registers2(problem, epilogue, bindings, target) {
  const { batch, M, N, K, transposeA } = problem;
  const S = target.subgroup > 0 && target.subgroup <= workgroup2 ? target.subgroup : 0;
  const width = S > 0 ? S : 8;
  const lane = N % 4 === 0 ? "vec4f" : "f32";
  const extra = periods2(epilogue);
  const names = ["M", "N", "K", "tilesM", "tilesN", "tiles", "stepM", "stepK", "batchB", ...lane === "f32" ? ["columns"] : []].map((name) => [name, "u32"]);
  const tilesM = Math.ceil(M / R2);
  const tilesN = Math.ceil(N / (4 * width));
  const tiles = batch * tilesM * tilesN;
  const immediates = [M, N, K, tilesM, tilesN, tiles, transposeA ? 1 : K, transposeA ? M : 1, problem.sharedB ? 0 : K * N, ...lane === "f32" ? [4] : [], ...extra.values];
  const rows3 = Array.from({ length: R2 }, (_, r) => r);
  const loadB = (k) => lane === "vec4f" ? `b1[baseB + (${k}) * stepB]` : `vec4f(b1[baseB + (${k}) * stepB + c0], b1[baseB + (${k}) * stepB + c1], b1[baseB + (${k}) * stepB + c2], b1[baseB + (${k}) * stepB + c3])`;
  const columns3 = lane === "vec4f" ? `let col = (t % im.tilesN) * ${4 * width}u + 4u * lane;
  let stepB = im.N / 4u;
  let baseB = (batch * im.batchB) / 4u + min(col, im.N - 4u) / 4u;` : `let col = (t % im.tilesN) * ${4 * width}u + lane;
  let stepB = im.N;
  let baseB = batch * im.batchB;
  let last = im.N - 1u;
  ${[0, 1, 2, 3].map((c) => `let c${c} = min(col + ${c * width}u, last);`).join(" ")}`;
  const main = S > 0 ? `for (var k = 0u; k < im.K; k += ${S}u) {
    let ka = min(k + lane, im.K - 1u) * im.stepK;
    let there = select(0f, 1f, k + lane < im.K);
    ${rows3.map((r) => `let a${r} = b0[p${r} + ka] * there;`).join(" ")}
    ${Array.from({ length: S }, (_, j) => `{ let b = ${loadB(`min(k + ${j}u, im.K - 1u)`)}; ${rows3.map((r) => `s${r} += subgroupBroadcast(a${r}, ${j}u) * b;`).join(" ")} }`).join("\n    ")}
  }` : `for (var k = 0u; k < im.K; k++) {
    let b = ${loadB("k")};
    ${rows3.map((r) => `s${r} += b0[p${r} + k * im.stepK] * b;`).join(" ")}
  }`;
  const write = lane === "vec4f" ? store2(epilogue, "s", "row", "col", lane, "e") : `for (var c = 0u; c < im.columns; c++) { let cc = col + c * ${width}u; if (cc < im.N) { let s_ = select(select(s.x, s.y, c == 1u), select(s.z, s.w, c == 3u), c >= 2u); ${store2(epilogue, "s_", "row", "cc", lane, "e")} } }`;
  const wgsl = `${header2(["f32", lane, ...epilogueTypes2(epilogue, lane)], [...names, ...extra.names], { ...target, subgroup: S })}${epilogueHelpers2(epilogue, lane)}
@compute @workgroup_size(${workgroup2})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % ${width}u;
  let index = (group.x + group.y * groups.x) * ${workgroup2 / width}u + local / ${width}u;
  let tile = min(index, im.tiles - 1u);
  let perBatch = im.tilesM * im.tilesN;
  let batch = tile / perBatch;
  let t = tile % perBatch;
  let m = (t / im.tilesN) * ${R2}u;
  ${columns3}
  let baseA = batch * im.M * im.K;
  ${rows3.map((r) => `let p${r} = baseA + min(m + ${r}u, im.M - 1u) * im.stepM;`).join("\n  ")}
  ${rows3.map((r) => `var s${r} = vec4f();`).join(" ")}
  ${main}
  if (index >= im.tiles || col >= im.N) { return; }
  let first = batch * im.M + m;
  // A loop whose length the compiler does not know, so that the text of the epilogue is compiled once, not for each row.
  for (var r = 0u; r < min(im.M - m, ${R2}u); r++) {
    let row = first + r;
    var s = s0;
    ${rows3.slice(1).map((r) => `s = select(s, s${r}, r == ${r}u);`).join(" ")}
    ${write}
  }
}
`;
  return {
    kernel: "matmul",
    wgsl,
    immediates,
    grid: fold2(Math.ceil(tiles / (workgroup2 / width)), target),
    bindings
  };
}
var side2 = 64;
var step2 = 16;
function tiled2(problem, epilogue, bindings, target) {
  const { batch, M, N, K, transposeA, transposeB } = problem;
  const extra = periods2(epilogue);
  const names = ["M", "N", "K", "tilesM", "tilesN", "tiles", "batchB"].map((name) => [name, "u32"]);
  const tilesM = Math.ceil(M / side2);
  const tilesN = Math.ceil(N / side2);
  const tiles = batch * tilesM * tilesN;
  const immediates = [M, N, K, tilesM, tilesN, tiles, problem.sharedB ? 0 : K * N, ...extra.values];
  const fill = (buffer, shared, inner, base, origin, limit) => `
    for (var i = local; i < ${side2 * step2}u; i += 256u) {
      let kk = ${inner ? `i % ${step2}u` : `i / ${side2}u`};
      let x = ${inner ? `i / ${step2}u` : `i % ${side2}u`};
      var value = 0f;
      if (k + kk < im.K && ${origin} + x < ${limit}) { value = ${buffer}[${base} + ${inner ? `(${origin} + x) * im.K + k + kk` : `(k + kk) * ${limit} + ${origin} + x`}]; }
      ${shared}[kk * ${side2 + 4}u + x] = value;
    }`;
  const four = [0, 1, 2, 3];
  const wgsl = `${header2(["f32", "f32", ...epilogueTypes2(epilogue, "f32")], [...names, ...extra.names], { ...target, subgroup: 0 })}${epilogueHelpers2(epilogue, "f32")}
var<workgroup> as_: array<f32, ${step2 * (side2 + 4)}>;
var<workgroup> bs_: array<f32, ${step2 * (side2 + 4)}>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let tile = group.x + group.y * groups.x;
  if (tile >= im.tiles) { return; }
  let perBatch = im.tilesM * im.tilesN;
  let batch = tile / perBatch;
  let t = tile % perBatch;
  let m = (t / im.tilesN) * ${side2}u;
  let n = (t % im.tilesN) * ${side2}u;
  let baseA = batch * im.M * im.K;
  let baseB = batch * im.batchB;
  let y = (local / 16u) * 4u;
  let x = (local % 16u) * 4u;
  ${four.map((r) => `var s${r} = vec4f();`).join(" ")}
  for (var k = 0u; k < im.K; k += ${step2}u) {${fill("b0", "as_", !transposeA, "baseA", "m", "im.M")}${fill("b1", "bs_", transposeB, "baseB", "n", "im.N")}
    workgroupBarrier();
    for (var kk = 0u; kk < ${step2}u; kk++) {
      let pa = kk * ${side2 + 4}u + y; let pb = kk * ${side2 + 4}u + x;
      let b = vec4f(bs_[pb], bs_[pb + 1u], bs_[pb + 2u], bs_[pb + 3u]);
      ${four.map((r) => `s${r} += as_[pa + ${r}u] * b;`).join(" ")}
    }
    workgroupBarrier();
  }
  ${four.map(
    (r) => `if (m + y + ${r}u < im.M) { let row = batch * im.M + m + y + ${r}u; for (var c = 0u; c < 4u; c++) { let col = n + x + c; if (col < im.N) { ${store2(
      epilogue,
      `s${r}[c]`,
      "row",
      "col",
      "f32",
      "e"
    )} } } }`
  ).join("\n  ")}
}
`;
  return { kernel: "matmul", wgsl, immediates, grid: fold2(tiles, target), bindings };
}

// compiler/ops/weight.ts
var ONE2 = 2 ** 30;
var LOG2E2 = 1549082005;
var LN22 = 2977044472;
var powers2 = Array.from({ length: 32 }, (_, i) => Math.round(2 ** (31 - i / 32)));
var words2 = new DataView(new ArrayBuffer(4));

// compiler/kernels/philox.ts
var sampleKey2 = 1935764848;
var philoxText2 = `fn mul_hi(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let mid = ah * bl + ((al * bl) >> 16u);
  let low = al * bh + (mid & 0xffffu);
  return ah * bh + (mid >> 16u) + (low >> 16u);
}
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter; var k = key;
  for (var i = 0u; i < 10u; i++) {
    let h0 = mul_hi(0xd2511f53u, c.x); let h1 = mul_hi(0xcd9e8d57u, c.z);
    c = vec4u(h1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, h0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
fn unit(word: u32) -> f32 { return f32(word >> 8u) * 5.9604644775390625e-8f; }
`;

// compiler/kernels/sample.ts
var input3 = (index) => ({ kind: "input", index });
var keysBuffer2 = { kind: "scratch", index: 0 };
var weightsBuffer2 = { kind: "scratch", index: 1 };
function lanesOf2(target) {
  return target.software ? 8 : 256;
}
var sample2 = {
  doc: "Order-preserving keys of penalised logits, then a workgroup a lane: radix selection for top-k and top-p, inverse CDF in order of id.",
  implement(_attrs, inputs, _outputs, target) {
    const [B = 1, V = 1] = inputs[0]?.shape ?? [];
    return { dispatches: [keys4(B, V, target), draw2(B, V, target)], scratch: [4 * B * V, 4 * B * V] };
  }
};
function keys4(B, V, target) {
  const functions = `// x / y of positive numbers, correctly rounded: WGSL's own division may be off by 2.5 units in the last place.
fn quotient(x: f32, y: f32) -> f32 {
  let xw = bitcast<u32>(x); let yw = bitcast<u32>(y);
  if ((xw >> 23u) == 0u) { return 0f; }
  var m = (xw & 0x7fffffu) | 0x800000u;
  let n = (yw & 0x7fffffu) | 0x800000u;
  var e = i32(xw >> 23u) - i32(yw >> 23u) + 127;
  if (m < n) { m = m << 1u; e--; }
  var rest = m - n;
  var q = 1u;
  for (var i = 0u; i < 3u; i++) { rest = rest << 8u; q = (q << 8u) | (rest / n); rest = rest % n; }
  let up = (q & 1u) == 1u && (rest != 0u || (q & 2u) == 2u);
  q = (q >> 1u) + select(0u, 1u, up);
  if (q == 0x1000000u) { q = 0x800000u; e++; }
  if (e <= 0) { return 0f; }
  return bitcast<f32>((u32(min(e, 254)) << 23u) | (q & 0x7fffffu));
}
`;
  const body = `let lane = at / im.V;
    let id = at % im.V;
    var x = b0[at];
    if (b1[at] > 0u) {
      let penalty = b3[lane * 5u + 4u];
      if (x > 0f) { x = quotient(x, penalty); } else { x = x * penalty; }
    }
    let word = bitcast<u32>(x);
    let positive = select(word, 0u, (word << 1u) == 0u);
    let key = select(positive | 0x80000000u, ~positive, (positive >> 31u) == 1u);
    b4[at] = select(0u, max(key, 1u), ((b2[id >> 5u] >> (id & 31u)) & 1u) == 1u);`;
  const items = {
    kernel: "sample_keys",
    types: ["f32", "u32", "u32", "f32", "u32"],
    immediates: [["V", "u32", V]],
    functions,
    body,
    count: B * V,
    bindings: [input3(0), input3(1), input3(2), input3(3), keysBuffer2]
  };
  return perItem2(items, target);
}
var hex2 = (n) => `0x${(n >>> 0).toString(16)}u`;
var arithmetic2 = `fn plus(a: vec2u, b: vec2u) -> vec2u { let low = a.x + b.x; return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x)); }
fn minus(a: vec2u, b: vec2u) -> vec2u { return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x)); }
fn below(a: vec2u, b: vec2u) -> bool { return a.y < b.y || (a.y == b.y && a.x < b.x); }
fn share(mass: vec2u, part: u32) -> vec2u {
  let low = mass.x * part;
  let mid = mul_hi(mass.x, part);
  let sum = mid + mass.y * part;
  let high = mul_hi(mass.y, part) + select(0u, 1u, sum < mid);
  return vec2u((low >> 24u) | (sum << 8u), (sum >> 24u) | (high << 8u));
}
const powers = array<u32, 32>(${powers2.map(hex2).join(", ")});
fn slope(temperature: f32) -> vec2u {
  let word = bitcast<u32>(temperature);
  let m = (word & 0x7fffffu) | 0x800000u;
  var quotient = 0u; var rest = 0u; var digits = ${hex2(LOG2E2)};
  for (var i = 0u; i < 7u; i++) {
    rest = (rest << 8u) | (digits >> 24u);
    digits = digits << 8u;
    quotient = (quotient << 8u) | (rest / m);
    rest = rest % m;
  }
  return vec2u(quotient, word >> 23u);
}
fn logit(key: u32) -> f32 { return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u)); }
fn weight(key: u32, largest: f32, s: vec2u) -> u32 {
  if (key == 0u) { return 0u; }
  let word = bitcast<u32>(largest - logit(key));
  let exponent = (word >> 23u) & 0xffu;
  if (exponent == 0u) { return ${hex2(ONE2)}; }
  let high = mul_hi(((word & 0x7fffffu) | 0x800000u) << 8u, s.x);
  let shift = i32(exponent) - i32(s.y) - 4;
  if (shift < -31) { return ${hex2(ONE2)}; }
  if (shift > 2 || (shift >= 0 && high >= (${hex2(31 * 2 ** 26)} >> u32(shift)))) { return 0u; }
  let x = select(high >> u32(max(-shift, 0)), high << u32(max(shift, 0)), shift >= 0);
  if (x >= ${hex2(31 * 2 ** 26)}) { return 0u; }
  let y = mul_hi((x & 0x1fffffu) << 6u, ${hex2(LN22)});
  let y2 = mul_hi(y, y);
  let loss = y - (y2 >> 1u) + mul_hi(mul_hi(y2, y), 0x2aaaaaabu);
  let power = powers[(x >> 21u) & 31u];
  let whole = x >> 26u;
  return (power - mul_hi(power, loss) + (1u << whole)) >> (whole + 1u);
}
`;
function draw2(B, V, target) {
  const W = lanesOf2(target);
  const wgsl = `${header2(
    ["u32", "f32", "u32", "u32", "u32", "u32", "u32"],
    [
      ["lanes", "u32"],
      ["V", "u32"]
    ],
    { ...target, subgroup: 0 }
  )}${philoxText2}${arithmetic2}
struct Search { prefix: u32, mask: u32, need: vec2u }
var<workgroup> low: array<atomic<u32>, 256>;
var<workgroup> high: array<atomic<u32>, 256>;
var<workgroup> sums: array<vec2u, ${W}>;
var<workgroup> best: array<vec2u, ${W}>;
var<workgroup> setting: array<f32, 5>;
var<workgroup> search: Search;
var<workgroup> cut: vec2u;
var<workgroup> chosen: u32;
var<workgroup> winner: vec3u;

fn survives(key: u32, id: u32, c: vec2u) -> bool { return key > c.x || (key == c.x && id <= c.y); }

@compute @workgroup_size(${W})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = group.x + group.y * groups.x;
  if (lane >= im.lanes) { return; }
  let base = lane * im.V;
  if (local < 5u) { setting[local] = b1[lane * 5u + local]; }
  // The largest key and its lowest id.
  var top = vec2u(0u, 0u);
  for (var id = local; id < im.V; id += ${W}u) { let key = b0[base + id]; if (key > top.x) { top = vec2u(key, id); } }
  best[local] = top;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < ${W}u; i++) { let other = best[i]; if (other.x > top.x || (other.x == top.x && other.y < top.y)) { top = other; } }
    best[0] = top;
    cut = vec2u(1u, 0xffffffffu);
  }
  let first = workgroupUniformLoad(&best[0]);
  let temperature = workgroupUniformLoad(&setting[0]);
  if (temperature == 0f || first.x == 0u) {
    if (local == 0u) { b5[lane] = first.y; }
    return;
  }
  let s = slope(temperature);
  let largest = logit(first.x);
  for (var id = local; id < im.V; id += ${W}u) { b6[base + id] = weight(b0[base + id], largest, s); }
  storageBarrier();
  let settingK = workgroupUniformLoad(&setting[1]);
  let settingP = workgroupUniformLoad(&setting[2]);
  // Ids of a lane in order of id, for what goes by id.
  let run = (im.V + ${W - 1}u) / ${W}u;
  let begin = min(local * run, im.V);
  let end = min(begin + run, im.V);
  for (var filter_ = 0u; filter_ < 2u; filter_++) {
    if (filter_ == 0u && (settingK < 1f || settingK >= f32(im.V))) { continue; }
    if (filter_ == 1u && settingP >= 1f) { continue; }
    let previous = workgroupUniformLoad(&cut);
    if (local == 0u) { search = Search(0u, 0u, vec2u()); }
    for (var shift = 24i; shift >= 0i; shift -= 8i) {
      for (var i = local; i < 256u; i += ${W}u) { atomicStore(&low[i], 0u); atomicStore(&high[i], 0u); }
      workgroupBarrier();
      let prefix = search.prefix; let mask = search.mask;
      for (var id = local; id < im.V; id += ${W}u) {
        let key = b0[base + id];
        if (survives(key, id, previous) && (key & mask) == prefix) {
          var w = 1u;
          if (filter_ == 1u) { w = b6[base + id]; }
          let bin = (key >> u32(shift)) & 255u;
          let before = atomicAdd(&low[bin], w);
          if (before + w < before) { atomicAdd(&high[bin], 1u); }
        }
      }
      workgroupBarrier();
      if (local == 0u) {
        var need = search.need;
        if (shift == 24i) {
          var mass = vec2u();
          for (var i = 0u; i < 256u; i++) { mass = plus(mass, vec2u(atomicLoad(&low[i]), atomicLoad(&high[i]))); }
          if (filter_ == 0u) { need = vec2u(min(u32(settingK), mass.x), 0u); }
          else { need = share(mass, u32(max(settingP, 0f) * 16777216f)); if (need.x == 0u && need.y == 0u) { need.x = 1u; } }
        }
        var bin = 255u;
        loop {
          let here = vec2u(atomicLoad(&low[bin]), atomicLoad(&high[bin]));
          if (!below(here, need) || bin == 0u) { break; }
          need = minus(need, here);
          bin--;
        }
        search = Search(prefix | (bin << u32(shift)), mask | (255u << u32(shift)), need);
      }
      workgroupBarrier();
    }
    // The last key that is kept, and how many of its ids, lowest first.
    let key = search.prefix;
    var each = 1u;
    var equal = 0u;
    for (var id = begin; id < end; id++) {
      if (b0[base + id] == key && survives(key, id, previous)) { equal++; if (filter_ == 1u) { each = b6[base + id]; } }
    }
    sums[local] = vec2u(equal, each);
    workgroupBarrier();
    if (local == 0u) {
      // Equal keys weigh the same: as many of them, ids rising, as the rest of the target needs.
      var rest = search.need;
      cut = vec2u(key, 0xffffffffu);
      var found = false;
      for (var i = 0u; i < ${W}u && !found; i++) {
        let same = sums[i].y;
        let here = vec2u(sums[i].x * same, mul_hi(sums[i].x, same));
        if (!below(here, rest) && sums[i].x > 0u) {
          found = true;
          for (var id = i * run; id < min(i * run + run, im.V); id++) {
            if (b0[base + id] == key && survives(key, id, previous)) {
              if (!below(vec2u(same, 0u), rest)) { cut.y = id; break; }
              rest = minus(rest, vec2u(same, 0u));
            }
          }
        } else { rest = minus(rest, here); }
      }
    }
    workgroupBarrier();
  }
  let last = workgroupUniformLoad(&cut);
  let least = u32(setting[3] * ${ONE2}f);
  var mass = vec2u();
  for (var id = begin; id < end; id++) {
    let key = b0[base + id];
    if (survives(key, id, last)) { let w = b6[base + id]; if (w >= least) { mass = plus(mass, vec2u(w, 0u)); } }
  }
  sums[local] = mass;
  workgroupBarrier();
  if (local == 0u) {
    var total = vec2u();
    for (var i = 0u; i < ${W}u; i++) { total = plus(total, sums[i]); }
    let number = philox(vec4u(b3[lane], b2[lane], 0u, 1u), vec2u(b4[0], ${hex2(sampleKey2)})).x;
    var passed = share(total, number >> 8u);
    var i = 0u;
    while (i < ${W - 1}u && !below(passed, sums[i])) { passed = minus(passed, sums[i]); i++; }
    winner = vec3u(i, passed);
    chosen = first.y;
  }
  workgroupBarrier();
  if (local == winner.x) {
    var passed = winner.yz;
    for (var id = begin; id < end; id++) {
      let key = b0[base + id];
      if (survives(key, id, last)) {
        let w = b6[base + id];
        if (w >= least) {
          if (below(passed, vec2u(w, 0u))) { chosen = id; break; }
          passed = minus(passed, vec2u(w, 0u));
        }
      }
    }
    b5[lane] = chosen;
  }
}
`;
  return {
    kernel: "sample",
    wgsl,
    immediates: [B, V],
    grid: fold2(B, target),
    bindings: [keysBuffer2, input3(3), input3(4), input3(5), input3(6), { kind: "output", index: 0 }, weightsBuffer2]
  };
}

// compiler/kernels/table.ts
var input4 = (index) => ({ kind: "input", index });
var output04 = { kind: "output", index: 0 };
function typeOf2(types, index) {
  const type = types[index];
  if (type === void 0) throw new RangeError(`no operand ${index}`);
  return type;
}
function words3(values) {
  return Object.entries(values).map(([name, value]) => [name, "u32", value]);
}
var gather2 = {
  doc: "One lane an element of the result.",
  implement(attrs, inputs, outputs, target) {
    const table2 = typeOf2(inputs, 0);
    const rows3 = table2.shape[0] ?? 1;
    const width = elements(table2.shape.slice(1));
    const body = `let d = at % im.width;
  let row = b1[at / im.width] - im.first;
  if (row < im.rows) { b2[at] = b0[row * im.width + d]; } else { b2[at] = 0f; }`;
    const items = {
      kernel: "gather",
      types: ["f32", "u32", "f32"],
      immediates: words3({ width, rows: rows3, first: attrs.first }),
      body,
      count: elements(typeOf2(outputs, 0).shape),
      bindings: [input4(0), input4(1), output04]
    };
    return { dispatches: [perItem2(items, target)], scratch: [] };
  }
};
var scatterAdd2 = {
  doc: "Positions of one id are linked in order while the result is zeroed; then the first position of each id sums its list.",
  implement(attrs, inputs, outputs, target) {
    const ids = typeOf2(inputs, 0);
    const positions = elements(ids.shape);
    const total = elements(typeOf2(outputs, 0).shape);
    const width = total / Math.max(1, attrs.rows);
    const scratch = { kind: "scratch", index: 0 };
    const link = `if (at < im.total) { b2[at] = 0f; }
  if (at >= im.positions) { continue; }
  let id = b0[at];
  var first = id - im.first < im.rows;
  for (var j = at; first && j > 0u; j--) { if (b0[j - 1u] == id) { first = false; } }
  var next = at + 1u;
  while (next < im.positions && b0[next] != id) { next++; }
  b1[at] = next;
  b1[im.positions + at] = select(0u, 1u, first);`;
    const sum = `let d = at % im.width;
  let position = at / im.width;
  if (b1[im.positions + position] == 0u) { continue; }
  var sum = 0f;
  for (var j = position; j < im.positions; j = b1[j]) { sum += b2[j * im.width + d]; }
  b3[(b0[position] - im.first) * im.width + d] = sum;`;
    const linked = {
      kernel: "scatter_link",
      types: ["u32", "u32", "f32"],
      immediates: words3({ total, positions, rows: attrs.rows, first: attrs.first }),
      body: link,
      count: Math.max(total, positions),
      bindings: [input4(0), scratch, output04]
    };
    const summed = {
      kernel: "scatter_add",
      types: ["u32", "u32", "f32", "f32"],
      immediates: words3({ width, positions, first: attrs.first }),
      body: sum,
      count: positions * width,
      bindings: [input4(0), scratch, input4(1), output04]
    };
    return { dispatches: [perItem2(linked, target), perItem2(summed, target)], scratch: [8 * positions] };
  }
};
var rotate2 = {
  doc: "One lane a pair of channels.",
  implement(attrs, inputs, outputs, target) {
    const [batch = 1, rows3 = 1, heads = 1, channels = 2] = typeOf2(outputs, 0).shape;
    const half = channels / 2;
    const angles = typeOf2(inputs, 1).shape[0] === 1 ? rows3 : batch * rows3;
    const sign = attrs.inverse ? "-" : "";
    const halves = attrs.pairs === "halves";
    const body = `let p = at % im.half;
  let head = at / im.half;
  let angle = ((head / im.heads) % im.angles) * im.half + p;
  let x = head * 2u * im.half + ${halves ? "p" : "2u * p"};
  let y = x + ${halves ? "im.half" : "1u"};
  let c = b1[angle]; let s = ${sign}b2[angle];
  let u = b0[x]; let v = b0[y];
  b3[x] = u * c - v * s;
  b3[y] = u * s + v * c;`;
    const items = {
      kernel: "rotate",
      types: ["f32", "f32", "f32", "f32"],
      immediates: words3({ half, heads, angles }),
      body,
      count: batch * rows3 * heads * half,
      bindings: [input4(0), input4(1), input4(2), output04]
    };
    return { dispatches: [perItem2(items, target)], scratch: [] };
  }
};
var cacheWrite2 = {
  doc: "In place: one lane an element of the new rows; rows at positions outside the cache are dropped.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, capacity = 1, ...rest] = typeOf2(inputs, 0).shape;
    const rows3 = typeOf2(inputs, 1).shape[1] ?? 1;
    const width = elements(rest);
    const body = `let d = at % im.width;
  let row = at / im.width;
  let position = b2[row];
  if (position < im.capacity) { b0[((row / im.rows) * im.capacity + position) * im.width + d] = b1[at]; }`;
    const items = {
      kernel: "cache_write",
      types: ["f32", "f32", "u32"],
      immediates: words3({ width, rows: rows3, capacity }),
      body,
      count: batch * rows3 * width,
      bindings: [input4(0), input4(1), input4(2)]
    };
    return { dispatches: [perItem2(items, target)], scratch: [], inPlace: [0, 0] };
  }
};
var tally2 = {
  doc: "In place: one lane a row of counts.",
  implement(_attrs, inputs, _outputs, target) {
    const [batch = 1, vocabulary = 1] = typeOf2(inputs, 0).shape;
    const body = "let id = b1[at];\n  if (id < im.vocabulary) { b0[at * im.vocabulary + id] += 1u; }";
    const items = {
      kernel: "tally",
      types: ["u32", "u32"],
      immediates: words3({ vocabulary }),
      body,
      count: batch,
      bindings: [input4(0), input4(1)]
    };
    return { dispatches: [perItem2(items, target)], scratch: [], inPlace: [0, 0] };
  }
};

// compiler/kernels/index.ts
var matmulKernel2 = {
  doc: "Tiles, or lanes along K for a few rows; see `matmul` for one with an epilogue.",
  implement: (attrs, inputs, outputs, target) => matmul2(attrs, inputs, outputs, target)
};
var kernels2 = {
  matmul: matmulKernel2,
  attention: attention2,
  attention_gradient: attentionGradient2,
  gather: gather2,
  scatter_add: scatterAdd2,
  rotate: rotate2,
  transpose: transpose2,
  broadcast: broadcast2,
  slice: slice2,
  pad: pad2,
  concat: concat2,
  cast: cast2,
  cache_write: cacheWrite2,
  tally: tally2,
  sample: sample2
};

// ../../tmp/ab2.mts
var d = await openDevice();
var only = process.argv[2];
async function ab(name, impls, inputs, outs, flops) {
  if (only && !name.startsWith(only)) return;
  const data = inputs.map((t) => Float32Array.from({ length: t.shape.reduce((a, b) => a * b, 1) }, (_, i) => i * 7919 % 17 / 17 - 0.5));
  const ls = [];
  for (const m of impls) ls.push(await load(d, m, data, inputs, outs));
  const best = impls.map(() => 1e9), wall = impls.map(() => 1e9);
  for (let i = 0; i < 30; i++) for (const [j, l] of ls.entries()) {
    const c = process.cpuUsage();
    const w = await l.run(2) / 2;
    const u2 = process.cpuUsage(c);
    best[j] = Math.min(best[j], (u2.user + u2.system) / 2e3);
    wall[j] = Math.min(wall[j], w);
  }
  console.log(name, "cpu ms", best.map((b) => b.toFixed(3)).join(" "), "wall ms", wall.map((b) => b.toFixed(3)).join(" "), "GF/core", best.map((b) => (1e-6 * flops / b).toFixed(1)).join(" "), "wall GF", wall.map((b) => (1e-6 * flops / b).toFixed(1)).join(" "));
  ls.forEach((l) => l.destroy());
}
for (const [M, N, K] of [[1, 512, 128], [4, 512, 128], [16, 512, 128], [1, 65, 128], [8, 65, 128]]) {
  const i = [f(M, K), f(N, K)];
  await ab(`gemv ${M} ${N} ${K}`, [kernels, kernels2].map((k) => k.matmul.implement({ transposeA: false, transposeB: true }, i, [f(M, N)], d.target)), i, [f(M, N)], 2 * M * N * K);
}
var att = { bound: "causal", window: 0, segmented: false, scale: 0.2 };
for (const [B, T, S] of [[1, 1, 64], [8, 1, 64], [1, 1, 1024], [16, 1, 1024], [12, 64, 64], [4, 256, 256]]) {
  const H = 4, D = 32;
  const i = [f(B, T, H, D), f(B, S, H, D), f(B, S, H, D)];
  const o = [f(B, T, H, D), f(B, T, H)];
  const pairs = B * H * (T === 1 ? S : T * S / 2);
  await ab(`att ${B} ${T} ${S}`, [kernels, kernels2].map((k) => k.attention.implement(att, i, o, d.target)), i, o, pairs * 4 * D);
  if (T > 1) {
    const g = [...i, ...o, o[0]];
    const go = i;
    await ab(`agrad ${B} ${T} ${S}`, [kernels, kernels2].map((k) => k.attention_gradient.implement(att, g, go, d.target)), g, go, pairs * 14 * D);
  }
}
