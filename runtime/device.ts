// In: a `GPU` (the browser's `navigator.gpu`, or Dawn's, see node.ts). Out: an open device with everything the adapter can give, and a record of
// what it can do, which the compiler takes as its target. Probed once; nothing later assumes more than the record says.

/** What a device can do. Structurally the `Target` that kernels are written for. */
export interface Capability {
  /** Subgroup width when it is one fixed number and the `subgroups` feature is there, else 0. */
  readonly subgroup: number;
  readonly f16: boolean;
  /** Largest storage binding, bytes. */
  readonly maxBinding: number;
  readonly maxStorageBuffers: number;
  /** Largest number of workgroups along one dimension of a grid. */
  readonly maxGroups: number;
  /** Workgroup memory, bytes. */
  readonly maxWorkgroupMemory: number;
  /** Runs on the CPU (lavapipe, SwiftShader). */
  readonly software: boolean;
}

/** Who the adapter says it is. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}

/** Which adapter is opened. */
export interface DeviceOptions {
  /** Part of the wanted adapter's name (vendor, architecture, device or description), in any case. */
  readonly adapter?: string;
}

/** No adapter, or none that can run the programs; the message says what to do. */
export class NoAdapterError extends Error {
  override readonly name = "NoAdapterError";
}

/** The device went away (driver reset, watchdog, out of memory in the driver). Nothing on it can be read any more. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

const remedy = "Run `npm run setup` to fetch a software Vulkan driver, and `ulmus doctor` to see what was looked for.";

/** Bytes of immediates that every dispatch may use. */
export const IMMEDIATE_BYTES = 64;

const wantedLimits = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
  "maxImmediateSize",
] as const satisfies readonly (keyof GPUSupportedLimits)[];

const wantedFeatures: readonly GPUFeatureName[] = ["subgroups", "shader-f16", "timestamp-query"];

/** An open device. Keeps the adapter and the `GPU` alive: Dawn crashes when one of them is collected while work runs. */
export class Device {
  readonly gpu: GPUDevice;
  readonly capability: Capability;
  readonly description: AdapterDescription;
  readonly features: ReadonlySet<string>;
  /** Largest buffer, bytes. */
  readonly maxBuffer: number;
  readonly #keep: readonly object[];
  #lost: DeviceLostError | undefined;
  #destroyed = false;

  constructor(root: GPU, adapter: GPUAdapter, gpu: GPUDevice) {
    this.#keep = [root, adapter];
    this.gpu = gpu;
    this.description = describe(adapter);
    this.capability = probe(adapter, gpu);
    this.features = new Set(gpu.features);
    this.maxBuffer = gpu.limits.maxBufferSize;
    gpu.lost.then((info) => {
      const why = info.message === "" ? info.reason : info.message;
      this.#lost = new DeviceLostError(
        this.#destroyed
          ? "The device was closed."
          : `The device "${this.description.description}" was lost: ${why}. Start again from the last checkpoint.`,
      );
    });
  }

  /** The reason when the device is gone. */
  get lost(): DeviceLostError | undefined {
    return this.#lost ?? (this.#destroyed ? new DeviceLostError("The device was closed.") : undefined);
  }

  /** Throws `DeviceLostError` when the device is gone. */
  check(): void {
    const lost = this.lost;
    if (lost !== undefined) throw lost;
  }

  /** Frees all that lives on the device. */
  destroy(): void {
    if (this.#destroyed || this.#keep.length === 0) return;
    this.#destroyed = true;
    this.gpu.destroy();
  }
}

/**
 * Opens the best adapter of `root`: hardware before software, `options.adapter` before either.
 * Throws `NoAdapterError` when there is none, or none with immediates (the 16 words that shapes travel in).
 */
export async function openDevice(root: GPU, options: DeviceOptions = {}): Promise<Device> {
  const adapter = await chooseAdapter(root, options.adapter);
  const requiredLimits: Record<string, number> = {};
  for (const limit of wantedLimits) {
    const value = adapter.limits[limit];
    if (value !== undefined) requiredLimits[limit] = value;
  }
  if ((requiredLimits.maxImmediateSize ?? 0) < IMMEDIATE_BYTES) {
    throw new NoAdapterError(
      `The adapter "${describe(adapter).description}" has no immediates (maxImmediateSize of ${IMMEDIATE_BYTES} bytes). Use a newer browser or npm \`webgpu\` 0.6.2.`,
    );
  }
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature));
  const gpu = await adapter.requestDevice({ requiredLimits, requiredFeatures });
  return new Device(root, adapter, gpu);
}

const requests: readonly GPURequestAdapterOptions[] = [
  { powerPreference: "high-performance" },
  { powerPreference: "low-power" },
  { forceFallbackAdapter: true },
];

/** Every adapter that the usual requests give, each once. */
export async function listAdapters(root: GPU): Promise<readonly AdapterDescription[]> {
  const found = new Map<string, AdapterDescription>();
  for (const request of requests) {
    const adapter = await root.requestAdapter(request);
    if (adapter === null) continue;
    const description = describe(adapter);
    found.set(Object.values(description).join(" "), description);
  }
  return [...found.values()];
}

async function chooseAdapter(root: GPU, wanted: string | undefined): Promise<GPUAdapter> {
  const candidates: GPUAdapter[] = [];
  for (const request of requests) {
    const adapter = await root.requestAdapter(request);
    if (adapter === null) continue;
    if (wanted === undefined && !isSoftware(adapter)) return adapter;
    candidates.push(adapter);
  }
  if (wanted !== undefined) {
    const text = (adapter: GPUAdapter) => Object.values(describe(adapter)).join(" ").toLowerCase();
    const found = candidates.find((adapter) => text(adapter).includes(wanted.toLowerCase()));
    if (found !== undefined) return found;
    const names = candidates.map((adapter) => `"${describe(adapter).description}"`).join(", ");
    throw new NoAdapterError(
      `No adapter is named "${wanted}". ${names === "" ? `There is none at all. ${remedy}` : `There is: ${names}.`}`,
    );
  }
  const first = candidates[0];
  if (first === undefined) throw new NoAdapterError(`WebGPU found no adapter on this machine. ${remedy}`);
  return first;
}

function describe(adapter: GPUAdapter): AdapterDescription {
  const { vendor, architecture, device, description } = adapter.info;
  return { vendor, architecture, device, description: description === "" ? `${vendor} ${architecture} ${device}`.trim() : description };
}

function isSoftware(adapter: GPUAdapter): boolean {
  const text = Object.values(describe(adapter)).join(" ").toLowerCase();
  return /llvmpipe|lavapipe|swiftshader|software|warp\b|basic render/.test(text);
}

function probe(adapter: GPUAdapter, gpu: GPUDevice): Capability {
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const fixed = gpu.features.has("subgroups") && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : undefined;
  return {
    subgroup: fixed ?? 0,
    f16: gpu.features.has("shader-f16"),
    maxBinding: gpu.limits.maxStorageBufferBindingSize,
    maxStorageBuffers: gpu.limits.maxStorageBuffersPerShaderStage,
    maxGroups: gpu.limits.maxComputeWorkgroupsPerDimension,
    maxWorkgroupMemory: gpu.limits.maxComputeWorkgroupStorageSize,
    software: isSoftware(adapter),
  };
}
